# SPDX-License-Identifier: Apache-2.0
"""``policyctl.ledger/1``: how much a ledger holds and how much of it may be used; and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from policyctl.core.use.share import LedgerReport, Share
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import one_line

SCHEMA = "policyctl.ledger/1"
_COLUMNS = (
    "what",
    "policy",
    "version",
    "category",
    "month",
    "change",
    "purpose",
    "answer",
    "reason",
    "count",
)


def ledger_json(report: LedgerReport) -> Json:
    """The counts as plain dicts and lists."""
    stats = report.stats
    return {
        "schema": SCHEMA,
        "at": report.at.isoformat(),
        "customer": report.customer,
        "sequence": stats.sequence,
        "customers": stats.customers,
        "subjects": stats.subjects,
        "tags": [
            {"policy": each.slug, "version": each.version, "category": each.category, "count": each.count}
            for each in stats.tags
        ],
        "months": [
            {
                "month": each.month,
                "policy": each.slug,
                "version": each.version,
                "category": each.category,
                "count": each.count,
            }
            for each in stats.months
        ],
        "corrections": stats.corrections,
        "choices": [
            {"change": each.change, "answer": each.answer.value, "count": each.count}
            for each in stats.choices
        ],
        "uses": [_use(share) for share in report.shares],
        "batches": stats.batches,
        "epochs": stats.epochs,
    }


def _use(share: Share) -> Json:
    counts = [{"answer": each.answer, "reason": each.code, "count": each.records} for each in share.counts]
    return {"purpose": share.purpose, "counts": counts}


def ledger_csv(report: LedgerReport) -> str:
    """The same as one table for a spreadsheet: a row a count, empty where a column does not apply."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_rows(report))
    return out.getvalue()


def _rows(report: LedgerReport) -> Iterator[dict[str, object]]:
    for each in report.stats.months:
        yield {
            "what": "tags",
            "policy": each.slug,
            "version": each.version,
            "category": one_line(each.category),
            "month": each.month,
            "count": each.count,
        }
    for said in report.stats.choices:
        yield {"what": "choices", "change": said.change, "answer": said.answer.value, "count": said.count}
    for share in report.shares:
        for found in share.counts:
            yield {
                "what": "uses",
                "purpose": one_line(share.purpose),
                "answer": found.answer,
                "reason": found.code,
                "count": found.records,
            }
