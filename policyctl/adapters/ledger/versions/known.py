# SPDX-License-Identifier: Apache-2.0
"""The versions on record and the numbers that stand for them, read once and kept while nothing new came."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from policyctl.adapters.ledger.base.common import NO_VERSION, Writer, last_number
from policyctl.adapters.ledger.base.driver import Row, driver_of
from policyctl.adapters.ledger.versions.reading import read_versions
from policyctl.adapters.tables import CATEGORY, POLICY, PRACTICE, VERSION, moment_of
from policyctl.core.policy import VersionKey
from policyctl.core.records import Admission, VersionRecord, change_name
from policyctl.core.use.in_force import version_in_force

HEADS = (
    "SELECT (SELECT coalesce(max(version_no), 0) FROM version), "
    "(SELECT coalesce(max(category_no), 0) FROM category)"
)
"""The greatest numbers: what is kept is good while they stand."""


@dataclass(frozen=True, slots=True)
class Known:
    """The small tables, as values. ``entries``: which entry recorded a version; ``categories``: the
    number of (policy, category) and back; ``practices``: the number of a change's name and back.
    """

    records: tuple[VersionRecord, ...]
    entries: dict[int, int]
    number_of: dict[VersionKey, int]
    key_of: dict[int, VersionKey]
    policies: dict[str, int]
    category_no: dict[tuple[str, str], int]
    category_of: dict[int, tuple[str, str]]
    practice_no: dict[str, int]
    practice_of: dict[int, str]
    by_slug: dict[str, tuple[VersionRecord, ...]]
    timelines: dict[str, tuple[list[datetime], list[int]]] = field(default_factory=dict)

    def for_writing(self) -> Known:
        """A copy that a transaction may add categories to: what is kept must not know of them yet."""
        return replace(self, category_no=dict(self.category_no), category_of=dict(self.category_of))

    def admission(self, subject: str, version_no: int, admitted_at: int) -> Admission:
        """A row of the table as a value."""
        version = None if version_no == NO_VERSION else self.key_of[version_no]
        return Admission(subject, moment_of(admitted_at), version)

    def in_force(self, slug: str, at: datetime, admissions: Sequence[Admission]) -> int:
        """The number of the version that binds at ``at``, NO_VERSION where none does.

        For a subject that was there and never accepted a version, which most are, that is the newest
        version in effect; all others are asked of core.
        """
        if len(admissions) == 1 and admissions[0].version is None:
            return self._in_effect(slug, at) if admissions[0].at <= at else NO_VERSION
        found = version_in_force(slug, at, versions=self.by_slug.get(slug, ()), admissions=admissions)
        return NO_VERSION if found is None else self.number_of[found.key]

    def _in_effect(self, slug: str, at: datetime) -> int:
        moments, numbers = self.timelines[slug]
        place = bisect_right(moments, at)
        return numbers[place - 1] if place else NO_VERSION


def _timeline(records: Iterable[VersionRecord], number_of: dict[VersionKey, int]) -> Any:
    """From which moment on which version is the greatest in effect."""
    moments: list[datetime] = []
    numbers: list[int] = []
    for record in sorted(records, key=lambda each: (each.effective_at, each.key.number)):
        number = number_of[record.key]
        moments.append(record.effective_at)
        numbers.append(max([number, *numbers[-1:]]))
    return moments, numbers


def read_known(connection: Connection) -> Known:
    """Everything, from the tables."""
    records = read_versions(connection)
    policies = {row.slug: row.policy_no for row in connection.execute(select(POLICY))}
    slugs = {number: slug for slug, number in policies.items()}
    rows = connection.execute(
        select(VERSION.c.version_no, VERSION.c.policy_no, VERSION.c.number, VERSION.c.entry)
    ).all()
    key_of = {row.version_no: VersionKey(slugs[row.policy_no], row.number) for row in rows}
    number_of = {key: number for number, key in key_of.items()}
    categories = {
        row.category_no: (slugs[row.policy_no], row.id) for row in connection.execute(select(CATEGORY))
    }
    practices = {
        row.practice_no: change_name(key_of[row.version_no], row.id)
        for row in connection.execute(select(PRACTICE.c.practice_no, PRACTICE.c.version_no, PRACTICE.c.id))
    }
    by_slug = {slug: tuple(r for r in records if r.key.slug == slug) for slug in policies}
    return Known(
        records=records,
        entries={row.version_no: row.entry for row in rows},
        number_of=number_of,
        key_of=key_of,
        policies=policies,
        category_no={name: number for number, name in categories.items()},
        category_of=categories,
        practice_no={name: number for number, name in practices.items()},
        practice_of=practices,
        by_slug=by_slug,
        timelines={slug: _timeline(found, number_of) for slug, found in by_slug.items()},
    )


class Memory:
    """Keeps what was read while the greatest numbers stand. Asked before a transaction adds a version or
    a category, as a number that was rolled back is given out again.
    """

    def __init__(self) -> None:
        # One value, so that a thread never sees the heads of one reading beside the rest of another.
        self._last: tuple[tuple[Any, ...], Known] | None = None

    def known(self, connection: Connection, heads: Row | None = None) -> Known:
        """What is on record now. ``heads``: what :data:`HEADS` found in this transaction."""
        if heads is None:
            (heads,) = driver_of(connection).rows(HEADS)
        last = self._last
        if last is None or last[0] != heads:
            last = self._last = (heads, read_known(connection))
        return last[1]

    def peek(self, connection: Connection) -> Known:
        """What is on record within a transaction that may have added categories: it is not kept."""
        (heads,) = driver_of(connection).rows(HEADS)
        last = self._last
        return last[1] if last is not None and last[0] == heads else read_known(connection)


def add_category(writer: Writer, known: Known, slug: str, category: str) -> int:
    """The number of a category within a policy, given out when it is first needed."""
    name = (slug, category)
    if name not in known.category_no:
        number = last_number(writer.connection, CATEGORY.c.category_no) + 1
        row = {"category_no": number, "policy_no": known.policies[slug], "id": category}
        writer.add(CATEGORY, [row])
        known.category_no[name] = number
        known.category_of[number] = name
    return known.category_no[name]
