# SPDX-License-Identifier: Apache-2.0
"""``policyctl.bulk/1``: how many records may be used, and why the others may not."""

from __future__ import annotations

from collections.abc import Sequence

from policyctl.core.use.matrix import BulkCount, BulkDecision, BulkQuestion
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import one_line

SCHEMA = "policyctl.bulk/1"


def bulk_json(question: BulkQuestion, decision: BulkDecision, written: Sequence[str]) -> Json:
    """The counts as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "request": {
            "category": question.category,
            "purpose": question.purpose,
            "recipient": question.recipient,
            "policy": question.slug,
            "at": question.at.isoformat(),
        },
        "records": decision.asked,
        "permitted": sum(each.records for each in decision.counts if each.answer == "permitted"),
        "counts": [
            {"answer": each.answer, "code": each.code or None, "records": each.records}
            for each in _ordered(decision)
        ],
        "written": list(written),
        "sequence": decision.sequence,
        "plan": decision.plan or None,
    }


def bulk_text(decision: BulkDecision, written: Sequence[str]) -> str:
    """The counts for a person, each with its share."""
    if decision.plan:
        return f"{decision.plan.rstrip()}\n"
    lines = [f"{decision.asked:,} records"]
    cells = [(f"{each.records:,}", _share(each, decision.asked), _words(each)) for each in _ordered(decision)]
    widths = [max((len(row[place]) for row in cells), default=0) for place in (0, 1)]
    lines += [f"  {row[0]:>{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]}" for row in cells]
    lines += [f"written: {one_line(path)}" for path in written]
    return "\n".join(lines) + "\n"


def _ordered(decision: BulkDecision) -> list[BulkCount]:
    return sorted(decision.counts, key=lambda each: (each.answer != "permitted", -each.records, each.code))


def _share(each: BulkCount, of: int) -> str:
    return f"{100 * each.records / of:.1f} %" if of else "-"


def _words(each: BulkCount) -> str:
    return f"{each.answer}: {each.code}" if each.code else each.answer
