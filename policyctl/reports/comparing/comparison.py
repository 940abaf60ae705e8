# SPDX-License-Identifier: Apache-2.0
"""What every face of a revision shows: the two sides by name, the revision, the judgement.

Terminal, JSON, Markdown, HTML, site and mail all render the same ``Comparison``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from policyctl.core.judge.findings import Judgement
from policyctl.core.policy import Clause
from policyctl.core.revision import BlockChange, ClauseChange, Kind, Op, Revision, Run, Span
from policyctl.core.text.late_pattern import late_pattern
from policyctl.core.text.words import SINGLE
from policyctl.reports.words import one_line

QUIET = frozenset({Kind.UNCHANGED, Kind.FORMAT_ONLY})
"""Kinds that change no words."""

KIND_ORDER = (
    Kind.ADDED,
    Kind.REMOVED,
    Kind.SPLIT,
    Kind.MERGED,
    Kind.RESTRUCTURED,
    Kind.MOVED,
    Kind.RENAMED,
    Kind.RENUMBERED,
    Kind.RELEVELLED,
    Kind.REWORDED,
    Kind.FORMAT_ONLY,
    Kind.UNCHANGED,
)
"""The order in which the kinds of one link are named to a person."""


_FIRST_WORDS = 6
_WORD = late_pattern(rf"[{SINGLE}]|(?:(?![{SINGLE}])\w)+")
_ASCII_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: the source as the user named it (a file, ``REV:path``,
    ``SLUG@v3``), the version where it is one, the SHA-256 (hex) of the bytes compared.
    """

    source: str
    version: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides, what differs, and what follows from it. ``only``: the ids of the clauses that are
    shown where it was narrowed to some; the verdict is that of the whole revision all the same.
    """

    old: Side
    new: Side
    revision: Revision
    judgement: Judgement
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts a reader can check: words inserted and deleted (of clauses and front matter, moved
    text not counted), blocks changed in form only, clauses by kind (a link counts once for each kind),
    and passages moved.
    """

    inserted: int
    deleted: int
    cosmetic: int
    kinds: tuple[tuple[Kind, int], ...]
    moves: int


@dataclass(frozen=True, slots=True)
class Words:
    """Words deleted and inserted."""

    deleted: int
    inserted: int


def side_of(source: str, version: str | None, data: bytes) -> Side:
    """Name a side after the bytes that were compared."""
    return Side(source, version, hashlib.sha256(data).hexdigest())


def shown_only(comparison: Comparison) -> str:
    """What a reader of a narrowed comparison must know; nothing where it is whole."""
    if not comparison.only:
        return ""
    names = ", ".join(one_line(name) for name in comparison.only)
    return f"Only these clauses are shown: {names}. The verdict is that of the whole revision."


def sorted_kinds(change: ClauseChange) -> tuple[Kind, ...]:
    """The kinds of a link in the order a person reads them."""
    return tuple(kind for kind in KIND_ORDER if kind in change.kinds)


def says_something(change: ClauseChange) -> bool:
    """True when words, place, heading or level changed: not just markup, and not nothing."""
    return bool(change.kinds - QUIET)


def loud_changes(revision: Revision) -> tuple[ClauseChange, ...]:
    """The links a reader must see, in order."""
    return tuple(change for change in revision.clauses if says_something(change))


def slice_of(text: str, span: Span | None) -> str:
    """The text of a span; nothing where there is none."""
    return "" if span is None else text[span.start : span.end]


def full_runs(revision: Revision, block: BlockChange) -> tuple[Run, ...]:
    """The runs of a block with its text always there: a block of one side is one deletion or one
    insertion, a block that is the same on both sides one equal run.
    """
    if block.runs:
        return block.runs
    if block.old is not None and block.new is not None:
        return (Run(Op.EQUAL, slice_of(revision.new.text, block.new)),)
    if block.new is not None:
        return (Run(Op.INSERT, slice_of(revision.new.text, block.new)),)
    return (Run(Op.DELETE, slice_of(revision.old.text, block.old)),)


def visible_runs(revision: Revision, block: BlockChange) -> tuple[Run, ...]:
    """``full_runs`` for a reader: a line break that comes or goes beside changed words says nothing."""
    runs = full_runs(revision, block)
    kept = (Run(Op.EQUAL, run.text) if _is_break(run) and run.op is Op.INSERT else run for run in runs)
    return tuple(run for run in kept if not (_is_break(run) and run.op is Op.DELETE)) or runs


def _is_break(run: Run) -> bool:
    return run.text.isspace() and "\n" in run.text


def is_changed(block: BlockChange) -> bool:
    """True when the block's words differ, or it stands on one side only."""
    if block.old is None or block.new is None:
        return True
    return not block.cosmetic and any(run.op is not Op.EQUAL for run in block.runs)


_SHAPES = (Kind.SPLIT, Kind.MERGED, Kind.RESTRUCTURED)


def reshaped(change: ClauseChange, block: BlockChange) -> Kind | None:
    """How the paragraphs of a changed block were divided or joined, where the link does not say so of its
    clauses already; a new title is in the redline itself.
    """
    shapes = block.kinds - change.kinds if is_changed(block) else frozenset()
    return next((kind for kind in _SHAPES if kind in shapes), None)


def headline(change: ClauseChange) -> str:
    """The heading a reader knows the link by: the new one, the old one where the clause is gone."""
    return " + ".join(name_of(clause) for clause in change.new or change.old)


def name_of(clause: Clause) -> str:
    """The heading; where there is none, the first words."""
    if clause.heading:
        return clause.heading
    words = (clause.blocks[0].visible if clause.blocks else "").split()
    more = " ..." if len(words) > _FIRST_WORDS else ""
    return f"“{' '.join(words[:_FIRST_WORDS])}{more}”" if words else "(no words)"


def words_of(runs: Iterable[Run]) -> Words:
    """Count the words of runs; ideographs and kana are words one by one."""
    counts = {Op.INSERT: 0, Op.DELETE: 0, Op.EQUAL: 0}
    for run in runs:
        counts[run.op] += len((_ASCII_WORD if run.text.isascii() else _WORD).findall(run.text))
    return Words(counts[Op.DELETE], counts[Op.INSERT])


def words_of_clause(revision: Revision, change: ClauseChange) -> Words:
    """Count what the redline of one link shows; moved text that kept its words counts nothing."""
    return words_of(run for block in change.blocks if is_changed(block) for run in full_runs(revision, block))


def moves_of(change: ClauseChange) -> int:
    """How many passages moved: the clause itself counts once, else each run of blocks moved inside it."""
    if Kind.MOVED in change.kinds:
        return 1
    return sum(moved for moved, _ in groupby(block.moved for block in change.blocks))


def statistics(revision: Revision) -> Statistics:
    """Count what the redline shows."""
    words = [words_of_clause(revision, change) for change in revision.clauses]
    words.append(words_of(revision.front))
    kinds = [kind for change in revision.clauses for kind in change.kinds]
    return Statistics(
        sum(each.inserted for each in words),
        sum(each.deleted for each in words),
        sum(block.cosmetic for change in revision.clauses for block in change.blocks),
        tuple((kind, kinds.count(kind)) for kind in KIND_ORDER if kind in kinds),
        sum(map(moves_of, revision.clauses)),
    )
