# SPDX-License-Identifier: Apache-2.0
"""What rules say about a revision, as data: findings, and the verdict they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policyctl.core.policy import ChangeClass
from policyctl.core.practice import ChoiceMode

CATEGORIES = (
    "collection",
    "use",
    "sharing",
    "retention",
    "choice_rights",
    "security",
    "international_transfer",
    "children",
    "contact",
    "effective_date",
    "ownership_transition",
    "structure",
    "other",
)


class Severity(StrEnum):
    """``error`` blocks publication, ``warning`` wants a person's eye, ``info`` tells."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Direction(StrEnum):
    """From the company's side: ``expands`` = it may do more, or the reader is protected less."""

    EXPANDS = "expands"
    RESTRICTS = "restricts"
    MIXED = "mixed"
    NEUTRAL = "neutral"


class Confidence(StrEnum):
    """``undecided`` = a person must decide; it counts as material and says so."""

    HIGH = "high"
    MEDIUM = "medium"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's statement about a revision, with its evidence.

    ``clause`` is the id in the new text (in the old one where the clause is gone), ``line`` a line
    of that same file, ``before`` and ``after`` the words of the sentence on each side (None where
    there is none). ``floor`` is the class the rule demands; ``forced`` = a waiver cannot lower it.
    ``fingerprint`` (12 hex digits) is the same for the same change after a rebase or an unrelated edit.
    """

    rule: str
    name: str
    severity: Severity
    material: bool
    direction: Direction
    confidence: Confidence
    categories: tuple[str, ...]
    clause: str | None
    line: int | None
    before: str | None
    after: str | None
    message: str
    grounds: str
    floor: ChangeClass
    forced: bool = False
    practice: str | None = None
    mend: str = ""
    fingerprint: str = ""
    waived: bool = False


@dataclass(frozen=True, slots=True)
class ChangeAsked:
    """A practice that reaches data already collected, and the act it needs (regimes.py).

    ``name`` is what a person answers to: ``<slug>@v3#<practice-id>``.
    """

    name: str
    practice: str
    categories: tuple[str, ...]
    purpose: str
    recipients: tuple[str, ...]
    mode: ChoiceMode


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the findings add up to: the floor below which legal cannot go, and why in one word each.

    ``undecided``: how many findings a person must decide; those of them that are material count as such.
    """

    material: bool
    change_class: ChangeClass
    direction: Direction
    categories: tuple[str, ...]
    undecided: int = 0

    @property
    def left_open(self) -> str:
        """As "3 for a person to decide", empty when nothing is left to decide."""
        return f"{self.undecided} for a person to decide" if self.undecided else ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All findings of a revision in document order, and the verdict."""

    findings: tuple[Finding, ...]
    verdict: Verdict
