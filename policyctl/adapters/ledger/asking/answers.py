# SPDX-License-Identifier: Apache-2.0
"""From the rows of one look to answers: each tag's cell, and the rules themselves where it is empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from policyctl.adapters.ledger.asking.rows import (
    Book,
    Head,
    Look,
    SubjectRows,
    TagRow,
    facts_of,
    record_of,
    tag_of,
)
from policyctl.adapters.ledger.asking.sql import (
    ADMITTED,
    BATCH,
    CATEGORY,
    COLLECTED,
    CUSTOMER_SAID,
    ENDED_AT,
    NAME,
    REPORTED,
    SAID,
    SUBJECT,
    TAGGED,
    VERSION,
)
from policyctl.adapters.ledger.base.common import NO_VERSION, tenant_of
from policyctl.core.use.cells import ChoiceRow, Column, ReportRow, Standing
from policyctl.core.use.decision import decide, worst_of
from policyctl.core.use.question import Decision, Explanation, UseRequest
from policyctl.core.use.wording import Spoken, Told, Wording


class Asked(NamedTuple):
    """One of many questions; ``at`` in microseconds."""

    place: int
    request: UseRequest
    at: int
    column: Column
    name: bytes


# From rows of online_sql.one_subject


def of_rows(
    one: Asked, rows: Sequence[Any], customers: Sequence[ChoiceRow], book: Book, head: Head
) -> Decision | None:
    """The answer from the rows of a subject, one for every combination of what there is of it; None where
    they are several subjects'. ``customers``: what its customer said, where the rows do not have it.
    """
    if len(rows) > 1:
        return _of_combined(one, rows, customers, book, head)
    (row,) = rows
    _, request, at, column, name = one
    category, admitted = row[CATEGORY], row[ADMITTED]
    if category not in column.categories or row[COLLECTED] > at // 1_000_000:
        return _of_none(one, book, head, known=True)
    if row[ENDED_AT] is not None and row[ENDED_AT] <= at:
        return _of_ended(one, _subject_of(row, (), ()), book, head)
    choices = customers
    if row[SAID] is not None or row[CUSTOMER_SAID] is not None:
        choices = (*_choices_of(row), *customers)
    reports = _reports_of(row) if column.told else ()
    cells, standing = book.cells, None
    if choices or reports or admitted != NO_VERSION or row[ADMITTED + 1] > at:
        admissions = () if admitted is None else (row[ADMITTED : ADMITTED + 2],)
        standing = cells.standing(cells.numbers.categories[category][0], at, admissions, choices, reports)
    key = (cells.era(at), category, row[VERSION], standing)
    cell = column.found.get(key)
    if cell is None:
        subject = _subject_of(row, choices, reports)
        cell = column.keep(key, request, facts_of(request, subject, column, book, name))
    told = _RowTold((cell, row, choices, reports, at, name, book))
    return Decision(cell.finding, told, head[0], head[1])


class Few:
    """What one transaction saw of several subjects by few_subjects, and what their customers said."""

    def __init__(self, sequence: int, step: str, rows: Sequence[Any], said: Iterable[Any]) -> None:
        self.sequence = sequence
        self.step = step
        self.rows: dict[bytes, list[Any]] = {}
        for row in rows:
            self.rows.setdefault(row[NAME], []).append(row)
        self.customers: dict[int, list[ChoiceRow]] = {}
        for number, *answer in said:
            self.customers.setdefault(tenant_of(number), []).append((True, *answer))

    def batches(self) -> Iterator[int | None]:
        """In which batches the tags came."""
        return (row[BATCH] for rows in self.rows.values() for row in rows)


def of_few(one: Asked, few: Few, book: Book, head: Head) -> Decision | None:
    """One answer from a look at several; None where a name is several customers' subject's."""
    rows = few.rows.get(one.name)
    if rows is None:
        return _of_none(one, book, head, known=False)
    customers = few.customers.get(tenant_of(rows[0][SUBJECT]), ()) if few.customers else ()
    return of_rows(one, rows, customers, book, head)


def _of_combined(
    one: Asked, rows: Sequence[Any], customers: Sequence[ChoiceRow], book: Book, head: Head
) -> Decision | None:
    number = rows[0][SUBJECT]
    if any(row[SUBJECT] != number for row in rows):
        return None
    tags = dict.fromkeys(row[CATEGORY:TAGGED] for row in rows)
    admissions = dict.fromkeys(row[ADMITTED : ADMITTED + 2] for row in rows)
    said = dict.fromkeys(choice for row in rows for choice in _choices_of(row))
    subject = SubjectRows(
        number,
        [tag for tag in tags if tag[0] is not None],
        [entry for entry in admissions if entry[0] is not None],
        [*said, *customers],
        list(dict.fromkeys(report for row in rows for report in _reports_of(row))),
    )
    return _answer(one, subject, book, head)


def _choices_of(row: Any) -> list[ChoiceRow]:
    said: list[ChoiceRow] = []
    if row[SAID] is not None:
        said.append((False, *row[SAID : SAID + 4]))
    if row[CUSTOMER_SAID] is not None:
        said.append((True, *row[CUSTOMER_SAID : CUSTOMER_SAID + 4]))
    return said


def _reports_of(row: Any) -> tuple[ReportRow, ...]:
    # The moment is last, and missing where there was no report or none was asked for.
    return (row[REPORTED:],) if len(row) > REPORTED and row[-1] is not None else ()


def _subject_of(row: Any, choices: Sequence[ChoiceRow], reports: Sequence[ReportRow]) -> SubjectRows:
    entered = [] if row[ADMITTED] is None else [row[ADMITTED : ADMITTED + 2]]
    return SubjectRows(row[SUBJECT], [row[CATEGORY:TAGGED]], entered, list(choices), list(reports))


class _RowTold(Told):
    """The words about the one tag in a row."""

    __slots__ = ("_seen",)

    def __init__(
        self, seen: tuple[Wording, Any, Sequence[ChoiceRow], Sequence[ReportRow], int, bytes, Book]
    ) -> None:
        self._seen = seen

    def spoken(self) -> list[Spoken]:
        cell, row, choices, reports, at, name, book = self._seen
        tag = tag_of(row[CATEGORY:TAGGED], book, name.hex())
        return [(cell, tag, book.cells.filler(tag[2], tag[6], at, choices, reports))]


# From rows of online_sql.many_subjects


def of_look(one: Asked, look: Look, book: Book, head: Head) -> Decision | None:
    """One answer from a look at many; None where a name is several customers' subject's."""
    numbers = look.names.get(one.name, ())
    if len(numbers) > 1:
        return None
    if not numbers:
        return _of_none(one, book, head, known=False)
    return _answer(one, look.subjects[numbers[0]], book, head)


def _answer(one: Asked, rows: SubjectRows, book: Book, head: Head) -> Decision:
    at = one.at
    asked, until = one.column.categories, at // 1_000_000
    matching = [tag for tag in rows.tags if tag[0] in asked and tag[2] <= until]
    tags = [tag for tag in matching if tag[6] is None or tag[6] > at]
    if not tags:
        return _of_ended(one, rows, book, head) if matching else _of_none(one, book, head, known=True)
    found = _cells_of(one, tags, rows, book, at)
    finding = found[0].finding
    if any(cell is not found[0] for cell in found):
        worst = worst_of(cell.finding.answer for cell in found)
        finding = next(cell.finding for cell in found if cell.finding.answer is worst)
    return Decision(finding, _TagsTold(one, found, tags, rows, at, book), *head)


def _cells_of(one: Asked, tags: list[TagRow], rows: SubjectRows, book: Book, at: int) -> list[Wording]:
    """Of each tag, in the order in which the rules look at them."""
    cells, found = book.cells, []
    names, era = cells.numbers.categories, cells.era(at)
    if len(tags) > 1:
        tags.sort(key=lambda tag: (*names[tag[0]], record_of(tag), tag[2]))
    reports = rows.reports if one.column.told else ()
    standings: dict[str, Standing] = {}
    for tag in tags:
        slug = names[tag[0]][0]
        if slug not in standings:
            standings[slug] = cells.standing(slug, at, rows.admissions, rows.choices, reports)
        key = (era, tag[0], tag[4], standings[slug])
        cell = one.column.found.get(key)
        if cell is None:
            alone = replace(rows, tags=[tag])
            cell = one.column.keep(key, one.request, facts_of(one.request, alone, one.column, book, one.name))
        found.append(cell)
    return found


class _TagsTold(Told):
    """The words about several tags."""

    __slots__ = ("_at", "_book", "_cells", "_one", "_rows", "_tags")

    def __init__(
        self, one: Asked, cells: list[Wording], tags: list[TagRow], rows: SubjectRows, at: int, book: Book
    ) -> None:
        self._one = one
        self._cells = cells
        self._tags = tags
        self._rows = rows
        self._at = at
        self._book = book

    def spoken(self) -> list[Spoken]:
        name, rows = self._one.name.hex(), self._rows
        found = []
        for cell, row in zip(self._cells, self._tags, strict=True):
            tag = tag_of(row, self._book, name)
            filler = self._book.cells.filler(tag[2], tag[6], self._at, rows.choices, rows.reports)
            found.append((cell, tag, filler))
        return found

    def __call__(self) -> Explanation:
        if len(self._cells) == 1 or all(cell.of_tag for cell in self._cells):
            return super().__call__()
        # A gap is not told once for every tag.
        facts = facts_of(self._one.request, self._rows, self._one.column, self._book, self._one.name)
        return decide(self._one.request, facts).told


def _of_none(one: Asked, book: Book, head: Head, *, known: bool) -> Decision:
    """The answer where there is no tag; ``known``: but there is such a subject."""
    key = (book.cells.era(one.at), 0, int(known), None)
    cell = one.column.found.get(key)
    if cell is None:
        nothing = SubjectRows(0 if known else None)
        cell = one.column.keep(key, one.request, facts_of(one.request, nothing, one.column, book, one.name))
    return Decision(cell.finding, partial(_told_of_none, cell), *head)


def _of_ended(one: Asked, rows: SubjectRows, book: Book, head: Head) -> Decision:
    """The answer where all that was tagged has ended: it names a day, so it is no cell's."""
    found = decide(one.request, facts_of(one.request, rows, one.column, book, one.name))
    return Decision(found.finding, found.told, *head)


def _told_of_none(cell: Wording) -> Explanation:
    """The words where there is no tag; they have no slots."""
    missing = ("".join(text) for text in cell.missing)
    return Explanation(cell.reasons, (), tuple(dict.fromkeys(missing)))
