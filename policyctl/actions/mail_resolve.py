# SPDX-License-Identifier: Apache-2.0
"""What becomes of chunks of which nobody knows whether they left.

1. A chunk in ``posting`` is in doubt once its run is certainly dead, or has been silent for longer than
   any call can last. (Should it wake all the same: its next step fails, as the chunk is not as it saw it.)
2. In doubt, and more than ten minutes before its release: the batch is cancelled. Confirmed, the chunk is
   void and its addressees are planned again, under a new batch id. The cancellation stays, so that a call
   that arrives late dies too.
3. Less than ten minutes: what happens decides. A report about anybody in it: it was taken, as a call is
   taken whole. Two hours after its release reports came about later chunks, and none about it: it was not.
   No reports at all: a person must look (``held``).
4. A mailer that cannot send a mail twice is simply given the chunk again. Of one that takes mails singly,
   one mail is in doubt; those before it were taken, those after it were not handed over.
"""

from __future__ import annotations

from datetime import timedelta

from policyctl.actions.mail_run import Run
from policyctl.adapters.mail.interface import BatchMailer, Cancelled, Stopped
from policyctl.adapters.worker import may_be_running
from policyctl.core.notices.outbox import Chunk, OutboxState, Part

_SILENT = {True: timedelta(minutes=5), False: timedelta(minutes=20)}
_LAST_CALL = timedelta(minutes=10)
_REPORTS_ARE_IN = timedelta(hours=2)
_STATES = (
    OutboxState.STAGED,
    OutboxState.POSTING,
    OutboxState.UNKNOWN,
    OutboxState.CANCELLING,
    OutboxState.AWAITING,
    OutboxState.SCHEDULED,
)


def resolve_all(run: Run) -> int:
    """Look after every chunk in doubt of this mailer; how many were planned again."""
    done = 0
    for chunk in run.ledger.chunks(*_STATES, slug=run.slug):
        if run.stopped:
            break
        if chunk.mailer in {run.mailer.name, ""} and _needs_it(run, chunk):
            done += resolve(run, chunk)
    return done


def _needs_it(run: Run, chunk: Chunk) -> bool:
    if chunk.state is OutboxState.SCHEDULED:
        return chunk.recalled
    if chunk.state not in {OutboxState.STAGED, OutboxState.POSTING}:
        return True
    if chunk.owner == run.owner:
        return False
    silent = run.clock() - chunk.changed_at > _SILENT[isinstance(run.mailer, BatchMailer)]
    return silent or not may_be_running(chunk.owner)


def resolve(run: Run, chunk: Chunk) -> bool:
    """Look after one chunk in doubt; True when it was planned again."""
    if isinstance(run.mailer, BatchMailer) and chunk.state is not OutboxState.STAGED:
        return _of_batch(run, chunk, run.mailer)
    if run.mailer.resend_is_safe or chunk.state is OutboxState.STAGED:  # nothing was posted of a staged one
        return run.ledger.give_up(chunk, run.clock(), "interrupted")
    if chunk.state is OutboxState.POSTING and chunk.mailer:
        return _cut_at_cursor(run, chunk)
    return False


def _cut_at_cursor(run: Run, chunk: Chunk) -> bool:
    """One mail is in doubt (4)."""
    at = chunk.cursor
    parts = [
        Part(chunk.lo, at - 1, OutboxState.ACCEPTED),
        Part(at, at, OutboxState.UNKNOWN, "interrupted while it was handed over"),
        Part(at + 1, chunk.hi, OutboxState.PLANNED),
    ]
    kept = [part for part in parts if part.lo <= part.hi]
    return run.ledger.split(chunk, kept, run.clock()) is not None and at < chunk.hi


def _of_batch(run: Run, chunk: Chunk, mailer: BatchMailer) -> bool:
    now = run.clock()
    if not chunk.batch_id or chunk.send_at is None:
        run.ledger.move(chunk, OutboxState.HELD, now, reason="it has no batch id to ask about", owner="")
        return False
    if chunk.state is OutboxState.AWAITING:
        return _waited(run, chunk)
    if now > chunk.send_at - _LAST_CALL:
        if chunk.state is not OutboxState.SCHEDULED:  # a recall that comes too late changes nothing
            run.ledger.move(chunk, OutboxState.AWAITING, now, reason="too late to cancel it", owner="")
        return False
    if chunk.state is not OutboxState.CANCELLING:
        cancelling = run.ledger.move(chunk, OutboxState.CANCELLING, now, owner="")
        if cancelling is None:
            return False
        chunk = cancelling
    return _cancel(run, chunk, mailer)


def _cancel(run: Run, chunk: Chunk, mailer: BatchMailer) -> bool:
    """Call the batch off (2)."""
    outcome = mailer.cancel(chunk.batch_id, run.clock())
    if isinstance(outcome, Cancelled):
        return run.ledger.give_up(chunk, run.clock(), "cancelled, as it was in doubt") and not chunk.recalled
    run.ledger.move(chunk, OutboxState.CANCELLING, run.clock(), reason=outcome.reason)
    if isinstance(outcome, Stopped):
        run.stopped = outcome.reason
    elif outcome.retry_after is not None:
        run.stopped, run.retry_after = outcome.reason, outcome.retry_after
    return False


def _waited(run: Run, chunk: Chunk) -> bool:
    """What happened decides (3)."""
    now, ledger = run.clock(), run.ledger
    if ledger.is_reported(chunk):
        ledger.move(chunk, OutboxState.ACCEPTED, now, reason="its reports came")
        return False
    if chunk.send_at is None or now < chunk.send_at + _REPORTS_ARE_IN:
        return False
    if ledger.is_later_reported(chunk):
        return ledger.give_up(chunk, now, "reports came about later mails and none about these")
    ledger.move(chunk, OutboxState.HELD, now, reason="no reports come, so nobody knows: ask the mail service")
    return False
