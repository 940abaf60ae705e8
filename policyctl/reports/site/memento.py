# SPDX-License-Identifier: Apache-2.0
"""Memento (RFC 7089): asking a web page for the state it was in at a moment.

``/<slug>/`` is the original resource and its own TimeGate; ``/<slug>/v3/`` is a memento of it, from the
moment version 3 was in force; ``/<slug>/timemap/`` lists all of them. A version that is
not in force yet is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

TIMEMAP_TYPE = "application/link-format"


@dataclass(frozen=True, slots=True)
class Memento:
    """``version`` is what the page said from ``since`` on (aware UTC)."""

    version: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the table of versions (``data.json`` of a policy) says of the text in force, oldest first.
    ``numbers`` are all versions that are published.
    """

    numbers: frozenset[int]
    mementos: tuple[Memento, ...]

    def at(self, moment: datetime) -> Memento | None:
        """The one that was in force; None before the first."""
        return next((each for each in reversed(self.mementos) if each.since <= moment), None)

    def of(self, version: int, now: datetime) -> Memento | None:
        """The memento that a version is by now."""
        return next((each for each in self.past(now) if each.version == version), None)

    def past(self, now: datetime) -> tuple[Memento, ...]:
        """Those that there are by now."""
        return tuple(each for each in self.mementos if each.since <= now)


def timeline(data: Mapping[str, Any]) -> Timeline:
    """Read from the JSON of the page of a policy."""
    found = [
        Memento(row["version"], datetime.combine(date.fromisoformat(period["since"]), time(), UTC))
        for row in data["versions"]
        for period in row["in_force"]
    ]
    numbers = frozenset(row["version"] for row in data["versions"])
    return Timeline(numbers, tuple(sorted(found, key=lambda each: each.since)))


def wanted_moment(accept_datetime: str) -> datetime | None:
    """The moment of an ``Accept-Datetime`` header; None where it is none (RFC 7089, 4.5.3: then 400)."""
    try:
        found = parsedate_to_datetime(accept_datetime)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def http_date(at: datetime) -> str:
    """``Mon, 30 Nov 2026 09:00:00 GMT``."""
    return format_datetime(at.astimezone(UTC), usegmt=True)


def links(base: str, line: Timeline, now: datetime, version: int | None = None) -> str:
    """The value of ``Link`` for the page of a policy (``base``, a slash at its end) or of a version."""
    past = line.past(now)
    found = [f'<{base}>; rel="original timegate"', f'<{base}timemap/>; rel="timemap"; type="{TIMEMAP_TYPE}"']
    found += [_memento(base, each, _places(past, each, version)) for each in _shown(past, version)]
    return ", ".join(found)


def timemap(base: str, line: Timeline, now: datetime) -> str:
    """All mementos, in link format (RFC 6690)."""
    past = line.past(now)
    rows = [
        f'<{base}>; rel="original timegate"',
        f'<{base}timemap/>; rel="self"; type="{TIMEMAP_TYPE}"',
        *(_memento(base, each, _places(past, each, None)) for each in past),
    ]
    return ",\n".join(rows) + "\n"


def _shown(past: Sequence[Memento], version: int | None) -> list[Memento]:
    """First and last; those before and behind the version, and itself."""
    at = next((number for number, each in enumerate(past) if each.version == version), None)
    places = {0, len(past) - 1} | ({at - 1, at, at + 1} if at is not None else set())
    return [each for number, each in enumerate(past) if number in places]


def _places(past: Sequence[Memento], memento: Memento, version: int | None) -> str:
    at = past.index(memento)
    own = next((number for number, each in enumerate(past) if each.version == version), None)
    words = [
        "first" if at == 0 else "",
        "prev" if own is not None and at == own - 1 else "",
        "next" if own is not None and at == own + 1 else "",
        "last" if at == len(past) - 1 else "",
        "memento",
    ]
    return " ".join(word for word in words if word)


def _memento(base: str, memento: Memento, relation: str) -> str:
    return f'<{base}v{memento.version}/>; rel="{relation}"; datetime="{http_date(memento.since)}"'
