# SPDX-License-Identifier: Apache-2.0
"""What people said: choices, acceptances, acknowledgements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from policyctl.adapters.ledger.common import Complaints, Writer, last_number, pseudonym, rows_by
from policyctl.adapters.tables import (
    ACKNOWLEDGEMENT,
    ADMISSION,
    CHOICE,
    CUSTOMER,
    MEMBERSHIP,
    PRACTICE,
    SUBJECT,
    VERSION,
)
from policyctl.core.policy import VersionKey
from policyctl.core.records import ChoiceRow, ImportReceipt, change_name, split_change
from policyctl.core.suggest import did_you_mean
from policyctl.errors import CannotCompareError, RefusedError

_UNPUBLISHED = "publish that version first, then run `policyctl sync`"
_NAMES = "write the change as <policy>@v<number>#<practice>, as the notice does"


def import_choices(writer: Writer, rows: Sequence[ChoiceRow], *, key: bytes) -> ImportReceipt:
    """Enter answers, numbered in the order in which they were given."""
    batch = _Choices(writer.connection, rows, key)
    fresh = [values for row in sorted(rows, key=_given) if (values := batch.take(row))]
    batch.complaints.raise_if_any()
    first = last_number(writer.connection, CHOICE.c.seq) + 1
    writer.add(CHOICE, [{**values, "seq": first + offset} for offset, values in enumerate(fresh)])
    return ImportReceipt(len(fresh), len(rows) - len(fresh))


def _given(row: ChoiceRow) -> tuple[datetime, int]:
    return row.at, row.place.line or 0


class _Choices:
    """Who may answer to what, and what was answered before."""

    def __init__(self, connection: Connection, rows: Sequence[ChoiceRow], key: bytes) -> None:
        self.key = key
        customers = [row.who for row in rows if row.scope == "customer"]
        subjects = [pseudonym(key, row.who) for row in rows if row.scope == "subject"]
        self.customers = {row.id for row in rows_by(connection, CUSTOMER, CUSTOMER.c.id, customers)}
        self.subjects = {row.pseudonym for row in rows_by(connection, SUBJECT, SUBJECT.c.pseudonym, subjects)}
        names = connection.execute(select(PRACTICE.c.slug, PRACTICE.c.number, PRACTICE.c.id)).all()
        self.names = {change_name(VersionKey(row[0], row[1]), row[2]) for row in names}
        self.given: dict[tuple[Any, ...], str] = {
            (row.scope, row.who, row.slug, row.number, row.practice, row.at): row.answer
            for row in rows_by(connection, CHOICE, CHOICE.c.who, [*customers, *subjects])
        }
        self.complaints = Complaints([])

    def take(self, row: ChoiceRow) -> dict[str, Any] | None:
        """The row to add; None when it is there already or cannot be."""
        who = self._who(row)
        named = self._named(row)
        if who is None or named is None:
            return None
        version, practice = named
        known = (row.scope, who, version.slug, version.number, practice, row.at)
        if known in self.given:
            if self.given[known] != row.answer.value:
                message = f"another answer to {row.change} is recorded for this very moment"
                self.complaints.say(row.place, "answer", message, "a change of mind has a later time")
            return None
        self.given[known] = row.answer.value
        columns = ("scope", "who", "slug", "number", "practice", "at")
        return {**dict(zip(columns, known, strict=True)), "answer": row.answer.value}

    def _who(self, row: ChoiceRow) -> str | None:
        if row.scope == "customer":
            if row.who in self.customers:
                return row.who
            self.complaints.say(
                row.place, "customer", f"customer {row.who!r} is not known", "import the customers first"
            )
            return None
        name = pseudonym(self.key, row.who)
        if name in self.subjects:
            return name
        self.complaints.say(row.place, "subject", "this subject is not known", "import the subjects first")
        return None

    def _named(self, row: ChoiceRow) -> tuple[VersionKey, str] | None:
        named = split_change(row.change)
        if named is None:
            self.complaints.say(row.place, "change", f"{row.change!r} is not the name of a change", _NAMES)
        elif not any(name.startswith(f"{named[0]}#") for name in self.names):
            message = f"{named[0]} is not on record, or states no practice"
            self.complaints.say(row.place, "change", message, _UNPUBLISHED)
            return None
        elif row.change not in self.names:
            hint = did_you_mean(row.change, self.names, _UNPUBLISHED)
            self.complaints.say(row.place, "change", f"no practice {row.change!r} is on record", hint)
            return None
        return named


def accept(writer: Writer, name: str, version: VersionKey, at: datetime, *, customer: str | None) -> bool:
    """A subject (by pseudonym) accepts a version; False when it did before: the first time stands."""
    require_version(writer.connection, version)
    if not _found(writer.connection, SUBJECT.c.pseudonym, name):
        writer.add(SUBJECT, [{"pseudonym": name}])
    if customer is not None:
        _join_customer(writer, name, customer)
    key = {"subject": name, "slug": version.slug, "number": version.number}
    query = select(ADMISSION.c.at).where(*(ADMISSION.c[column] == value for column, value in key.items()))
    if writer.connection.execute(query).first() is not None:
        return False
    writer.add(ADMISSION, [{**key, "at": at}])
    return True


def _join_customer(writer: Writer, name: str, customer: str) -> None:
    require_customer(writer.connection, customer)
    query = select(MEMBERSHIP.c.customer).where(MEMBERSHIP.c.subject == name)
    known = writer.connection.execute(query).scalar()
    if known is None:
        writer.add(MEMBERSHIP, [{"subject": name, "customer": customer}])
    elif known != customer:
        raise RefusedError(
            "this subject is recorded with another customer", hint="an entry is never changed; leave it out"
        )


def acknowledge(writer: Writer, customer: str, version: VersionKey, at: datetime) -> bool:
    """A customer's administrator has seen a version; False when that was recorded before."""
    require_version(writer.connection, version)
    require_customer(writer.connection, customer)
    key = {"customer": customer, "slug": version.slug, "number": version.number}
    table = ACKNOWLEDGEMENT
    query = select(table.c.at).where(*(table.c[column] == value for column, value in key.items()))
    if writer.connection.execute(query).first() is not None:
        return False
    writer.add(table, [{**key, "at": at}])
    return True


def acknowledgements(connection: Connection, version: VersionKey) -> tuple[tuple[str, datetime], ...]:
    """Which customers have acknowledged a version, and when."""
    table = ACKNOWLEDGEMENT
    query = (
        select(table.c.customer, table.c.at)
        .where(table.c.slug == version.slug, table.c.number == version.number)
        .order_by(table.c.customer)
    )
    return tuple((row[0], row[1]) for row in connection.execute(query))


def require_version(connection: Connection, version: VersionKey) -> None:
    """CannotCompareError when the ledger does not know the version."""
    query = select(VERSION.c.number).where(VERSION.c.slug == version.slug).order_by(VERSION.c.number)
    known = connection.execute(query).scalars().all()
    if version.number not in known:
        have = (
            f"it has v{known[0]} to v{known[-1]}" if known else "publish it first, then run `policyctl sync`"
        )
        raise CannotCompareError(f"{version} is not on record", hint=have)


def require_customer(connection: Connection, customer: str) -> None:
    """CannotCompareError when the ledger does not know the customer."""
    if not _found(connection, CUSTOMER.c.id, customer):
        raise CannotCompareError(f"customer {customer!r} is not known", hint="import the customers first")


def _found(connection: Connection, column: Any, value: str) -> bool:
    return connection.execute(select(column).where(column == value)).first() is not None
