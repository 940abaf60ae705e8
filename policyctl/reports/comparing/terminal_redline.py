# SPDX-License-Identifier: Apache-2.0
"""The redline of one clause on a terminal: inline, or the two texts side by side.

Side by side every block is a row: on the left as it was, on the right as it is, so that what stands
next to each other belongs together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import Box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from policyctl.core.revision import BlockChange, ClauseChange, Op, Revision, Run
from policyctl.reports.comparing.comparison import is_changed, reshaped, visible_runs
from policyctl.reports.words import KIND_WORDS, counted, mark_space, shown

CONTEXT = 160
"""Characters of kept text shown on each side of a change; the middle of a longer stretch is cut."""

_STYLES = {Op.DELETE: "red strike", Op.INSERT: "blue underline", Op.EQUAL: ""}
_SIGNS = {Op.DELETE: ("[-", "-]"), Op.INSERT: ("{+", "+}"), Op.EQUAL: ("", "")}
_MOVED = "green"
_BETWEEN = Box("    \n  │ \n    \n  │ \n    \n    \n  │ \n    \n")


def redline_text(runs: Sequence[Run]) -> Text:
    """Runs as words with signs and colours; empty lines left out."""
    text = Text()
    for number, run in enumerate(runs):
        opened, closed = _SIGNS[run.op]
        words = _shortened(run.text, number == 0, number == len(runs) - 1) if run.op is Op.EQUAL else run.text
        if run.op is not Op.EQUAL:
            words = mark_space(words)
        text.append(f"{opened}{shown(words)}{closed}", _STYLES[run.op])
    return Text("\n").join(line for line in text.split("\n") if line.plain.strip())


def inline(revision: Revision, change: ClauseChange) -> Iterator[RenderableType]:
    """The blocks that changed, each with what was deleted and inserted in it."""
    for found in _blocks(change):
        if isinstance(found, int):
            yield Padding(Text(_kept(found), "dim"), (0, 0, 0, 2))
        else:
            text = redline_text(visible_runs(revision, found))
            yield Padding(Text.assemble(*_lead(change, found), text), (0, 0, 0, 2))


def side_by_side(revision: Revision, change: ClauseChange) -> Table:
    """The blocks that changed, the old text on the left and the new on the right."""
    table = columns()
    for found in _blocks(change):
        if isinstance(found, int):
            table.add_row(*(Text(_kept(found), "dim") if there else "" for there in (change.old, change.new)))
        else:
            table.add_row(*_sides(revision, change, found))
    return table


def front_side_by_side(runs: Sequence[Run]) -> Table:
    """The same for front matter."""
    table = columns()
    table.add_row(*_both(runs))
    return table


def columns() -> Table:
    """Two columns of one width with a line between them."""
    table = Table(box=_BETWEEN, show_header=False, show_edge=False, pad_edge=False, expand=True)
    for _ in range(2):
        table.add_column(overflow="fold", ratio=1)
    return table


def _blocks(change: ClauseChange) -> Iterator[BlockChange | int]:
    """The blocks to show, and between them how many are left out."""
    silent = 0
    for block in change.blocks:
        if not (is_changed(block) or block.moved):
            silent += 1
            continue
        if silent:
            yield silent
        silent = 0
        yield block
    if silent:
        yield silent


def _kept(silent: int) -> str:
    return f"... {counted(silent, 'block')} unchanged"


def _lead(change: ClauseChange, block: BlockChange) -> Iterator[tuple[str, str]]:
    """What is said of a block before its words."""
    if block.moved:
        yield "moved here: ", _MOVED
    if shape := reshaped(change, block):
        yield f"{KIND_WORDS[shape]} here: ", "dim"


def _sides(revision: Revision, change: ClauseChange, block: BlockChange) -> tuple[Text, Text]:
    left, right = _both(visible_runs(revision, block))
    right = Text.assemble(*_lead(change, block), right)
    return (left if block.old else Text()), (right if block.new else Text())


def _both(runs: Sequence[Run]) -> tuple[Text, Text]:
    left = redline_text([run for run in runs if run.op is not Op.INSERT])
    return left, redline_text([run for run in runs if run.op is not Op.DELETE])


def _shortened(words: str, first: bool, last: bool) -> str:  # noqa: FBT001 - two ends of one list
    """Kept text near a change stays, far from it a mark that something is left out."""
    head, tail = ("" if first else words[:CONTEXT]), ("" if last else words[-CONTEXT:])
    if len(words) <= len(head) + len(tail) + 5 or (first and last):
        return words
    opened, closed = head.rsplit(" ", 1)[0], tail.split(" ", 1)[-1]
    return f"... {closed}" if first else f"{opened} ..." if last else f"{opened} ... {closed}"
