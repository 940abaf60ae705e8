# SPDX-License-Identifier: Apache-2.0
"""Customers and subjects: who is known by which number, and what can be erased of them.

A subject is one of a customer, or of nobody (tenant 0). Without a customer named, an id means the one
subject of the ledger that has it; ``within`` a customer, its ids are its own, and nothing is looked up,
counted or refused because of what another customer has.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from policyctl.adapters.ledger.base.common import (
    NO_VERSION,
    TENANT_BITS,
    Complaints,
    Writer,
    administrator,
    last_number,
    pseudonym,
    rows_by,
    seal,
)
from policyctl.adapters.ledger.base.driver import Driver, driver_of
from policyctl.adapters.ledger.proving.cuts import add_cut
from policyctl.adapters.tables import ADDRESS, ADMISSION, CUSTOMER, PSEUDONYM, RECORD_NAME, SUBJECT
from policyctl.core.proof.cuts import Cut, CutOf
from policyctl.core.records import CustomerRow, ImportReceipt, SubjectRow
from policyctl.core.suggest import did_you_mean
from policyctl.errors import CannotCompareError, RefusedError, UsageError

_NEW_ROW = "an entry is never changed: mend the row, or leave it out"
_NAME_IT = "name the customer, too"
_SALT_BYTES = 16

# A name in the ledger -> the subjects that have it: tenant -> subject number.
Namesakes = Mapping[bytes, Mapping[int, int]]


def namesakes(
    driver: Driver, names: Iterable[bytes], *, tenant_no: int | None = None, upto: int | None = None
) -> dict[bytes, dict[int, int]]:
    """The subjects with these names; of one tenant, and recorded up to an entry, where that is said. Then
    the database itself leaves out the others: what they have takes no time either.
    """
    found: dict[bytes, dict[int, int]] = {}
    query = "SELECT ext_id, tenant_no, subject_no FROM pseudonym WHERE ext_id IN ?*"
    values: list[int] = []
    for said, value in ((" AND tenant_no = ?", tenant_no), (" AND entry <= ?", upto)):
        if value is not None:
            query, values = query + said, [*values, value]
    for ext_id, tenant, number in driver.rows_in(query, sorted(set(names)), *values):
        found.setdefault(bytes(ext_id), {})[tenant] = number
    return found


def tenants(connection: Connection, customers: Iterable[str]) -> dict[str, int]:
    """The numbers of the customers that are known."""
    query = "SELECT id, tenant_no FROM customer WHERE id IN ?*"
    return dict(driver_of(connection).rows_in(query, sorted(set(customers))))


def tenant_no_of(connection: Connection, customer: str | None) -> int | None:
    """The number of a customer; None for none. CannotCompareError when the ledger does not know it."""
    if customer is None:
        return None
    found = tenants(connection, [customer])
    if not found:
        raise CannotCompareError(f"customer {customer!r} is not known", hint="import the customers first")
    return found[customer]


def find_subject(
    connection: Connection, name: bytes, customer: str | None, *, upto: int | None = None
) -> int | None:
    """The number of a subject; None where nobody has the name. UsageError where several have it."""
    tenant_no = tenant_no_of(connection, customer)
    found = namesakes(driver_of(connection), [name], tenant_no=tenant_no, upto=upto).get(name, {})
    if len(found) > 1:
        raise UsageError("several customers have a subject with this id", hint=_NAME_IT)
    return next(iter(found.values()), None)


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
        known = list(rows_by(connection, CUSTOMER, CUSTOMER.c.id, [row.customer for row in rows]))
        self.names = {row.id: row.name for row in known}
        self.numbers = {row.id: row.tenant_no for row in known}
        self.next_tenant = last_number(connection, CUSTOMER.c.tenant_no) + 1
        self.contacts: dict[int, dict[str, tuple[str, str]]] = {}
        owners = [administrator(row.tenant_no) for row in known]
        # A place that was written to is never given to another: what came of a mail is said of the place.
        used = "SELECT subject_no, max(contact) FROM outbox WHERE subject_no IN ?* GROUP BY subject_no"
        self.last: dict[int, int] = dict(driver_of(connection).rows_in(used, owners))
        for row in rows_by(connection, ADDRESS, ADDRESS.c.subject_no, owners):
            self.contacts.setdefault(row.subject_no, {})[row.email.lower()] = (row.name, row.locale)
            self.last[row.subject_no] = max(self.last.get(row.subject_no, 0), row.position)
        self.new_customers: list[dict[str, Any]] = []
        self.new_contacts: list[dict[str, Any]] = []
        self.complaints = Complaints([])

    def take(self, row: CustomerRow) -> bool:
        """Note one row; True when it adds something."""
        new = row.customer not in self.names
        if new:
            self.names[row.customer] = row.name
            self.numbers[row.customer] = self.next_tenant
            self.new_customers.append({"tenant_no": self.next_tenant, "id": row.customer, "name": row.name})
            self.next_tenant += 1
        elif self.names[row.customer] != row.name:
            message = f"customer {row.customer!r} is recorded under another name"
            self.complaints.say(row.place, "name", message, _NEW_ROW)
        return self._take_contact(row) or new

    def _take_contact(self, row: CustomerRow) -> bool:
        owner = administrator(self.numbers[row.customer])
        contacts = self.contacts.setdefault(owner, {})
        said = (row.admin_name, row.locale)
        # No server tells Ada@ from ada@, and nobody is to be written to twice. The first spelling stays.
        if known := contacts.get(row.admin_email.lower()):
            if known != said:
                column = "admin_name" if known[0] != said[0] else "locale"
                message = f"this administrator of {row.customer!r} is recorded with another {column}"
                self.complaints.say(row.place, column, message, _NEW_ROW)
            return False
        contacts[row.admin_email.lower()] = said
        position = self.last.get(owner, 0) + 1
        self.last[owner] = position
        self.new_contacts.append(_address(owner, position, (row.admin_email, row.admin_name, row.locale)))
        return True


def _address(owner: int, position: int, parts: tuple[str, str, str]) -> dict[str, Any]:
    email, name, locale = parts
    return {"subject_no": owner, "position": position, "email": email, "name": name, "locale": locale}


class NewSubjects:
    """Numbers for subjects that are not known yet, one range a tenant; kept until they are added."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self._last: dict[int, int] = {}
        self._fresh: list[tuple[int, int, bytes]] = []

    def number(self, tenant_no: int, name: bytes) -> int:
        """A number for one more subject of a tenant."""
        if tenant_no not in self._last:
            self._last[tenant_no] = self._greatest(tenant_no)
        self._last[tenant_no] += 1
        self._fresh.append((self._last[tenant_no], tenant_no, name))
        return self._last[tenant_no]

    def _greatest(self, tenant_no: int) -> int:
        first = administrator(tenant_no)
        query = "SELECT max(subject_no) FROM subject WHERE subject_no >= ? AND subject_no < ?"
        ((found,),) = self.writer.driver.rows(query, first, first + (1 << TENANT_BITS))
        return first if found is None else int(found)

    def add(self) -> None:
        """Write them down, each with a salt of its own."""
        subjects, names = [], []
        for number, tenant_no, name in self._fresh:
            salt = secrets.token_bytes(_SALT_BYTES)
            subjects.append(
                {
                    "subject_no": number,
                    "erased_at": None,
                    "seal": seal(salt, name),
                    "ext_id": name,
                    "salt": salt,
                }
            )
            names.append({"ext_id": name, "tenant_no": tenant_no, "subject_no": number})
        self.writer.add(SUBJECT, subjects)
        self.writer.add(PSEUDONYM, names)
        self._fresh = []


