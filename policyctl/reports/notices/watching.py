# SPDX-License-Identifier: Apache-2.0
"""The sending of notices as it goes on, drawn: what `notify --watch` shows, without a control code."""

from __future__ import annotations

from collections.abc import Mapping

from policyctl.core.notices.underway import Step, Underway
from policyctl.reports.notices.status_v1 import drawn

_SIGNS = {
    Step.DELIVERED: "#",
    Step.HANDED_OVER: "=",
    Step.IN_HAND: ">",
    Step.WAITING: ".",
    Step.FAILED: "!",
    Step.SET_ASIDE: "-",
}
_MINUTE = 60


def frame(now: Underway) -> str:
    """A bar for each version and kind of notice, and how fast it goes; several lines, the last one open."""
    if not now.counts:
        return "no notice is owed"
    bars = [
        f"{version} {kind.value} [{drawn(steps, _SIGNS)}] {_in_words(steps)}"
        for (version, kind), steps in now.steps().items()
    ]
    return "\n".join([*bars, _pace(now)])


def line(now: Underway) -> str:
    """The same in one line, for what is no terminal."""
    said = "; ".join(
        f"{version} {kind.value}: {_in_words(steps)}" for (version, kind), steps in now.steps().items()
    )
    return f"{now.at:%H:%M:%S} UTC {said or 'no notice is owed'}"


def _in_words(steps: Mapping[Step, int]) -> str:
    said = [f"{count:,} {step.value} {_SIGNS[step]}" for step, count in steps.items() if count]
    return f"{sum(steps.values()):,}: " + ", ".join(said)


def _pace(now: Underway) -> str:
    if now.done:
        return "nothing is on its way"
    to_go, went = now.count(Step.WAITING, Step.IN_HAND), now.left - now.before
    if went <= 0 or now.seconds <= 0:
        return f"{to_go:,} to go"
    pace = went / now.seconds
    return f"{to_go:,} to go, {pace:,.0f} a second, about {_long(to_go / pace)} left"


def _long(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / _MINUTE)
    return f"{minutes} min" if minutes < _MINUTE else f"{minutes // _MINUTE} h {minutes % _MINUTE} min"
