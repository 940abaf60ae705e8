# SPDX-License-Identifier: Apache-2.0
"""What every file of the ledger needs: keyed names, numbers, entries, rows in handy portions."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select

from policyctl.adapters.ledger.base.chain import NEWEST, Lines, add_link, root_before
from policyctl.adapters.ledger.base.driver import Driver, Row, driver_of
from policyctl.adapters.tables import ENTRY, microseconds
from policyctl.errors import InputError, InputErrors, Place, PolicyctlError, UsageError

PORTION = 500
TENANT_BITS = 40
# How the admission of a current subject stands in the table: no version. A tag's: none was in force.
NO_VERSION = 0
# How a tag whose data was deleted stands in a question about many records.
ENDED = -1
_MOST_COMPLAINTS = 500
_LARGEST_NUMBER = 1 << 62


def pseudonym(key: bytes, external_id: str) -> bytes:
    """The name a subject has in the ledger: keyed BLAKE2b, 128 bits, of the caller's id (NFC, trimmed).
    UsageError for half a letter, which no text in UTF-8 can have.
    """
    # ASCII is NFC as it is.
    text = external_id if external_id.isascii() else unicodedata.normalize("NFC", external_id)
    try:
        content = text.strip().encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            "the subject's id has half a letter", hint="pass it as it is in your system"
        ) from error
    found = _keyed(key).copy()
    found.update(content)
    return found.digest()


@lru_cache(maxsize=4)
def _keyed(key: bytes) -> blake2b:
    """Made ready once: that takes longer than the hash of a short id."""
    return blake2b(key=key, digest_size=16, person=b"policyctl.subj")


def seal(salt: bytes, ext_id: bytes) -> bytes:
    """What binds a subject number to a name for good, and says nothing once the salt is gone."""
    return blake2b(ext_id, key=salt, digest_size=16, person=b"policyctl.seal").digest()


def ref_of(key: bytes, subject_no: int, record: str) -> int:
    """The number of a record of a subject: the key itself where it is a plain decimal number, else 63
    bits of a keyed hash, below zero. It tells apart only the records of one subject and category, so
    that two of a thousand meet once in 10^13 subjects.
    """
    if record.isascii() and record.isdigit() and (record[0] != "0" or record == "0"):
        number = int(record)
        if number < _LARGEST_NUMBER:
            return number
    text = unicodedata.normalize("NFC", record).encode()
    digest = blake2b(
        subject_no.to_bytes(8, "big") + text, key=key, digest_size=8, person=b"policyctl.ref"
    ).digest()
    return -1 - (int.from_bytes(digest, "big") >> 1)


def administrator(tenant_no: int) -> int:
    """In whose number a customer answers and is written to."""
    return tenant_no << TENANT_BITS


def tenant_of(subject_no: int) -> int:
    """Whose subject a number is; 0 for that of no customer."""
    return subject_no >> TENANT_BITS


def is_administrator(subject_no: int) -> bool:
    """Whether a number stands for the organisation itself."""
    return subject_no & ((1 << TENANT_BITS) - 1) == 0


def notice_secret(key: bytes, notice_id: str) -> str:
    """What the nids of one notice are made with (engine.nid_of): HMAC-SHA256, 64 hex digits."""
    return hmac.digest(key, b"policyctl nid\0" + notice_id.encode(), "sha256").hex()


@dataclass(slots=True)
class Writer:
    """One writing transaction and its entry, which is numbered only when something is written."""

    connection: Connection
    kind: str
    now: datetime
    number: int | None = None
    lines: Lines = field(default_factory=Lines)
    newest: Row | None = None
    """What :data:`NEWEST` found, where it was asked before and nobody wrote since."""
    _root: bytes = b""

    @property
    def entry(self) -> int:
        """The ledger sequence of this transaction."""
        if self.number is None:
            ((last, root),) = [self.newest] if self.newest else self.driver.rows(NEWEST)
            self.number, self._root = last + 1, root_before(root)
            values = (self.number, self.kind, microseconds(self.now))
            self.driver.insert(ENTRY.name, ("seq", "kind", "recorded_at"), [values])
        return self.number

    @property
    def driver(self) -> Driver:
        """The driver below, for what is done by the million."""
        return driver_of(self.connection)

    def add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows that belong to this entry."""
        if rows:
            entry = {"entry": self.entry} if "entry" in table.c else {}
            whole = [{**row, **entry} for row in rows]
            names = list(whole[0])
            values = [tuple(map(_number, map(row.__getitem__, names))) for row in whole]
            self.driver.insert(table.name, names, values)
            self.lines.add(table, whole)

    def finish(self) -> None:
        """Chain what was written to what was written before; at the end of the transaction."""
        if self.number is not None:
            add_link(self.driver, (self.number, self.kind, self.now), self._root, self.lines)


def _number(value: Any) -> Any:
    return microseconds(value) if isinstance(value, datetime) else value


def last_number(connection: Connection, column: Column[int]) -> int:
    """The greatest number in a column, 0 where there is none."""
    return connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one()


def rows_by(
    connection: Connection, table: Table, column: Column[Any], values: Iterator[Any] | Sequence[Any]
) -> Iterator[Any]:
    """The rows of ``table`` whose ``column`` is one of ``values``."""
    wanted = sorted(set(values))
    for start in range(0, len(wanted), PORTION):
        query = select(table).where(column.in_(wanted[start : start + PORTION]))
        yield from connection.execute(query)


@dataclass(slots=True)
class Complaints:
    """What is wrong with the rows of one import, so that it can be mended in one go; of very many the
    first are kept and the rest counted.
    """

    errors: list[InputError]
    more: int = 0

    def say(self, place: Place, column: str, message: str, hint: str) -> None:
        """One complaint about a column of a row."""
        if len(self.errors) >= _MOST_COMPLAINTS:
            self.more += 1
            return
        where = Place(place.file, place.line, place.column, column)
        self.errors.append(InputError(message, hint=hint, place=where))

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self.errors) + self.more

    def raise_if_any(self) -> None:
        """InputErrors with every complaint kept, in order of lines."""
        if self.errors:
            told = sorted(self.errors, key=_line)
            if self.more:
                told.append(InputError(f"{self.more:,} more are not shown", hint="mend these first"))
            raise InputErrors(tuple(told))


def _line(error: PolicyctlError) -> int:
    return error.place.line or 0 if error.place else 0
