# SPDX-License-Identifier: Apache-2.0
"""A run of ``notify`` while it goes on: what it works with, what it counts, what it may claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from policyctl.actions.mailing.links import with_links
from policyctl.actions.mailing.mails import MailWriter
from policyctl.actions.mailing.shared import SharedBatch
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.interface import BatchMailer, Mailer, NotSent
from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion
from policyctl.core.notices.outbox import Chunk, OutboxItem, OutboxState, Part
from policyctl.core.notices.reminder import alike, reminder_of
from policyctl.core.policy import VersionKey
from policyctl.errors import RefusedError
from policyctl.faults import fault_point

ERASED = "the address is not on record any more"
_NOT_NEEDED = "answered or stopped meanwhile, or too late for a reminder"
_FAILURES_IN_A_ROW = 3
_LONGEST_WAIT = 300.0
# What is put back is due again in the next run, never in this one.
_NEXT_RUN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Withheld:
    """A notice that must not be sent as it is, and why."""

    version: VersionKey
    kind: NoticeKind
    reason: str


@dataclass(slots=True)
class Run:
    """``clock`` tells the time, ``owner`` is the name under which this run claims. ``stop`` tells, between
    two calls, whether somebody wants the run to end.
    """

    ledger: Ledger
    mailer: Mailer
    writer: MailWriter
    clock: Callable[[], datetime]
    owner: str
    slug: str | None = None
    progress: Callable[[int], None] | None = None
    stop: Callable[[], bool] | None = None
    accepted: int = 0
    rejected: int = 0
    failures: int = 0
    stopped: str = ""
    retry_after: float | None = None
    postponed: dict[int, int] = field(default_factory=dict)
    withheld: dict[int, Withheld] = field(default_factory=dict)
    fit: set[int] = field(default_factory=set)
    batch: SharedBatch = field(default_factory=SharedBatch)
    occasion: Occasion = field(init=False)

    def __post_init__(self) -> None:
        # One moment for the whole run: it stands in the mails, which are written once for all.
        self.occasion = Occasion(self.clock())

    def claimed(self, to: OutboxState) -> Iterator[Chunk]:
        """Chunks of notices that may be sent, as they are claimed, until none is due or the run is over."""
        while not self.is_over() and (chunk := self._claim(to)):
            fault_point("notify.claimed")
            self.postponed.pop(chunk.number, None)
            if self._is_fit(chunk):
                if (needed := self._still_needed(chunk)) is not None:
                    yield needed
            else:
                reason = self.withheld[chunk.notice_no].reason
                self.ledger.move(chunk, OutboxState.PLANNED, self.clock(), reason=reason)

    def is_over(self) -> bool:
        """Whether nothing more is to be begun."""
        if self.stop is not None and not self.stopped and self.stop():
            self.stopped = "interrupted"
        return bool(self.stopped)

    def _claim(self, to: OutboxState) -> Chunk | None:
        return self.ledger.claim(
            self.clock(),
            mailer=self.mailer.name,
            owner=self.owner,
            to=to,
            slug=self.slug,
            skip=self.withheld,
        )

    def _still_needed(self, chunk: Chunk) -> Chunk | None:
        """A chunk of reminders as it is to be sent: for people who have left the same unanswered. None where
        it was cut so that its pieces are; those who need none any more are set aside.
        """
        if chunk.notice.kind is not NoticeKind.REMINDER:
            return chunk
        now = self.clock()
        leaves_at = self.mailer.send_at(now) if isinstance(self.mailer, BatchMailer) else now
        pieces = alike(chunk.lo, chunk.hi, self.ledger.unanswered(chunk, leaves_at))
        reminder = reminder_of(chunk.notice, pieces[0][2])
        if len(pieces) == 1 and reminder is not None:
            return replace(chunk, notice=reminder)
        parts = [
            Part(lo, hi, OutboxState.PLANNED) if left else Part(lo, hi, OutboxState.MOOT, _NOT_NEEDED)
            for lo, hi, left in pieces
        ]
        self.ledger.split(chunk, parts, now)
        return None

    def _is_fit(self, chunk: Chunk) -> bool:
        if chunk.notice_no not in self.fit:
            reason = refusal(chunk.notice, self.writer)
            if reason:
                self.withhold(chunk, reason)
                return False
            self.fit.add(chunk.notice_no)
        return True

    def withhold(self, chunk: Chunk, reason: str) -> None:
        """Send no more of a notice in this run."""
        self.withheld[chunk.notice_no] = Withheld(chunk.notice.version, chunk.notice.kind, reason)

    def took(self, count: int) -> None:
        """So many mails were taken by the mailer."""
        self.accepted += count
        self.failures = 0
        self._tell()

    def took_back(self, batch_id: str) -> None:
        """What this run handed over under a batch will not be sent after all."""
        self.accepted -= self.batch.taken.pop(batch_id, 0)

    def refused(self, count: int) -> None:
        """So many mails can never be sent."""
        self.rejected += count
        self.failures = 0
        self._tell()

    def failed(self, what: str) -> None:
        """Something was not handed over, or nobody knows; several in a row end the run."""
        self.failures += 1
        if self.failures >= _FAILURES_IN_A_ROW and not self.stopped:
            self.stopped = f"{self.failures} {what} in a row could not be handed over"

    def put_back(self, number: int, count: int, outcome: NotSent) -> None:
        """So many mails wait for another run, or for later in this one."""
        self.postponed[number] = count
        if outcome.retry_after is not None:
            self.stopped, self.retry_after = outcome.reason, outcome.retry_after
            self.ledger.hold_back(self.due_again(outcome, 0), now=self.clock())
        self._tell()

    def due_again(self, outcome: NotSent, attempts: int) -> datetime:
        """After the wait that was asked for, else after 1, 2, 4 ... seconds, five minutes at most; all with
        a little more by lot, so that workers do not come back together.
        """
        wait = outcome.retry_after
        seconds = min(2.0 ** min(attempts, 20), _LONGEST_WAIT) if wait is None else wait
        lot = int(self.owner.rpartition("/")[2] or "0", 16) % 1000 / 1000
        return self.clock() + max(timedelta(seconds=seconds * (1 + lot / 10)), _NEXT_RUN)

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(self.accepted + self.rejected + sum(self.postponed.values()))

    def addressee(self, item: OutboxItem, notice: Notice, address: str) -> Addressee:
        """Who a mail to ``address`` is for, with the links to his own pages where there are any."""
        return with_links(addressee_of(item, address), self.writer.links, self.occasion.at, notice.kind)


def refusal(notice: Notice, writer: MailWriter) -> str:
    """Why a notice must not be sent, empty when it may."""
    if notice.kind is NoticeKind.REMINDER and writer.links is None:
        return "a reminder needs a link that stops reminders: set [web] url"
    try:
        writer.require_fit(notice)
    except RefusedError as error:
        return error.message
    return ""


def addressee_of(item: OutboxItem, address: str) -> Addressee:
    """Who a mail to ``address`` is for, as the mail is written for him."""
    account = item.addressee if item.addressee_kind == "customer" else ""
    return Addressee(item.nid, address, item.name, item.locale, account)
