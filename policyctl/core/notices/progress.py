# SPDX-License-Identifier: Apache-2.0
"""How far a publication has come: every addressee in exactly one group, and the duties still open.

1. The report of highest rank decides, else the state of the chunk. Bounced, dropped and complained mean
   *not given*; only a report of delivery means given.
2. A customer whose notice was not given at one contact stands where the notice to its next one does.
3. Taken by the mailer 72 hours ago, and neither delivered nor failed: *unconfirmed*. The mailer has given
   up trying by then, so no report is likely to come any more.
4. Whether a mail is on its way or was called back, nobody was told: neither counts as given.
5. A reminder is no duty, so it is counted and owes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import TAKEN, DeliveryName, OutboxState
from policyctl.core.policy import VersionKey

REPORTS_WITHIN = timedelta(hours=72)
"""How long after its release a report of a mail may still be expected."""

NOT_GIVEN = (DeliveryName.BOUNCED, DeliveryName.DROPPED, DeliveryName.COMPLAINED)
"""Reports after which a notice counts as not given."""

_NEEDS_A_PERSON = frozenset({OutboxState.HELD, OutboxState.RECALLED})


class Group(StrEnum):
    """Where an addressee of a notice stands: given; on the way; taken and no report came; not given; set
    aside until a person decides, or called back.
    """

    DELIVERED = "delivered"
    PENDING = "pending"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    HELD = "held"


def group_of(state: OutboxState, event: DeliveryName | None, *, overdue: bool) -> Group:
    """The one group of an addressee. ``overdue``: the mailer took it more than :data:`REPORTS_WITHIN` ago."""
    if event is DeliveryName.DELIVERED:
        return Group.DELIVERED
    if event in NOT_GIVEN or (event is None and state is OutboxState.REJECTED):
        return Group.FAILED
    if state in _NEEDS_A_PERSON:
        return Group.HELD
    return Group.UNCONFIRMED if overdue and state in TAKEN else Group.PENDING


@dataclass(frozen=True, slots=True)
class Standing:
    """So many addressees of one kind of notice stand alike. ``late``: their mails left on or after the
    effective date.
    """

    version: VersionKey
    kind: NoticeKind
    state: OutboxState
    event: DeliveryName | None
    overdue: bool
    late: bool
    count: int

    @property
    def group(self) -> Group:
        """Their group."""
        return group_of(self.state, self.event, overdue=self.overdue)

    @property
    def word(self) -> str:
        """The report of highest rank, else the state of the chunk; or that no report came."""
        return "unconfirmed" if self.group is Group.UNCONFIRMED else (self.event or self.state).value


@dataclass(frozen=True, slots=True)
class Answered:
    """Addressees of a version by what they did, those of one kind of notice: ``chosen`` answered a
    question of it, whatever they said.
    """

    acknowledged: int = 0
    objected: int = 0
    chosen: int = 0


@dataclass(frozen=True, slots=True)
class Unreached:
    """Customers whose notice was not given. ``next_contact``: another one is on record and is written to by
    the next ``notify``; ``no_contact``: none is left; ``no_address``: there never was one, or it was erased.
    """

    next_contact: int = 0
    no_contact: int = 0
    no_address: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How the notices of one version stand. ``cut``: of how many addressees the reports were taken out when
    the period of proof was over; they stand where the reports had put them.
    """

    version: VersionKey
    standings: tuple[Standing, ...] = ()
    answered: Mapping[NoticeKind, Answered] = field(default_factory=dict)
    unreached: Unreached = Unreached()
    cut: int = 0

    def groups(self, kind: NoticeKind) -> Mapping[Group, int]:
        """Addressees of one kind of notice by group; every group is named."""
        return tally(standing for standing in self.standings if standing.kind is kind)

    @property
    def kinds(self) -> tuple[NoticeKind, ...]:
        """The kinds of notices that it has."""
        found = {standing.kind for standing in self.standings}
        return tuple(kind for kind in NoticeKind if kind in found)

    @property
    def late(self) -> int:
        """Mails that left on or after the effective date, reminders aside."""
        return sum(one.count for one in self.standings if one.late and one.kind is not NoticeKind.REMINDER)


def tally(standings: Iterable[Standing]) -> Mapping[Group, int]:
    """How many are in each group; every group is named."""
    found: Counter[Group] = Counter()
    for standing in standings:
        found[standing.group] += standing.count
    return {group: found[group] for group in Group}


_OWED = {
    "planned": "not sent yet: policyctl notify",
    "staged": "about to be handed over, or interrupted: policyctl notify looks after them",
    "posting": "on the way, or interrupted: policyctl notify looks after them",
    "scheduled": "with the mail service, to leave within the half hour",
    "released": "released by the mail service, no report of delivery yet",
    "cancelling": "in doubt, being called off: policyctl notify goes on with it",
    "awaiting": "in doubt until reports of delivery come: policyctl notify looks after them",
    "held": "in doubt, and no report comes: look at the mail service, then tell them in another way",
    "paused": "stopped by the mail service: mend what policyctl notify says, and run it again",
    "recalled": "recalled before they left, so not given",
    "unknown": "may or may not have left: look at the mailer before sending again",
    "rejected": "could not be sent: mend the address, or tell them in another way",
    "accepted": "taken by the mailer, no report of delivery yet",
    "processed": "taken by the mail service, not delivered yet",
    "deferred": "put off by the receiving side, not delivered yet",
    "unconfirmed": "left three days ago or more and no report came: ask the mail service, or tell them again",
    "bounced": "came back, so not given: tell them in another way",
    "dropped": "dropped by the mail service, so not given: tell them in another way",
    "complained": "called spam by the reader, so not given: tell them in another way",
}


def duties(progress: Progress) -> Iterator[str]:
    """What is still owed to addressees, one sentence each; nothing when all were given their notice."""
    words: Counter[tuple[NoticeKind, str]] = Counter()
    for one in progress.standings:
        if one.kind is not NoticeKind.REMINDER and one.group is not Group.DELIVERED:
            words[one.kind, one.word] += one.count
    for (kind, word), count in sorted(words.items()):
        yield f"{count} {kind.value} notice{'s' * (count != 1)} {_OWED[word]}"
    yield from _to_customers(progress.unreached)


def _to_customers(unreached: Unreached) -> Iterator[str]:
    if unreached.next_contact:
        who = _customers(unreached.next_contact)
        yield f"{who} with another contact, who is written to next: policyctl notify"
    if unreached.no_contact:
        who = _customers(unreached.no_contact)
        yield f"{who} with no contact left: import another, or tell them in another way"
    if unreached.no_address:
        who = _customers(unreached.no_address)
        yield f"{who} without any administrator's address, who cannot be told: policyctl customers import"


def _customers(count: int) -> str:
    return f"{count} customer{'s' * (count != 1)}"
