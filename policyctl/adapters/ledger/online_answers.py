# SPDX-License-Identifier: Apache-2.0
"""From the rows of one look to answers: each tag's cell, and the rules themselves where it is empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from policyctl.adapters.ledger.online_rows import (
    Book,
    Look,
    SubjectRows,
    TagRow,
    explain,
    facts_of,
    record_of,
)
from policyctl.core.use.cells import ChoiceRow, Column, Standing, micros
from policyctl.core.use.decision import decide, worst_of
from policyctl.core.use.question import Decision, Explanation, Finding, UseRequest

_LAST = 22  # the place of a report's moment in a row of one_subject, where it was asked for


@dataclass(frozen=True, slots=True)
class Asked:
    """One of many questions."""

    place: int
    request: UseRequest
    column: Column
    name: bytes


def of_row(one: Asked, rows: Sequence[Any], book: Book) -> Decision | None:
    """The answer from the one row of a subject that has one of each; None where it has no such tag."""
    (row,) = rows
    category, at = row[3], micros(one.request.at)
    if category is None or row[5] > at // 1_000_000:
        return None
    cells = book.cells
    admissions = () if row[9] is None else (row[9:11],)
    choices = () if row[11] is None and row[15] is None else tuple(_choices_of(row))
    reports = (row[19:23],) if one.column.told and row[_LAST] is not None else ()
    standing = cells.standing(cells.numbers.categories[category][0], at, admissions, choices, reports)
    key = (cells.era(at), category, row[7], standing)
    finding = one.column.found.get(key)
    if finding is None:
        facts = facts_of(one.request, _rows_of(row, choices), one.column, book, one.name)
        finding = decide(one.request, facts).finding
        one.column.keep(key, finding)
    return Decision(finding, partial(_told_of_row, one, row, choices, book), row[1])


def of_combined(one: Asked, rows: Sequence[Any], book: Book) -> Decision | None:
    """The same from a row for every combination; None where they are several subjects'."""
    if any(row[2] != rows[0][2] for row in rows):
        return None
    subject = SubjectRows(
        rows[0][2],
        [tag for tag in dict.fromkeys(row[3:9] for row in rows) if tag[0] is not None],
        [entry for entry in dict.fromkeys(row[9:11] for row in rows) if entry[0] is not None],
        list(dict.fromkeys(said for row in rows for said in _choices_of(row))),
        [report for report in dict.fromkeys(row[19:23] for row in rows) if report and report[3] is not None],
    )
    return _answer(one, subject, book, rows[0][1])


def _choices_of(row: Any) -> Iterator[ChoiceRow]:
    if row[11] is not None:
        yield (False, *row[11:15])
    if row[15] is not None:
        yield (True, *row[15:19])


def of_look(one: Asked, look: Look, book: Book) -> Decision | None:
    """One answer from a look at many; None where a name is several customers' subject's."""
    numbers = look.names.get(one.name, ())
    if len(numbers) > 1:
        return None
    rows = look.subjects[numbers[0]] if numbers else SubjectRows()
    return _answer(one, rows, book, look.sequence)


def _answer(one: Asked, rows: SubjectRows, book: Book, sequence: int) -> Decision:
    at = micros(one.request.at)
    asked, until = one.column.categories, at // 1_000_000
    tags = [tag for tag in rows.tags if tag[0] in asked and tag[2] <= until]
    if not tags:
        return decide(one.request, facts_of(one.request, rows, one.column, book, one.name, sequence))
    findings = _findings(one, tags, rows, book, at)
    finding = findings[0]
    if any(found is not finding for found in findings):
        worst = worst_of(found.answer for found in findings)
        finding = next(found for found in findings if found.answer is worst)
    told = partial(explain, one.request, rows, one.column, book, one.name)
    return Decision(finding, told, sequence)


def _findings(one: Asked, tags: list[TagRow], rows: SubjectRows, book: Book, at: int) -> list[Finding]:
    """Of each tag, in the order in which the rules look at them."""
    cells, found = book.cells, []
    names, era = cells.numbers.categories, cells.era(at)
    if len(tags) > 1:
        tags.sort(key=lambda tag: (*names[tag[0]], record_of(tag), tag[2]))
    standings: dict[str, Standing] = {}
    for tag in tags:
        slug = names[tag[0]][0]
        if slug not in standings:
            standings[slug] = cells.standing(slug, at, rows.admissions, rows.choices, rows.reports)
        key = (era, tag[0], tag[4], standings[slug])
        cell = one.column.found.get(key)
        if cell is None:
            alone = replace(rows, tags=[tag])
            cell = decide(one.request, facts_of(one.request, alone, one.column, book, one.name)).finding
            one.column.keep(key, cell)
        found.append(cell)
    return found


def _rows_of(row: Any, choices: Sequence[ChoiceRow]) -> SubjectRows:
    return SubjectRows(
        row[2],
        [(*row[3:8], row[8])],
        [] if row[9] is None else [row[9:11]],
        list(choices),
        [row[19:23]] if len(row) > _LAST and row[_LAST] is not None else [],
    )


def _told_of_row(one: Asked, row: Any, choices: Sequence[ChoiceRow], book: Book) -> Explanation:
    return explain(one.request, _rows_of(row, choices), one.column, book, one.name)
