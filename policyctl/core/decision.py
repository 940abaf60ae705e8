# SPDX-License-Identifier: Apache-2.0
"""May this piece of data be used for that? (product.md, "May this be used?")"""

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

    ``at`` may lie in the past: the answer is the one that was right then. Aware UTC.
    """

    subject: str
    category: str
    purpose: str
    at: datetime
    recipient: str | None = None
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the ledger knows and that bears on one request."""

    known_subject: bool
    tags: tuple[Tag, ...]
    versions: tuple[VersionRecord, ...]
    admissions: tuple[Admission, ...]
    choices: tuple[Choice, ...]
    deliveries: tuple[Delivery, ...]
    taxonomy: Taxonomy


@dataclass(frozen=True, slots=True)
class Reason:
    """One numbered step of a decision; ``rule`` is the number of the rule in product.md."""

    number: int
    rule: int
    text: str
    version: VersionKey | None = None
    clause: str | None = None
    practice: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, why, on which tags, and what would make it a yes."""

    answer: UseAnswer
    reasons: tuple[Reason, ...]
    tags: tuple[Tag, ...]
    missing: tuple[str, ...]
