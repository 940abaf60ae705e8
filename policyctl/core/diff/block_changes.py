# SPDX-License-Identifier: Apache-2.0
"""The blocks of linked clauses -> aligned block pairs with their word-level runs."""

from __future__ import annotations

from collections.abc import Sequence

from policyctl.core.diff.align import Link, align
from policyctl.core.diff.joins import rejoined
from policyctl.core.diff.pieces import Piece
from policyctl.core.diff.redline import redline
from policyctl.core.policy import Block, Clause, Document
from policyctl.core.revision import BlockChange, Span
from policyctl.core.text.visible import folded


def block_changes(
    old: Document, new: Document, before: Sequence[Clause], after: Sequence[Clause]
) -> tuple[BlockChange, ...]:
    """The blocks of a link; they cover its clauses completely.

    Blocks that were joined or divided stand in one change where they stand together.
    """
    if not before or not after:
        return tuple(_alone(old, clause, is_old=True) for clause in before) + tuple(
            _alone(new, clause, is_old=False) for clause in after
        )
    if len(before) == len(after) == 1 and _text(old, before) == _text(new, after):
        return (BlockChange(_span(before), _span(after), ()),)
    left = [block for clause in before for block in clause.blocks]
    right = [block for clause in after for block in clause.blocks]
    head, tail = _equal_ends(old, new, left, right)
    middle = left[head : len(left) - tail], right[head : len(right) - tail]
    return (
        *map(_same, left[:head], right[:head]),
        *(_change(old, new, *middle, link) for link in _links(old, new, *middle)),
        *map(_same, left[len(left) - tail :], right[len(right) - tail :]),
    )


def _links(old: Document, new: Document, left: Sequence[Block], right: Sequence[Block]) -> Sequence[Link]:
    """Which blocks go together. One alone on each side needs no search: the clauses are linked."""
    if len(left) == len(right) == 1:
        return [Link((0,), (0,), "position")]
    links = align([_piece(old, b) for b in left], [_piece(new, b) for b in right])
    return rejoined(left, right, links)


def _equal_ends(
    old: Document, new: Document, left: Sequence[Block], right: Sequence[Block]
) -> tuple[int, int]:
    """How many blocks at the beginning and at the end are the same text."""
    short = min(len(left), len(right))
    head = tail = 0
    while head < short and _text(old, [left[head]]) == _text(new, [right[head]]):
        head += 1
    while tail < short - head and _text(old, [left[-1 - tail]]) == _text(new, [right[-1 - tail]]):
        tail += 1
    return head, tail


def _same(old: Block, new: Block) -> BlockChange:
    return BlockChange(_span([old]), _span([new]), ())


def _text(document: Document, parts: Sequence[Clause | Block]) -> str:
    return document.text[parts[0].start : parts[-1].end] if parts else ""


def _span(parts: Sequence[Clause | Block]) -> Span:
    return Span(parts[0].start, parts[-1].end, parts[0].line, parts[-1].end_line)


def _alone(document: Document, clause: Clause, *, is_old: bool) -> BlockChange:
    text, span = document.text[clause.start : clause.end], _span([clause])
    return (
        BlockChange(span, None, redline(text, "")) if is_old else BlockChange(None, span, redline("", text))
    )


def _piece(document: Document, block: Block) -> Piece:
    return Piece(document.text[block.start : block.end].rstrip(), block)


def _change(
    old: Document, new: Document, left: Sequence[Block], right: Sequence[Block], link: Link
) -> BlockChange:
    before, after = [left[o] for o in link.old], [right[n] for n in link.new]
    if before and after and _text(old, before) == _text(new, after):
        return BlockChange(_span(before), _span(after), (), moved=link.moved)
    seen = [folded(" ".join(filter(None, (block.visible for block in side)))) for side in (before, after)]
    return BlockChange(
        _span(before) if before else None,
        _span(after) if after else None,
        redline(_text(old, before), _text(new, after)),
        cosmetic=seen[0] == seen[1],
        moved=link.moved,
    )
