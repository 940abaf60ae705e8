# SPDX-License-Identifier: Apache-2.0
"""All that bears on one question, in one look, by the driver: a handful of look-ups by subject number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.chain import root_at
from policyctl.adapters.ledger.base.common import NO_VERSION, administrator, is_administrator, tenant_of
from policyctl.adapters.ledger.base.driver import Driver, driver_of
from policyctl.adapters.ledger.people.answers import ANSWER_OF
from policyctl.adapters.ledger.people.people import find_subject
from policyctl.adapters.ledger.sending.audience import meets
from policyctl.adapters.ledger.versions.known import Known
from policyctl.adapters.tables import microseconds, moment_of, seconds
from policyctl.core.notices.outbox import DeliveryName
from policyctl.core.notices.progress import NOT_GIVEN
from policyctl.core.practice import Taxonomy
from policyctl.core.records import REMINDER, Admission, Choice, Delivery, Tag, VersionRecord
from policyctl.core.use.question import Facts, UseRequest

_GIVEN = (DeliveryName.DELIVERED.value,)
_FAILED = tuple(name.value for name in NOT_GIVEN)
_NOBODY = -1


@dataclass(frozen=True, slots=True)
class _Look:
    """Whose facts are read, and up to which entry, batch and moment they count."""

    driver: Driver
    known: Known
    name: str
    number: int
    entry: int
    batch: int
    at: datetime


def facts_for(
    connection: Connection,
    request: UseRequest,
    *,
    name: bytes,
    taxonomy: Taxonomy,
    known: Known,
    upto: int | None,
) -> Facts:
    """The facts on the subject with this pseudonym; those recorded after entry ``upto`` do not count."""
    driver = driver_of(connection)
    ((last,),) = driver.rows("SELECT coalesce(max(seq), 0) FROM entry")
    entry = last if upto is None else min(upto, last)
    number = find_subject(connection, name, request.customer, upto=None if upto is None else entry)
    # Batches are numbered as entries are, so the last one up to an entry is the greatest.
    batches = "SELECT batch_no FROM batch WHERE entry <= ? ORDER BY entry DESC, batch_no DESC LIMIT 1"
    ((batch,),) = driver.rows(batches, entry) or [(0,)]
    found = _NOBODY if number is None else number
    look = _Look(driver, known, name.hex(), found, entry, batch, request.at)
    tags = _tags(look, request)
    slugs = {tag.slug for tag in tags} | ({request.slug} if request.slug else set())
    return Facts(
        known_subject=number is not None,
        tags=tags,
        versions=tuple(_versions(look, slugs)),
        admissions=_admissions(look),
        choices=tuple(_choices(look, slugs)),
        deliveries=tuple(_deliveries(look, slugs)),
        taxonomy=taxonomy,
        sequence=entry,
        root=root_at(driver, entry),
    )


def _versions(look: _Look, slugs: set[str]) -> Iterator[VersionRecord]:
    known = look.known
    for record in known.records:
        if record.key.slug in slugs and known.entries[known.number_of[record.key]] <= look.entry:
            yield record


# Tags: those of every epoch, and the corrections that take the place of what they correct.


@dataclass(frozen=True, slots=True)
class _TagRow:
    category: int
    ref: int
    collected_at: int
    batch_no: int
    version_no: int


def _tags(look: _Look, request: UseRequest) -> tuple[Tag, ...]:
    wanted = [
        number
        for number, (slug, category) in look.known.category_of.items()
        if request.slug in {None, slug} and meets(category, request.category)
    ]
    at = seconds(request.at)
    rows = [row for row in _valid_rows(look, wanted) if row.collected_at <= at]
    if not rows:
        return ()
    names, notes, ends = _record_names(look, rows), _provenance(look, rows), _ends(look)
    tags = [
        replace(_tag(look, row, names, notes), ended_at=ends.get((row.category, row.ref))) for row in rows
    ]
    return tuple(sorted(tags, key=lambda tag: (tag.slug, tag.category, tag.record, tag.collected_at)))


def _valid_rows(look: _Look, categories: list[int]) -> Iterator[_TagRow]:
    corrected: dict[tuple[int, int], _TagRow] = {}
    columns = "category, ref, collected_at, batch_no, version_no"
    where = f"WHERE subject_no = {look.number} AND batch_no <= {look.batch} AND category IN ?*"
    query = f"SELECT {columns} FROM tag_correction {where} ORDER BY correction"  # noqa: S608 - numbers of ours
    for row in look.driver.rows_in(query, categories):
        corrected[row[0], row[1]] = _TagRow(*row)
    yield from corrected.values()
    for (epoch_no,) in look.driver.rows("SELECT epoch_no FROM epoch ORDER BY epoch_no DESC"):
        query = f"SELECT {columns} FROM tag_{epoch_no} {where}"  # noqa: S608 - numbers of ours
        for row in look.driver.rows_in(query, categories):
            if (row[0], row[1]) not in corrected:
                yield _TagRow(*row)


def _record_names(look: _Look, rows: Iterable[_TagRow]) -> dict[int, str]:
    hashed = sorted({row.ref for row in rows if row.ref < 0})
    query = f"SELECT ref, name FROM record_name WHERE subject_no = {look.number} AND ref IN ?*"  # noqa: S608 - a number of ours
    return dict(look.driver.rows_in(query, hashed))


def _provenance(look: _Look, rows: Iterable[_TagRow]) -> dict[int, str]:
    query = "SELECT batch_no, provenance FROM batch WHERE batch_no IN ?*"
    return dict(look.driver.rows_in(query, sorted({row.batch_no for row in rows})))


def _ends(look: _Look) -> dict[tuple[int, int], datetime]:
    """When data of the subject was deleted, by category and record."""
    query = "SELECT category, ref, ended_at FROM tag_end WHERE subject_no = ? AND entry <= ?"
    rows = look.driver.rows(query, look.number, look.entry)
    return {(category, ref): moment_of(ended_at) for category, ref, ended_at in rows}


def _tag(look: _Look, row: _TagRow, names: dict[int, str], notes: dict[int, str]) -> Tag:
    slug, category = look.known.category_of[row.category]
    return Tag(
        subject=look.name,
        category=category,
        record=names.get(row.ref, str(row.ref)),
        collected_at=moment_of(row.collected_at * 1_000_000),
        version=None if row.version_no == NO_VERSION else look.known.key_of[row.version_no],
        provenance=notes.get(row.batch_no, ""),
        slug=slug,
    )


def _admissions(look: _Look) -> tuple[Admission, ...]:
    query = (
        "SELECT version_no, admitted_at FROM admission "
        "WHERE subject_no = ? AND entry <= ? ORDER BY admitted_at"
    )
    rows = look.driver.rows(query, look.number, look.entry)
    return tuple(look.known.admission(look.name, *row) for row in rows)


def _choices(look: _Look, slugs: set[str]) -> Iterator[Choice]:
    """The subject's own, and those of its customer's administrator."""
    if look.number == _NOBODY:
        return
    query = (
        "SELECT subject_no, practice_no, answer, given_at, seq FROM choice "
        "WHERE subject_no IN (?, ?) AND given_at <= ? AND entry <= ? ORDER BY seq"
    )
    organisation = administrator(tenant_of(look.number))
    at = microseconds(look.at)
    for number, practice, answer, given_at, seq in look.driver.rows(
        query, look.number, organisation, at, look.entry
    ):
        change = look.known.practice_of[practice]
        if change.split("@", maxsplit=1)[0] in slugs:
            scope = "customer" if is_administrator(number) else "subject"
            yield Choice(scope, change, ANSWER_OF[answer], moment_of(given_at), seq)


# Deliveries: the notices of the subject, then what was reported of each.


def _deliveries(look: _Look, slugs: set[str]) -> Iterator[Delivery]:
    """Per notice of the subject: the first delivery, and the first report that it failed after all."""
    query = (
        "SELECT outbox.nid, notice.version_no, notice.kind, notice.changes FROM outbox "
        "JOIN notice ON notice.notice_no = outbox.notice_no "
        "WHERE outbox.subject_no = ? AND notice.kind <> ? ORDER BY notice.notice_no, outbox.nid"
    )
    owed = look.driver.rows(query, look.number, REMINDER)
    reports = _reports(look, [row[0] for row in owed])
    for nid, version_no, kind, changes in owed:
        key = look.known.key_of[version_no]
        given, failed = _first(reports.get(nid, ()), _GIVEN), _first(reports.get(nid, ()), _FAILED)
        if key.slug in slugs and given is not None:
            yield Delivery(key, kind, given, tuple(json.loads(changes)), failed)


_Reports = Iterable[tuple[str, int]]


def _reports(look: _Look, nids: list[str]) -> dict[str, list[tuple[str, int]]]:
    at = microseconds(look.at)
    query = (
        "SELECT nid, event, happened_at FROM delivery_event "  # noqa: S608 - numbers of ours
        f"WHERE happened_at <= {at} AND entry <= {look.entry} AND nid IN ?*"
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for nid, event, happened_at in look.driver.rows_in(query, nids):
        found.setdefault(nid, []).append((event, happened_at))
    return found


def _first(reports: _Reports, events: tuple[str, ...]) -> Any:
    moments = [happened_at for event, happened_at in reports if event in events]
    return moment_of(min(moments)) if moments else None
