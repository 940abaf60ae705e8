# SPDX-License-Identifier: Apache-2.0
"""The values of "may this be used?": what is asked, what is known, what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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
    """

    known_subject: bool
    tags: tuple[Tag, ...]
    versions: tuple[VersionRecord, ...]
    admissions: tuple[Admission, ...]
    choices: tuple[Choice, ...]
    deliveries: tuple[Delivery, ...]
    taxonomy: Taxonomy
    sequence: int = 0


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
class Decision:
    """The answer, why, on which tags, and what would make it a yes."""

    answer: UseAnswer
    reasons: tuple[Reason, ...]
    tags: tuple[Tag, ...]
    missing: tuple[str, ...]
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tag, or one step for it, comes to."""

    answer: UseAnswer
    reasons: tuple[Reason, ...]
    missing: tuple[str, ...] = ()


def undecided(code: str, text: str, missing: str) -> Outcome:
    """A gap in what is known (rule 1)."""
    return Outcome(UseAnswer.UNDECIDED, (Reason(0, 1, text, code=code),), (missing,))
