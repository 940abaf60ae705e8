# SPDX-License-Identifier: Apache-2.0
"""What a ledger may hold, as its faces are given it."""

from __future__ import annotations

from datetime import UTC, datetime

from policyctl.core.records import Answer, ChoiceCount, LedgerStats, MonthCount, TagCount
from policyctl.core.use.matrix import BulkCount
from policyctl.core.use.share import LedgerReport, Share

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
EMPTY = LedgerReport(LedgerStats((), (), 0, 0, 0, 0, 1, 0), (), AT)


def report(months: int = 3, customer: str | None = None) -> LedgerReport:
    """So many months of a policy of two versions, and a few tags under none."""
    rows = []
    for place in range(months):
        month = f"{2020 + place // 12}-{place % 12 + 1:02}"
        rows.append(MonthCount(month, "fax", 1, "user.contact.email", 100 + place))
        rows.append(MonthCount(month, "fax", 2, "user.device", 50))
    rows.append(MonthCount("2019-12", "fax", None, "user.name", 1))
    email = sum(each.count for each in rows if each.version == 1)
    device = sum(each.count for each in rows if each.version == 2)
    tags = (
        TagCount("fax", None, "user.name", 1),
        TagCount("fax", 1, "user.contact.email", email),
        TagCount("fax", 2, "user.device", device),
    )
    total = email + device + 1
    shares = (
        Share("essential.service", (BulkCount("permitted", "stated", total),)),
        Share(
            "marketing.advertising",
            (
                BulkCount("refused", "not_stated", total - 3),
                BulkCount("permitted", "consented", 2),
                BulkCount("undecided", "no_version", 1),
            ),
        ),
    )
    choices = (ChoiceCount("fax@v2#ads", Answer.CONSENT, 3), ChoiceCount("fax@v2#ads", Answer.REFUSE, 12))
    whole = customer is None
    stats = LedgerStats(
        tags, choices, 1234, 3 if whole else 1, 5, 9 if whole else None, 1 if whole else None,
        60 if whole else None, tuple(sorted(rows, key=lambda each: each.month)),
    )  # fmt: skip
    return LedgerReport(stats, shares, AT, customer)
