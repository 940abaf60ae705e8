# SPDX-License-Identifier: Apache-2.0
"""What is known of a piece of data, and what a person was told and chose.

Subjects stand here by pseudonym only (a keyed hash of the caller's id). Times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice


class Answer(StrEnum):
    """What a person or an organisation said. A withdrawal protects like a refusal: under opt-in
    there is no consent any more, under opt-out it is an objection.
    """

    CONSENT = "consent"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Tag:
    """The label on a piece of data. ``version`` is the one in force for the subject at collection,
    None where there was none (the data is kept, every answer about it is undecided).
    """

    subject: str
    category: str
    record: str
    collected_at: datetime
    version: VersionKey | None
    provenance: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """How a subject came under the policy: as a current subject known since then (``version`` None:
    versions bind from their effective date on), or by accepting a version.
    """

    subject: str
    at: datetime
    version: VersionKey | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer about one change. ``scope`` is ``subject`` or ``customer``; ``change`` is
    ``<slug>@v3#<practice-id>``; ``sequence`` is the ledger's own order and decides which is latest.
    """

    scope: str
    change: str
    answer: Answer
    at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice about a version that reached the subject."""

    version: VersionKey
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A practice that a version brought for data already collected, and the act it needs.

    ``window_days``: how long after delivery an objection is waited for under opt-out.
    """

    name: str
    version: VersionKey
    practice: str
    mode: ChoiceMode
    window_days: int


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version as the ledger knows it: its dates, class, practices and the choices it asked for."""

    key: VersionKey
    title: str
    change_class: ChangeClass
    published_at: datetime
    effective_at: datetime
    commit: str
    text_sha256: str
    practices: tuple[Practice, ...]
    changes: tuple[PendingChange, ...]
