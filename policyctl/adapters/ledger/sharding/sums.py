# SPDX-License-Identifier: Apache-2.0
"""What several servers say, as one answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, replace
from typing import Any, TypeVar

from policyctl.core.notices.outbox import OutboxCount
from policyctl.core.records import ChoiceCount, ImportReceipt, LedgerStats, MonthCount, TagCount
from policyctl.core.use.share import LedgerCounts

_Count = TypeVar("_Count", TagCount, ChoiceCount, MonthCount)


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


def sum_outboxes(found: Iterable[OutboxCount]) -> tuple[OutboxCount, ...]:
    """Those of one notice and state added up, in the order in which they first come."""
    totals: Counter[OutboxCount] = Counter()
    for each in found:
        totals[replace(each, count=0)] += each.count
    return tuple(replace(each, count=count) for each, count in totals.items())


def sum_counts(found: Sequence[LedgerCounts]) -> LedgerCounts:
    """Customers counted once, all else added up."""
    kinds: Counter[Any] = Counter()
    for each in (kind for counts in found for kind in counts.kinds):
        kinds[replace(each, count=0)] += each.count
    return replace(
        found[0],
        stats=_sum_stats([counts.stats for counts in found]),
        kinds=tuple(replace(kind, count=count) for kind, count in kinds.items()),
    )


def _sum_stats(found: Sequence[LedgerStats]) -> LedgerStats:
    """``epochs``: of the server that has most."""
    return LedgerStats(
        tags=_added(each.tags for each in found),
        choices=_added(each.choices for each in found),
        subjects=sum(each.subjects for each in found),
        customers=max(each.customers for each in found),
        corrections=sum(each.corrections for each in found),
        batches=_all([each.batches for each in found], sum),
        epochs=_all([each.epochs for each in found], max),
        sequence=_all([each.sequence for each in found], sum),
        months=_added(each.months for each in found),
    )


def _added(rows: Iterable[tuple[_Count, ...]]) -> tuple[_Count, ...]:
    """Counts of the same thing added up, in the order of the things."""
    totals: Counter[Any] = Counter()
    for each in (count for row in rows for count in row):
        totals[replace(each, count=0)] += each.count
    return tuple(replace(each, count=totals[each]) for each in sorted(totals, key=_order))


def _order(row: TagCount | ChoiceCount | MonthCount) -> tuple[tuple[bool, Any], ...]:
    """By the columns, what has none first."""
    return tuple((value is not None, value or 0) for value in astuple(row))


def _all(values: Sequence[int | None], join: Callable[[list[int]], int]) -> int | None:
    """None where a server does not say."""
    said = [value for value in values if value is not None]
    return join(said) if len(said) == len(values) else None
