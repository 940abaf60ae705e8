# SPDX-License-Identifier: Apache-2.0
"""Customers and subjects. Names and e-mail addresses go into the one table that can be erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete

from policyctl.adapters.ledger.common import Complaints, Writer, pseudonym, rows_by
from policyctl.adapters.tables import ADDRESS, ADMISSION, CUSTOMER, MEMBERSHIP, SUBJECT
from policyctl.core.records import CustomerRow, ImportReceipt, SubjectRow
from policyctl.core.suggest import did_you_mean

# How the admission of a current subject stands in the table: no policy, no version.
CURRENT = ("", 0)
_NEW_ROW = "an entry is never changed: mend the row, or leave it out"


def import_customers(writer: Writer, rows: Sequence[CustomerRow]) -> ImportReceipt:
    """Enter customers and their administrators, the first row of a customer being written to."""
    batch = _Customers(writer.connection, rows)
    added = sum(batch.take(row) for row in rows)
    batch.complaints.raise_if_any()
    writer.add(CUSTOMER, batch.new_customers)
    writer.add(ADDRESS, batch.new_contacts)
    return ImportReceipt(added, len(rows) - added)


class _Customers:
    """What is known of the customers of one import, and what it adds."""

    def __init__(self, connection: Connection, rows: Sequence[CustomerRow]) -> None:
        ids = [row.customer for row in rows]
        self.names = {row.id: row.name for row in rows_by(connection, CUSTOMER, CUSTOMER.c.id, ids)}
        self.contacts: dict[str, dict[str, tuple[str, str]]] = {}
        self.last: dict[str, int] = {}
        for row in rows_by(connection, ADDRESS, ADDRESS.c.owner, ids):
            if row.owner_kind == "customer":
                self.contacts.setdefault(row.owner, {})[row.email] = (row.name, row.locale)
                self.last[row.owner] = max(self.last.get(row.owner, 0), row.position)
        self.new_customers: list[dict[str, Any]] = []
        self.new_contacts: list[dict[str, Any]] = []
        self.complaints = Complaints([])

    def take(self, row: CustomerRow) -> bool:
        """Note one row; True when it adds something."""
        new = row.customer not in self.names
        if new:
            self.names[row.customer] = row.name
            self.new_customers.append({"id": row.customer, "name": row.name})
        elif self.names[row.customer] != row.name:
            message = f"customer {row.customer!r} is recorded under another name"
            self.complaints.say(row.place, "name", message, _NEW_ROW)
        return self._take_contact(row) or new

    def _take_contact(self, row: CustomerRow) -> bool:
        contacts = self.contacts.setdefault(row.customer, {})
        said = (row.admin_name, row.locale)
        if known := contacts.get(row.admin_email):
            if known != said:
                column = "admin_name" if known[0] != said[0] else "locale"
                message = f"this administrator of {row.customer!r} is recorded with another {column}"
                self.complaints.say(row.place, column, message, _NEW_ROW)
            return False
        contacts[row.admin_email] = said
        position = self.last.get(row.customer, 0) + 1
        self.last[row.customer] = position
        self.new_contacts.append(
            _address("customer", row.customer, position, (row.admin_email, row.admin_name, row.locale))
        )
        return True


def _address(kind: str, owner: str, position: int, parts: tuple[str, str, str]) -> dict[str, Any]:
    email, name, locale = parts
    return {
        "owner_kind": kind,
        "owner": owner,
        "position": position,
        "email": email,
        "name": name,
        "locale": locale,
    }


def import_subjects(writer: Writer, rows: Sequence[SubjectRow], *, key: bytes) -> ImportReceipt:
    """Enter subjects under their pseudonyms, with customer, address and since when they are known."""
    named = [(pseudonym(key, row.subject), row) for row in rows]
    batch = _Subjects(writer.connection, named)
    added = sum(batch.take(name, row) for name, row in named)
    batch.complaints.raise_if_any()
    for table, fresh in batch.fresh.items():
        writer.add(_SUBJECT_TABLES[table], fresh)
    return ImportReceipt(added, len(rows) - added)


_SUBJECT_TABLES = {"subject": SUBJECT, "membership": MEMBERSHIP, "address": ADDRESS, "admission": ADMISSION}


class _Subjects:
    """What is known of the subjects of one import, and what it adds."""

    def __init__(self, connection: Connection, named: Sequence[tuple[str, SubjectRow]]) -> None:
        names = [name for name, _ in named]
        customers = [row.customer for _, row in named if row.customer]
        self.known = {row.pseudonym for row in rows_by(connection, SUBJECT, SUBJECT.c.pseudonym, names)}
        members = rows_by(connection, MEMBERSHIP, MEMBERSHIP.c.subject, names)
        self.customer_of = {row.subject: row.customer for row in members}
        self.customers = {row.id for row in rows_by(connection, CUSTOMER, CUSTOMER.c.id, customers)}
        self.addresses = {
            row.owner: (row.email, row.locale)
            for row in rows_by(connection, ADDRESS, ADDRESS.c.owner, names)
            if row.owner_kind == "subject"
        }
        self.since = {
            row.subject: row.at
            for row in rows_by(connection, ADMISSION, ADMISSION.c.subject, names)
            if (row.slug, row.number) == CURRENT
        }
        self.fresh: dict[str, list[dict[str, Any]]] = {name: [] for name in _SUBJECT_TABLES}
        self.complaints = Complaints([])

    def take(self, name: str, row: SubjectRow) -> bool:
        """Note one row; True when it adds something."""
        news = (
            self._take_subject(name),
            self._take_customer(name, row),
            self._take_address(name, row),
            self._take_since(name, row),
        )
        return any(news)

    def _take_subject(self, name: str) -> bool:
        if name in self.known:
            return False
        self.known.add(name)
        self.fresh["subject"].append({"pseudonym": name})
        return True

    def _take_customer(self, name: str, row: SubjectRow) -> bool:
        if row.customer is None:
            return False
        if row.customer not in self.customers:
            message = f"customer {row.customer!r} is not known"
            hint = did_you_mean(row.customer, self.customers, "import the customers first")
            self.complaints.say(row.place, "customer", message, hint)
            return False
        if name in self.customer_of:
            if self.customer_of[name] != row.customer:
                message = "this subject is recorded with another customer"
                self.complaints.say(row.place, "customer", message, _NEW_ROW)
            return False
        self.customer_of[name] = row.customer
        self.fresh["membership"].append({"subject": name, "customer": row.customer})
        return True

    def _take_address(self, name: str, row: SubjectRow) -> bool:
        if row.email is None:
            return False
        said = (row.email, row.locale)
        if known := self.addresses.get(name):
            if known != said:
                column = "email" if known[0] != said[0] else "locale"
                message = f"this subject is recorded with another {column}"
                self.complaints.say(row.place, column, message, _NEW_ROW)
            return False
        self.addresses[name] = said
        self.fresh["address"].append(_address("subject", name, 1, (row.email, "", row.locale)))
        return True

    def _take_since(self, name: str, row: SubjectRow) -> bool:
        if row.known_since is None:
            return False
        if known := self.since.get(name):
            if known != row.known_since:
                message = f"this subject is recorded as known since {known:%Y-%m-%d}"
                self.complaints.say(row.place, "known_since", message, _NEW_ROW)
            return False
        self.since[name] = row.known_since
        slug, number = CURRENT
        row_in = {"subject": name, "slug": slug, "number": number, "at": row.known_since}
        self.fresh["admission"].append(row_in)
        return True


def erase_addresses(connection: Connection, kind: str, owner: str) -> int:
    """Delete every name and address of a customer or of a subject (by pseudonym); how many."""
    gone = delete(ADDRESS).where(ADDRESS.c.owner_kind == kind, ADDRESS.c.owner == owner)
    return connection.execute(gone).rowcount