def import_subjects(
    writer: Writer, rows: Sequence[SubjectRow], *, key: bytes, within: str | None = None
) -> ImportReceipt:
    """Enter subjects under their pseudonyms, with customer, address and since when they are known."""
    named = [(pseudonym(key, row.subject), row) for row in rows]
    batch = _Subjects(writer, named, within)
    added = sum(batch.take(name, row) for name, row in named)
    batch.complaints.raise_if_any()
    batch.new.add()
    writer.add(ADDRESS, batch.new_addresses)
    writer.add(ADMISSION, batch.new_admissions)
    return ImportReceipt(added, len(rows) - added)


class _Subjects:
    """What is known of the subjects of one import, and what it adds."""

    def __init__(self, writer: Writer, named: Sequence[tuple[bytes, SubjectRow]], within: str | None) -> None:
        connection = writer.connection
        self.within, self.within_no = within, tenant_no_of(connection, within)
        self.tenants = tenants(connection, [row.customer for _, row in named if row.customer])
        self.known = namesakes(writer.driver, [name for name, _ in named], tenant_no=self.within_no)
        numbers = [number for found in self.known.values() for number in found.values()]
        self.addresses = {
            row.subject_no: (row.email, row.locale)
            for row in rows_by(connection, ADDRESS, ADDRESS.c.subject_no, numbers)
        }
        self.since = {
            row.subject_no: row.admitted_at
            for row in rows_by(connection, ADMISSION, ADMISSION.c.subject_no, numbers)
            if row.version_no == NO_VERSION
        }
        self.new = NewSubjects(writer)
        self.new_addresses: list[dict[str, Any]] = []
        self.new_admissions: list[dict[str, Any]] = []
        self.complaints = Complaints([])

    def take(self, name: bytes, row: SubjectRow) -> bool:
        """Note one row; True when it adds something."""
        tenant_no = self._tenant(row)
        if tenant_no is None:
            return False
        found = self.known.setdefault(name, {})
        number = self._recorded(found, tenant_no, row)
        new = number is None
        if number is None:
            if found:
                return False
            number = found[tenant_no] = self.new.number(tenant_no, name)
        news = (self._take_address(number, row), self._take_since(number, row))
        return new or any(news)

    def _tenant(self, row: SubjectRow) -> int | None:
        """The tenant that a row names, 0 for none; None where it cannot be."""
        if row.customer is None:
            return self.within_no or 0
        if self.within is not None and row.customer != self.within:
            message = f"{row.customer!r} is another customer than {self.within!r}"
            self.complaints.say(
                row.place, "customer", message, "import each customer's subjects by themselves"
            )
        elif row.customer not in self.tenants:
            message = f"customer {row.customer!r} is not known"
            hint = did_you_mean(row.customer, self.tenants, "import the customers first")
            self.complaints.say(row.place, "customer", message, hint)
        else:
            return self.tenants[row.customer]
        return None

    def _recorded(self, found: Mapping[int, int], tenant_no: int, row: SubjectRow) -> int | None:
        """The number of a subject that is on record; a complaint where that is another's."""
        if tenant_no in found:
            return found[tenant_no]
        if row.customer is None and len(found) == 1:
            return next(iter(found.values()))
        if found:
            message = (
                "this subject is recorded without a customer"
                if set(found) == {0}
                else "this subject is recorded with another customer"
            )
            self.complaints.say(row.place, "customer", message, _NEW_ROW)
        return None

    def _take_address(self, number: int, row: SubjectRow) -> bool:
        if row.email is None:
            return False
        said = (row.email, row.locale)
        if known := self.addresses.get(number):
            if (known[0].lower(), known[1]) != (row.email.lower(), row.locale):
                column = "email" if known[0].lower() != row.email.lower() else "locale"
                message = f"this subject is recorded with another {column}"
                self.complaints.say(row.place, column, message, _NEW_ROW)
            return False
        self.addresses[number] = said
        self.new_addresses.append(_address(number, 1, (row.email, "", row.locale)))
        return True

    def _take_since(self, number: int, row: SubjectRow) -> bool:
        if row.known_since is None:
            return False
        if known := self.since.get(number):
            if known != row.known_since:
                message = f"this subject is recorded as known since {known:%Y-%m-%d}"
                self.complaints.say(row.place, "known_since", message, _NEW_ROW)
            return False
        self.since[number] = row.known_since
        self.new_admissions.append(
            {"subject_no": number, "version_no": NO_VERSION, "admitted_at": row.known_since}
        )
        return True


