# SPDX-License-Identifier: Apache-2.0
"""Two documents (and their practices) -> the revision between them."""

from __future__ import annotations

from collections.abc import Sequence

from policyctl.core.align import Link, Piece, align
from policyctl.core.parse import parse, title_of
from policyctl.core.policy import Clause, Document
from policyctl.core.practice import Practice
from policyctl.core.practice_changes import practice_changes
from policyctl.core.redline import redline
from policyctl.core.revision import BlockChange, ClauseChange, Kind, Revision, Span
from policyctl.core.visible import folded


def compare(
    old: Document,
    new: Document,
    old_practices: Sequence[Practice] = (),
    new_practices: Sequence[Practice] = (),
) -> Revision:
    """Everything that differs between two documents and their declared practices."""
    if old.cut_at != new.cut_at and old.clauses and new.clauses:
        new = parse(new.text, cut_at=old.cut_at)
    links = align([_piece(old, c) for c in old.clauses], [_piece(new, c) for c in new.clauses])
    return Revision(
        old,
        new,
        tuple(_change(old, new, link) for link in links),
        redline(old.text[: old.body], new.text[: new.body]),
        practice_changes(old_practices, new_practices),
    )


def _text(document: Document, clause: Clause) -> str:
    return document.text[clause.start : clause.end]


def _piece(document: Document, clause: Clause) -> Piece:
    words = folded(" ".join(block.visible for block in clause.blocks))
    return Piece(_text(document, clause), words, title_of(clause.heading).casefold(), clause.path[:-1])


def _span(clause: Clause) -> Span:
    return Span(clause.start, clause.end, clause.line, clause.end_line)


def _change(old: Document, new: Document, link: Link) -> ClauseChange:
    before = tuple(old.clauses[o] for o in link.old)
    after = tuple(new.clauses[n] for n in link.new)
    blocks = tuple(BlockChange(_span(c), None, redline(_text(old, c), "")) for c in before if not after)
    blocks += tuple(BlockChange(None, _span(c), redline("", _text(new, c))) for c in after if not before)
    kinds = frozenset({Kind.REMOVED} if before else {Kind.ADDED})
    if before and after:
        kinds = _kinds(_piece(old, before[0]), _piece(new, after[0]))
        runs = redline(_text(old, before[0]), _text(new, after[0]))
        blocks = (BlockChange(_span(before[0]), _span(after[0]), runs, Kind.FORMAT_ONLY in kinds),)
    return ClauseChange(kinds, before, after, link.matched_by, link.margin, blocks)


def _kinds(old: Piece, new: Piece) -> frozenset[Kind]:
    if old.raw == new.raw:
        return frozenset({Kind.UNCHANGED})
    if old.visible == new.visible:
        return frozenset({Kind.FORMAT_ONLY})
    renamed = {Kind.RENAMED} if old.title != new.title else set()
    return frozenset(renamed | {Kind.REWORDED})
