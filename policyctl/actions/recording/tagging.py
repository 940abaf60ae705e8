# SPDX-License-Identifier: Apache-2.0
"""Tags, one or a file of any size, into the ledger.

1. A file enters whole or not at all, in one transaction, and needs the memory of one portion.
2. With ``resume`` it enters in parts, each whole or not at all and each with a receipt: run again after a
   crash, the parts that are in are passed over. A part with a bad row stops there and is named.
3. What is there already adds nothing, so a file may be brought as often as one likes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.actions.recording.cells import Cells
from policyctl.adapters.row_files import file_sha256, read_rows
from policyctl.core.formats.csv_rows import Columns, CsvRow, read_csv
from policyctl.core.records import ClientBatch, ImportReceipt, TagRow
from policyctl.errors import CannotCompareError, InputError, InputErrors, Place, PolicyctlError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger

TAGS = Columns(("subject", "category", "record", "collected_at"), ("version", "provenance"))
PART = 100_000
_MOST_ERRORS = 500


@dataclass(frozen=True, slots=True)
class Tagging:
    """What holds for every row: the policy, where only one is meant; the customer whose ids they are;
    where the rows are known from, which stands in for an empty cell.
    """

    policy: str | None = None
    customer: str | None = None
    provenance: str = ""


@dataclass(slots=True)
class _Reader:
    """Rows of a file as tags; what is wrong with the others is kept."""

    now: datetime
    how: Tagging
    errors: list[InputError] = field(default_factory=list)

    def rows(self, found: Iterator[CsvRow | InputError]) -> Iterator[TagRow]:
        """The rows that can be read."""
        for row in found:
            if isinstance(row, InputError):
                self._note([row])
            elif (tag := self._tag(row)) is not None:
                yield tag

    def _tag(self, row: CsvRow) -> TagRow | None:
        cells = Cells(row, self.now)
        tag = read_tag(cells, self.how.policy)
        if cells.errors:
            self._note(cells.errors)
            return None
        return tag if tag.provenance else replace(tag, provenance=self.how.provenance)

    def _note(self, errors: Sequence[PolicyctlError]) -> None:
        room = _MOST_ERRORS - len(self.errors)
        self.errors += [error for error in errors[: max(room, 0)] if isinstance(error, InputError)]


def tag_file(
    path: Path,
    *,
    now: datetime,
    ledger: Ledger,
    how: Tagging = Tagging(),
    resume: bool = False,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportReceipt:
    """Tag what a file lists: CSV, JSON Lines or Parquet. ``progress`` hears how many bytes were read."""
    found = read_rows(path, TAGS, progress)
    how = replace(how, policy=how.policy or only_policy(ledger))
    if resume and not dry_run:
        return _in_parts(path, found, now=now, ledger=ledger, how=how)
    reader = _Reader(now, how)
    rows = _counted(reader.rows(found), path, reader)
    return ledger.import_tags(rows, now=now, dry_run=dry_run, within=how.customer, faults=reader.errors)


def import_tags(
    content: bytes,
    *,
    file: str,
    now: datetime,
    ledger: Ledger,
    policy: str | None = None,
    dry_run: bool = False,
) -> ImportReceipt:
    """The same for the content of a CSV file. ``policy`` may be left out where there is only one, or
    where each version names it (``fax@v2``).
    """
    reader = _Reader(now, Tagging(policy or only_policy(ledger)))
    rows = reader.rows(iter(read_csv(content, file=file, columns=TAGS)))
    return ledger.import_tags(rows, now=now, dry_run=dry_run, faults=reader.errors)


def _counted(rows: Iterator[TagRow], path: Path, reader: _Reader) -> Iterator[TagRow]:
    """The same rows; a file without any says so."""
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty and not reader.errors:
        raise InputError("there is not one row", hint="add a row", place=Place(str(path)))


def _in_parts(
    path: Path, found: Iterator[CsvRow | InputError], *, now: datetime, ledger: Ledger, how: Tagging
) -> ImportReceipt:
    digest, added, repeated, number = file_sha256(path), 0, 0, 0
    while part := list(islice(found, PART)):
        number += 1
        name = f"{digest}/{how.policy or ''}/{how.provenance}/{number}x{PART}"
        batch = ClientBatch("file", name, digest)
        done = ledger.receipt(batch, within=how.customer) or _part(part, batch, now, ledger, how)
        added += 0 if done.again else done.added
        repeated += done.repeated + (done.added if done.again else 0)
    return ImportReceipt(added, repeated)


def _part(
    part: Sequence[CsvRow | InputError], batch: ClientBatch, now: datetime, ledger: Ledger, how: Tagging
) -> ImportReceipt:
    reader = _Reader(now, how)
    return ledger.import_tags(
        reader.rows(iter(part)), now=now, within=how.customer, batch=batch, faults=reader.errors
    )


@dataclass(frozen=True, slots=True)
class NewTag:
    """One piece of data to be tagged; what each is, ``OpenLedger.tag`` of policyctl/api.py says."""

    subject: str
    category: str
    record: str
    collected_at: datetime
    version: str | None = None
    policy: str | None = None
    provenance: str = ""


def add_tag(
    subject: str,
    category: str,
    record: str,
    collected_at: datetime,
    *,
    now: datetime,
    ledger: Ledger,
    how: Tagging = Tagging(),
    version: str | None = None,
    dry_run: bool = False,
) -> bool:
    """Tag one piece of data; False when it is tagged so already. Complaints as for a row of a file."""
    tag = NewTag(subject, category, record, collected_at, version, how.policy, how.provenance)
    done = add_tags([tag], now=now, ledger=ledger, customer=how.customer, dry_run=dry_run)
    return done.added == 1


def add_tags(
    tags: Sequence[NewTag],
    *,
    now: datetime,
    ledger: Ledger,
    customer: str | None = None,
    batch: ClientBatch | None = None,
    dry_run: bool = False,
) -> ImportReceipt:
    """Tag some pieces of data, all or none. ``customer``: the ids are its own. Complaints as for the rows
    of a file; the line is the place in ``tags``, from 1, where there are several.
    """
    single = None if all(tag.policy for tag in tags) else only_policy(ledger)
    rows, errors = [], []
    for line, tag in enumerate(tags, start=1):
        cells = Cells(CsvRow(Place("tags add", line if len(tags) > 1 else None), _cells_of(tag)), now)
        rows.append(read_tag(cells, tag.policy or single))
        errors += cells.errors
    if errors:
        raise as_one(errors)
    return ledger.import_tags(rows, now=now, dry_run=dry_run, within=customer, batch=batch)


def _cells_of(tag: NewTag) -> dict[str, str]:
    values = {
        "subject": tag.subject,
        "category": tag.category,
        "record": tag.record,
        "collected_at": tag.collected_at.isoformat(),
        "version": tag.version or "",
        "provenance": tag.provenance,
    }
    return {name: text.strip() for name, text in values.items()}


def only_policy(ledger: Ledger) -> str | None:
    """The one policy on record; None where there are several. CannotCompareError where there is none."""
    slugs = {record.key.slug for record in ledger.versions()}
    if not slugs:
        raise CannotCompareError(
            "no version of any policy is on record", hint="publish one, then run `policyctl sync`"
        )
    return slugs.pop() if len(slugs) == 1 else None


def read_tag(cells: Cells, policy: str | None) -> TagRow:
    """The cells of a row as a tag, with complaints."""
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


def as_one(errors: Sequence[PolicyctlError]) -> PolicyctlError:
    """Several errors as one, in order of lines."""
    if len(errors) == 1:
        return errors[0]
    return InputErrors(tuple(sorted(errors, key=_line)))


def _line(error: PolicyctlError) -> int:
    return (error.place.line or 0) if error.place else 0