def settle_subject(writer: Writer, name: bytes, customer: str | None, *, within_no: int | None = None) -> int:
    """The number of a subject, which is recorded where it is not known yet. RefusedError where the one
    that has the id is another customer's, unless ids are one tenant's own (``within_no``).
    """
    tenant_no = tenant_no_of(writer.connection, customer) if within_no is None else within_no
    found = namesakes(writer.driver, [name], tenant_no=within_no).get(name, {})
    wanted = next(iter(found), 0) if tenant_no is None else tenant_no
    if tenant_no is None and len(found) > 1:
        raise UsageError("several customers have a subject with this id", hint=_NAME_IT)
    if wanted in found:
        return found[wanted]
    if found:
        raise RefusedError(
            "this subject is recorded with another customer", hint="an entry is never changed; leave it out"
        )
    new = NewSubjects(writer)
    number = new.number(wanted, name)
    new.add()
    return number


def erase_addresses(connection: Connection, subject_no: int) -> int:
    """Delete every name and address of a customer (by its administrator's number) or of a subject."""
    return connection.execute(delete(ADDRESS).where(ADDRESS.c.subject_no == subject_no)).rowcount


def erase_subject(writer: Writer, subject_no: int, now: datetime) -> bool:
    """Destroy all that leads from the number to the person, and record that (core/proof/cuts.py); False when
    that was done before.
    """
    connection = writer.connection
    forget = (
        update(SUBJECT)
        .where(SUBJECT.c.subject_no == subject_no, SUBJECT.c.erased_at.is_(None))
        .values(ext_id=None, salt=None, erased_at=now)
    )
    name = connection.execute(select(SUBJECT.c.ext_id).where(SUBJECT.c.subject_no == subject_no)).scalar()
    if name is None:
        return False
    gone = 1 + erase_addresses(connection, subject_no)
    gone += connection.execute(delete(RECORD_NAME).where(RECORD_NAME.c.subject_no == subject_no)).rowcount
    connection.execute(
        delete(PSEUDONYM).where(PSEUDONYM.c.ext_id == name, PSEUDONYM.c.subject_no == subject_no)
    )
    connection.execute(forget)
    add_cut(writer, Cut(CutOf.SUBJECT, subject_no, subject_no, gone, b"", "erasure"))
    return True
