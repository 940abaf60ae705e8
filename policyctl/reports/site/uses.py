# SPDX-License-Identifier: Apache-2.0
"""What a revision changes for data: every declared use that came, went or changed, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from policyctl.core.practice import Practice
from policyctl.core.revision import PracticeChange
from policyctl.reports.site.practice_tables import Says


@dataclass(frozen=True, slots=True)
class Line:
    """One fact of a use: what was said and what is said; one of the two may be empty. ``changed``: they
    differ.
    """

    was: str
    now: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Use:
    """A use of ``data``. ``state``: ``new``, ``gone`` or ``changed``."""

    state: str
    data: str
    lines: tuple[Line, ...]


def changed_uses(changes: Sequence[PracticeChange], says: Says) -> tuple[Use, ...]:
    """In the order of the changes."""
    return tuple(_use(change, says) for change in changes)


def _use(change: PracticeChange, says: Says) -> Use:
    told = change.new or change.old
    if told is None:  # pragma: no cover - a change has one side
        raise ValueError(change.id)
    data = _data(told, says)
    if change.old is None or change.new is None:
        lines = tuple(Line("", text, changed=False) for facts in _FACTS for text in facts(told, says))
        return Use("new" if change.old is None else "gone", data, lines)
    return Use("changed", data, tuple(_lines(change.old, change.new, says)))


def _lines(old: Practice, new: Practice, says: Says) -> Iterator[Line]:
    """What it was used for stands first, changed or not; of the rest only what changed."""
    if (was := _data(old, says)) != (now := _data(new, says)):
        yield Line(was, now, changed=True)
    for facts in _FACTS:
        before, after = facts(old, says), facts(new, says)
        gone = [text for text in before if text not in after]
        came = [text for text in after if text not in before]
        if facts is _purpose and not came:
            yield Line("", after[0], changed=False)
        for at in range(max(len(gone), len(came))):
            yield Line("".join(gone[at : at + 1]), "".join(came[at : at + 1]), changed=True)


def _data(practice: Practice, says: Says) -> str:
    return "; ".join(says.data(name) for name in practice.categories)


def _purpose(practice: Practice, says: Says) -> list[str]:
    return [says.say.text("use.used", purpose=says.purpose(practice.purpose))]


def _recipients(practice: Practice, says: Says) -> list[str]:
    return [says.say.text("use.disclosed", who=says.recipient(who)) for who in practice.recipients]


def _kept(practice: Practice, says: Says) -> list[str]:
    return [says.say.text("use.kept", time=says.kept_for(practice.retention))] if practice.retention else []


def _choice(practice: Practice, says: Says) -> list[str]:
    return [says.say.text("use.choice", choice=says.choice(practice.choice))]


_FACTS: tuple[Callable[[Practice, Says], list[str]], ...] = (_purpose, _recipients, _kept, _choice)
