# SPDX-License-Identifier: Apache-2.0
"""Each run of a command that a timer starts leaves one row: begun, ended, what came of it, counts.

Of a ledger on several servers the first that answers keeps it. A run that was killed leaves a row without an
end. Where it cannot be noted, the command still does its work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.core.runs import LastRuns, RunOutcome
from policyctl.errors import PolicyctlError, RefusedError, UnreachableError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.ledger.looking.runs import Runs

Counts = dict[str, int]


@contextmanager
def noted(command: str, ledger: Ledger, clock: Callable[[], datetime]) -> Iterator[Counts]:
    """Note a run of a command around its work, which puts what it did into the counts."""
    begun = _begin(command, ledger, clock())
    counts, outcome = Counts(), RunOutcome.FAILED
    try:
        yield counts
        outcome = RunOutcome.DONE
    except RefusedError:
        outcome = RunOutcome.REFUSED
        raise
    finally:
        if begun:
            with suppress(PolicyctlError):
                begun[0].end(begun[1], outcome, counts, clock())


def _begin(command: str, ledger: Ledger, now: datetime) -> tuple[Runs, int] | None:
    for part in ledger.parts:
        with suppress(PolicyctlError):
            return part.runs, part.runs.begin(command, now)
    return None


def last_runs(ledger: Ledger) -> tuple[LastRuns, ...]:
    """Of each command its newest runs, whichever server of the ledger knows of them."""
    found: dict[str, LastRuns] = {}
    for part in ledger.parts:
        with suppress(UnreachableError):
            for one in part.runs.last():
                other = found.get(one.command)
                found[one.command] = one if other is None else _newer(one, other)
    return tuple(found[name] for name in sorted(found))


def known_runs(ledger: Ledger) -> tuple[LastRuns, ...]:
    """The same; none where the ledger cannot be asked, or keeps none yet."""
    with suppress(PolicyctlError):
        return last_runs(ledger)
    return ()


def _newer(one: LastRuns, other: LastRuns) -> LastRuns:
    newest = max(one.newest, other.newest, key=lambda run: run.started_at)
    done = [run for run in (one.done, other.done) if run is not None]
    return LastRuns(one.command, newest, max(done, key=lambda run: run.started_at, default=None))
