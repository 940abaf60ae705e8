# SPDX-License-Identifier: Apache-2.0
"""Changes of clauses over time, counted into columns of equal time: what every chart shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from policyctl.core.diff.clause_history import ClauseHistory, Lineage


@dataclass(frozen=True, slots=True)
class ChartRow:
    """A clause and, a column each, its number of changes then; None where it was not there."""

    history: ClauseHistory
    cells: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """``columns`` stretches of equal time between two moments."""

    begins: datetime
    ends: datetime
    columns: int
    rows: tuple[ChartRow, ...]


def chart_of(lineage: Lineage, *, columns: int) -> Chart:
    """The chart with at most that many columns, and no more than there are states."""
    columns = max(1, min(columns, len(lineage.points)))
    begins, ends = lineage.points[0].at, lineage.points[-1].at
    places = [_column(point.at, begins, ends, columns) for point in lineage.points]
    rows = tuple(ChartRow(each, _cells(each, places, columns)) for each in lineage.clauses)
    return Chart(begins, ends, columns, rows)


def _column(at: datetime, begins: datetime, ends: datetime, columns: int) -> int:
    whole = (ends - begins).total_seconds()
    if whole <= 0:
        return columns - 1
    return max(0, min(columns - 1, int((at - begins).total_seconds() / whole * columns)))


def _cells(history: ClauseHistory, places: list[int], columns: int) -> tuple[int | None, ...]:
    cells: list[int | None] = [None] * columns
    for first, last in _spans(history, len(places)):
        for column in range(places[first], places[last] + 1):
            cells[column] = cells[column] or 0
    for step in history.changes:
        cells[places[step.point]] = (cells[places[step.point]] or 0) + 1
    return tuple(cells)


def _spans(history: ClauseHistory, points: int) -> list[tuple[int, int]]:
    """The points between which the clause was there: it came at one and went at the other."""
    spans: list[tuple[int, int]] = []
    begun: int | None = None
    for step in history.steps:
        if step.ends and begun is not None:
            spans.append((begun, step.point))
            begun = None
        elif begun is None:
            begun = step.point
    return [*spans, (begun, points - 1)] if begun is not None else spans
