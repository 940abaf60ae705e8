# SPDX-License-Identifier: Apache-2.0
"""Changes of clauses over time as a picture: SVG, and a page that stands alone around it.

Every cell says its number, so nothing rests on colour; a line marks the time in which a clause stood.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from markupsafe import Markup

from policyctl.core.diff.clause_history import Lineage
from policyctl.reports.comparing.html import render
from policyctl.reports.lineage.chart import Chart, ChartRow, chart_of
from policyctl.reports.lineage.text import day_of, name_of, told
from policyctl.reports.words import counted, one_line

COLUMNS = 22  # so that the page shows it without scrolling
_NAMES, _CELL, _ROW, _TOP, _EDGE = 280, 20, 22, 34, 8  # pixels
_LONGEST = 40  # characters of a name
# From few changes to many: the ground, and letters on it with a contrast of at least 4.5.
_HEAT = (("#dbe9f6", "#1b1f24"), ("#9ecae1", "#1b1f24"), ("#2171b5", "#ffffff"), ("#08306b", "#ffffff"))


def chart_svg(source: str, lineage: Lineage) -> str:
    """The picture as a file of its own, a newline at its end."""
    chart = chart_of(lineage, columns=COLUMNS)
    width, height = _NAMES + _CELL * chart.columns + _EDGE, _TOP + _ROW * len(chart.rows) + _EDGE
    title = escape(f"Changes of the clauses of {one_line(source)}")
    span = f"{day_of(chart.begins)} to {day_of(chart.ends)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="chart-title chart-about"'
        f' font-family="system-ui, sans-serif" font-size="12">'
        f'<title id="chart-title">{title}</title>'
        f'<desc id="chart-about">A row for each of {counted(len(chart.rows), "clause")}, '
        f"time from left to right, {span}; a number says how often the clause changed.</desc>"
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
        f"{''.join(_axis(chart))}{''.join(_rows(chart))}</svg>\n"
    )


def chart_html(source: str, lineage: Lineage) -> str:
    """The picture and, below it, the same as a table."""
    picture = chart_svg(source, lineage).rstrip("\n")
    rows = [
        {
            "name": name_of(each),
            "since": day_of(lineage.points[each.steps[0].point].at),
            "changes": len(each.changes),
            "last": day_of(lineage.points[each.latest.point].at),
            "how": told(each.latest),
        }
        for each in lineage.clauses
    ]
    chart = Markup(picture)  # noqa: S704 - our own picture, in which every word of the policy is escaped
    return render("lineage.html.j2", title="How the clauses changed", source=source, chart=chart, rows=rows)


def _axis(chart: Chart) -> Iterator[str]:
    right = _NAMES + _CELL * chart.columns
    yield f'<text x="{_NAMES}" y="20" fill="#57606a">{day_of(chart.begins)}</text>'
    if chart.columns * _CELL > 160:  # noqa: PLR2004 - two dates side by side
        yield f'<text x="{right}" y="20" text-anchor="end" fill="#57606a">{day_of(chart.ends)}</text>'


def _rows(chart: Chart) -> Iterator[str]:
    for number, row in enumerate(chart.rows):
        top = _TOP + _ROW * number
        name = name_of(row.history)
        short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        yield f"<g><title>{escape(name)}</title>"
        yield f'<text x="{_EDGE}" y="{top + 15}" fill="#1b1f24">{escape(short)}</text>'
        yield from _cells(row, top)
        yield "</g>"


def _cells(row: ChartRow, top: int) -> Iterator[str]:
    for column, count in enumerate(row.cells):
        left = _NAMES + _CELL * column
        if count is not None:
            yield f'<path d="M{left} {top + 11}h{_CELL}" stroke="#8c959f"/>'
        if count:
            ground, ink = _HEAT[min((count + 1) // 2, len(_HEAT) - 1)]
            yield f'<rect x="{left}" y="{top + 1}" width="{_CELL}" height="{_ROW - 2}" fill="{ground}"/>'
            middle = left + _CELL // 2
            yield f'<text x="{middle}" y="{top + 15}" text-anchor="middle" fill="{ink}">{count}</text>'
