# SPDX-License-Identifier: Apache-2.0
"""The history of clauses on a terminal: ``log`` (all of them, one of them, or as a chart) and ``blame``.

In the chart a digit is the number of changes of a clause in a stretch of time (``+`` for more than
nine), a dot is time in which it stood unchanged, and a blank is time in which there was no such clause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from textwrap import wrap

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from policyctl.core.diff.clause_history import ClauseHistory, Lineage, Step
from policyctl.core.revision import Kind
from policyctl.reports.comparing import comparison
from policyctl.reports.comparing.comparison import KIND_ORDER
from policyctl.reports.comparing.terminal import NARROWEST, WIDEST, printed
from policyctl.reports.lineage.chart import Chart, ChartRow, chart_of
from policyctl.reports.words import KIND_WORDS, counted, one_line

_CHART_NAMES = 34
_HEAT = ("dim", "yellow", "yellow", "bold yellow", "bold red")


def log_text(source: str, lineage: Lineage, *, width: int = 80, colour: bool = False) -> str:
    """Every clause: since when, how often it changed, and when last. Those that are gone come last."""
    parts: list[RenderableType] = [_head(source, lineage), _table(lineage, lineage.clauses)]
    return printed(Group(*parts), width=width, colour=colour)


def clause_text(lineage: Lineage, history: ClauseHistory, *, width: int = 80, colour: bool = False) -> str:
    """One clause: every step of its history, oldest first."""
    head = Text.assemble((name_of(history), "bold"), f" #{one_line(history.id)}")
    former = ", ".join(one_line(name) for name in history.names[:-1])
    parts: list[RenderableType] = [head, *([Text(f"known before as {former}")] if former else [])]
    parts += [Padding(line, (0, 0, 0, 2)) for line in _steps(lineage, history)]
    return printed(Group(*parts), width=width, colour=colour)


def chart_text(source: str, lineage: Lineage, *, width: int = 80, colour: bool = False) -> str:
    """Changes of clauses over time."""
    width = max(NARROWEST, min(WIDEST, width))
    names = min(_CHART_NAMES, width // 3)
    chart = chart_of(lineage, columns=width - names - 2)
    rows = [_row(row, names) for row in chart.rows]
    lines = [_head(source, lineage), _axis(chart, names), *rows]
    lines.append(Text("digit: changes in that time, + more than nine; . unchanged; blank: not there"))
    return printed(Group(*lines), width=width, colour=colour)


def blame_text(
    source: str, lineage: Lineage, *, words: bool = False, width: int = 80, colour: bool = False
) -> str:
    """The clauses that stand, each with the version that last changed it; with ``words`` every
    sentence with the version it is from.
    """
    there = [each for each in lineage.clauses if lineage.is_there(each)]
    if not words:
        return printed(
            Group(_head(source, lineage), _blame_table(lineage, there)), width=width, colour=colour
        )
    lines = [one_line(source)]
    labels = max(len(point.label) for point in lineage.points)
    for each in there:
        lines += ["", f"{name_of(each)} #{one_line(each.id)}", *_aged(lineage, each, labels, width)]
    return "\n".join(lines) + "\n"


def name_of(history: ClauseHistory) -> str:
    """What a reader knows the clause by: its heading, else its first words."""
    return one_line(comparison.name_of(history.clause))


def day_of(at: datetime) -> str:
    """``2027-01-15``."""
    return at.date().isoformat()


def kinds_of(step: Step) -> str:
    """The kinds of a step in words, in the order a person reads them."""
    return ", ".join(KIND_WORDS[kind] for kind in KIND_ORDER if kind in step.kinds)


def told(step: Step) -> str:
    """What happened at a step, with the other clauses it has to do with."""
    others = ", ".join(f"#{one_line(each)}" for each in step.others)
    if not others:
        return kinds_of(step)
    if step.ends:
        return f"{kinds_of(step)} into {others}"
    return f"{kinds_of(step)} ({'with' if Kind.MERGED in step.kinds else 'see'} {others})"


def _head(source: str, lineage: Lineage) -> Text:
    first, last = lineage.points[0], lineage.points[-1]
    revisions = counted(len(lineage.points) - 1, "revision")
    return Text.assemble(
        (one_line(source), "bold"), f": {revisions}, {day_of(first.at)} to {day_of(last.at)}"
    )


def _table(lineage: Lineage, clauses: Sequence[ClauseHistory]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    table.add_column("clause", overflow="fold", ratio=3)
    for name in ("since", "changes", "last changed", "how"):
        table.add_column(name, overflow="fold", justify="right" if name == "changes" else "left")
    for each in clauses:
        since, last = _when(lineage, each.steps[0]), _when(lineage, each.latest)
        table.add_row(Text(name_of(each)), since, str(len(each.changes)), last, kinds_of(each.latest))
    return table


def _blame_table(lineage: Lineage, clauses: Sequence[ClauseHistory]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for name in ("version", "day", "how", "lines", "clause"):
        table.add_column(name, overflow="fold", ratio=3 if name == "clause" else None)
    for each in clauses:
        point = lineage.points[each.changed.point]
        lines = f"{each.clause.line}-{each.clause.end_line}"
        table.add_row(
            one_line(point.label), day_of(point.at), kinds_of(each.changed), lines, Text(name_of(each))
        )
    return table


def _when(lineage: Lineage, step: Step) -> str:
    return day_of(lineage.points[step.point].at)


def _steps(lineage: Lineage, history: ClauseHistory) -> Iterator[Text]:
    heading = history.steps[0].heading
    for step in history.steps:
        point = lineage.points[step.point]
        line = Text(
            f"{day_of(point.at)}  {one_line(point.label)}  {told(step)}", "" if step.is_loud else "dim"
        )
        if step.format:
            line.append(f" [{', '.join(map(one_line, step.format))}]")
        if step.heading != heading:
            line.append(f": {one_line(heading)} -> {one_line(step.heading)}")
            heading = step.heading
        yield line


def _axis(chart: Chart, names: int) -> Text:
    first, last = day_of(chart.begins), day_of(chart.ends)
    gap = chart.columns - len(first) - len(last)
    return Text(f"{'':{names}}  {first}{' ' * max(1, gap)}{last if gap > 0 else ''}", "dim")


def _row(row: ChartRow, names: int) -> Text:
    name = name_of(row.history)
    label = name if len(name) <= names else name[: names - 1] + "…"
    line = Text(f"{label:{names}}  ")
    for count in row.cells:
        line.append(_cell(count), "" if count is None else _HEAT[min(count, len(_HEAT) - 1)])
    return line


def _cell(count: int | None) -> str:
    if count is None:
        return " "
    return "." if count == 0 else str(count) if count < 10 else "+"  # noqa: PLR2004 - one digit a cell


def _aged(lineage: Lineage, history: ClauseHistory, labels: int, width: int) -> Iterator[str]:
    for each in history.sentences:
        point = lineage.points[each.point]
        lead = f"{one_line(point.label):{labels}} {day_of(point.at)} {each.line:>4}  "
        lines = wrap(one_line(each.text), max(20, width - len(lead))) or [""]
        yield lead + lines[0]
        yield from (" " * len(lead) + line for line in lines[1:])
