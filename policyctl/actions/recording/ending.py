# SPDX-License-Identifier: Apache-2.0
"""Data that was deleted, one piece or a file of them, into the ledger.

1. A piece of data is named as it was tagged: subject, category, record. Its tags count no more from the
   moment on at which it was deleted, under whichever policy it was tagged.
2. What has ended already adds nothing, so a file may be brought as often as one likes.
3. Of a file all enters, or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.actions.recording.cells import Cells
from policyctl.actions.recording.tagging import as_one
from policyctl.adapters.row_files import read_rows
from policyctl.core.formats.csv_rows import Columns, CsvRow
from policyctl.core.records import ClientBatch, EndRow, ImportReceipt
from policyctl.errors import InputError, Place, PolicyctlError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger

ENDS = Columns(("subject", "category", "record"), ("ended_at",))


@dataclass(frozen=True, slots=True)
class Deleted:
    """One piece of data that was deleted: your own ids, and when (None: now)."""

    subject: str
    category: str
    record: str
    ended_at: datetime | None = None


def end_tags(
    deleted: Sequence[Deleted],
    *,
    now: datetime,
    ledger: Ledger,
    customer: str | None = None,
    batch: ClientBatch | None = None,
    dry_run: bool = False,
) -> ImportReceipt:
    """End the tags of some pieces of data, all or none. ``customer``: the ids are its own. Complaints as for
    the rows of a file; the line is the place in ``deleted``, from 1, where there are several.
    """
    found = [
        CsvRow(Place("tags end", line if len(deleted) > 1 else None), _cells_of(each))
        for line, each in enumerate(deleted, start=1)
    ]
    return _enter(found, now=now, ledger=ledger, customer=customer, batch=batch, dry_run=dry_run)


def end_file(
    path: Path, *, now: datetime, ledger: Ledger, customer: str | None = None, dry_run: bool = False
) -> ImportReceipt:
    """End what a file lists: CSV, JSON Lines or Parquet."""
    rows, errors = list[CsvRow](), list[PolicyctlError]()
    for row in read_rows(path, ENDS, lambda _: None):
        if isinstance(row, InputError):
            errors.append(row)
        else:
            rows.append(row)
    if not (rows or errors):
        raise InputError("there is not one row", hint="add a row", place=Place(str(path)))
    return _enter(rows, now=now, ledger=ledger, customer=customer, dry_run=dry_run, errors=errors)


def _enter(
    found: Sequence[CsvRow],
    *,
    now: datetime,
    ledger: Ledger,
    customer: str | None,
    batch: ClientBatch | None = None,
    dry_run: bool,
    errors: Sequence[PolicyctlError] = (),
) -> ImportReceipt:
    rows, wrong = list[EndRow](), list(errors)
    for row in found:
        cells = Cells(row, now)
        rows.append(_read(cells))
        wrong += cells.errors
    if wrong:
        raise as_one(wrong)
    return ledger.end_tags(rows, now=now, dry_run=dry_run, within=customer, batch=batch)


def _read(cells: Cells) -> EndRow:
    return EndRow(
        place=cells.place,
        subject=cells.required("subject"),
        category=cells.required("category"),
        record=cells.required("record"),
        at=cells.moment("ended_at") if cells.text("ended_at") else cells.now,
    )


def _cells_of(each: Deleted) -> dict[str, str]:
    at = each.ended_at.isoformat() if each.ended_at else ""
    values = {"subject": each.subject, "category": each.category, "record": each.record, "ended_at": at}
    return {name: text.strip() for name, text in values.items()}
