# SPDX-License-Identifier: Apache-2.0
"""Which version of a policy was in force on which day.

On a day it is the greatest of the versions whose effective date has come (core/use/in_force.py says it of a
subject). A version is therefore never in force when a later one took effect no later than it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from policyctl.reports.site.posted import Posted
from policyctl.reports.site.wording import Wording

_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """``version`` was in force from ``since`` to ``until``, both days included; None: until a version comes
    that is not published yet.
    """

    version: int
    since: date
    until: date | None


def periods(versions: Sequence[Posted]) -> tuple[Period, ...]:
    """The periods, oldest first: they follow each other without a gap."""
    found: list[Period] = []
    for since in sorted({version.effective for version in versions}):
        number = max(version.number for version in versions if version.effective <= since)
        if found and found[-1].version == number:
            continue
        if found:
            found[-1] = Period(found[-1].version, found[-1].since, since - _ONE)
        found.append(Period(number, since, None))
    return tuple(found)


def on_day(found: Sequence[Period], wanted: date) -> Period | None:
    """The period a day lies in; None before the first."""
    return next((period for period in reversed(found) if period.since <= wanted), None)


def words_of(found: Sequence[Period], number: int, say: Wording) -> str:
    """In words, when a version was or will be in force."""
    own = [period for period in found if period.version == number]
    if not own:
        return say.text("when.never")
    return ", ".join(_words(period, say) for period in own)


def _words(period: Period, say: Wording) -> str:
    if period.until is None:
        return say.text("when.from", since=period.since)
    return say.text("when.period", since=period.since, until=period.until)
