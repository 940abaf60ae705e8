# SPDX-License-Identifier: Apache-2.0
"""A comparison in numbers: for every clause that changed the words deleted and inserted, and the totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from policyctl.core.revision import Op, Revision
from policyctl.reports.comparing.comparison import (
    Comparison,
    Words,
    headline,
    loud_changes,
    shown_only,
    sorted_kinds,
    statistics,
    words_of,
    words_of_clause,
)
from policyctl.reports.comparing.markdown import escaped
from policyctl.reports.comparing.terminal import printed
from policyctl.reports.words import KIND_WORDS, counted, one_line

_BAR = 20  # signs for the clause that changed most
_WITH_BARS = 72  # columns from which there is room for them


@dataclass(frozen=True, slots=True)
class _Row:
    kinds: str
    name: str
    words: Words


def stat_text(comparison: Comparison, *, width: int = 80, colour: bool = False) -> str:
    """A table for a terminal; a minus and a plus stand for the same number of words in every row."""
    rows = list(_rows(comparison.revision))
    parts: list[RenderableType] = [Text(_sides(comparison), "bold")]
    if rows:
        parts.append(_table(rows, bars=width >= _WITH_BARS))
    parts += [Text(line) for line in _totals(comparison)]
    return printed(Group(*parts), width=width, colour=colour)


def stat_markdown(comparison: Comparison) -> str:
    """The same as a Markdown table."""
    lines = [f"**{escaped(_sides(comparison))}**", ""]
    rows = list(_rows(comparison.revision))
    if rows:
        lines += ["| Change | Clause | Words deleted | Words inserted |", "| --- | --- | ---: | ---: |"]
        lines += [
            f"| {row.kinds} | {escaped(row.name)} | {row.words.deleted:,} | {row.words.inserted:,} |"
            for row in rows
        ]
        lines.append("")
    return "\n".join([*lines, "  \n".join(map(escaped, _totals(comparison)))]) + "\n"


def _sides(comparison: Comparison) -> str:
    return f"{one_line(comparison.old.source)} -> {one_line(comparison.new.source)}"


def _rows(revision: Revision) -> Iterator[_Row]:
    if any(run.op is not Op.EQUAL for run in revision.front):
        yield _Row("front matter", "", words_of(revision.front))
    for change in loud_changes(revision):
        kinds = ", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change))
        yield _Row(kinds, one_line(headline(change)), words_of_clause(revision, change))


def _totals(comparison: Comparison) -> Iterator[str]:
    revision = comparison.revision
    counts, changed = statistics(revision), len(loud_changes(revision))
    words = f"{counted(counts.deleted, 'word')} deleted, {counted(counts.inserted, 'word')} inserted"
    moves = f", {counted(counts.moves, 'move')}" if counts.moves else ""
    yield f"{changed:,} of {counted(len(revision.clauses), 'clause')} changed: {words}{moves}"
    yield "clauses: " + ", ".join(f"{number:,} {KIND_WORDS[kind]}" for kind, number in counts.kinds)
    if comparison.only:
        yield shown_only(comparison)


def _table(rows: list[_Row], *, bars: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    table.add_column("change", overflow="fold")
    table.add_column("clause", overflow="fold", ratio=3)
    table.add_column("deleted", justify="right", no_wrap=True)
    table.add_column("inserted", justify="right", no_wrap=True)
    if bars:
        table.add_column("", no_wrap=True)
    most = max(row.words.deleted + row.words.inserted for row in rows)
    for row in rows:
        numbers = f"{row.words.deleted:,}", f"{row.words.inserted:,}"
        table.add_row(row.kinds, Text(row.name), *numbers, *([_bar(row.words, most)] if bars else []))
    return table


def _bar(words: Words, most: int) -> Text:
    """At most ``_BAR`` signs; a single word still shows."""
    scale = max(1.0, most / _BAR)
    minus, plus = (-int(-count // scale) for count in (words.deleted, words.inserted))
    return Text.assemble(("-" * minus, "red"), ("+" * plus, "blue"))
