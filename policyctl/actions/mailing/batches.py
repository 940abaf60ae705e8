# SPDX-License-Identifier: Apache-2.0
"""Chunks to a mailer that takes them whole and holds them back until their time.

1. A chunk is claimed, its mails are written, a batch id is asked for: nothing has left. Several chunks of
   a notice may share one (shared.py).
2. Batch id and moment of release are stored, what the mails are made by, and that the call is about to be
   made. Then it is made.
3. What came of it is stored. In doubt, the batch is called off at once (``resolve``).
4. A chunk that is refused for what is in it is planned again in halves, down to the one that is bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from policyctl.actions.mailing.kept import forms_of
from policyctl.actions.mailing.resolve import resolve
from policyctl.actions.mailing.run import ERASED, Run
from policyctl.adapters.mail.interface import (
    Accepted,
    Batch,
    BatchMailer,
    Envelope,
    Form,
    NotSent,
    Outcome,
    Rejected,
    Stopped,
    Unknown,
)
from policyctl.adapters.mail.message import batch_digest, checked_form, fit_address
from policyctl.core.notices.notice import Addressee
from policyctl.core.notices.outbox import Chunk, OutboxItem, OutboxState, Part, SentForm
from policyctl.errors import RefusedError
from policyctl.faults import fault_point
from policyctl.reports.mails.form import field_values


@dataclass(frozen=True, slots=True)
class _Written:
    """The mails of a chunk that can be one call, and what stays on record of them."""

    form: Form
    envelopes: tuple[Envelope, ...]
    kept: Sequence[SentForm]


def send_batch(run: Run, chunk: Chunk, mailer: BatchMailer) -> None:
    """Post a claimed chunk, or cut it so that its pieces can be posted."""
    written = _written(run, chunk)
    if written is None:
        return
    shared = run.batch.holds(chunk.notice_no, run.clock())
    if not shared and (refused := _open(run, chunk, mailer)):
        _settle(run, chunk, refused)
        return
    if not _post(run, chunk, mailer, written) and shared:
        # Somebody cancelled the batch meanwhile, or recalled the chunk: nothing of it was posted.
        run.batch.close()
        if not _open(run, chunk, mailer):
            _post(run, chunk, mailer, written)


def _open(run: Run, chunk: Chunk, mailer: BatchMailer) -> NotSent | Stopped | None:
    """A new batch; or why there is none."""
    run.batch.close()
    staged = mailer.stage(run.clock())
    if isinstance(staged, NotSent | Stopped):
        return staged
    now = run.clock()
    run.batch.open(chunk.notice_no, staged.batch_id, mailer.send_at(now), now)
    return None


def _post(run: Run, chunk: Chunk, mailer: BatchMailer, written: _Written) -> bool:
    """Post a chunk under the open batch; False where it was not posted."""
    now = run.clock()
    batch = Batch(written.form, written.envelopes, now, run.batch.batch_id, run.batch.send_at or now)
    posting = run.ledger.post(
        chunk,
        now,
        forms=written.kept,
        batch_id=batch.batch_id,
        send_at=batch.send_at,
        body_sha256=batch_digest(batch),
        attempts=chunk.attempts + 1,
    )
    if posting is None:
        return False
    fault_point("notify.posting")
    outcome = mailer.post(batch)
    fault_point("notify.sent")
    _settle(run, posting, outcome)
    fault_point("notify.settled")
    return True


def _settle(run: Run, chunk: Chunk, outcome: Outcome) -> None:
    now, ledger = run.clock(), run.ledger
    if not isinstance(outcome, Accepted):
        run.batch.close()
    match outcome:
        case Accepted(receipt):
            _took(run, chunk, receipt)
        case Unknown(reason):
            run.batch.broke()
            run.failed("calls")
            doubtful = ledger.move(chunk, OutboxState.UNKNOWN, now, reason=reason, owner="")
            if doubtful:
                resolve(run, doubtful)
        case Rejected(reason):
            _halve(run, chunk, reason)
        case Stopped(reason, everything):
            ledger.move(chunk, OutboxState.PAUSED, now, reason=reason, owner="")
            if everything:
                run.stopped = reason
            else:
                run.withhold(chunk, reason)
        case NotSent(reason):
            due = run.due_again(outcome, chunk.attempts)
            if ledger.move(chunk, OutboxState.PLANNED, now, reason=reason, not_before=due, owner=""):
                run.failed("calls")
                run.put_back(chunk.number, chunk.size, outcome)


def _took(run: Run, chunk: Chunk, receipt: str) -> None:
    moved = run.ledger.move(chunk, OutboxState.SCHEDULED, run.clock(), receipt=receipt, reason="", owner="")
    if moved is None:  # somebody took this run for dead, or recalled the notice, and cancels the batch
        run.batch.close()
    else:
        run.batch.went(chunk.size)
        run.took(chunk.size)


def _halve(run: Run, chunk: Chunk, reason: str) -> None:
    """Down to the one that is bad (4)."""
    if chunk.size == 1:
        if run.ledger.move(chunk, OutboxState.REJECTED, run.clock(), reason=reason, owner=""):
            run.refused(1)
        return
    middle = (chunk.lo + chunk.hi) // 2
    halves = [
        Part(chunk.lo, middle, OutboxState.PLANNED, reason),
        Part(middle + 1, chunk.hi, OutboxState.PLANNED, reason),
    ]
    run.ledger.split(chunk, halves, run.clock())


# What can be posted in one call


def _written(run: Run, chunk: Chunk) -> _Written | None:
    """The mails of the whole chunk, where it can be one call. Else None: it was cut so that its first
    piece can be, or is set aside.
    """
    items = run.ledger.addressees(chunk)
    looked = [_looked_at(item) for item in items]
    first = looked[0][1]
    if first:
        bad = len(list(takewhile(lambda look: look[1] == first, looked)))
        _cut(run, chunk, bad, OutboxState.REJECTED, first)
        return None
    good = takewhile(lambda pair: not pair[1][1], zip(items, looked, strict=True))
    people = [run.addressee(item, chunk.notice, look[0]) for item, look in good]
    envelopes = tuple(map(_envelope, people))
    fitting = _alike(envelopes)
    if fitting < len(items):
        _cut(run, chunk, fitting, OutboxState.PLANNED, "")
        return None
    form = _form(run, chunk, people[0])
    if form is None:
        return None
    kept = forms_of(run, chunk, list(zip((item.place for item in items), people, strict=True)))
    return _Written(form, envelopes, kept)


def _looked_at(item: OutboxItem) -> tuple[str, str]:
    if not item.address:
        return "", ERASED
    return fit_address(item.nid, item.address, item.name, item.addressee)


def _alike(envelopes: tuple[Envelope, ...]) -> int:
    """How many of the first can be in one call: the same values are given, no address comes twice."""
    shape, seen = [*map(bool, envelopes[0].values)], set()
    for count, envelope in enumerate(envelopes):
        address = envelope.to_address.lower()
        if [*map(bool, envelope.values)] != shape or address in seen:
            return count
        seen.add(address)
    return len(envelopes)


def _cut(run: Run, chunk: Chunk, count: int, state: OutboxState, reason: str) -> None:
    """Cut off the first ``count`` of a chunk; the rest is planned again."""
    end = chunk.lo + count - 1
    parts = [Part(chunk.lo, end, state, reason), Part(end + 1, chunk.hi, OutboxState.PLANNED)]
    whole = [part for part in parts if part.lo <= part.hi]
    if run.ledger.split(chunk, whole, run.clock()) is not None and state is OutboxState.REJECTED:
        run.refused(count)


def _envelope(addressee: Addressee) -> Envelope:
    plain, escaped = field_values(addressee)
    return Envelope(
        addressee.nid, addressee.address, addressee.name, plain, escaped, addressee.stop_reminders
    )


def _form(run: Run, chunk: Chunk, first: Addressee) -> Form | None:
    """The form of the chunk's mails; None where none can be made: then the notice is withheld."""
    try:
        return checked_form(run.writer.batch_form(chunk.notice, first, run.occasion))
    except RefusedError as error:
        run.withhold(chunk, error.message)
        run.ledger.move(chunk, OutboxState.PLANNED, run.clock(), reason=error.message, owner="")
        return None
