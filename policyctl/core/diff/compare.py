# SPDX-License-Identifier: Apache-2.0
"""Two documents (and their practices) -> the revision between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from policyctl.core.diff.align import Link, align
from policyctl.core.diff.assign import Pair
from policyctl.core.diff.block_changes import block_changes
from policyctl.core.diff.kinds import cosmetic_as_a_whole, kinds_of
from policyctl.core.diff.lineage import with_carried_ids
from policyctl.core.diff.pieces import Piece
from policyctl.core.diff.practice_changes import practice_changes
from policyctl.core.diff.redline import redline
from policyctl.core.policy import Clause, Document, Late
from policyctl.core.practice import Practice
from policyctl.core.revision import BlockChange, ClauseChange, Kind, Revision, Span
from policyctl.core.text.parse import parse


def compare(
    old: Document,
    new: Document,
    old_practices: Sequence[Practice] = (),
    new_practices: Sequence[Practice] = (),
) -> Revision:
    """Everything that differs between two documents and their declared practices.

    ``revision.new`` is ``new`` with the ids carried over from ``old``, and cut the way ``old`` is
    cut (headings or paragraphs), so that a history can be walked from one revision to the next.
    """
    if old.cut_at != new.cut_at and old.clauses and new.clauses:
        new = parse(new.text, cut_at=old.cut_at)
    changes = tuple(_changes(old, new))
    revision = Revision(
        old,
        new,
        _silent(changes) if _cosmetic(changes) else changes,
        redline(old.text[: old.body], new.text[: new.body]),
        practice_changes(old_practices, new_practices),
    )
    return with_carried_ids(revision)


def _changes(old: Document, new: Document) -> Iterator[ClauseChange]:
    """Equal beginnings and ends of the documents are passed over quickly, the rest is aligned."""
    head, tail = _equal_ends(old, new)
    yield from map(_same, old.clauses[:head], new.clauses[:head])
    olds, news = len(old.clauses) - tail, len(new.clauses) - tail
    left, right = old.clauses[head:olds], new.clauses[head:news]
    pieces = [[Piece(_text(d, c).rstrip(), c) for c in side] for d, side in ((old, left), (new, right))]
    for link in align(pieces[0], pieces[1], {} if head else _titles(old, new)):
        yield _change(old, new, tuple(left[o] for o in link.old), tuple(right[n] for n in link.new), link)
    yield from map(_same, old.clauses[olds:], new.clauses[news:])


def _titles(old: Document, new: Document) -> dict[Pair, tuple[str, float]]:
    """The titles of both documents, when each has one: whatever was rewritten, they go together."""
    one, other = _only_title(old), _only_title(new)
    if one < 0 or other < 0 or old.clauses[one].heading == new.clauses[other].heading:
        return {}
    return {(one, other): ("position", 0.0)}


def _only_title(document: Document) -> int:
    """Index of the first heading when it is the only one of the first level, else -1."""
    titles = [index for index, clause in enumerate(document.clauses) if clause.level == 1]
    headed = next((index for index, clause in enumerate(document.clauses) if clause.level), -1)
    return headed if titles == [headed] else -1


def _equal_ends(old: Document, new: Document) -> tuple[int, int]:
    """How many clauses at the beginning and at the end are the same text."""
    short = min(len(old.clauses), len(new.clauses))
    head = tail = 0
    while head < short and _text(old, old.clauses[head]) == _text(new, new.clauses[head]):
        head += 1
    while tail < short - head and _text(old, old.clauses[-1 - tail]) == _text(new, new.clauses[-1 - tail]):
        tail += 1
    return head, tail


def _same(old: Clause, new: Clause, kinds: frozenset[Kind] = frozenset({Kind.UNCHANGED})) -> ClauseChange:
    return ClauseChange(kinds, (old,), (new,), "raw", 1.0, Late(partial(_whole, old, new)))


def _whole(old: Clause, new: Clause) -> tuple[BlockChange, ...]:
    return (BlockChange(_span(old), _span(new), ()),)


def _text(document: Document, clause: Clause) -> str:
    return document.text[clause.start : clause.end]


def _span(clause: Clause) -> Span:
    return Span(clause.start, clause.end, clause.line, clause.end_line)


def _change(
    old: Document, new: Document, before: tuple[Clause, ...], after: tuple[Clause, ...], link: Link
) -> ClauseChange:
    if link.matched_by == "raw" and _text(old, before[0]) == _text(new, after[0]):
        return _same(before[0], after[0], frozenset({Kind.MOVED if link.moved else Kind.UNCHANGED}))
    kinds, form = kinds_of(old, new, before, after, moved=link.moved)
    blocks = Late(partial(block_changes, old, new, before, after))
    return ClauseChange(kinds, before, after, link.matched_by, link.margin, blocks, form)


_OF_WORDS = frozenset({Kind.REWORDED, Kind.RENAMED, Kind.ADDED, Kind.REMOVED})


def _cosmetic(changes: Sequence[ClauseChange]) -> bool:
    """Clauses seem to differ in words, but all of them together say the same in the same order:
    a line of text has become a heading, or the other way round.
    """
    changed = [change for change in changes if not change.kinds <= {Kind.UNCHANGED, Kind.FORMAT_ONLY}]
    if not any(change.kinds & _OF_WORDS for change in changed):
        return False
    if any(Kind.MOVED in change.kinds for change in changed):
        return False
    before = sorted((clause for change in changed for clause in change.old), key=lambda c: c.start)
    after = sorted((clause for change in changed for clause in change.new), key=lambda c: c.start)
    return cosmetic_as_a_whole(before, after)


def _silent(changes: Sequence[ClauseChange]) -> tuple[ClauseChange, ...]:
    """The same changes, none of them called a change of words."""
    return tuple(
        change
        if not change.kinds & _OF_WORDS
        else replace(
            change,
            kinds=change.kinds - _OF_WORDS | {Kind.FORMAT_ONLY},
            blocks=Late(partial(_cosmetically, change.blocks)),
            format=tuple(dict.fromkeys((*change.format, "markup"))),
        )
        for change in changes
    )


def _cosmetically(blocks: Sequence[BlockChange]) -> tuple[BlockChange, ...]:
    return tuple(replace(block, cosmetic=True) for block in blocks)
