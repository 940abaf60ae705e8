# SPDX-License-Identifier: Apache-2.0
"""The part of the ledger that deals with what is owed: chunks on their way, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from policyctl.adapters.ledger.base import engine
from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.sending import (
    audience,
    batches,
    chunks,
    deliveries,
    outbox,
    owed,
    reminders,
    standing,
)
from policyctl.adapters.ledger.versions.known import Memory
from policyctl.adapters.ledger.versions.reading import upcoming
from policyctl.adapters.tables import microseconds
from policyctl.core.notices.notice import Notice, NoticeKind
from policyctl.core.notices.outbox import (
    AddresseeState,
    Audience,
    Chunk,
    DeliveryEvent,
    DeliveryReceipt,
    OutboxCount,
    OutboxItem,
    OutboxState,
    Part,
    SentForm,
    Suppressed,
)
from policyctl.core.notices.progress import Progress
from policyctl.core.notices.reach import Groups, addressees
from policyctl.core.notices.reminder import ReminderDue
from policyctl.core.policy import VersionKey
from policyctl.core.records import ImportReceipt


class OutboxDesk:
    """What :class:`~policyctl.adapters.ledger.Ledger` can do about its outbox.

    A step takes the :class:`Chunk` as it was seen and gives it as it is then, or None where somebody else
    was quicker: whoever gets None leaves the chunk alone.
    """

    _engine: Engine
    _key: bytes
    _memory: Memory
    _writing: Callable[..., AbstractContextManager[Writer]]

    def __init__(self) -> None:
        self._chunks = chunks.Chunks()

    def audience_counts(self, version: VersionKey, audiences: Iterable[Audience]) -> dict[Audience, int]:
        """How many addressees each audience would have if ``version`` were recorded now."""
        return {each: addressees(found) for each, found in self.audience_groups(version, audiences).items()}

    def audience_groups(self, version: VersionKey, audiences: Iterable[Audience]) -> dict[Audience, Groups]:
        """The same by why they are addressees, with those who cannot be reached."""
        with engine.reading(self._engine) as connection:
            return audience.audience_groups(connection, version, audiences)

    def newcomers(self, version: VersionKey, kind: NoticeKind, now: datetime) -> int:
        """How many :meth:`enqueue_upcoming` would plan of one kind of notice about a version."""
        with engine.reading(self._engine) as connection:
            if version not in upcoming(connection, now, version.slug):
                return 0
            recalled = batches.recalled_notices(connection)
            found = owed.audiences(connection, version)
            return sum(
                audience.newcomers(connection, number, version, theirs)
                for number, notice, theirs in found
                if notice.kind is kind and number not in recalled
            )

    def enqueue(self, version: VersionKey, *, now: datetime) -> int:
        """Plan the notices of a recorded version for those of its audience who have none; how many.
        Again it adds nothing.
        """
        with self._writing("outbox", now) as writer:
            return owed.enqueue(writer, version, key=self._key)

    def enqueue_upcoming(self, now: datetime, slug: str | None = None) -> int:
        """Plan the notices of versions that are not in effect yet for those who have come under the older
        ones since; how many.
        """
        with self._writing("outbox", now) as writer:
            found = upcoming(writer.connection, now, slug)
            return sum(owed.enqueue(writer, version, key=self._key) for version in found)

    def add_next_contacts(self, now: datetime, slug: str | None = None) -> int:
        """Plan notices that were not given to a customer for its next contact, each once; how many."""
        with self._writing("outbox", now) as writer:
            return standing.add_next_contacts(writer, slug, key=self._key)

    def add_reminders(self, now: datetime, lead_days: Sequence[int], slug: str | None = None) -> int:
        """Plan the reminders that are due before effective dates, each once; how many."""
        with self._writing("outbox", now) as writer:
            known = self._memory.known(writer.connection)
            return reminders.add_reminders(writer, slug, lead_days, key=self._key, known=known)

    def reminders_due(
        self, now: datetime, lead_days: Sequence[int], slug: str | None = None
    ) -> tuple[ReminderDue, ...]:
        """What :meth:`add_reminders` would plan."""
        with engine.reading(self._engine) as connection:
            known = self._memory.known(connection)
            return reminders.due(connection, slug, lead_days, now, known)

    def unanswered(self, chunk: Chunk, leaves_at: datetime) -> Mapping[int, frozenset[str]]:
        """For each place of a chunk of reminders whose addressee still needs one, the changes that he has not
        answered; nobody from the effective date on.
        """
        with engine.reading(self._engine) as connection:
            return reminders.unanswered(connection, chunk, leaves_at, self._memory.known(connection))

    # Steps

    def claim(
        self,
        now: datetime,
        *,
        mailer: str,
        owner: str,
        to: OutboxState = OutboxState.POSTING,
        slug: str | None = None,
        skip: Collection[int] = (),
    ) -> Chunk | None:
        """The oldest planned chunk that is due, set to ``to`` for ``owner`` and committed; None where
        none is due. ``skip``: numbers of notices that are not to be claimed.
        """
        with self._writing("claim", now) as writer:
            return self._chunks.claim(
                writer.connection, now, to=to, mailer=mailer, owner=owner, slug=slug, skip=skip
            )

    def addressees(self, chunk: Chunk) -> tuple[OutboxItem, ...]:
        """The addressees of a chunk from its cursor on."""
        with engine.reading(self._engine) as connection:
            return outbox.addressees(connection, chunk)

    def note_sent(self, chunk: Chunk, forms: Sequence[SentForm], at: datetime) -> None:
        """Record what the mails of a chunk are made by, before they are handed over; once for the same."""
        with self._writing("sent", at) as writer:
            outbox.note_sent(writer, chunk.notice_no, forms)

    def move(self, chunk: Chunk, to: OutboxState, at: datetime, **values: Any) -> Chunk | None:
        """The chunk in another state. ``values``: ``batch_id``, ``send_at``, ``body_sha256``, ``attempts``,
        ``receipt``, ``reason``, ``not_before`` (when a planned one is due again), ``owner``.
        """
        with self._writing("chunk", at) as writer:
            return chunks.move(writer.connection, chunk, to, at, values)

    def advance(self, chunk: Chunk, place: int, at: datetime) -> Chunk | None:
        """All before ``place`` were taken by the mailer; ``place`` is handed over next."""
        with self._writing("chunk", at) as writer:
            return chunks.advance(writer.connection, chunk, place, at)

    def split(self, chunk: Chunk, parts: Sequence[Part], at: datetime) -> tuple[int, ...] | None:
        """Chunks of their own for the parts of a chunk, which cover it; their numbers."""
        with self._writing("chunk", at) as writer:
            return chunks.split(writer.connection, chunk, parts, at)

    def give_up(self, chunk: Chunk, at: datetime, reason: str) -> bool:
        """A chunk that certainly did not leave: void, and planned again in a new one."""
        with self._writing("chunk", at) as writer:
            return chunks.give_up(writer.connection, chunk, at, reason)

    def post(
        self, chunk: Chunk, at: datetime, *, forms: Sequence[SentForm] = (), **values: Any
    ) -> Chunk | None:
        """A claimed chunk that is about to be posted, ``posting``, and what its mails are made by on record
        (:meth:`note_sent`). ``values`` as for :meth:`move`, with a ``batch_id``. None, and nothing recorded,
        where it is not as it was seen, is recalled, or where the batch may be cancelled.
        """
        with self._writing("sent", at) as writer:
            posting = batches.post(writer.connection, chunk, at, values)
            if posting and forms:
                outbox.note_sent(writer, chunk.notice_no, forms)
            return posting

    def put_in_doubt(self, chunk: Chunk, at: datetime) -> Chunk | None:
        """The chunk, ``cancelling`` with all of its batch."""
        with self._writing("chunk", at) as writer:
            return batches.put_in_doubt(writer.connection, chunk, at)

    def give_up_batch(self, chunk: Chunk, at: datetime, reason: str) -> int:
        """All that is ``cancelling`` in the batch of a chunk certainly did not leave: void, and planned again
        in new chunks, or recalled; how many are planned again.
        """
        with self._writing("chunk", at) as writer:
            rows = batches.rows_in_doubt(writer.connection, chunk)
            found = tuple(self._chunks.read(writer.connection, rows))
            return batches.give_up_batch(writer.connection, found, at, reason)

    def was_given_up(self, chunk: Chunk, reason: str) -> bool:
        """What the chunk holds was planned again before, for this reason."""
        with engine.reading(self._engine) as connection:
            return chunks.was_given_up(connection, chunk, reason)

    def tidy(self, now: datetime, slug: str | None = None) -> None:
        """What time alone settles, at the start of a run: chunks whose moment has come are released, paused
        ones (nothing of them was sent) are planned again, recalled ones that did not leave are done with.
        """
        states = OutboxState
        outbox.map_nothing(self._engine)
        with self._writing("chunk", now) as writer:
            chunks.set_all(writer.connection, states.SCHEDULED, states.RELEASED, now, sent_by=now)
            chunks.drop_recalled(writer.connection, now)
            chunks.set_all(writer.connection, states.PAUSED, states.PLANNED, now, slug=slug)

    def hold_back(self, until: datetime, *, now: datetime) -> None:
        """No planned chunk is due before ``until``, for any worker."""
        with self._writing("chunk", now) as writer:
            chunks.hold_back(writer.connection, until)

    def cancel(self, version: VersionKey, kind: NoticeKind | None = None, *, now: datetime) -> None:
        """Recall the notices of a version (of one kind, or all) that have not left: nothing more of them
        is claimed, and what the mailer still holds is cancelled by whoever looks after it next.
        CannotCompareError where there are none.
        """
        with self._writing("recall", now) as writer:
            for number in outbox.numbers_of(writer.connection, version, kind):
                batches.recall(writer.connection, number, now)

    def plan_again(self, version: VersionKey, kind: NoticeKind | None = None, *, now: datetime) -> int:
        """Take :meth:`cancel` back: what was recalled before it left is planned again; how many
        addressees.
        """
        with self._writing("recall", now) as writer:
            recalled = self._chunks.in_states(writer.connection, [OutboxState.RECALLED], version.slug)
            return sum(
                batches.plan_again(
                    writer.connection, number, [one for one in recalled if one.notice_no == number], now
                )
                for number in outbox.numbers_of(writer.connection, version, kind)
            )

    # Looks

    def chunks(self, *states: OutboxState, slug: str | None = None) -> tuple[Chunk, ...]:
        """The chunks that stand so, oldest first."""
        with engine.reading(self._engine) as connection:
            return self._chunks.in_states(connection, states, slug)

    def is_recalled(self, chunk: Chunk) -> bool:
        """Nothing of the chunk is to be sent any more."""
        with engine.reading(self._engine) as connection:
            return chunks.is_recalled(connection, chunk)

    def is_reported(self, chunk: Chunk) -> bool:
        """Somebody of the chunk has a delivery report."""
        with engine.reading(self._engine) as connection:
            return deliveries.is_reported(connection, chunk)

    def is_later_reported(self, chunk: Chunk) -> bool:
        """Reports came about chunks that the same mailer was to send after this one."""
        with engine.reading(self._engine) as connection:
            return deliveries.is_later_reported(connection, chunk)

    def outbox_counts(self, slug: str | None = None) -> tuple[OutboxCount, ...]:
        """Where the addressees of every version and kind of notice stand; each in exactly one state."""
        with engine.reading(self._engine) as connection:
            return outbox.counts(connection, slug)

    def progress(self, now: datetime, slug: str | None = None) -> tuple[Progress, ...]:
        """How the notices of every version stand, a customer with several contacts once."""
        with engine.reading(self._engine) as connection:
            return standing.progress(connection, slug, now)

    def addressee_states(self, version: VersionKey) -> Iterator[AddresseeState]:
        """How every addressee of a version's notices stands, notice by notice; some thousands at a time,
        so that a million need no memory.
        """
        with engine.reading(self._engine) as connection:
            rows = outbox.notice_rows(connection, version)
        for row in rows:
            yield from self._states_of(row.notice_no, NoticeKind(row.kind))

    def _states_of(self, notice_no: int, kind: NoticeKind) -> Iterator[AddresseeState]:
        after = 0
        while True:
            with engine.reading(self._engine) as connection:
                last = audience.last_place(connection, notice_no)
                if after >= last:
                    return
                after, page = outbox.page_of_states(connection, notice_no, kind, after)
            yield from page

    def notices(self, version: VersionKey, *, reminders: bool = False) -> tuple[Notice, ...]:
        """The notices that a version owes, as they were frozen when it was recorded; with ``reminders``
        those too that were planned since, which it does not owe.
        """
        with engine.reading(self._engine) as connection:
            return outbox.notices_of(connection, version, reminders=reminders)

    def notice_audiences(self, version: VersionKey) -> tuple[tuple[Notice, Audience], ...]:
        """The notices that a version owes, each with whom it is for."""
        with engine.reading(self._engine) as connection:
            return tuple((notice, theirs) for _, notice, theirs in owed.audiences(connection, version))

    def nids(self, version: VersionKey) -> tuple[tuple[str, str, str, str], ...]:
        """(nid, notice kind, addressee kind, addressee) of everything owed for a version."""
        with engine.reading(self._engine) as connection:
            return outbox.nids(connection, version)

    # Reports

    def record_deliveries(
        self, events: Iterable[DeliveryEvent], *, now: datetime, keep_orphans: bool = True
    ) -> DeliveryReceipt:
        """Enter delivery reports, in any order and as often as they come."""
        with self._writing("deliveries", now) as writer:
            return deliveries.record_deliveries(writer, events, keep_orphans=keep_orphans)

    def suppressed_notices(self, entries: Sequence[Suppressed], now: datetime) -> tuple[DeliveryEvent, ...]:
        """What entries of a mail service's lists say of notices of which no last word is known."""
        with engine.reading(self._engine) as connection:
            return deliveries.of_suppressed(driver_of(connection), entries, microseconds(now))

    def import_deliveries(
        self, rows: Sequence[DeliveryEvent], *, now: datetime, dry_run: bool = False
    ) -> ImportReceipt:
        """The same from a person's file: InputErrors for a nid that is not in the outbox."""
        with self._writing("deliveries", now, dry_run=dry_run) as writer:
            return deliveries.import_deliveries(writer, rows)
