# SPDX-License-Identifier: Apache-2.0
"""What is owed, and whether anybody works on it.

1. A notice that has not left when fewer days are left than its class asks for is late; within ``SOON`` of
   that day it is about to be. Reminders owe nothing.
2. What else is owed for a version, as ``status`` says it.
3. What waits for a run of ``notify`` longer than the heartbeat allows: then nobody runs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policyctl.actions.custody.runs import last_runs
from policyctl.actions.drift.checks import ERROR, OK, WARNING, Check, few
from policyctl.actions.drift.runs import moment_words
from policyctl.actions.status import PolicyStatus, VersionStatus
from policyctl.adapters.ledger import Ledger
from policyctl.core.judge.standards import Standards
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import OutboxState
from policyctl.core.notices.reach import Timing
from policyctl.core.runs import LastRuns
from policyctl.reports.words import day

SOON = timedelta(days=3)
_NOT_LEFT = (OutboxState.PLANNED, OutboxState.PAUSED, OutboxState.STAGED)


@dataclass(frozen=True, slots=True)
class Pulse:
    """After how many hours without anybody at work something that waits is told; every how many hours a run
    of a command is expected.
    """

    hours: int = 24
    expected: tuple[tuple[str, int], ...] = ()


def due_checks(policies: Sequence[PolicyStatus], standards: Standards, now: datetime) -> Iterator[Check]:
    """Lead times and duties of every version."""
    versions = [version for policy in policies for version in policy.versions]
    yield from _or_fine("lead times", [*_lead_times(versions, standards, now)], "no notice is late")
    yield from _or_fine("duties", [*_duties(versions)], "nothing is owed")


def _or_fine(name: str, found: Sequence[Check], fine: str) -> Sequence[Check]:
    return found or [Check(name, OK, fine)]


def _lead_times(versions: Sequence[VersionStatus], standards: Standards, now: datetime) -> Iterator[Check]:
    for version in versions:
        waiting = sum(
            one.count
            for one in version.progress.standings
            if one.kind is not NoticeKind.REMINDER and one.event is None and one.state in _NOT_LEFT
        )
        if waiting and version.change_class and version.effective:
            timing = Timing(now.date(), version.effective, standards.lead_days[version.change_class])
            yield from _timing(version, timing, waiting)


def _timing(version: VersionStatus, timing: Timing, waiting: int) -> Iterator[Check]:
    notices = f"{waiting} notice{'s' * (waiting != 1)} of {version.version}"
    asked = f"{timing.lead_days} days before {day(timing.effective)}"
    mend = f"run `policyctl notify {version.version.slug}`"
    if timing.late_days:
        late = f"{timing.late_days} day{'s' * (timing.late_days != 1)} late"
        yield Check("lead times", ERROR, f"{notices} not sent, {late}: owed {asked}", f"{mend} now")
    elif timing.due - timing.leaves <= SOON:
        seen = f"{notices} must leave by {day(timing.due)}, {asked}"
        yield Check("lead times", WARNING, seen, mend)


def _duties(versions: Sequence[VersionStatus]) -> Iterator[Check]:
    for version in versions:
        if version.duties:
            seen = f"{version.version} owes: {few(version.duties)}"
            mend = f"look at `policyctl status {version.version.slug}`"
            yield Check("duties", WARNING, seen, mend)


def _last_run(known: Sequence[LastRuns]) -> str:
    run = next((one.newest for one in known if one.command == "notify"), None)
    if run is None:
        return "notify has never run"
    return f"notify, which ran last on {moment_words(run.started_at)}, did not take them up"


def heartbeat_checks(ledger: Ledger, pulse: Pulse, now: datetime) -> Iterator[Check]:
    """Whether anybody works on what waits."""
    since = ledger.waiting_since(now)
    if since is None:
        yield Check("heartbeat", OK, "nothing waits for a run of notify")
        return
    hours = int((now - since).total_seconds() // 3600)
    if hours < pulse.hours:
        yield Check("heartbeat", OK, f"what waits for a run of notify is {hours} hours old")
        return
    seen = f"notices wait since {hours} hours, and {_last_run(last_runs(ledger))}"
    mend = "run `policyctl notify` by a timer, and look why it stopped ([doctor] heartbeat_hours)"
    yield Check("heartbeat", ERROR, seen, mend)
