# SPDX-License-Identifier: Apache-2.0
"""The counts of a ledger on a terminal, with bars. Nothing rests on colour: ``#`` is permitted or counted,
``-`` refused, ``?`` undecided, and every bar has its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from policyctl.core.use.share import LedgerReport
from policyctl.reports.comparing.terminal import NARROWEST, WIDEST, printed
from policyctl.reports.ledger.view import Bar, Use, by_version, choice_bars, summary, tag_bars, uses
from policyctl.reports.words import one_line

_SIGNS = (("#", "green"), ("-", "red"), ("?", "yellow"))
_LONGEST = 48  # signs for the largest
_BESIDE = 72  # columns from which a bar stands beside its name


def ledger_text(report: LedgerReport, *, width: int = 80, colour: bool = False) -> str:
    """All of it, in lines of at most ``width`` columns (held between 40 and 200)."""
    width = max(NARROWEST, min(WIDEST, width))
    return printed(Group(*_parts(report, width)), width=width, colour=colour)


def _parts(report: LedgerReport, width: int) -> Iterator[RenderableType]:
    yield Text(summary(report), "bold")
    yield Text(f"at {report.at:%Y-%m-%d %H:%M} UTC" + (f", {report.customer}" if report.customer else ""))
    stats = report.stats
    yield from _section("Tags by version and category", tag_bars(stats.tags), width)
    yield from _section(
        "Tags by month of collection", [_whole(bar) for bar in by_version(stats.months).bars], width
    )
    yield from _section("Choices, all answers ever given", choice_bars(report), width)
    if any(share.total for share in report.shares):
        yield from _head("Data that may be used  (# permitted, - refused, ? undecided)")
        for use in uses(report):
            yield from _use(use, width)


def _head(title: str) -> Iterator[RenderableType]:
    yield Text("")
    yield Text(title, "bold")


def _whole(bar: Bar) -> Bar:
    return Bar(bar.name, bar.count, (bar.count,), bar.whole)


def _section(title: str, bars: Sequence[Bar], width: int) -> Iterator[RenderableType]:
    if not bars:
        return
    yield from _head(title)
    numbers = max(len(f"{bar.count:,}") for bar in bars)
    names = max(len(one_line(bar.name)) for bar in bars)
    if width < _BESIDE or names + numbers + 16 > width:
        for bar in bars:
            yield Padding(Text(f"{one_line(bar.name)}  {bar.count:,}"), (0, 0, 0, 2))
            yield Padding(drawn(bar, min(_LONGEST, width - 4)), (0, 0, 0, 4))
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    room = min(_LONGEST, width - names - numbers - 8)
    for bar in bars:
        table.add_row(Text(one_line(bar.name)), f"{bar.count:,}", drawn(bar, room))
    yield Padding(table, (0, 0, 0, 2))


def _use(use: Use, width: int) -> Iterator[RenderableType]:
    head = f"{one_line(use.purpose)}  {use.permitted} of {use.bar.whole:,} permitted"
    yield Padding(Text(head), (0, 0, 0, 2))
    yield Padding(drawn(use.bar, min(_LONGEST, width - 4)), (0, 0, 0, 4))
    for answer, code, words, count in use.reasons:
        yield Padding(Text(f"{count:,} {answer}: {words} ({code})"), (0, 0, 0, 4))


def drawn(bar: Bar, room: int) -> Text:
    """A bar of at most ``room`` signs. What is not nothing has at least one."""
    lengths = lengths_of(bar, room)
    return Text.assemble(
        *((sign * length, style) for (sign, style), length in zip(_SIGNS, lengths, strict=False))
    )


def lengths_of(bar: Bar, room: int) -> list[int]:
    """How many signs each part has; together never more than ``room``, which is not under their number."""
    if not bar.whole:
        return [0 for _ in bar.parts]
    lengths = [max(1, round(room * part / bar.whole)) if part else 0 for part in bar.parts]
    while sum(lengths) > room:
        lengths[lengths.index(max(lengths))] -= 1
    return lengths
