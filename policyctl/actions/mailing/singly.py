# SPDX-License-Identifier: Apache-2.0
"""Chunks to a mailer that takes one mail at a time.

1. Where a mail in doubt cannot be sent again, the ledger is told of each mail before it is handed over,
   in the same step in which the one before it is settled: a crash leaves one mail in doubt.
2. Where it can, a chunk is simply gone through again after a crash.
3. A mail that is not taken becomes a chunk of its own, and those after it are planned again.
4. Before each mail it is asked whether the notice was recalled: then those before it were sent, and no more.
"""

from __future__ import annotations

from policyctl.actions.mailing.kept import forms_of
from policyctl.actions.mailing.run import ERASED, Run
from policyctl.adapters.mail.interface import Accepted, NotSent, Outcome, Rejected, Stopped, Unknown
from policyctl.core.notices.outbox import Chunk, OutboxItem, OutboxState, Part
from policyctl.faults import fault_point


def send_singly(run: Run, chunk: Chunk) -> None:
    """Hand over the mails of a claimed chunk, one by one, until one is not taken."""
    last = ""
    items = run.ledger.addressees(chunk)
    reached = [item for item in items if item.address]
    people = [(each.place, run.addressee(each, chunk.notice, each.address)) for each in reached]
    if forms := forms_of(run, chunk, people):
        run.ledger.note_sent(chunk, forms, run.clock())
    for item in items:
        if run.is_over():
            _stop_at(run, chunk, item.place, last)
            return
        if item.place > chunk.cursor:
            advanced = _advanced(run, chunk, item.place)
            if advanced is None:
                if run.ledger.is_recalled(chunk):  # else somebody took it for dead
                    _stop_at(run, chunk, item.place, last)
                return
            chunk = advanced
        outcome = _sent(run, chunk, item)
        if not isinstance(outcome, Accepted):
            _set_apart(run, chunk, item.place, outcome)
            return
        last = outcome.receipt
        run.took(1)
        fault_point("notify.settled")
    run.ledger.move(chunk, OutboxState.ACCEPTED, run.clock(), receipt=last, owner="")


def _advanced(run: Run, chunk: Chunk, place: int) -> Chunk | None:
    """The chunk before the mail at ``place`` is handed over (1); None where it must not be."""
    if run.mailer.resend_is_safe:
        return None if run.ledger.is_recalled(chunk) else chunk
    return run.ledger.advance(chunk, place, run.clock())


def _stop_at(run: Run, chunk: Chunk, place: int, receipt: str) -> None:
    """All before ``place`` was sent; the rest is planned again, or done with where it is recalled (4)."""
    parts = [
        Part(chunk.lo, place - 1, OutboxState.ACCEPTED, receipt=receipt),
        Part(place, chunk.hi, OutboxState.PLANNED),
    ]
    run.ledger.split(chunk, [part for part in parts if part.lo <= part.hi], run.clock())


def _sent(run: Run, chunk: Chunk, item: OutboxItem) -> Outcome:
    if not item.address:
        return Rejected(ERASED)
    mail = run.writer.write(chunk.notice, run.addressee(item, chunk.notice, item.address), run.occasion)
    outcome = run.mailer.send(mail)
    fault_point("notify.sent")
    return outcome


def _set_apart(run: Run, chunk: Chunk, place: int, outcome: Outcome) -> None:
    """Cut the chunk around a mail that was not taken (3), and count it."""
    now = run.clock()
    parts = _parts(run, chunk, place, outcome)
    numbers = run.ledger.split(chunk, parts, now)
    if numbers is None:
        return
    match outcome:
        case Unknown():
            run.failed("mails")
        case Rejected():
            run.refused(1)
        case Stopped(reason):
            run.stopped = reason
        case NotSent():
            mine = next(n for n, part in zip(numbers, parts, strict=True) if part.lo == place)
            run.failed("mails")
            run.put_back(mine, 1, outcome)


def _parts(run: Run, chunk: Chunk, place: int, outcome: Outcome) -> list[Part]:
    before = Part(chunk.lo, place - 1, OutboxState.ACCEPTED)
    after = Part(place + 1, chunk.hi, OutboxState.PLANNED)
    mine = _part(run, chunk, place, outcome)
    return [part for part in (before, mine, after) if part.lo <= part.hi]


def _part(run: Run, chunk: Chunk, place: int, outcome: Outcome) -> Part:
    match outcome:
        case Unknown(reason):
            return Part(place, place, OutboxState.UNKNOWN, reason)
        case Rejected(reason):
            return Part(place, place, OutboxState.REJECTED, reason)
        case NotSent(reason):
            due = run.due_again(outcome, chunk.attempts)
            return Part(place, place, OutboxState.PLANNED, reason, due)
        case Stopped(reason):
            return Part(place, place, OutboxState.PAUSED, reason)
        case Accepted(receipt):
            return Part(place, place, OutboxState.ACCEPTED, receipt=receipt)
