# SPDX-License-Identifier: Apache-2.0
"""CSV files of people and what they said into the ledger (tags: tagging.py). Either all rows of a file
enter or none; a repeat adds nothing.

Every bad row is reported with file, line, column and mend, all of them in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from policyctl.actions.recording.cells import Cells
from policyctl.actions.recording.tagging import as_one
from policyctl.core.formats.csv_rows import Columns, read_csv
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.records import (
    Answer,
    ChoiceRow,
    CustomerRow,
    ImportReceipt,
    SubjectRow,
)
from policyctl.errors import InputErrors, PolicyctlError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger

CUSTOMERS = Columns(("customer", "name", "admin_email", "admin_name", "locale"))
SUBJECTS = Columns(("subject", "customer", "email", "locale", "known_since"))
CHOICES = Columns(("change", "answer", "at"), ("subject", "customer"))
DELIVERIES = Columns(("nid", "event", "at"))

_Row = TypeVar("_Row")


def import_customers(
    content: bytes, *, file: str, now: datetime, ledger: Ledger, dry_run: bool = False
) -> ImportReceipt:
    """Import customers and their administrators; the first row of a customer is written to."""
    rows, errors = _read(content, file, now, CUSTOMERS, _customer)
    return _enter(errors, lambda dry: ledger.import_customers(rows, now=now, dry_run=dry), dry_run=dry_run)


def import_subjects(
    content: bytes,
    *,
    file: str,
    now: datetime,
    ledger: Ledger,
    customer: str | None = None,
    dry_run: bool = False,
) -> ImportReceipt:
    """Import subjects. One without ``known_since`` comes under a policy by accepting a version.
    ``customer``: the ids in the file are this customer's own.
    """
    rows, errors = _read(content, file, now, SUBJECTS, _subject)
    return _enter(
        errors,
        lambda dry: ledger.import_subjects(rows, now=now, dry_run=dry, within=customer),
        dry_run=dry_run,
    )


def import_choices(
    content: bytes,
    *,
    file: str,
    now: datetime,
    ledger: Ledger,
    dry_run: bool = False,
    customer: str | None = None,
) -> ImportReceipt:
    """Import answers; each row names a subject or a customer. ``customer``: only this one and its own."""
    rows, errors = _read(content, file, now, CHOICES, _choice)

    def enter(dry: bool) -> ImportReceipt:  # noqa: FBT001 - as _enter calls it
        return ledger.import_choices(rows, now=now, dry_run=dry, within=customer)

    return _enter(errors, enter, dry_run=dry_run)


def import_deliveries(
    content: bytes, *, file: str, now: datetime, ledger: Ledger, dry_run: bool = False
) -> ImportReceipt:
    """Import what became of mails: the nid (the name of the mail), the event, when it happened."""
    rows, errors = _read(content, file, now, DELIVERIES, _delivery)
    return _enter(errors, lambda dry: ledger.import_deliveries(rows, now=now, dry_run=dry), dry_run=dry_run)


def _read(
    content: bytes, file: str, now: datetime, columns: Columns, build: Callable[[Cells], _Row]
) -> tuple[list[_Row], list[PolicyctlError]]:
    """The rows that can be read, and what is wrong with the others."""
    rows: list[_Row] = []
    errors: list[PolicyctlError] = []
    for found in read_csv(content, file=file, columns=columns):
        cells = Cells(found, now)
        row = build(cells)
        errors += cells.errors
        if not cells.errors:
            rows.append(row)
    return rows, errors


def _enter(
    errors: Sequence[PolicyctlError], enter: Callable[[bool], ImportReceipt], *, dry_run: bool
) -> ImportReceipt:
    """Enter the rows; where some cannot be read, only try the others, so that all complaints are told."""
    if not errors:
        return enter(dry_run)
    try:
        enter(True)  # noqa: FBT003 - the one argument says whether it is a dry run
    except InputErrors as more:
        errors = [*errors, *more.errors]
    raise as_one(errors)


# From cells to values, one function a file.


def _customer(cells: Cells) -> CustomerRow:
    return CustomerRow(
        place=cells.place,
        customer=cells.required("customer"),
        name=cells.required("name"),
        admin_email=cells.address("admin_email"),
        admin_name=cells.text("admin_name"),
        locale=cells.locale(),
    )


def _subject(cells: Cells) -> SubjectRow:
    return SubjectRow(
        place=cells.place,
        subject=cells.required("subject"),
        customer=cells.text("customer") or None,
        email=cells.address("email") if cells.text("email") else None,
        locale=cells.locale(),
        known_since=cells.moment("known_since") if cells.text("known_since") else None,
    )


def _choice(cells: Cells) -> ChoiceRow:
    subject, customer = cells.text("subject"), cells.text("customer")
    if bool(subject) == bool(customer):
        cells.complain("subject", "an answer is a subject's or a customer's", "fill exactly one of the two")
    return ChoiceRow(
        place=cells.place,
        scope="subject" if subject else "customer",
        who=subject or customer,
        change=cells.required("change"),
        answer=Answer(cells.one_of("answer", tuple(Answer))),
        at=cells.moment("at"),
    )


def _delivery(cells: Cells) -> DeliveryEvent:
    return DeliveryEvent(
        nid=cells.required("nid"),
        event=DeliveryName(cells.one_of("event", tuple(DeliveryName))),
        at=cells.moment("at"),
        place=cells.place,
    )
