# SPDX-License-Identifier: Apache-2.0
"""A reminder of choices that have not been answered: mail of its own, and the only one with an opt-out.

1. It repeats a notice that was sent; it never stands in for one, and stopping it answers nothing.
2. It is due some days before the effective date, for those whose notice had left by then. Of several such
   days that have come only the last counts: nobody is reminded twice at once.
3. From the effective date on there is none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from policyctl.core.notices.notice import Notice, NoticeKind
from policyctl.core.policy import VersionKey


@dataclass(frozen=True, slots=True)
class ReminderDue:
    """So many addressees of a notice of this kind are to be reminded, so many days before the effective
    date.
    """

    version: VersionKey
    of: NoticeKind
    lead_days: int
    count: int


def reminder_of(notice: Notice, unanswered: Collection[str]) -> Notice | None:
    """The reminder of ``notice`` to somebody who has not answered the changes named ``unanswered``.

    None where the notice asked about none of them: there is nothing to remind of.
    """
    still_open = tuple(offer for offer in notice.choices if offer.change in unanswered)
    if not still_open:
        return None
    return replace(notice, kind=NoticeKind.REMINDER, clauses=(), choices=still_open, transition=None)


def lead_reached(effective_at: datetime, lead_days: Iterable[int], now: datetime) -> int | None:
    """The shortest of the leads that has been reached (2); None before the first and from the effective
    date on (3). Times are aware UTC.
    """
    if now >= effective_at:
        return None
    return min((days for days in lead_days if now >= effective_at - timedelta(days=days)), default=None)


def alike(
    lo: int, hi: int, unanswered: Mapping[int, frozenset[str]]
) -> tuple[tuple[int, int, frozenset[str]], ...]:
    """Places ``lo`` to ``hi`` cut where what their addressees have left unanswered differs: first and last
    place of each piece, and the changes; none for those who need no reminder any more.
    """
    runs = groupby(range(lo, hi + 1), key=lambda place: unanswered.get(place, frozenset()))
    found = ((list(places), changes) for changes, places in runs)
    return tuple((places[0], places[-1], changes) for places, changes in found)
