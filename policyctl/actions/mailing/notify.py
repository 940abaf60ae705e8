# SPDX-License-Identifier: Apache-2.0
"""Send the notices that are owed.

1. What an earlier run left in doubt is looked after first (resolve.py): a mail that may have left
   is sent again only where it is certain that it will not arrive twice; else it stays in doubt, and is
   counted for a person to settle.
2. Mails are claimed by the chunk, committed as ``posting`` before the mailer sees them, and settled before
   the next: whole chunks with a mailer that can call them off (batches.py), else mail by mail
   (singly.py).
3. A notice without its mandatory content or sender is withheld whole, and the others go on.
4. What did not leave is planned again for later; ``Stopped``, a wait that the mailer asks for, or several
   failures in a row end the run.
5. A notice that was not given to a customer's contact (bounced, dropped, complained of, no fit address) is
   planned for its next one, once.
6. Some days before the effective date reminders are planned for those who have not answered. Whether one is
   still needed is looked at again when it is claimed. Without links that stop reminders there are none.
7. Who came under an older version since the publication of one that is not in effect yet is told of it too.

No mail can be owed for a version without a version ref: sync plans them after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.actions.mailing.batches import send_batch
from policyctl.actions.mailing.mails import MailWriter
from policyctl.actions.mailing.resolve import resolve_all
from policyctl.actions.mailing.run import Run, Withheld, refusal
from policyctl.actions.mailing.singly import send_singly
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.interface import BatchMailer, Mailer, Outcome
from policyctl.adapters.pdf import Printer
from policyctl.adapters.worker import worker_name
from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion, Sender
from policyctl.core.notices.outbox import IN_DOUBT, OutboxCount, OutboxState
from policyctl.core.notices.reminder import ReminderDue
from policyctl.core.policy import VersionKey
from policyctl.errors import CannotCompareError

if TYPE_CHECKING:
    from policyctl.adapters.links import Links

_ROUNDS = 3
_DOUBTFUL = {state.value for state in IN_DOUBT}
_GOING = {state.value for state in (*IN_DOUBT, OutboxState.PLANNED, OutboxState.STAGED, OutboxState.PAUSED)}


@dataclass(frozen=True, slots=True)
class Notified:
    """What a run did, in mails. ``postponed``: certainly not sent, planned again. ``in_doubt``: may or
    may not have left, now or in an earlier run. ``stopped`` says why the run ended early, else empty;
    ``retry_after`` in seconds where the mailer said so. ``reminders``: how many were planned, sent or not.
    """

    accepted: int
    postponed: int
    rejected: int
    in_doubt: int
    withheld: tuple[Withheld, ...]
    stopped: str
    retry_after: float | None
    reminders: int = 0

    @property
    def complete(self) -> bool:
        """True when everything that was due has been taken by the mailer."""
        return not (self.postponed or self.rejected or self.in_doubt or self.withheld or self.stopped)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would do: addressees by version and kind that are due or in doubt, what is withheld, and
    the reminders it would plan and send.
    """

    owed: tuple[OutboxCount, ...]
    withheld: tuple[Withheld, ...]
    reminders: tuple[ReminderDue, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """One test mail and what the mailer said."""

    version: VersionKey
    kind: NoticeKind
    outcome: Outcome


def notify(
    now: datetime,
    *,
    ledger: Ledger,
    mailer: Mailer,
    sender: Sender,
    slug: str | None = None,
    progress: Callable[[int], None] | None = None,
    printer: Printer | None = None,
    clock: Callable[[], datetime] | None = None,
    links: Links | None = None,
    stop: Callable[[], bool] | None = None,
    remind_days: Sequence[int] = (),
) -> Notified:
    """Send every notice that is due, of one policy or of all. ``progress`` is told how many are done;
    ``printer`` makes the PDF for administrators. ``clock`` tells the time while a long run goes on; without
    one it stays ``now``. ``links`` lead readers to their pages. ``stop`` is asked between two calls.
    ``remind_days``: how long before the effective date who has not answered is reminded.
    """
    writer = MailWriter(sender, printer, links)
    run = Run(ledger, mailer, writer, clock or (lambda: now), worker_name(), slug, progress, stop)
    ledger.tidy(run.clock(), slug)
    ledger.enqueue_upcoming(run.clock(), slug)
    ledger.add_next_contacts(run.clock(), slug)
    reminders = ledger.add_reminders(run.clock(), remind_days, slug) if links and remind_days else 0
    resolve_all(run)
    for _ in range(_ROUNDS):
        _send(run)
        if run.stopped or not resolve_all(run):
            break
    return Notified(
        accepted=run.accepted,
        postponed=sum(run.postponed.values()),
        rejected=run.rejected,
        in_doubt=sum(count.count for count in ledger.outbox_counts(slug) if count.state in _DOUBTFUL),
        withheld=tuple(run.withheld.values()),
        stopped=run.stopped,
        retry_after=run.retry_after,
        reminders=reminders,
    )


def _send(run: Run) -> None:
    if isinstance(run.mailer, BatchMailer):
        for chunk in run.claimed(OutboxState.STAGED):
            send_batch(run, chunk, run.mailer)
    else:
        for chunk in run.claimed(OutboxState.POSTING):
            send_singly(run, chunk)


def plan_notify(
    *,
    ledger: Ledger,
    sender: Sender,
    slug: str | None = None,
    printer: Printer | None = None,
    links: Links | None = None,
    now: datetime | None = None,
    remind_days: Sequence[int] = (),
) -> Planned:
    """What :func:`notify` would send and what it would withhold; with ``now`` the reminders due then. Sends
    nothing, changes nothing.
    """
    writer = MailWriter(sender, printer, links)
    owed = tuple(count for count in ledger.outbox_counts(slug) if count.state in _GOING)
    waiting = {OutboxState.PLANNED.value, OutboxState.PAUSED.value}
    due = {(count.version, count.kind) for count in owed if count.state in waiting}
    refused = (
        Withheld(notice.version, notice.kind, reason)
        for version in sorted({version for version, _ in due})
        for notice in ledger.notices(version, reminders=True)
        if (notice.version, notice.kind) in due and (reason := refusal(notice, writer))
    )
    reminders = ledger.reminders_due(now, remind_days, slug) if links and remind_days and now else ()
    return Planned(owed, tuple(dict.fromkeys(refused)), reminders)


def send_test(
    now: datetime,
    address: str,
    *,
    ledger: Ledger,
    mailer: Mailer,
    sender: Sender,
    slug: str | None = None,
    printer: Printer | None = None,
) -> tuple[Trial, ...]:
    """Send the newest notices of each policy to ``address``, marked as a test. The outbox is not touched.

    Raises CannotCompareError where there is no notice yet, RefusedError for one that must not be sent.
    """
    newest, writer = tuple(newest_notices(ledger, slug)), MailWriter(sender, printer)
    if not newest:
        raise CannotCompareError(
            "there is no notice to test with", hint="publish a second version of a policy first"
        )
    for notice in newest:
        writer.require_fit(notice)
    return tuple(_test(notice, now, address, mailer, writer) for notice in newest)


def newest_notices(ledger: Ledger, slug: str | None) -> Iterable[Notice]:
    """The notices of the last version of each policy that owes any."""
    last: dict[str, tuple[Notice, ...]] = {}
    for record in ledger.versions(slug):
        last[record.key.slug] = ledger.notices(record.key) or last.get(record.key.slug, ())
    return (notice for notices in last.values() for notice in notices)


def _test(notice: Notice, now: datetime, address: str, mailer: Mailer, writer: MailWriter) -> Trial:
    version = notice.version
    nid = f"test-{version.slug}-v{version.number}-{notice.kind}-{now:%Y%m%dT%H%M%S%f}"
    mail = writer.write(notice, Addressee(nid, address), Occasion(now, test=True))
    return Trial(version, notice.kind, mailer.send(mail))
