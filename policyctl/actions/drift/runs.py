# SPDX-License-Identifier: Apache-2.0
"""When the commands ran that a timer starts, by the rows that they leave (actions/custody/runs.py).

1. One that is expected every so many hours must have been done within them.
2. A newest run that failed, was refused, or has no end although an hour has passed, is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from policyctl.actions.drift.checks import ERROR, OK, WARNING, Check
from policyctl.core.runs import LastRuns, RunOutcome

_STILL = timedelta(hours=1)
_LONG_LIVED = ("serve",)


def run_checks(
    known: Sequence[LastRuns], expected: Sequence[tuple[str, int]], now: datetime
) -> Iterator[Check]:
    """One check for each command that ran or is expected to."""
    hours = dict(expected)
    by_name = {one.command: one for one in known}
    names = sorted(by_name.keys() | hours.keys())
    for name in names:
        yield _check(name, by_name.get(name), hours.get(name, 0), now)
    if not names:
        yield Check("runs", OK, "none is on record, and none is expected ([doctor] notify_hours, ...)")


def _check(name: str, known: LastRuns | None, hours: int, now: datetime) -> Check:
    often = "hour" if hours == 1 else f"{hours} hours"
    wanted = f"; it is expected every {often}" if hours else ""
    mend = f"run `policyctl {_command(name)}` by a timer, and look why it stopped ([doctor] {name}_hours)"
    if known is None:
        return Check("runs", ERROR, f"{name} has never run{wanted}", mend)
    last = known.done.started_at if known.done else None
    if hours and (last is None or now - last > timedelta(hours=hours)):
        since = f"since {moment_words(last)}" if last else "yet"
        return Check("runs", ERROR, f"{name} has not run {since}{_trouble(known, now)}{wanted}", mend)
    if trouble := _trouble(known, now):
        return Check("runs", WARNING, f"{name}{trouble}", f"look at what `policyctl {_command(name)}` says")
    return Check("runs", OK, f"{name} ran last on {moment_words(known.newest.started_at)}{_words(known)}")


def _command(name: str) -> str:
    return "ledger seal" if name == "seal" else name


def _trouble(known: LastRuns, now: datetime) -> str:
    """What is wrong with the newest run, to follow its name; nothing where it was done or is at work."""
    run = known.newest
    if run.outcome in {RunOutcome.FAILED, RunOutcome.REFUSED}:
        word = "failed" if run.outcome is RunOutcome.FAILED else "was refused"
        return f": the run of {moment_words(run.started_at)} {word}"
    if run.outcome is RunOutcome.OPEN and now - run.started_at > _STILL and run.command not in _LONG_LIVED:
        return f": the run of {moment_words(run.started_at)} has no end, so it was killed or still hangs"
    return ""


def _words(known: LastRuns) -> str:
    run = known.newest
    if run.outcome is RunOutcome.OPEN:
        return ", and is at work"
    counts = ", ".join(f"{count} {name}" for name, count in run.counts.items() if count)
    return f": {counts}" if counts else ": nothing to do"


def moment_words(moment: datetime) -> str:
    """A moment to the minute, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
