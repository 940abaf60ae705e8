# SPDX-License-Identifier: Apache-2.0
"""``policyctl.ledger/1``: how much a ledger holds."""

from __future__ import annotations

from policyctl.core.records import LedgerStats, TagCount
from policyctl.reports.json_v1 import Json

SCHEMA = "policyctl.ledger/1"
_BAR = 24


def stats_json(stats: LedgerStats) -> Json:
    """The counts as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "sequence": stats.sequence,
        "customers": stats.customers,
        "subjects": stats.subjects,
        "tags": [
            {"policy": each.slug, "version": each.version, "category": each.category, "count": each.count}
            for each in stats.tags
        ],
        "corrections": stats.corrections,
        "choices": [
            {"change": each.change, "answer": each.answer.value, "count": each.count}
            for each in stats.choices
        ],
        "batches": stats.batches,
        "epochs": stats.epochs,
    }


def stats_text(stats: LedgerStats) -> str:
    """The counts for a person, the tags with bars."""
    total = sum(each.count for each in stats.tags)
    people = f"{stats.customers:,} customers, {stats.subjects:,} subjects"
    tags = f"{total:,} tags ({stats.corrections:,} corrections)"
    lines = [f"{people}, {tags}, {stats.sequence:,} entries"]
    lines += _table([(_name(each), f"{each.count:,}", _bar(each.count, stats.tags)) for each in stats.tags])
    lines += _table([(each.change, each.answer.value, f"{each.count:,}") for each in stats.choices])
    return "\n".join(lines) + "\n"


def _name(each: TagCount) -> str:
    version = "no version" if each.version is None else f"v{each.version}"
    return f"{each.slug} {version} {each.category}"


def _bar(count: int, tags: tuple[TagCount, ...]) -> str:
    largest = max(each.count for each in tags)
    return "#" * max(1, round(_BAR * count / largest))


def _table(rows: list[tuple[str, str, str]]) -> list[str]:
    if not rows:
        return []
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return ["", *(f"  {name:<{first}}  {middle:>{second}}  {last}".rstrip() for name, middle, last in rows)]
