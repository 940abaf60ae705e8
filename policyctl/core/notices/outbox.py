# SPDX-License-Identifier: Apache-2.0
"""What is owed to whom, and how far it has come: audiences, notices owed, delivery events."""

from __future__ import annotations

from dataclasses import dataclass
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
    """How far one notice to one addressee has come with the mailer.

    ``posting`` is committed before the mailer is called; found after a crash it means ``unknown``.
    """

    PLANNED = "planned"
    POSTING = "posting"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    REJECTED = "rejected"


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
    """A report about one notice to one addressee. ``at`` is when it happened, aware UTC."""

    nid: str
    event: DeliveryName
    at: datetime
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """Events added, events known before, and of those added the ones whose nid is not in the outbox
    (kept all the same: a report may overtake a restored ledger).
    """

    added: int
    repeated: int
    orphans: int


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One notice owed to one addressee. ``addressee`` is the customer id or the subject's pseudonym;
    ``addressee_kind`` is ``customer`` or ``subject``. ``attempts`` counts this one.
    """

    nid: str
    notice: Notice
    addressee_kind: str
    addressee: str
    address: str
    name: str
    locale: str
    attempts: int


@dataclass(frozen=True, slots=True)
class OutboxCount:
    """How many addressees of one kind of notice about one version stand where. ``state`` is the
    highest delivery event reported, or else the outbox state: every addressee is in exactly one.
    """

    version: VersionKey
    kind: NoticeKind
    state: str
    count: int
