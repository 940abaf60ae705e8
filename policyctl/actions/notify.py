# SPDX-License-Identifier: Apache-2.0
"""Send the notices that are owed.

1. A mail found on its way after a crash may have left. It is planned again only where the mailer
   cannot send the same mail twice; else it stays in doubt, and is counted for a person to settle.
2. Mails are claimed (committed as ``posting``) before the mailer sees them: one at a time where a mail
   in doubt cannot be sent again, so that a crash leaves at most one.
3. A notice without its mandatory content or sender is withheld whole, and the others go on.
4. What the mailer says is written down before the next mail. What did not leave is planned again for
   later; ``Stopped``, a wait that the mailer asks for, or several failures in a row end the run.

No mail can be owed for a version without a version ref: sync plans them after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from policyctl.actions.mails import MailWriter
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.interface import (
    Accepted,
    Mail,
    Mailer,
    NotSent,
    Outcome,
    Rejected,
    Stopped,
    Unknown,
)
from policyctl.adapters.pdf import Printer
from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion, Sender
from policyctl.core.notices.outbox import OutboxCount, OutboxItem, OutboxState
from policyctl.core.policy import VersionKey
from policyctl.errors import CannotCompareError, RefusedError
from policyctl.faults import fault_point

_SAFE_BATCH = 50
_FAILURES_IN_A_ROW = 3
_LONGEST_WAIT = 300
# A row put back is due again in the next run, never in this one.
_NEXT_RUN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Withheld:
    """A notice that must not be sent as it is, and why."""

    version: VersionKey
    kind: NoticeKind
    reason: str


@dataclass(frozen=True, slots=True)
class Notified:
    """What a run did, in mails. ``postponed``: certainly not sent, planned again. ``in_doubt``: may or
    may not have left, now or in an earlier run. ``stopped`` says why the run ended early, else empty;
    ``retry_after`` in seconds where the mailer said so.
    """

    accepted: int
    postponed: int
    rejected: int
    in_doubt: int
    withheld: tuple[Withheld, ...]
    stopped: str
    retry_after: float | None

    @property
    def complete(self) -> bool:
        """True when everything that was due has been taken by the mailer."""
        return not (self.postponed or self.rejected or self.in_doubt or self.withheld or self.stopped)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would do: addressees by version and kind that are due or in doubt, and what is withheld."""

    owed: tuple[OutboxCount, ...]
    withheld: tuple[Withheld, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One test mail and what the mailer said."""

    version: VersionKey
    kind: NoticeKind
    outcome: Outcome


@dataclass(slots=True)
class _Run:
    """The counts of a run while it goes on."""

    accepted: int = 0
    postponed: int = 0
    rejected: int = 0
    failures: int = 0
    stopped: str = ""
    retry_after: float | None = None
    checked: dict[tuple[VersionKey, NoticeKind], str] = field(default_factory=dict)

    def is_over(self) -> bool:
        return bool(self.stopped)


def notify(
    now: datetime,
    *,
    ledger: Ledger,
    mailer: Mailer,
    sender: Sender,
    slug: str | None = None,
    progress: Callable[[int], None] | None = None,
    printer: Printer | None = None,
) -> Notified:
    """Send every notice that is due, of one policy or of all. ``progress`` is told how many are done;
    ``printer`` makes the PDF for administrators.
    """
    writer = MailWriter(sender, printer)
    if mailer.resend_is_safe:
        ledger.reopen((item.nid for item in ledger.in_doubt(slug)), now=now)
    run = _Run()
    for item in _claimed(run, now, ledger, mailer, slug):
        _take(run, item, now, ledger, mailer, writer)
        if progress is not None:
            progress(run.accepted + run.postponed + run.rejected)
    return Notified(
        accepted=run.accepted,
        postponed=run.postponed,
        rejected=run.rejected,
        in_doubt=len(ledger.in_doubt(slug)),
        withheld=_withheld(run.checked),
        stopped=run.stopped,
        retry_after=run.retry_after,
    )


def plan_notify(
    *, ledger: Ledger, sender: Sender, slug: str | None = None, printer: Printer | None = None
) -> Planned:
    """What :func:`notify` would send and what it would withhold. Sends nothing, changes nothing."""
    writer = MailWriter(sender, printer)
    going = {OutboxState.PLANNED.value, OutboxState.POSTING.value, OutboxState.UNKNOWN.value}
    owed = tuple(count for count in ledger.outbox_counts(slug) if count.state in going)
    due = {(count.version, count.kind) for count in owed if count.state == OutboxState.PLANNED.value}
    checked = {
        (notice.version, notice.kind): _refusal(notice, writer)
        for version in sorted({version for version, _ in due})
        for notice in ledger.notices(version)
        if (notice.version, notice.kind) in due
    }
    return Planned(owed, _withheld(checked))


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


def _claimed(
    run: _Run, now: datetime, ledger: Ledger, mailer: Mailer, slug: str | None
) -> Iterator[OutboxItem]:
    """Mails as they are claimed, until none is due or the run is stopped; then the rest goes back."""
    limit = _SAFE_BATCH if mailer.resend_is_safe else 1
    while not run.is_over() and (items := ledger.claim(now, limit, slug=slug)):
        fault_point("notify.claimed")
        for item in items:
            if run.is_over():
                ledger.settle(item.nid, OutboxState.PLANNED, now)
            else:
                yield item


def _take(
    run: _Run, item: OutboxItem, now: datetime, ledger: Ledger, mailer: Mailer, writer: MailWriter
) -> None:
    """Send one claimed mail and write down what became of it."""
    key = (item.notice.version, item.notice.kind)
    if key not in run.checked:
        run.checked[key] = _refusal(item.notice, writer)
    if run.checked[key]:
        ledger.settle(item.nid, OutboxState.PLANNED, now, reason=run.checked[key], not_before=now + _NEXT_RUN)
        return
    outcome = mailer.send(_mail(item, writer, now))
    fault_point("notify.sent")
    _settle(run, item, outcome, now, ledger)
    fault_point("notify.settled")


def _settle(run: _Run, item: OutboxItem, outcome: Outcome, now: datetime, ledger: Ledger) -> None:
    match outcome:
        case Accepted(receipt):
            run.accepted, run.failures = run.accepted + 1, 0
            ledger.settle(item.nid, OutboxState.ACCEPTED, now, receipt=receipt)
        case Unknown(reason):
            run.failures += 1
            ledger.settle(item.nid, OutboxState.UNKNOWN, now, reason=reason)
        case Rejected(reason):
            run.rejected, run.failures = run.rejected + 1, 0
            ledger.settle(item.nid, OutboxState.REJECTED, now, reason=reason)
        case Stopped(reason):
            run.stopped = reason
            ledger.settle(item.nid, OutboxState.PLANNED, now, reason=reason)
        case NotSent(reason, retry_after):
            run.postponed, run.failures = run.postponed + 1, run.failures + 1
            _postpone(item, outcome, now, ledger)
            run.stopped = reason if retry_after is not None else ""
            run.retry_after = retry_after
    if run.failures >= _FAILURES_IN_A_ROW and not run.stopped:
        run.stopped = f"{run.failures} mails in a row could not be handed over"


def _postpone(item: OutboxItem, outcome: NotSent, now: datetime, ledger: Ledger) -> None:
    """Plan a mail again: after the wait that was asked for, else after 2, 4, 8 ... seconds."""
    wait = outcome.retry_after
    seconds = float(min(2 ** min(item.attempts, 20), _LONGEST_WAIT)) if wait is None else wait
    later = now + max(timedelta(seconds=seconds), _NEXT_RUN)
    ledger.settle(item.nid, OutboxState.PLANNED, now, reason=outcome.reason, not_before=later)


def _refusal(notice: Notice, writer: MailWriter) -> str:
    """Why a notice must not be sent, empty when it may."""
    try:
        writer.require_fit(notice)
    except RefusedError as error:
        return error.message
    return ""


def _withheld(checked: dict[tuple[VersionKey, NoticeKind], str]) -> tuple[Withheld, ...]:
    return tuple(Withheld(version, kind, reason) for (version, kind), reason in checked.items() if reason)


def _mail(item: OutboxItem, writer: MailWriter, now: datetime) -> Mail:
    account = item.addressee if item.addressee_kind == "customer" else ""
    addressee = Addressee(item.nid, item.address, item.name, item.locale, account)
    return writer.write(item.notice, addressee, Occasion(now))


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
