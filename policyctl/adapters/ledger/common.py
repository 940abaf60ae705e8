# SPDX-License-Identifier: Apache-2.0
"""What every file of the ledger needs: keyed names, numbered entries, rows in handy portions."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, func, insert, select

from policyctl.adapters.tables import ENTRY
from policyctl.errors import InputError, InputErrors, Place, PolicyctlError

PORTION = 500


def pseudonym(key: bytes, external_id: str) -> str:
    """The name a subject has in the ledger: keyed BLAKE2b, 128 bits, of the caller's id (NFC, trimmed).

    The customer has no part in it, so a person keeps the name when the organisation changes.
    """
    text = unicodedata.normalize("NFC", external_id).strip()
    return blake2b(text.encode(), key=key, digest_size=16, person=b"policyctl.subj").hexdigest()


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

    @property
    def entry(self) -> int:
        """The ledger sequence of this transaction."""
        if self.number is None:
            self.number = last_number(self.connection, ENTRY.c.seq) + 1
            row = {"seq": self.number, "kind": self.kind, "recorded_at": self.now}
            self.connection.execute(insert(ENTRY), row)
        return self.number

    def add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows that belong to this entry."""
        if rows:
            entry = {"entry": self.entry} if "entry" in table.c else {}
            self.connection.execute(insert(table), [{**row, **entry} for row in rows])


def last_number(connection: Connection, column: Column[int]) -> int:
    """The greatest number in a column, 0 where there is none."""
    return connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one()


def rows_by(
    connection: Connection, table: Table, column: Column[str], values: Iterator[str] | Sequence[str]
) -> Iterator[Row[Any]]:
    """The rows of ``table`` whose ``column`` is one of ``values``."""
    wanted = sorted(set(values))
    for start in range(0, len(wanted), PORTION):
        query = select(table).where(column.in_(wanted[start : start + PORTION]))
        yield from connection.execute(query)


@dataclass(slots=True)
class Complaints:
    """All that is wrong with the rows of one import, so that it can be mended in one go."""

    errors: list[InputError]

    def say(self, place: Place, column: str, message: str, hint: str) -> None:
        """One complaint about a column of a row."""
        where = Place(place.file, place.line, place.column, column)
        self.errors.append(InputError(message, hint=hint, place=where))

    def raise_if_any(self) -> None:
        """InputErrors with every complaint, in order of lines."""
        if self.errors:
            raise InputErrors(tuple(sorted(self.errors, key=_line)))


def _line(error: PolicyctlError) -> int:
    return error.place.line or 0 if error.place else 0
