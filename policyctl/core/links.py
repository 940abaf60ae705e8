# SPDX-License-Identifier: Apache-2.0
"""Links in mails: what one is for, and the keys they are signed with.

At most two keys are good at a time: new links are signed with the newest, those signed with the one
before still open. A key that was retired stays known, so that who follows an old link is told how to
get a new one, and not that it never was one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

_IN_FORCE = 2


class LinkPurpose(StrEnum):
    """What a link opens; one for one purpose opens nothing else. The words are part of its address."""

    ANSWERS = "answers"
    REMINDERS = "reminders"


class LinkState(StrEnum):
    """Whether a link that we signed still opens: it may be too old, or its key retired."""

    GOOD = "good"
    EXPIRED = "expired"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class LinkKey:
    """A key that links are signed with. ``secret`` is shown nowhere; times are aware UTC."""

    id: str
    secret: bytes = field(repr=False)
    made_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReadLink:
    """What a link that we signed names: a notice to an addressee, and the moment of its mail."""

    nid: str
    made_at: datetime
    state: LinkState


def in_force(keys: Sequence[LinkKey]) -> tuple[LinkKey, ...]:
    """The keys that open links, the oldest first; the last one signs. In the order in which they were made:
    one that a wrong clock dated ahead is not the newest for ever.
    """
    return tuple(key for key in keys if key.retired_at is None)


def with_new_key(keys: Sequence[LinkKey], fresh: LinkKey) -> tuple[LinkKey, ...]:
    """The keys once ``fresh`` signs: the one before it stays good, older ones are retired."""
    kept = {key.id for key in in_force(keys)[-(_IN_FORCE - 1) :]}
    before = tuple(
        key if key.id in kept or key.retired_at else replace(key, retired_at=fresh.made_at) for key in keys
    )
    return (*before, fresh)


def without_key(keys: Sequence[LinkKey], number: str, now: datetime) -> tuple[LinkKey, ...]:
    """The keys once the one with that id is retired."""
    return tuple(
        replace(key, retired_at=now) if key.id == number and key.retired_at is None else key for key in keys
    )
