# SPDX-License-Identifier: Apache-2.0
"""What is published: documents cut into clauses and blocks, and versions of a policy.

Offsets are character offsets into ``Document.text`` (Python ``str``), end exclusive.
Lines are 1-based and inclusive, lines of the file as given, front matter included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Clause:
    """The text under one heading; the heading belongs to it, its sub-sections do not.

    ``level`` is 0 for text before the first heading, 1 to 6 for Markdown headings, 7 for a
    paragraph that is nothing but bold text. ``path`` holds the headings above and its own.
    """

    id: str
    heading: str
    level: int
    path: tuple[str, ...]
    start: int
    end: int
    line: int
    end_line: int
    blocks: tuple[Block, ...]
    explicit_id: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A text and its clauses. ``text[:body]`` is the front matter (may be empty); from there on
    every character belongs to exactly one clause.
    """

    text: str
    clauses: tuple[Clause, ...]
    body: int = 0


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


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A ``policy.md`` that was read: its front matter as values, and the document."""

    title: str
    effective: date | None
    change: ChangeDecision | None
    document: Document


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


@dataclass(frozen=True, slots=True)
class VersionMark:
    """What a version ref in git says: which commit, when it was published, content hashes.

    ``text_sha256`` is of the bytes of ``policy.md`` at that commit. Times are aware UTC.
    """

    key: VersionKey
    commit: str
    published_at: datetime
    text_sha256: str
