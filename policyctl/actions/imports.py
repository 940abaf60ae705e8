# SPDX-License-Identifier: Apache-2.0
"""CSV files into the ledger. Either all rows of a file enter or none; a repeat adds nothing.

Every bad row is reported with file, line, column and mend, all of them in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from policyctl.actions.cells import Cells
from policyctl.core.formats.csv_rows import Columns, CsvRow, read_csv
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.records import (
    Answer,
    ChoiceRow,
    CustomerRow,
    ImportReceipt,
    SubjectRow,
    TagRow,
)
from policyctl.errors import CannotCompareError, InputErrors, Place, PolicyctlError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger

CUSTOMERS = Columns(("customer", "name", "admin_email", "admin_name", "locale"))
SUBJECTS = Columns(("subject", "customer", "email", "locale", "known_since"))
TAGS = Columns(("subject", "category", "record", "collected_at"), ("version", "provenance"))
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
    content: bytes, *, file: str, now: datetime, ledger: Ledger, dry_run: bool = False
) -> ImportReceipt:
    """Import subjects. One without ``known_since`` comes under a policy by accepting a version."""
    rows, errors = _read(content, file, now, SUBJECTS, _subject)
    return _enter(errors, lambda dry: ledger.import_subjects(rows, now=now, dry_run=dry), dry_run=dry_run)


def import_tags(
    content: bytes,
    *,
    file: str,
    now: datetime,
    ledger: Ledger,
    policy: str | None = None,
    dry_run: bool = False,
) -> ImportReceipt:
    """Tag data with the version it was collected under, which the ledger computes where none is given.

    ``policy`` may be left out where there is only one, or where each version names it (``fax@v2``).
    """
    slug = policy or _only_policy(ledger)
    rows, errors = _read(content, file, now, TAGS, lambda cells: _tag(cells, slug))
    return _enter(errors, lambda dry: ledger.import_tags(rows, now=now, dry_run=dry), dry_run=dry_run)


def import_choices(
    content: bytes, *, file: str, now: datetime, ledger: Ledger, dry_run: bool = False
) -> ImportReceipt:
    """Import answers; each row names a subject or a customer."""
    rows, errors = _read(content, file, now, CHOICES, _choice)
    return _enter(errors, lambda dry: ledger.import_choices(rows, now=now, dry_run=dry), dry_run=dry_run)


def import_deliveries(
    content: bytes, *, file: str, now: datetime, ledger: Ledger, dry_run: bool = False
) -> ImportReceipt:
    """Import what became of mails: the nid (the name of the mail), the event, when it happened."""
    rows, errors = _read(content, file, now, DELIVERIES, _delivery)
    return _enter(errors, lambda dry: ledger.import_deliveries(rows, now=now, dry_run=dry), dry_run=dry_run)


def add_tag(
    subject: str,
    category: str,
    record: str,
    collected_at: datetime,
    *,
    now: datetime,
    ledger: Ledger,
    policy: str | None = None,
    version: str | None = None,
    provenance: str = "",
    dry_run: bool = False,
) -> bool:
    """Tag one piece of data; False when it is tagged so already. Complaints as for a row of a file."""
    values = {
        "subject": subject,
        "category": category,
        "record": record,
        "collected_at": collected_at.isoformat(),
        "version": version or "",
        "provenance": provenance,
    }
    cells = Cells(CsvRow(Place("tags add"), {name: text.strip() for name, text in values.items()}), now)
    row = _tag(cells, policy or _only_policy(ledger))
    if cells.errors:
        raise _as_one(cells.errors)
    return ledger.import_tags([row], now=now, dry_run=dry_run).added == 1


def _only_policy(ledger: Ledger) -> str | None:
    slugs = {record.key.slug for record in ledger.versions()}
    if not slugs:
        raise CannotCompareError(
            "no version of any policy is on record", hint="publish one, then run `policyctl sync`"
        )
    return slugs.pop() if len(slugs) == 1 else None


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
    raise _as_one(errors)


def _as_one(errors: Sequence[PolicyctlError]) -> PolicyctlError:
    if len(errors) == 1:
        return errors[0]
    return InputErrors(tuple(sorted(errors, key=_line)))


def _line(error: PolicyctlError) -> int:
    return (error.place.line or 0) if error.place else 0


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


def _tag(cells: Cells, policy: str | None) -> TagRow:
    named, number = cells.version()
    if named and policy and named != policy:
        cells.complain(
            "version", f"{named!r} is another policy than {policy!r}", "import each policy by itself"
        )
    if not (named or policy):
        cells.complain("version", "there are several policies", "name one with --policy, or write fax@v2")
    return TagRow(
        place=cells.place,
        subject=cells.required("subject"),
        category=cells.required("category"),
        record=_record(cells),
        collected_at=cells.moment("collected_at"),
        slug=named or policy or "",
        version=number,
        provenance=cells.text("provenance"),
    )


def _record(cells: Cells) -> str:
    record = cells.required("record")
    if "@" in record:
        cells.complain(
            "record", "an e-mail address is no name for a record", "use the key it has in your system"
        )
    return record


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
