# SPDX-License-Identifier: Apache-2.0
"""Runs leave a row each, and doctor tells from them who has stopped running."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from policyctl.actions.custody.runs import known_runs, last_runs, noted
from policyctl.actions.drift.runs import run_checks
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.core.runs import LastRuns, Run, RunOutcome
from policyctl.errors import RefusedError, UnreachableError
from policyctl.web.metrics import Metrics
from tests.adapters.ledger_samples import KEY, TAXONOMY, day, subject

NOW = day("2026-11-01")
HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.upgrade()
        yield opened


class Clock:
    """An hour passes whenever somebody looks."""

    def __init__(self, start: datetime) -> None:
        self.at = start

    def __call__(self) -> datetime:
        self.at += HOUR
        return self.at


def test_a_run_leaves_one_row_and_no_entry(ledger: Ledger) -> None:
    heads = ledger.heads()
    with noted("notify", ledger, Clock(NOW)) as counts:
        counts |= {"sent": 3}
        (begun,) = last_runs(ledger)
        assert (begun.newest.ended_at, begun.newest.outcome, begun.done) == (None, RunOutcome.OPEN, None)
    run = Run("notify", NOW + HOUR, NOW + 2 * HOUR, RunOutcome.DONE, {"sent": 3})
    assert last_runs(ledger) == (LastRuns("notify", run, run),)
    assert ledger.heads() == heads


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(RefusedError("no"), "refused"), (UnreachableError("away"), "failed"), (KeyError(), "failed")],
)
def test_what_came_of_it_is_told_and_the_last_good_one_is_not_forgotten(
    ledger: Ledger, error: Exception, outcome: str
) -> None:
    clock = Clock(NOW)
    with noted("sync", ledger, clock):
        pass
    with pytest.raises(type(error)), noted("sync", ledger, clock):
        raise error
    (found,) = last_runs(ledger)
    assert found.newest.outcome == outcome
    assert found.done is not None
    assert found.done.started_at == NOW + HOUR


def test_work_is_done_where_it_cannot_be_noted(database_url: str) -> None:
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as never_set_up:
        with noted("notify", never_set_up, Clock(NOW)) as counts:
            counts["sent"] = 1
        assert known_runs(never_set_up) == ()


def test_old_runs_are_pruned_but_for_the_newest_of_each_command(ledger: Ledger) -> None:
    ledger.import_subjects([subject("u1")], now=NOW)
    for place in range(3):
        for name in ("notify", "sync"):
            with noted(name, ledger, Clock(NOW + place * HOUR)):
                pass
    assert dict(ledger.custody.would_prune(NOW + 9 * HOUR).rows)["run"] == 4
    assert dict(ledger.custody.prune(NOW + 9 * HOUR, "retention", now=NOW).rows)["run"] == 4
    assert [one.newest.started_at for one in last_runs(ledger)] == [NOW + 3 * HOUR] * 2


DONE = Run("notify", NOW, NOW + HOUR, RunOutcome.DONE, {"sent": 2, "failed": 0})
CUT_OFF = Run("notify", NOW + 5 * HOUR)
REFUSED = Run("notify", NOW + 5 * HOUR, NOW + 5 * HOUR, RunOutcome.REFUSED)


@pytest.mark.parametrize(
    ("known", "hours", "later", "state", "said"),
    [
        ((), 0, 0, "ok", "none is on record"),
        ((), 6, 0, "error", "notify has never run; it is expected every 6 hours"),
        ((), 1, 0, "error", "notify has never run; it is expected every hour"),
        ((LastRuns("notify", DONE, DONE),), 6, 6, "ok", "notify ran last on 2026-11-01 00:00 UTC: 2 sent"),
        ((LastRuns("notify", DONE, DONE),), 6, 7, "error", "notify has not run since 2026-11-01 00:00 UTC"),
        ((LastRuns("notify", DONE, DONE),), 0, 700, "ok", "notify ran last on 2026-11-01"),
        ((LastRuns("notify", CUT_OFF, DONE),), 0, 5, "ok", "and is at work"),
        ((LastRuns("notify", CUT_OFF, DONE),), 0, 7, "warning", "has no end, so it was killed"),
        (
            (LastRuns("notify", REFUSED, DONE),),
            9,
            7,
            "warning",
            "the run of 2026-11-01 05:00 UTC was refused",
        ),
        (
            (LastRuns("notify", REFUSED, DONE),),
            6,
            7,
            "error",
            "not run since 2026-11-01 00:00 UTC: the run of",
        ),
        ((LastRuns("notify", REFUSED),), 6, 7, "error", "notify has not run yet: the run of"),
        (
            (LastRuns("serve", Run("serve", NOW)),),
            0,
            99,
            "ok",
            "serve ran last on 2026-11-01 00:00 UTC, and is",
        ),
    ],
)
def test_doctor_tells_who_has_stopped(
    known: tuple[LastRuns, ...], hours: int, later: int, state: str, said: str
) -> None:
    expected = (("notify", hours),) if hours else ()
    (check,) = run_checks(known, expected, NOW + later * HOUR)
    assert (check.name, check.state) == ("runs", state)
    assert said in check.seen
    assert ("policyctl notify" in check.mend) == (state != "ok")


def test_the_figures_tell_when_each_ran() -> None:
    seconds = int(NOW.timestamp())
    text = Metrics().text([LastRuns("notify", CUT_OFF, DONE)])
    assert f'policyctl_run_started_seconds{{command="notify"}} {seconds + 5 * 3600}\n' in text
    assert f'policyctl_run_done_seconds{{command="notify"}} {seconds}\n' in text
