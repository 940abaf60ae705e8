# SPDX-License-Identifier: Apache-2.0
"""Counters for Prometheus, in its text format. No label names a person, a customer or a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from policyctl.core.runs import LastRuns

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


class Metrics:
    """What was asked and how long it took. Used from one thread, that of the event loop."""

    def __init__(self) -> None:
        self.running = 0
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._answers: Counter[str] = Counter()
        self.reports: Counter[str] = Counter()
        self._within: Counter[tuple[str, float]] = Counter()
        self._count: Counter[str] = Counter()
        self._spent: dict[str, float] = {}

    def note(self, route: str, method: str, status: int, seconds: float, answers: Iterable[str]) -> None:
        """One request that was answered."""
        self._requests[route, method, status] += 1
        self._answers.update(answers)
        self._count[route] += 1
        self._spent[route] = self._spent.get(route, 0.0) + seconds
        for bound in _BUCKETS:
            self._within[route, bound] += seconds <= bound

    def text(self, runs: Sequence[LastRuns] = ()) -> str:
        """All of it, as Prometheus reads it; ``runs``: when commands ran, as the ledger knows."""
        return "\n".join([*self._counters(), *self._times(), *_runs(runs), ""])

    def _counters(self) -> Iterator[str]:
        yield "# HELP policyctl_requests_running Requests being worked on."
        yield "# TYPE policyctl_requests_running gauge"
        yield f"policyctl_requests_running {self.running}"
        yield "# HELP policyctl_requests_total Requests answered."
        yield "# TYPE policyctl_requests_total counter"
        for (route, method, status), count in sorted(self._requests.items()):
            labels = f'route="{route}",method="{method}",status="{status}"'
            yield f"policyctl_requests_total{{{labels}}} {count}"
        yield "# HELP policyctl_decisions_total Decisions given, by answer."
        yield "# TYPE policyctl_decisions_total counter"
        for answer, count in sorted(self._answers.items()):
            yield f'policyctl_decisions_total{{answer="{answer}"}} {count}'
        yield "# HELP policyctl_delivery_reports_total Reports of mails that came in, by what was done."
        yield "# TYPE policyctl_delivery_reports_total counter"
        for outcome, count in sorted(self.reports.items()):
            yield f'policyctl_delivery_reports_total{{outcome="{outcome}"}} {count}'

    def _times(self) -> Iterator[str]:
        yield "# HELP policyctl_request_seconds Time to answer."
        yield "# TYPE policyctl_request_seconds histogram"
        for route, count in sorted(self._count.items()):
            for bound in _BUCKETS:
                within = self._within[route, bound]
                yield f'policyctl_request_seconds_bucket{{route="{route}",le="{bound}"}} {within}'
            yield f'policyctl_request_seconds_bucket{{route="{route}",le="+Inf"}} {count}'
            yield f'policyctl_request_seconds_sum{{route="{route}"}} {self._spent[route]:.6f}'
            yield f'policyctl_request_seconds_count{{route="{route}"}} {count}'


def _runs(runs: Sequence[LastRuns]) -> Iterator[str]:
    begun = [(one.command, one.newest.started_at) for one in runs]
    done = [(one.command, one.done.started_at) for one in runs if one.done]
    for name, words, moments in (
        ("policyctl_run_started_seconds", "When the newest run of a command began, since 1970.", begun),
        ("policyctl_run_done_seconds", "When the newest run began that came to its end.", done),
    ):
        yield f"# HELP {name} {words}"
        yield f"# TYPE {name} gauge"
        for command, moment in moments:
            yield f'{name}{{command="{command}"}} {moment.timestamp():.0f}'
