# SPDX-License-Identifier: Apache-2.0
"""The rows of one subject as they come from the driver, and the facts that the rules read from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from policyctl.adapters.ledger.asking.sql import (
    ADMISSION,
    CHOICE,
    CORRECTION,
    CUSTOMERS_CHOICE,
    END,
    HEAD,
    KINDS,
    NAMED,
    REPORT,
    TAG,
)
from policyctl.adapters.ledger.base.common import NO_VERSION, tenant_of
from policyctl.adapters.ledger.people.answers import ANSWER_OF
from policyctl.adapters.ledger.versions.known import Known
from policyctl.adapters.tables import microseconds, moment_of, seconds
from policyctl.core.practice import Taxonomy
from policyctl.core.records import REMINDER, Choice, Delivery, Tag, VersionRecord
from policyctl.core.use.cells import (
    DELIVERED,
    FAILED,
    AdmissionRow,
    Cells,
    ChoiceRow,
    Column,
    ReportRow,
)
from policyctl.core.use.question import Facts, UseRequest
from policyctl.core.use.wording import TagValues

# (category_no, ref, collected_at in seconds, batch_no, version_no, the record's name where ref is a hash,
# when the data was deleted in microseconds)
TagRow = tuple[int, int, int, int, int, str | None, int | None]


class Head(NamedTuple):
    """The last entry of the ledger, and the root of the chain there."""

    sequence: int = 0
    root: str = ""


@dataclass(slots=True)
class SubjectRows:
    """All that one look found of a subject; ``number`` None: nobody is known by that name."""

    number: int | None = None
    tags: list[TagRow] = field(default_factory=list)
    admissions: list[AdmissionRow] = field(default_factory=list)
    choices: list[ChoiceRow] = field(default_factory=list)
    reports: list[ReportRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Book:
    """What the numbers in rows stand for, and the cells made of it; good while no version comes."""

    known: Known
    cells: Cells
    taxonomy: Taxonomy
    provenance: dict[int, str]  # of a batch; never changes, filled as batches are met


@dataclass(slots=True)
class Look:
    """What one statement saw: the last entry, the step of the tables, and subjects by number and name."""

    sequence: int = 0
    step: str = ""
    subjects: dict[int, SubjectRows] = field(default_factory=dict)
    names: dict[bytes, list[int]] = field(default_factory=dict)

    def take(self, rows: Iterable[tuple[Any, ...]]) -> Look:
        """Sort the rows of :func:`online_sql.many_subjects` to their subjects."""
        kinds: list[list[tuple[Any, ...]]] = [[] for _ in range(KINDS)]
        for row in rows:
            kinds[row[0]].append(row)
        ((_, _, self.sequence, *_, self.step),) = kinds[HEAD]
        subjects = self.subjects
        for _, number, *_, text in kinds[NAMED]:
            subjects[number] = SubjectRows(number)
            name = text if isinstance(text, bytes) else bytes.fromhex(text)
            self.names.setdefault(name, []).append(number)
        for _, number, a, b, c, d, e, _, text in kinds[TAG]:
            subjects[number].tags.append((a, b, c, d, e, text, None))
        for row in kinds[ADMISSION]:
            subjects[row[1]].admissions.append(row[2:4])
        for row in kinds[CHOICE]:
            subjects[row[1]].choices.append((False, *row[2:6]))
        for row in kinds[REPORT]:
            subjects[row[1]].reports.append(row[2:6])
        self._correct(kinds[CORRECTION])
        self._end(kinds[END])
        self._add_customers(kinds[CUSTOMERS_CHOICE])
        return self

    def batches(self) -> Iterator[int]:
        """In which batches the tags came."""
        return (tag[3] for subject in self.subjects.values() for tag in subject.tags)

    def _correct(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """The last correction of a tag takes its place."""
        latest: dict[int, dict[tuple[int, int], TagRow]] = {}
        for _, number, a, b, c, d, e, _, text in sorted(rows, key=itemgetter(7)):
            latest.setdefault(number, {})[a, b] = (a, b, c, d, e, text, None)
        for number, corrected in latest.items():
            subject = self.subjects[number]
            kept = [tag for tag in subject.tags if tag[:2] not in corrected]
            subject.tags = [*corrected.values(), *kept]

    def _end(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Note when data was deleted with the tags that it has."""
        ends: dict[int, dict[tuple[int, int], int]] = {}
        for _, number, category, ref, ended_at, *_ in rows:
            ends.setdefault(number, {})[category, ref] = ended_at
        for number, ended in ends.items():
            subject = self.subjects[number]
            subject.tags = [(*tag[:6], ended.get(tag[:2])) for tag in subject.tags]

    def _add_customers(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """What a customer answered stands with each of its subjects."""
        said: dict[int, list[ChoiceRow]] = {}
        for _, number, a, b, c, d, *_ in rows:
            said.setdefault(tenant_of(number), []).append((True, a, b, c, d))
        if said:
            for number, subject in self.subjects.items():
                subject.choices += said.get(tenant_of(number), ())


def record_of(tag: TagRow) -> str:
    """The caller's key of a record."""
    return str(tag[1]) if tag[5] is None else tag[5]


def facts_of(request: UseRequest, rows: SubjectRows, column: Column, book: Book, name: bytes) -> Facts:
    """The facts that bear on a request, as facts.facts_for gives them."""
    at = seconds(request.at)
    asked = [row for row in rows.tags if row[0] in column.categories and row[2] <= at]
    tags = [
        Tag(*tag_of(row, book, name.hex()), ended_at=None if row[6] is None else moment_of(row[6]))
        for row in asked
    ]
    slugs = {tag.slug for tag in tags} | ({request.slug} if request.slug else set())
    return Facts(
        known_subject=rows.number is not None,
        tags=tuple(sorted(tags, key=lambda tag: (tag.slug, tag.category, tag.record, tag.collected_at))),
        versions=tuple(_versions(book, slugs)),
        admissions=tuple(
            book.known.admission(name.hex(), *row) for row in sorted(rows.admissions, key=lambda row: row[1])
        ),
        choices=tuple(_choices(request, rows, book, slugs)),
        deliveries=tuple(_deliveries(request, rows, book, slugs)),
        taxonomy=book.taxonomy,
    )


def _versions(book: Book, slugs: set[str]) -> Iterator[VersionRecord]:
    return (record for record in book.known.records if record.key.slug in slugs)


def tag_of(row: TagRow, book: Book, name: str) -> TagValues:
    """A row as the values of a tag."""
    slug, category = book.known.category_of[row[0]]
    version = None if row[4] == NO_VERSION else book.known.key_of[row[4]]
    collected = moment_of(row[2] * 1_000_000)
    return name, category, record_of(row), collected, version, book.provenance[row[3]], slug


def _choices(request: UseRequest, rows: SubjectRows, book: Book, slugs: set[str]) -> Iterator[Choice]:
    at = microseconds(request.at)
    for of_customer, practice, answer, given_at, seq in sorted(rows.choices, key=lambda row: row[4]):
        change = book.known.practice_of[practice]
        if given_at <= at and change.split("@", maxsplit=1)[0] in slugs:
            scope = "customer" if of_customer else "subject"
            yield Choice(scope, change, ANSWER_OF[answer], moment_of(given_at), seq)


def _deliveries(request: UseRequest, rows: SubjectRows, book: Book, slugs: set[str]) -> Iterator[Delivery]:
    at = microseconds(request.at)
    found: dict[tuple[int, int], dict[int, int]] = {}
    for notice_no, contact, event, moment in rows.reports:
        if moment <= at:
            first = found.setdefault((notice_no, contact), {})
            first[event] = min(moment, first.get(event, moment))
    for (notice_no, _), first in sorted(found.items()):
        notice = book.cells.numbers.notices[notice_no]
        if notice.kind != REMINDER and DELIVERED in first and notice.version.slug in slugs:
            failed = moment_of(first[FAILED]) if FAILED in first else None
            yield Delivery(notice.version, notice.kind, moment_of(first[DELIVERED]), notice.changes, failed)
