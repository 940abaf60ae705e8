# SPDX-License-Identifier: Apache-2.0
"""What is published: documents cut into clauses and blocks, and versions of a policy.

Offsets are character offsets into ``Document.text`` (Python ``str``), end exclusive.
Lines are 1-based and inclusive, lines of the file as given, front matter included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar, overload

T = TypeVar("T")


class ChangeClass(StrEnum):
    """Legal's decision on a revision, in rising order of what is owed (product.md, Publishing)."""

    EDITORIAL = "editorial"
    NOTICE = "notice"
    CHOICE = "choice"
    TRANSITION = "transition"

    @property
    def rank(self) -> int:
        """0 for editorial to 3 for transition."""
        return list(ChangeClass).index(self)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, table row, heading, code or quote inside a clause.

    ``visible`` is what a reader sees: links as their text, no emphasis marks, escapes or list
    markers, NFC, exotic spaces folded, white space collapsed.
    """

    kind: str
    start: int
    end: int
    line: int
    end_line: int
    visible: str


class Late(Sequence[T]):
    """A sequence that is made when first asked for: most of a revision stays as it was and nobody asks."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], tuple[T, ...]]) -> None:
        self._make: Callable[[], tuple[T, ...]] | None = make
        self._made: tuple[T, ...] = ()

    def _all(self) -> tuple[T, ...]:
        if self._make is not None:
            self._made, self._make = self._make(), None
        return self._made

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[T]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())


def moved_on(cut: Callable[[], tuple[Block, ...]], characters: int, lines: int) -> tuple[Block, ...]:
    """The blocks of a clause, cut with places counted from its beginning, as they stand in the text."""
    return tuple([shifted(block, characters, lines) for block in cut()])


def shifted(block: Block, characters: int, lines: int) -> Block:
    """The block as it stands that many characters and lines further down."""
    return Block(
        block.kind,
        block.start + characters,
        block.end + characters,
        block.line + lines,
        block.end_line + lines,
        block.visible,
    )


@dataclass(frozen=True, slots=True)
class Clause:
    """The text under one heading; the heading belongs to it, its sub-sections do not.

    ``level`` is 0 for text before the first heading, 1 to 6 for Markdown headings, 7 for a
    paragraph that is nothing but bold text. ``path`` holds the headings above and its own.
    A text without useful headings is cut at its paragraphs: then a clause has level 0, its heading
    is empty or a short line that works as one, and ``path`` ends with the last such line.
    ``blocks`` hold every character of the clause; ``end_line`` is its last line that is not blank.
    """

    id: str
    heading: str
    level: int
    path: tuple[str, ...]
    start: int
    end: int
    line: int
    end_line: int
    blocks: Sequence[Block]
    explicit_id: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its clauses. ``text[:body]`` is the front matter (may be empty); from there on
    every character belongs to exactly one clause. ``cut_at`` says what a clause is here:
    ``headings``, or ``paragraphs`` in a text that has no useful headings.
    """

    text: str
    clauses: tuple[Clause, ...]
    body: int = 0
    cut_at: str = "headings"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Legal's written exception from one rule at one clause (or the whole text), for a time."""

    rule: str
    clause: str | None
    reason: str
    approved_by: str
    expires: date
    line: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """Legal's record that a practice's new purpose is compatible with the one its data was collected
    for: the link between the two, the context, the nature of the data, the consequences for people, the
    safeguards; by whom, on which day (the five questions of GDPR 6(4)).
    """

    practice: str
    link: str
    context: str
    nature: str
    consequences: str
    safeguards: str
    author: str
    day: date
    line: int


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of ownership or control: from whom, to whom, on which day."""

    old_controller: str
    new_controller: str
    on: date


@dataclass(frozen=True, slots=True)
class ChangeDecision:
    """The ``change:`` part of the front matter: what legal decided about this revision."""

    change_class: ChangeClass
    decided_by: str
    summary: str
    impact: str
    transition: Transition | None
    waivers: tuple[Waiver, ...]
    line: int
    assessments: tuple[Assessment, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A ``policy.md`` that was read: its front matter as values, and the document. ``language``: the tag
    of the language it is written in, empty where it does not say.
    """

    title: str
    effective: date | None
    change: ChangeDecision | None
    document: Document
    language: str = ""


@dataclass(frozen=True, slots=True, order=True)
class VersionKey:
    """The name of a version, written ``slug@v3``."""

    slug: str
    number: int

    def __str__(self) -> str:
        return f"{self.slug}@v{self.number}"

    @property
    def ref(self) -> str:
        """The full name of the version ref in git."""
        return f"refs/tags/policy/{self.slug}/v{self.number}"
