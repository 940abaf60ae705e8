# SPDX-License-Identifier: Apache-2.0
"""What is owed to whom, and how far it has come: audiences, notices owed, delivery events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from policyctl.core.notices.notice import Notice, NoticeKind
from policyctl.core.policy import VersionKey
from policyctl.errors import Place


@dataclass(frozen=True, slots=True)
class Audience:
    """Who a notice goes to.

    ``administrators``: the first contact of every customer. ``subjects``: those with a known address
    who came under the policy and have a tag collected under an older version of it whose category
    covers, or is covered by, one of ``categories`` (none given: any category).
    """

    kind: Literal["administrators", "subjects"]
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """A notice and its audience, to be frozen in the ledger together with the version."""

    notice: Notice
    audience: Audience


class OutboxState(StrEnum):
    """How far a chunk of addressees has come with the mailer.

    ``posting`` is committed before the mailer is called, and never taken over because time has passed:
    found after a crash it means ``unknown``. ``void`` (cancelled and planned again) and ``split`` are of
    chunks that others stand for by now: no addressee is in one of them. ``moot`` is of reminders that were
    planned and nobody needs any more, as their addressees have answered: nothing is owed to them.
    """

    PLANNED = "planned"
    STAGED = "staged"
    POSTING = "posting"
    SCHEDULED = "scheduled"
    RELEASED = "released"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    CANCELLING = "cancelling"
    AWAITING = "awaiting"
    HELD = "held"
    PAUSED = "paused"
    REJECTED = "rejected"
    RECALLED = "recalled"
    VOID = "void"
    SPLIT = "split"
    MOOT = "moot"


GONE = (OutboxState.VOID, OutboxState.SPLIT, OutboxState.MOOT)
"""States of chunks that are history."""

IN_DOUBT = (
    OutboxState.POSTING,
    OutboxState.UNKNOWN,
    OutboxState.CANCELLING,
    OutboxState.AWAITING,
    OutboxState.HELD,
)
"""States in which mails may or may not have left."""

TAKEN = (OutboxState.SCHEDULED, OutboxState.RELEASED, OutboxState.ACCEPTED)
"""States in which the mailer has said that it took the mails."""


class DeliveryName(StrEnum):
    """What became of an accepted mail, in rising rank; the highest rank reported is what counts."""

    PROCESSED = "processed"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    COMPLAINED = "complained"

    @property
    def rank(self) -> int:
        """0 for processed to 5 for complained."""
        return list(DeliveryName).index(self)


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """A report about one notice to one addressee. ``at`` is when it happened, aware UTC.

    ``attempt`` is the mailer's number of its try, 0 where it gives none; ``status`` the code of RFC 3463
    (``5.1.1``), empty where there is none. A report without a nid names its ``address``, and is then
    ``by_address`` about what was sent there lately.
    """

    nid: str
    event: DeliveryName
    at: datetime
    place: Place | None = None
    attempt: int = 0
    status: str = ""
    address: str = field(default="", repr=False)
    by_address: bool = False


@dataclass(frozen=True, slots=True)
class Suppressed:
    """An address on a list of those that the mail service does not mail to, or could not. ``event``: what
    became of a mail that left before the entry was made, ``at``; ``stops_later``: whether mails that come
    after it are dropped.
    """

    address: str = field(repr=False)
    event: DeliveryName
    at: datetime
    stops_later: bool
    status: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """Events added, events known before, and of those added the ones whose nid is not in the outbox
    (kept all the same: a report may overtake a restored ledger). ``unknown``: the nids of all that were
    brought which are not in the outbox.
    """

    added: int
    repeated: int
    orphans: int
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to 1,000 addressees of one notice and one language, who go to the mailer together: places
    ``lo`` to ``hi`` of that notice. ``cursor`` is the place at work in a mailer that takes one mail at a
    time. ``attempts`` counts calls that were made. ``owner``: which run has it. ``batch_id`` and
    ``send_at``: under what the mailer holds them, and until when they can be called back.
    """

    number: int
    notice_no: int
    notice: Notice
    locale: str
    state: OutboxState
    lo: int
    hi: int
    cursor: int
    attempts: int
    changed_at: datetime
    mailer: str = ""
    owner: str = ""
    batch_id: str = ""
    send_at: datetime | None = None
    recalled: bool = False
    reason: str = ""

    @property
    def size(self) -> int:
        """How many addressees."""
        return self.hi - self.lo + 1


@dataclass(frozen=True, slots=True)
class Part:
    """A piece that a chunk is cut into: places ``lo`` to ``hi``, and how they stand."""

    lo: int
    hi: int
    state: OutboxState
    reason: str = ""
    not_before: datetime | None = None
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class SentForm:
    """What the mails to places ``lo`` to ``hi`` of a notice are made by: ``sha256`` is that of the mail
    without names and links, hex; ``form`` what it takes to write it again, as JSON.
    """

    lo: int
    hi: int
    sha256: str
    form: str


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One notice owed to one addressee, at ``place`` among those of the notice. ``addressee`` is the
    customer id or the subject's pseudonym ('' once erased); ``addressee_kind`` is ``customer`` or
    ``subject``. ``address`` is empty where none is on record any more.
    """

    nid: str
    place: int
    addressee_kind: str
    addressee: str
    address: str
    name: str
    locale: str


@dataclass(frozen=True, slots=True)
class AddresseeState:
    """How one notice to one addressee stands: ``event`` is the report of highest rank (None: no report),
    at ``event_at``; ``state`` is that of his chunk, since ``changed_at``, and ``reason`` what was said.
    ``contact`` is the position of the address among the customer's contacts.
    """

    nid: str
    kind: NoticeKind
    addressee_kind: str
    addressee: str
    contact: int
    locale: str
    state: OutboxState
    changed_at: datetime
    send_at: datetime | None
    reason: str
    event: DeliveryName | None
    event_at: datetime | None

    @property
    def stands(self) -> str:
        """The report of highest rank, else the state of the chunk."""
        return (self.event or self.state).value


@dataclass(frozen=True, slots=True)
class OutboxCount:
    """How many addressees of one kind of notice about one version stand where. ``state`` is the
    highest delivery event reported, or else the state of the chunk: every addressee is in exactly one.
    """

    version: VersionKey
    kind: NoticeKind
    state: str
    count: int
