# SPDX-License-Identifier: Apache-2.0
"""What several servers say, as one answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from policyctl.core.records import ChoiceCount, ImportReceipt, LedgerStats, TagCount


def sum_receipts(receipts: Sequence[ImportReceipt]) -> ImportReceipt:
    """Of rows that are each on one server; ``again`` where every server had them before."""
    return ImportReceipt(
        sum(each.added for each in receipts),
        sum(each.repeated for each in receipts),
        again=bool(receipts) and all(each.again for each in receipts),
    )


def copy_receipt(receipts: Sequence[ImportReceipt]) -> ImportReceipt:
    """Of the same rows on every server: what is new on one is new."""
    most = max(receipts, key=lambda each: each.added)
    return replace(most, again=all(each.again for each in receipts))


def sum_stats(found: Sequence[LedgerStats]) -> LedgerStats:
    """Customers counted once, all else added up."""
    tags: Counter[tuple[str, int | None, str]] = Counter()
    choices: Counter[tuple[Any, Any]] = Counter()
    for stats in found:
        tags.update({(each.slug, each.version, each.category): each.count for each in stats.tags})
        choices.update({(each.change, each.answer): each.count for each in stats.choices})
    return LedgerStats(
        tags=tuple(TagCount(*key, count) for key, count in sorted(tags.items(), key=_order)),
        choices=tuple(ChoiceCount(*key, count) for key, count in sorted(choices.items())),
        subjects=sum(each.subjects for each in found),
        customers=max(each.customers for each in found),
        corrections=sum(each.corrections for each in found),
        batches=sum(each.batches for each in found),
        epochs=max(each.epochs for each in found),
        sequence=sum(each.sequence for each in found),
    )


def _order(item: tuple[tuple[str, int | None, str], int]) -> tuple[str, int, str]:
    slug, version, category = item[0]
    return slug, version or 0, category
