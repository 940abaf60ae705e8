# SPDX-License-Identifier: Apache-2.0
"""What is known of a piece of data, and what a person was told and chose.

Subjects stand here by pseudonym only (a keyed hash of the caller's id). Times are aware UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from policyctl.core.merkle import Inclusion
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice
from policyctl.errors import Place

Value = TypeVar("Value")

_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
_CHANGE = re.compile(rf"({_NAME})@v([1-9][0-9]{{0,8}})#({_NAME})")


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
    None where there was none (the data is kept, every answer about it is undecided); ``slug`` the
    policy it was collected under. ``provenance``: who says so, where the caller claimed a version
    that the ledger would not have computed. ``ended_at``: when the data was deleted; None while it is there.
    """

    subject: str
    category: str
    record: str
    collected_at: datetime
    version: VersionKey | None
    provenance: str = ""
    slug: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """How a subject came under the policy: as a current subject known since then (``version`` None:
    versions bind from their effective date on), or by accepting a version. ``assumed``: the version
    binds, but nobody says that the subject accepted it (core/use/matrix.py reduces subjects to that).
    """

    subject: str
    at: datetime
    version: VersionKey | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer about one change. ``scope`` is ``subject`` or ``customer``; ``change`` is
    ``<slug>@v3#<practice-id>``; ``at`` says when it was given, ``sequence`` is the ledger's own order.
    """

    scope: str
    change: str
    answer: Answer
    at: datetime
    sequence: int


REMINDER = "reminder"
"""The kind of mail that is no notice; see core/notices/notice.py."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice about a version that reached the subject, and the changes it told of.

    ``undone_at``: when it was found to have bounced or been dropped after all (then it is not
    given from that moment on, in whichever order the two reports came in).
    """

    version: VersionKey
    kind: str
    at: datetime
    changes: tuple[str, ...] = ()
    undone_at: datetime | None = None

    @property
    def tells(self) -> bool:
        """Whether somebody was told by it: a reminder repeats a notice, and never stands in for one."""
        return self.kind != REMINDER


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


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One administrator of one customer, as imported. The first row of a customer is written to,
    the next is the second contact. ``locale`` is a language tag (``en``, ``de-AT``).
    """

    place: Place
    customer: str
    name: str
    admin_email: str
    admin_name: str
    locale: str


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """A person by the caller's id (hashed by the ledger, never stored), as imported.

    ``known_since`` None: not a current subject, comes under the policy by accepting a version.
    """

    place: Place
    subject: str
    customer: str | None
    email: str | None
    locale: str
    known_since: datetime | None


@dataclass(frozen=True, slots=True)
class TagRow:
    """A piece of data to be tagged. ``version`` is the caller's claim, None to let the ledger compute
    it; a claim that differs is refused unless ``provenance`` says where it is known from.
    """

    place: Place
    subject: str
    category: str
    record: str
    collected_at: datetime
    slug: str
    version: int | None = None
    provenance: str = ""


@dataclass(frozen=True, slots=True)
class EndRow:
    """A piece of data that was deleted at ``at``: its tags end then, under whichever policy."""

    place: Place
    subject: str
    category: str
    record: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChoiceRow:
    """An answer as imported: ``scope`` is ``subject`` or ``customer``, ``who`` the caller's id."""

    place: Place
    scope: str
    who: str
    change: str
    answer: Answer
    at: datetime


@dataclass(frozen=True, slots=True)
class ClientBatch:
    """What a caller calls the rows it brings: where they come from, its own id of the batch, and the
    SHA-256 of its content. Sent again, the batch is answered with its old receipt.
    """

    source: str
    id: str
    content_sha256: str

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from the others of one customer."""
        return self.source, self.id


@dataclass(frozen=True, slots=True)
class ImportReceipt:
    """What an import did: rows added, and rows that were there already and changed nothing. ``again``:
    it is the old receipt of a batch that was brought before.
    """

    added: int
    repeated: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class TagProof:
    """That a tag entered with ``batch`` in ``entry`` of the ledger. The leaf is 28 bytes, big-endian:
    subject_no (8), category (2), ref (8), collected_at in seconds (8), version_no (2).
    ``rooted``: the entry that holds the root, a later one where the batch was sealed afterwards.
    """

    batch: int
    entry: int
    inclusion: Inclusion
    rooted: int


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """A receipt as it is kept: for which batch of which source, what it did, and when."""

    source: str
    id: str
    added: int
    repeated: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Listed(Generic[Value]):
    """A row of a listing. ``place``: numbers or texts by which the next page begins after it."""

    place: tuple[int | str, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class TagCount:
    """How many tags of a category were collected under a version; None: under none."""

    slug: str
    version: int | None
    category: str
    count: int


@dataclass(frozen=True, slots=True)
class ChoiceCount:
    """How often a change was answered so, by subjects and customers, all answers ever given."""

    change: str
    answer: Answer
    count: int


@dataclass(frozen=True, slots=True)
class MonthCount:
    """How many tags of a category that were collected in a month (``2026-11``, UTC) bear a version."""

    month: str
    slug: str
    version: int | None
    category: str
    count: int


@dataclass(frozen=True, slots=True)
class LedgerStats:
    """How much a ledger holds, tags as they are after their corrections. ``sequence``: the last entry
    that was counted. None: what is the whole ledger's, where one customer's part was counted.
    """

    tags: tuple[TagCount, ...]
    choices: tuple[ChoiceCount, ...]
    subjects: int
    customers: int
    corrections: int
    batches: int | None
    epochs: int | None
    sequence: int | None
    months: tuple[MonthCount, ...] = ()


def change_name(version: VersionKey, practice: str) -> str:
    """What a person answers to: ``<slug>@v3#<practice-id>``."""
    return f"{version}#{practice}"


def split_change(name: str) -> tuple[VersionKey, str] | None:
    """The version and the practice id that a change is named after; None when it is no such name."""
    found = _CHANGE.fullmatch(name)
    return (VersionKey(found[1], int(found[2])), found[3]) if found else None
