# SPDX-License-Identifier: Apache-2.0
"""Two documents (and their practices) -> the revision between them."""

from __future__ import annotations

from collections.abc import Sequence

from policyctl.core.align import Link, align
from policyctl.core.block_changes import block_changes
from policyctl.core.kinds import body_of, kinds_of
from policyctl.core.parse import parse, title_of
from policyctl.core.policy import Clause, Document
from policyctl.core.practice import Practice
from policyctl.core.practice_changes import practice_changes
from policyctl.core.pieces import Piece
from policyctl.core.redline import redline
from policyctl.core.revision import ClauseChange, Revision
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


def _piece(document: Document, clause: Clause) -> Piece:
    return Piece(
        document.text[clause.start : clause.end].rstrip(),
        lambda: body_of(clause),
        title=folded(title_of(clause.heading)) if clause.level else "",
        parent=clause.path[:-1],
        level=clause.level,
    )


def _change(old: Document, new: Document, link: Link) -> ClauseChange:
    before = tuple(old.clauses[o] for o in link.old)
    after = tuple(new.clauses[n] for n in link.new)
    kinds, form = kinds_of(old, new, before, after, moved=link.moved)
    blocks = block_changes(old, new, before, after)
    return ClauseChange(kinds, before, after, link.matched_by, link.margin, blocks, form)
