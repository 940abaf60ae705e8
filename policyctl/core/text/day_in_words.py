# SPDX-License-Identifier: Apache-2.0
"""The effective date a policy's own text names, in words or digits, in English or German.

1. A day beside "effective", "in force" or "gilt ab" is taken first.
2. Else a day beside "last updated", "revised", "Stand" and their like.
3. Days the calendar does not have, and digits whose order cannot be known (04/05/2020), are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner",
            "february feb februar",
            "march mar märz",
            "april apr",
            "may mai",
            "june jun juni",
            "july jul juli",
            "august aug",
            "september sept sep",
            "october oct oktober okt",
            "november nov",
            "december dec dezember dez",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = re.compile(
    rf"\b(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})\b"
    rf"|\b(?P<m1>{_MONTH})\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y1>\d{{4}})\b"
    rf"|\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<m2>{_MONTH}),?\s+(?P<y2>\d{{4}})\b"
    rf"|\b(?P<d3>\d{{1,2}})\.\s?(?P<m3>\d{{1,2}})\.\s?(?P<y3>\d{{4}})\b"
    rf"|\b(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})/(?P<y4>\d{{4}})\b",
    re.IGNORECASE,
)
_IN_FORCE = re.compile(
    r"\b(?:effective|in\s+force|takes?\s+effect|in\s+effect|gültig|gilt|in\s+kraft)\b[^.\n]{0,40}$",
    re.IGNORECASE,
)
_UPDATED = re.compile(
    r"\b(?:(?:last\s+)?(?:updated|revised|modified|amended|changed)|last\s+(?:update|revision|change)|dated|version|stand"
    r"|zuletzt\s+\w+)\b[^.\n]{0,30}$",
    re.IGNORECASE,
)
_BEFORE = 80  # characters before a date in which the words that give it its meaning are looked for


def effective_day(text: str) -> date | None:
    """The day the text says it takes effect, else the day it says it was last changed, else None."""
    found = list(_days(text))
    for meaning in (_IN_FORCE, _UPDATED):
        for at, day in found:
            if meaning.search(text[max(0, at - _BEFORE) : at]):
                return day
    return None


def names_a_day(text: str) -> bool:
    """True when a date stands anywhere in the text."""
    return next(_days(text), None) is not None


def without_days(text: str) -> str:
    """The text with every date left out."""
    return _DAY.sub("", text)


def _days(text: str) -> Iterator[tuple[int, date]]:
    """Offset and value of every date that can be meant in one way only."""
    for match in _DAY.finditer(text):
        try:
            day = _value(match)
        except ValueError:
            continue
        if day is not None:
            yield match.start(), day


def _value(match: re.Match[str]) -> date | None:
    if match["iso"]:
        return date.fromisoformat(match["iso"])
    if match["m1"]:
        return date(int(match["y1"]), _month(match["m1"]), int(match["d1"]))
    if match["m2"]:
        return date(int(match["y2"]), _month(match["m2"]), int(match["d2"]))
    if match["y3"]:
        return date(int(match["y3"]), int(match["m3"]), int(match["d3"]))
    return _slashed(int(match["a"]), int(match["b"]), int(match["y4"]))


def _slashed(first: int, second: int, year: int) -> date | None:
    """Month/day or day/month, only where one of the two cannot be a month."""
    months = 12
    if first > months:
        return date(year, second, first)
    return date(year, first, second) if second > months or first == second else None


def _month(name: str) -> int:
    return _MONTHS[name.lower().rstrip(".")]
