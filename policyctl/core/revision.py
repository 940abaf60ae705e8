# SPDX-License-Identifier: Apache-2.0
"""A revision: the step between two versions, clause by clause and practice by practice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from policyctl.core.policy import Clause, Document
from policyctl.core.practice import Practice


class Kind(StrEnum):
    """How a clause changed. Kinds are a set: a clause can be moved and reworded."""

    UNCHANGED = "unchanged"
    REWORDED = "reworded"
    MOVED = "moved"
    RENAMED = "renamed"
    RENUMBERED = "renumbered"
    RELEVELLED = "relevelled"
    SPLIT = "split"
    MERGED = "merged"
    RESTRUCTURED = "restructured"
    ADDED = "added"
    REMOVED = "removed"
    FORMAT_ONLY = "format-only"


class Op(StrEnum):
    """What a run of a redline does with its text."""

    EQUAL = "="
    DELETE = "-"
    INSERT = "+"


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of source text that is kept, deleted or inserted."""

    op: Op
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """Character offsets into a document's text, end exclusive, with 1-based inclusive lines."""

    start: int
    end: int
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class BlockChange:
    """One aligned block pair (or a block of one side) and its word-level runs.

    ``old`` and ``new`` are spans of the two documents. The equal and deleted runs joined are the
    old span's text, the equal and inserted runs joined the new span's, character for character;
    no runs means the two spans hold the same text. ``cosmetic``: the visible words are the same.
    ``moved``: the block stands elsewhere in the order than on the other side.
    ``kinds``: what else happened to blocks that are on both sides: split, merged or restructured
    (a paragraph became two, or the other way round), renamed or renumbered (the title that opens it).
    """

    old: Span | None
    new: Span | None
    runs: tuple[Run, ...]
    cosmetic: bool = False
    moved: bool = False
    kinds: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class ClauseChange:
    """A link between clauses of the old and of the new document.

    ``matched_by``: raw, visible, title, similarity, position, coverage, or none (added, removed).
    ``margin``: score of this link minus that of the next best candidate, 0 to 1.
    ``kinds``: never empty. A section number alone is form (one inserted section renumbers all that
    follow): such a clause is format-only with ``number`` in ``format``, and its heading's block is
    renumbered. A clause without a visible
    word that comes or goes is added or removed and format-only.
    ``format``: in what form changed, beside or instead of words: ``link-domain`` (a link leads to
    another host), ``link-target``, ``number``, ``white-space``, ``typography``, ``markup``.
    The blocks cover the clauses of both sides completely, in order of the new side, blocks that
    exist only on the old side standing where they stood. They are worked out when first asked for.
    """

    kinds: frozenset[Kind]
    old: tuple[Clause, ...]
    new: tuple[Clause, ...]
    matched_by: str
    margin: float
    blocks: Sequence[BlockChange]
    format: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PracticeChange:
    """A practice added (no old), removed (no new) or changed; ``fields`` names what differs."""

    id: str
    old: Practice | None
    new: Practice | None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """Everything that differs between two documents and their declared practices.

    ``clauses`` stand in the order of the new document; removed ones after the clause they followed.
    ``front`` is the redline of the front matter, lossless like the blocks.
    """

    old: Document
    new: Document
    clauses: tuple[ClauseChange, ...]
    front: tuple[Run, ...] = ()
    practices: tuple[PracticeChange, ...] = ()
