# SPDX-License-Identifier: Apache-2.0
"""Declared practices of two versions, compared with the tree of the taxonomy in mind.

A use is permitted before when an old practice covers its category and purpose (and recipient): an
id covers itself and all below it. Rules on purposes and recipients speak of data already collected,
so they look at categories that an old practice covers or that cover an old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from policyctl.core.judge.rules.rule import View
from policyctl.core.practice import ChoiceMode, Practice, Recipient, covers
from policyctl.core.revision import PracticeChange

_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T.*)?")
_DAYS = (365, 30, 7, 1)
_RANK = {ChoiceMode.NONE: 0, ChoiceMode.OPT_OUT: 1, ChoiceMode.OPT_IN: 2}


def sides(
    changes: Iterable[PracticeChange], new: Sequence[Practice] | None, old: Sequence[Practice] | None
) -> tuple[tuple[Practice, ...], tuple[Practice, ...]]:
    """All practices of the old and of the new version. What did not change stands on both sides,
    so one side and the changes are enough; with neither, only what changed is known.
    """
    rows = tuple(changes)
    named = {change.id for change in rows}
    same = [practice for practice in (new if new is not None else old or ()) if practice.id not in named]
    before = tuple(old) if old is not None else (*same, *(change.old for change in rows if change.old))
    after = tuple(new) if new is not None else (*same, *(change.new for change in rows if change.new))
    return before, after


def old_practices(view: View) -> tuple[Practice, ...]:
    """The practices of the old version."""
    return sides(view.revision.practices, view.context.practices, view.context.old_practices)[0]


def new_practices(view: View) -> tuple[Practice, ...]:
    """The practices of the new version."""
    return sides(view.revision.practices, view.context.practices, view.context.old_practices)[1]


def gained_categories(change: PracticeChange, others: Iterable[Practice]) -> tuple[str, ...]:
    """Categories of the new side that none of ``others`` covers."""
    return _uncovered(change.new, others)


def lost_categories(change: PracticeChange, others: Iterable[Practice]) -> tuple[str, ...]:
    """Categories of the old side that none of ``others`` covers any more."""
    return _uncovered(change.old, others)


def _uncovered(practice: Practice | None, others: Iterable[Practice]) -> tuple[str, ...]:
    known = [category for other in others for category in other.categories]
    mine = practice.categories if practice else ()
    return tuple(c for c in mine if not any(covers(k, c) for k in known))


def known_categories(practice: Practice, others: Iterable[Practice]) -> tuple[str, ...]:
    """The data already there that a practice touches: of two overlapping categories the narrower."""
    known = [category for other in others for category in other.categories]
    met = (_meet(mine, theirs) for mine in practice.categories for theirs in known)
    return tuple(dict.fromkeys(category for category in met if category))


def _meet(first: str, second: str) -> str:
    """The narrower of two categories where one covers the other, else nothing."""
    if covers(first, second):
        return second
    return first if covers(second, first) else ""


def new_purpose_for(practice: Practice, others: Iterable[Practice]) -> tuple[str, ...]:
    """Data already there for which none of ``others`` covers this practice's purpose."""
    rows = tuple(others)
    return tuple(
        category
        for category in known_categories(practice, rows)
        if not any(covers(row.purpose, practice.purpose) for row in _about(category, rows))
    )


def _about(category: str, rows: Iterable[Practice]) -> tuple[Practice, ...]:
    """The practices that cover a category."""
    return tuple(row for row in rows if any(covers(wider, category) for wider in row.categories))


def new_recipients(practice: Practice, others: Iterable[Practice]) -> tuple[Recipient, ...]:
    """Recipients whose class none of ``others`` covers for some of the data already there."""
    rows = tuple(others)
    told = [
        {recipient.kind for row in _about(category, rows) for recipient in row.recipients}
        for category in known_categories(practice, rows)
    ]
    return tuple(
        recipient
        for recipient in practice.recipients
        if any(not any(covers(kind, recipient.kind) for kind in kinds) for kinds in told)
    )


def new_names(practice: Practice, others: Iterable[Practice]) -> tuple[Recipient, ...]:
    """Named parties no practice of ``others`` names, within a class that was already told of."""
    rows = tuple(others)
    names = {recipient.name for row in rows for recipient in row.recipients}
    wider = {recipient.kind for recipient in new_recipients(practice, rows)}
    return tuple(r for r in practice.recipients if r.name and r.name not in names and r.kind not in wider)


def retention_days(text: str) -> int | None:
    """Days of an ISO 8601 duration; None for plain words or nothing."""
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        return None
    return sum(int(part or 0) * days for part, days in zip(found.groups(), _DAYS, strict=True))


def retention_step(old: str, new: str) -> int:
    """1 longer, -1 shorter, 0 no difference; a limit that is dropped or turned into words is longer."""
    if old.strip() == new.strip():
        return 0
    before, after = retention_days(old), retention_days(new)
    if before is None and after is None:
        return 1
    if after is None:
        return 1
    return -1 if before is None else (after > before) - (after < before)


def choice_step(old: ChoiceMode, new: ChoiceMode) -> int:
    """1 when the reader's choice got stronger, -1 when weaker, 0 when it stayed."""
    return (_RANK[new] > _RANK[old]) - (_RANK[new] < _RANK[old])


def both_sides(view: View) -> Iterator[tuple[PracticeChange, Practice, Practice]]:
    """The changes that have an old and a new side."""
    for change in view.revision.practices:
        if change.old and change.new:
            yield change, change.old, change.new


def labels(view: View, ids: Iterable[str]) -> str:
    """Ids of any kind in the plain words of the taxonomy."""
    taxonomy = view.catalogue.taxonomy
    tables = (taxonomy.categories, taxonomy.purposes, taxonomy.recipients)
    return ", ".join(next((t[i].label for t in tables if i in t), i) for i in dict.fromkeys(ids))
