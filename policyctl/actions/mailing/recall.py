# SPDX-License-Identifier: Apache-2.0
"""Recall notices before they leave; and plan them again.

1. In one step everything of the notices is marked: what was not handed over is done with, no run claims or
   posts any of it from then on, and nobody else is written to about it.
2. What the mail service holds for later is called off, batch by batch, each until that is confirmed, the
   largest first. Whatever is in the way is told, with how long it may still be tried.
3. What has left cannot be called back, and is counted. Killed anywhere and run again, it ends the same.
4. Planned again, the same notices go to the same addressees who have had none, as if for the first time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from policyctl.actions.mailing.mails import MailWriter
from policyctl.actions.mailing.resolve import LAST_CALL, resolve_recalled
from policyctl.actions.mailing.run import Run
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.interface import Mailer
from policyctl.adapters.worker import worker_name
from policyctl.core.notices.notice import NoticeKind, Sender
from policyctl.core.notices.outbox import IN_DOUBT, Chunk, OutboxState
from policyctl.core.policy import VersionKey
from policyctl.faults import fault_point

_NOT_YET = {state.value for state in (*IN_DOUBT, OutboxState.SCHEDULED, OutboxState.STAGED)}
_CALLED_OFF = (OutboxState.SCHEDULED, OutboxState.UNKNOWN, OutboxState.CANCELLING)


@dataclass(frozen=True, slots=True)
class Recalled:
    """What became of the notices of a recall, in addressees. ``recalled``: nothing was sent to them, and
    nothing will be. ``left``: theirs was sent before. ``open``: it is with the mail service, or may be;
    ``until``: up to when more of it may be called off, None where nothing can be any more. ``rejected``: no
    mail could be sent to them anyway. ``stopped``: what was in the way, else empty.
    """

    recalled: int
    left: int
    open: int
    rejected: int
    until: datetime | None
    stopped: str

    @property
    def complete(self) -> bool:
        """Nobody got the notice, and nobody will."""
        return not (self.left or self.open)


def recall(
    version: VersionKey,
    kind: NoticeKind | None = None,
    *,
    now: datetime,
    ledger: Ledger,
    mailer: Mailer,
    sender: Sender,
    clock: Callable[[], datetime] | None = None,
) -> Recalled:
    """Recall the notices of a version, of one kind or of all. CannotCompareError where it owes none."""
    ledger.cancel(version, kind, now=now)
    fault_point("recall.marked")
    run = Run(ledger, mailer, MailWriter(sender), clock or (lambda: now), worker_name(), version.slug)
    resolve_recalled(run, version)
    counts = Counter[str]()
    for found in ledger.outbox_counts(version.slug):
        if found.version == version and kind in {None, found.kind}:
            counts[found.state] += found.count
    open_ = sum(counts[state] for state in _NOT_YET)
    aside = counts[OutboxState.RECALLED] + counts[OutboxState.REJECTED]
    return Recalled(
        recalled=counts[OutboxState.RECALLED],
        left=counts.total() - open_ - aside,
        open=open_,
        rejected=counts[OutboxState.REJECTED],
        until=_until(run, version, kind),
        stopped=run.stopped or _in_the_way(run, version, kind),
    )


def _until(run: Run, version: VersionKey, kind: NoticeKind | None) -> datetime | None:
    """The last moment at which any of what is still held may be called off."""
    ends = [chunk.send_at - LAST_CALL for chunk in _held(run, version, kind) if chunk.send_at]
    last = max(ends, default=None)
    return last if last and last > run.clock() else None


def _in_the_way(run: Run, version: VersionKey, kind: NoticeKind | None) -> str:
    """What was said when a batch could not be called off."""
    held = _held(run, version, kind)
    other = {chunk.mailer for chunk in held if chunk.mailer not in {run.mailer.name, ""}}
    if other:
        return f"{', '.join(sorted(other))} holds some of them, and [mail] mailer is {run.mailer.name}"
    return next((chunk.reason for chunk in held if chunk.reason), "")


def _held(run: Run, version: VersionKey, kind: NoticeKind | None) -> list[Chunk]:
    """What the mail service still holds and could be called off."""
    found = run.ledger.chunks(*_CALLED_OFF, slug=version.slug)
    return [one for one in found if one.notice.version == version and kind in {None, one.notice.kind}]


def plan_again(version: VersionKey, kind: NoticeKind | None = None, *, now: datetime, ledger: Ledger) -> int:
    """Take a recall back, of one kind of notice or of all; how many addressees are planned again."""
    return ledger.plan_again(version, kind, now=now)
