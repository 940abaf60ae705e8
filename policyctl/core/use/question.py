# SPDX-License-Identifier: Apache-2.0
"""The values of "may this be used?": what is asked, what is known, what is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from policyctl.core.policy import VersionKey
from policyctl.core.practice import Taxonomy
from policyctl.core.records import Admission, Choice, Delivery, Tag, VersionRecord


class UseAnswer(StrEnum):
    """Callers treat ``undecided`` as no."""

    PERMITTED = "permitted"
    REFUSED = "refused"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class UseRequest:
    """May data of ``category`` about ``subject`` be used for ``purpose``, disclosed to ``recipient``?

    ``at`` may lie in the past: the answer is the one that was right then. Aware UTC. ``recipient`` is a
    class of recipients, ``class:name``, or the name of one that a practice mentions; None asks about a
    use without disclosure. ``slug`` None asks every policy that has a matching tag. ``customer`` is
    whose subject is meant, needed where two customers have one of the same id.
    """

    subject: str
    category: str
    purpose: str
    at: datetime
    recipient: str | None = None
    slug: str | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the ledger knows and that bears on one request. ``sequence``: the last entry of the
    ledger that these facts were read up to; asked again up to there, the answer is the same for good.
    ``root``: that of the chain there, which vouches for all before it; 64 hex digits, empty where the
    ledger has none.
    """

    known_subject: bool
    tags: tuple[Tag, ...]
    versions: tuple[VersionRecord, ...]
    admissions: tuple[Admission, ...]
    choices: tuple[Choice, ...]
    deliveries: tuple[Delivery, ...]
    taxonomy: Taxonomy
    sequence: int = 0
    root: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One numbered step of a decision; ``rule`` is the number of the rule in product.md, ``code`` one
    word for the finding, which stays the same whoever asks (core/use/matrix.py lists them by the million).
    """

    number: int
    rule: int
    text: str
    version: VersionKey | None = None
    clause: str | None = None
    practice: str | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What an answer rests on, for a program: the same for every record that stands alike.

    ``code``, ``rule``, ``version``, ``clause``, ``practice``: those of the deciding reason.
    ``collected``: the version that the deciding tag was collected under; ``in_force``: the one that binds
    the subject at the moment asked about; None where a gap was found before they mattered.
    """

    answer: UseAnswer
    code: str
    rule: int
    version: VersionKey | None = None
    clause: str | None = None
    practice: str | None = None
    collected: VersionKey | None = None
    in_force: VersionKey | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision in words: why, on which tags, and what would make it a yes."""

    reasons: tuple[Reason, ...]
    tags: tuple[Tag, ...]
    missing: tuple[str, ...]


class Decision:
    """The answer and what it rests on; why in words, on which tags, and what would make it a yes.
    ``sequence`` and ``root`` as in Facts: the ledger's head that it was read at. ``words``: the explanation,
    or what makes it.

    A program that only acts on the answer need not wait for the words: they may be worked out when they
    are first read, from the facts of the same look at the ledger.
    """

    __slots__ = ("finding", "root", "sequence", "words")

    def __init__(
        self,
        finding: Finding,
        words: Explanation | Callable[[], Explanation],
        sequence: int = 0,
        root: str = "",
    ) -> None:
        self.finding = finding
        self.words = words
        self.sequence = sequence
        self.root = root

    @property
    def answer(self) -> UseAnswer:
        """Permitted, refused or undecided."""
        return self.finding.answer

    @property
    def told(self) -> Explanation:
        """The words."""
        if not isinstance(self.words, Explanation):
            self.words = self.words()
        return self.words

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why, step by step."""
        return self.told.reasons

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The tags asked about."""
        return self.told.tags

    @property
    def missing(self) -> tuple[str, ...]:
        """What would make it a yes."""
        return self.told.missing

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return (self.finding, self.sequence, self.root, self.told) == (
            other.finding,
            other.sequence,
            other.root,
            other.told,
        )

    def __hash__(self) -> int:
        return hash((self.finding, self.sequence))

    def __repr__(self) -> str:
        return f"Decision({self.finding!r}, {self.told!r}, {self.sequence!r}, {self.root!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Decision, (self.finding, self.told, self.sequence, self.root)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tag, or one step for it, comes to; ``collected`` and ``in_force`` as in Finding."""

    answer: UseAnswer
    reasons: tuple[Reason, ...]
    missing: tuple[str, ...] = ()
    collected: VersionKey | None = None
    in_force: VersionKey | None = None

    @property
    def finding(self) -> Finding:
        """What it rests on: for a yes about a tag the first reason that permits, else the last."""
        permits = self.answer is UseAnswer.PERMITTED
        reason = self.reasons[1 if permits else -1]
        return Finding(
            self.answer,
            reason.code,
            reason.rule,
            reason.version,
            reason.clause,
            reason.practice,
            self.collected,
            self.in_force,
        )


def undecided(code: str, text: str, missing: str) -> Outcome:
    """A gap in what is known (rule 1)."""
    return Outcome(UseAnswer.UNDECIDED, (Reason(0, 1, text, code=code),), (missing,))
