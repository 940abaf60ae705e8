# SPDX-License-Identifier: Apache-2.0
"""What becomes of chunks of which nobody knows whether they left.

1. A chunk in ``posting`` is in doubt once its run is certainly dead, or has been silent for longer than
   any call can last. (Should it wake all the same: its next step fails, as the chunk is not as it saw it.)
2. In doubt, and more than ten minutes before its release: the batch is cancelled, and all that shares it.
   Confirmed, these chunks are void and their addressees are planned again, under a new batch id. The
   cancellation stays, so that a call that arrives late dies too.
3. Less than ten minutes: what happens decides. A report about anybody in it: it was taken, as a call is
   taken whole. Two hours after its release reports came about later chunks, and none about it: it was not.
   No reports at all: a person must look (``held``).
4. A mailer that cannot send a mail twice is simply given the chunk again. Of one that takes mails singly,
   one mail is in doubt; those before it were taken, those after it were not handed over.
5. Recalled chunks end as ``recalled`` where others are planned again. Only so many batches can be cancelled
   at a time, so the largest are first.
6. A mail in doubt that was handed over singly waits for its report. None within the time that its mailer
   gives: it is sent again, once, with the Message-ID it had, as a notice that never came is worse than two
   that are known for one. In doubt a second time, a person must look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from policyctl.actions.mailing.run import Run
from policyctl.adapters.mail.interface import BatchMailer, Cancelled, Stopped
from policyctl.adapters.worker import may_be_running
from policyctl.core.notices.outbox import Chunk, OutboxState, Part
from policyctl.core.policy import VersionKey
from policyctl.faults import fault_point

_SILENT = {True: timedelta(minutes=5), False: timedelta(minutes=20)}
LAST_CALL = timedelta(minutes=10)
"""How long before its release a batch can be cancelled for certain."""

_REPORTS_ARE_IN = timedelta(hours=2)
_AGAIN = "sent again, as no report of it came"
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
    return _resolve(run, lambda _: True)


def resolve_recalled(run: Run, version: VersionKey) -> None:
    """Look after the chunks of a version that are recalled and not done with, and no others."""
    _resolve(run, lambda chunk: chunk.recalled and chunk.notice.version == version)


def _resolve(run: Run, wanted: Callable[[Chunk], bool]) -> int:
    done, asked = 0, set[str]()
    found = [chunk for chunk in run.ledger.chunks(*_STATES, slug=run.slug) if wanted(chunk)]
    sizes = Counter[str]()
    for chunk in found:
        sizes[chunk.batch_id] += chunk.size
    for chunk in sorted(found, key=lambda one: (not one.recalled, -sizes[one.batch_id], one.number)):
        if run.is_over():
            break
        if chunk.mailer not in {run.mailer.name, ""} or not _needs_it(run, chunk):
            continue
        if chunk.batch_id and chunk.state is not OutboxState.AWAITING and not _is_late(run, chunk):
            if chunk.batch_id in asked:  # one answer for all of a batch
                continue
            asked.add(chunk.batch_id)
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


def resolve(run: Run, chunk: Chunk) -> int:
    """Look after one chunk in doubt; how many were planned again."""
    if isinstance(run.mailer, BatchMailer) and chunk.state is not OutboxState.STAGED:
        return _of_batch(run, chunk, run.mailer)
    if chunk.state is OutboxState.POSTING and chunk.recalled and run.mailer.resend_is_safe:
        said = "interrupted while it was handed over, and then recalled"  # so it is not gone through again
        run.ledger.move(chunk, OutboxState.HELD, run.clock(), reason=said, owner="")
        return 0
    if run.mailer.resend_is_safe or chunk.state is OutboxState.STAGED:  # nothing was posted of a staged one
        return run.ledger.give_up(chunk, run.clock(), "interrupted")
    if chunk.state is OutboxState.POSTING and chunk.mailer:
        return _cut_at_cursor(run, chunk)
    return _once_more(run, chunk) if chunk.state is OutboxState.UNKNOWN else 0


def _once_more(run: Run, chunk: Chunk) -> int:
    """A mail in doubt, singly handed over (6); how many are planned again."""
    now, wait, ledger = run.clock(), run.mailer.resend_after, run.ledger
    if ledger.is_reported(chunk):
        ledger.move(chunk, OutboxState.ACCEPTED, now, reason="its report came", owner="")
        return 0
    if wait is None or now < chunk.changed_at + wait:
        return 0
    if chunk.recalled or ledger.was_given_up(chunk, _AGAIN):
        why = "it was recalled" if chunk.recalled else "it was sent again once"
        ledger.move(
            chunk, OutboxState.HELD, now, reason=f"in doubt, and {why}: ask the mail server", owner=""
        )
        return 0
    return ledger.give_up(chunk, now, _AGAIN)


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


def _is_late(run: Run, chunk: Chunk) -> bool:
    return chunk.send_at is not None and run.clock() > chunk.send_at - LAST_CALL


def _of_batch(run: Run, chunk: Chunk, mailer: BatchMailer) -> int:
    now = run.clock()
    if not chunk.batch_id or chunk.send_at is None:
        run.ledger.move(chunk, OutboxState.HELD, now, reason="it has no batch id to ask about", owner="")
        return 0
    if chunk.state is OutboxState.AWAITING:
        return _waited(run, chunk)
    if _is_late(run, chunk):
        if chunk.state is not OutboxState.SCHEDULED:  # a recall that comes too late changes nothing
            run.ledger.move(chunk, OutboxState.AWAITING, now, reason="too late to cancel it", owner="")
        return 0
    cancelling = run.ledger.put_in_doubt(chunk, now)
    return _cancel(run, cancelling, mailer) if cancelling else 0


def _cancel(run: Run, chunk: Chunk, mailer: BatchMailer) -> int:
    """Call the batch off (2)."""
    fault_point("notify.cancelling")
    outcome = mailer.cancel(chunk.batch_id, run.clock())
    fault_point("notify.cancelled")
    if isinstance(outcome, Cancelled):
        again = run.ledger.give_up_batch(chunk, run.clock(), "cancelled, as it was in doubt")
        run.took_back(chunk.batch_id)
        return again
    run.ledger.move(chunk, OutboxState.CANCELLING, run.clock(), reason=outcome.reason)
    if isinstance(outcome, Stopped):
        run.stopped = outcome.reason
    elif outcome.retry_after is not None:
        run.stopped, run.retry_after = outcome.reason, outcome.retry_after
    return 0


def _waited(run: Run, chunk: Chunk) -> int:
    """What happened decides (3)."""
    now, ledger = run.clock(), run.ledger
    if ledger.is_reported(chunk):
        ledger.move(chunk, OutboxState.ACCEPTED, now, reason="its reports came")
        return 0
    if chunk.send_at is None or now < chunk.send_at + _REPORTS_ARE_IN:
        return 0
    if ledger.is_later_reported(chunk):
        return ledger.give_up(chunk, now, "reports came about later mails and none about these")
    ledger.move(chunk, OutboxState.HELD, now, reason="no reports come, so nobody knows: ask the mail service")
    return 0
