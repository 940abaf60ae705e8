# SPDX-License-Identifier: Apache-2.0
"""The blocks of linked clauses -> aligned block pairs with their word-level runs."""

from __future__ import annotations

from collections.abc import Sequence

from policyctl.core.diff.align import Link, align
from policyctl.core.diff.joins import rejoined
from policyctl.core.diff.pieces import Piece
from policyctl.core.diff.redline import redline
from policyctl.core.policy import Block, Clause, Document
from policyctl.core.revision import BlockChange, Kind, Span
from policyctl.core.text.parse import title_of
from policyctl.core.text.run_in import run_in_title
from policyctl.core.text.visible import folded

_DOUBT = 0.1  # margin below which a reader would not see a move


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
    return rejoined(left, right, [each for link in links for each in _certain(link)])


def _certain(link: Link) -> tuple[Link, ...]:
    """A block that moved is the same, or clearly more like it than any other; else each is alone."""
    if not link.moved or link.matched_by != "similarity" or link.margin >= _DOUBT:
        return (link,)
    return (
        *(Link((o,), (), "none") for o in link.old),
        *(Link((), (n,), "none") for n in link.new),
    )


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
    kinds = _shape(before, after) | _naming(old, new, before, after) if before and after else set()
    return BlockChange(
        _span(before) if before else None,
        _span(after) if after else None,
        redline(_text(old, before), _text(new, after)),
        cosmetic=seen[0] == seen[1],
        moved=link.moved,
        kinds=frozenset(kinds),
    )


def _shape(before: Sequence[Block], after: Sequence[Block]) -> set[Kind]:
    one, other = (sum(1 for block in side if block.visible) for side in (before, after))
    if one > 1 and other > 1:
        return {Kind.RESTRUCTURED} if one != other else set()
    if one > 1:
        return {Kind.MERGED}
    return {Kind.SPLIT} if other > 1 else set()


def _naming(old: Document, new: Document, before: Sequence[Block], after: Sequence[Block]) -> set[Kind]:
    """Whether the titles that open the blocks have other words, or only other numbers."""
    first, second = _opened(old, before), _opened(new, after)
    if len(first) != len(second):
        return set()
    pairs = [(one, other) for one, other in zip(first, second, strict=True) if one and other and one != other]
    renamed = {title_of(one) != title_of(other) for one, other in pairs}
    return {Kind.RENAMED if other else Kind.RENUMBERED for other in renamed}


def _opened(document: Document, blocks: Sequence[Block]) -> list[str]:
    return [folded(run_in_title(b.kind, document.text[b.start : b.end])) for b in blocks if b.visible]
