# SPDX-License-Identifier: Apache-2.0
"""A comparison as CriticMarkup: the text itself, with ``{--deleted--}``, ``{++inserted++}`` and comments.

1. Nothing is left out: with every change accepted it is the new text, with every change rejected the
   old one, character for character, front matter included. (A comparison of some clauses only: theirs.)
2. A passage that moved is deleted where it was and inserted where it is; a comment at both ends carries
   the same id: ``{>>move-1: to line 12<<}``.
3. It is read once, from left to right, a mark ending at the first sign that can end it. So that a text
   which holds such signs itself reads as it did, a sign inside a change is cut in two by ending the
   change and opening another; in kept text the comment ``{>>literal<<}`` stands inside it.
4. A break between paragraphs is a change of its own, for readers that take a paragraph at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from policyctl.core.revision import BlockChange, Kind, Op, Revision, Run, Span
from policyctl.reports.comparing.comparison import Comparison, full_runs, slice_of
from policyctl.reports.comparing.writing_order import Link, Placed, in_writing_order

_SIGNS = {Op.DELETE: ("{--", "--}"), Op.INSERT: ("{++", "++}")}
_INSIDE_A_SIGN = re.compile(r"(?<=\{)(?=\+\+|--|~~|==|>>)|(?<=\+\+|--|~~|==|<<)(?=\})")
_INSIDE_AN_OPENER = re.compile(r"(?<=\{)(?=\+\+|--|~~|==|>>)")
_BREAK = re.compile(r"((?:\r?\n){2,}|(?:\r?\n)+\Z)")
_LITERAL = "{>>literal<<}"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run, and the comment that stands behind it."""

    run: Run
    comment: str = ""


def render_criticmarkup(comparison: Comparison) -> str:
    """The two texts in one. It holds their characters as they are: mind where it is printed."""
    revision = comparison.revision
    front = () if comparison.only else _front(revision)
    pieces = (*map(_Piece, front), *_body(revision))
    written: list[str] = []
    for kept, group in groupby(pieces, key=lambda piece: piece.run.op is Op.EQUAL):
        if kept:  # as one, or a sign that two of them make together would not be seen
            written.append(_kept("".join(piece.run.text for piece in group)))
        else:
            written += (_changed(piece) for piece in group)
    return "".join(written)


def _front(revision: Revision) -> tuple[Run, ...]:
    old, new = revision.old, revision.new
    if revision.front:
        return revision.front
    before, after = old.text[: old.body], new.text[: new.body]
    if before == after:
        return (Run(Op.EQUAL, after),)
    return Run(Op.DELETE, before), Run(Op.INSERT, after)


def _body(revision: Revision) -> Iterator[_Piece]:
    found = [
        (block, block.moved or Kind.MOVED in change.kinds)
        for change in revision.clauses
        for block in change.blocks
    ]
    placed = in_writing_order([_link(block, moved=moved) for block, moved in found])
    for (move, side), group in groupby(placed, key=lambda each: (each.move, each.side)):
        blocks = [found[each.link][0] for each in group]
        yield from _passage(revision, blocks, Placed(0, side, move))


def _link(block: BlockChange, *, moved: bool) -> Link:
    old, new = block.old, block.new
    size = new.end - new.start if new else 0
    return Link(old.start if old else None, new.start if new else None, size, moved)


def _passage(revision: Revision, blocks: Sequence[BlockChange], placed: Placed) -> Iterator[_Piece]:
    """Blocks that stand together and share a fate."""
    if placed.side is Op.EQUAL:
        yield from (_Piece(run) for block in blocks for run in full_runs(revision, block))
        return
    document = revision.old if placed.side is Op.DELETE else revision.new
    spans = [block.old if placed.side is Op.DELETE else block.new for block in blocks]
    text = "".join(slice_of(document.text, span) for span in spans)
    yield _Piece(Run(placed.side, text), "" if placed.move is None else _comment(placed, blocks))


def _comment(placed: Placed, blocks: Sequence[BlockChange]) -> str:
    """Where the other end is."""
    here_is_old = placed.side is Op.DELETE
    there: list[Span] = [span for block in blocks if (span := block.new if here_is_old else block.old)]
    words = "to line {} of the new text" if here_is_old else "from line {} of the old text"
    return f"{{>>move-{(placed.move or 0) + 1}: {words.format(min(span.line for span in there))}<<}}"


def _kept(text: str) -> str:
    return _LITERAL.join(_INSIDE_AN_OPENER.split(text))


def _changed(piece: _Piece) -> str:
    opened, closed = _SIGNS[piece.run.op]
    parts = [part for part in _BREAK.split(piece.run.text) if part]
    marks = ["".join(f"{opened}{cut}{closed}" for cut in _INSIDE_A_SIGN.split(part)) for part in parts]
    # The comment belongs to the words, not to the empty lines behind them.
    behind = 1 if len(parts) > 1 and not parts[-1].strip() else 0
    marks.insert(len(marks) - behind, piece.comment)
    return "".join(marks)
