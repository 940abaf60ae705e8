# SPDX-License-Identifier: Apache-2.0
"""What is on record, page by page in the order of the keys: a page costs what it holds, wherever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.common import NO_VERSION, is_administrator
from policyctl.adapters.ledger.base.driver import Driver, driver_of
from policyctl.adapters.ledger.base.epochs import read_epochs, table_name
from policyctl.adapters.ledger.ending.rows import ended_of
from policyctl.adapters.ledger.people.answers import ANSWER_OF
from policyctl.adapters.ledger.versions.known import Known
from policyctl.adapters.tables import moment_of
from policyctl.core.records import Choice, Listed, ReceiptRecord, Tag

_CORRECTIONS = 0  # epochs are numbered from 1; corrections come before them
_TAG = "t.category, t.ref, t.collected_at, t.batch_no, t.version_no"
_CORRECTED = (
    "EXISTS (SELECT 1 FROM tag_correction c WHERE c.subject_no = t.subject_no "
    "AND c.category = t.category AND c.ref = t.ref{})"
)
_TagRow = tuple[int, int, int, int, int]


def tags_of(
    connection: Connection, known: Known, number: int, after: Sequence[int], limit: int
) -> list[Listed[Tag]]:
    """Up to ``limit`` tags of a subject after a place, in the form of their last correction."""
    driver = driver_of(connection)
    epoch, category, ref = after or (_CORRECTIONS, -1, 0)
    found: list[tuple[int, _TagRow]] = []
    for each in (_CORRECTIONS, *read_epochs(connection).numbers):
        if each >= epoch and len(found) < limit:
            begin = (category, ref) if each == epoch else (-1, 0)
            rows = _rows(driver, each, number, begin, limit - len(found))
            found += ((each, row) for row in rows)
    names = _by_number(driver, "record_name", "ref", "name", {row[1] for _, row in found}, number)
    notes = _by_number(driver, "batch", "batch_no", "provenance", {row[3] for _, row in found})
    ends = ended_of(driver, [number] if found else [])
    return [
        Listed((each, *row[:2]), _tag(known, row, names, notes, ends.get((number, *row[:2]))))
        for each, row in found
    ]


def _rows(driver: Driver, epoch: int, number: int, begin: tuple[int, int], limit: int) -> Iterator[_TagRow]:
    corrections = epoch == _CORRECTIONS
    table = "tag_correction" if corrections else table_name(epoch)
    corrected = _CORRECTED.format(" AND c.correction > t.correction" if corrections else "")
    query = (
        f"SELECT {_TAG} FROM {table} t WHERE t.subject_no = ? "  # noqa: S608 - our own names
        f"AND (t.category, t.ref) > (?, ?) AND NOT {corrected} "
        f"ORDER BY t.category, t.ref LIMIT {limit}"
    )
    for row in driver.rows(query, number, *begin):
        yield row[0], row[1], row[2], row[3], row[4]


def _by_number(
    driver: Driver, table: str, key: str, value: str, wanted: set[int], number: int | None = None
) -> dict[int, str]:
    own = "" if number is None else f"subject_no = {number} AND "
    query = f"SELECT {key}, {value} FROM {table} WHERE {own}{key} IN ?*"  # noqa: S608 - our own names
    return dict(driver.rows_in(query, sorted(wanted)))


def _tag(
    known: Known, row: _TagRow, names: dict[int, str], notes: dict[int, str], ended_at: int | None
) -> Tag:
    category, ref, collected_at, batch_no, version_no = row
    slug, name = known.category_of[category]
    return Tag(
        subject="",
        category=name,
        record=names.get(ref, str(ref)),
        collected_at=moment_of(collected_at * 1_000_000),
        version=None if version_no == NO_VERSION else known.key_of[version_no],
        provenance=notes.get(batch_no, ""),
        slug=slug,
        ended_at=None if ended_at is None else moment_of(ended_at),
    )


def choices_of(
    connection: Connection, known: Known, number: int, after: Sequence[int], limit: int
) -> list[Listed[Choice]]:
    """Up to ``limit`` answers given in a number's name after a place, oldest first."""
    given, practice = after or (-1, -1)
    query = (
        "SELECT given_at, practice_no, answer, seq FROM choice WHERE subject_no = ? "  # noqa: S608 - a number
        "AND (given_at, practice_no) > (?, ?) "
        f"ORDER BY given_at, practice_no LIMIT {limit}"
    )
    scope = "customer" if is_administrator(number) else "subject"
    return [
        Listed(
            (at, practice_no),
            Choice(scope, known.practice_of[practice_no], ANSWER_OF[answer], moment_of(at), seq),
        )
        for at, practice_no, answer, seq in driver_of(connection).rows(query, number, given, practice)
    ]


def receipts_of(
    connection: Connection, tenant_no: int, source: str, after: Sequence[str], limit: int
) -> list[Listed[ReceiptRecord]]:
    """Up to ``limit`` receipts of a customer's batches from one source after a place, by their id."""
    query = (
        "SELECT r.client_batch_id, r.added, r.repeated, e.recorded_at FROM receipt r "  # noqa: S608 - a number
        "JOIN entry e ON e.seq = r.entry WHERE r.tenant_no = ? AND r.source = ? "
        f"AND r.client_batch_id > ? ORDER BY r.client_batch_id LIMIT {limit}"
    )
    (begin,) = after or ("",)
    return [
        Listed((id_,), ReceiptRecord(source, id_, added, repeated, moment_of(at)))
        for id_, added, repeated, at in driver_of(connection).rows(query, tenant_no, source, begin)
    ]
