# SPDX-License-Identifier: Apache-2.0
"""What people said: choices, acceptances, acknowledgements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from policyctl.adapters.ledger.base.common import Complaints, Writer, administrator, pseudonym
from policyctl.adapters.ledger.base.driver import Driver
from policyctl.adapters.ledger.people.people import namesakes, settle_subject, tenant_no_of, tenants
from policyctl.adapters.ledger.versions.known import Known, read_known
from policyctl.adapters.tables import ACKNOWLEDGEMENT, ADMISSION, CHOICE, CUSTOMER, microseconds
from policyctl.core.policy import VersionKey
from policyctl.core.records import Answer, ChoiceRow, ImportReceipt, split_change
from policyctl.core.suggest import did_you_mean
from policyctl.errors import CannotCompareError

_UNPUBLISHED = "publish that version first, then run `policyctl sync`"
_NAMES = "write the change as <policy>@v<number>#<practice>, as the notice does"
# How an answer stands in the table.
ANSWERS = {Answer.CONSENT: 1, Answer.REFUSE: 2, Answer.WITHDRAW: 3}
ANSWER_OF = {number: answer for answer, number in ANSWERS.items()}
# Answers are numbered by entry and by their place in it.
_PLACE_BITS = 24
_KEY = ("subject_no", "practice_no", "given_at")


def import_choices(
    writer: Writer, rows: Sequence[ChoiceRow], *, key: bytes, known: Known, within_no: int | None = None
) -> ImportReceipt:
    """Enter answers, numbered in the order in which they were given."""
    batch = Choices(writer, rows, key, known, within_no)
    fresh = [values for row in sorted(rows, key=_given) if (values := batch.take(row))]
    batch.complaints.raise_if_any()
    add_choices(writer, fresh)
    return ImportReceipt(len(fresh), len(rows) - len(fresh))


def add_choices(writer: Writer, fresh: Sequence[Mapping[str, Any]]) -> None:
    """Add answers that are not there yet, numbered in their order."""
    if fresh:
        first = writer.entry << _PLACE_BITS
        writer.add(CHOICE, [{**values, "seq": first + place} for place, values in enumerate(fresh)])


def _given(row: ChoiceRow) -> tuple[datetime, int]:
    return row.at, row.place.line or 0


class Choices:
    """Who may answer to what, and what was answered before."""

    def __init__(
        self, writer: Writer, rows: Sequence[ChoiceRow], key: bytes, known: Known, within_no: int | None
    ) -> None:
        self.within_no = within_no
        customers = [row.who for row in rows if row.scope == "customer"]
        self.names = {row.who: pseudonym(key, row.who) for row in rows if row.scope == "subject"}
        found = tenants(writer.connection, customers)
        self.tenants = {name: no for name, no in found.items() if self.within_no in {None, no}}
        self.subjects = namesakes(writer.driver, self.names.values(), tenant_no=self.within_no)
        self.practices = known.practice_no
        self.given = {row[:3]: row[3] for row in self._given(writer.driver, rows)}
        self.complaints = Complaints([])

    def _given(self, driver: Driver, rows: Sequence[ChoiceRow]) -> list[Any]:
        """What is on record of the same persons, practices and moments."""
        keys = {
            (who, practice, microseconds(row.at))
            for row in rows
            if (practice := self.practices.get(row.change)) is not None
            for who in self._numbers(row)
        }
        return driver.rows_at(CHOICE.name, (*_KEY, "answer"), _KEY, sorted(keys))

    def _numbers(self, row: ChoiceRow) -> Collection[int]:
        """Whom a row may be of."""
        if row.scope == "customer":
            return [administrator(self.tenants[row.who])] if row.who in self.tenants else []
        return self.subjects.get(self.names[row.who], {}).values()

    def take(self, row: ChoiceRow) -> dict[str, Any] | None:
        """The row to add; None when it is there already or cannot be."""
        who = self._customer(row) if row.scope == "customer" else self._subject(row)
        practice = self._named(row)
        if who is None or practice is None:
            return None
        known = (who, practice, microseconds(row.at))
        answer = ANSWERS[row.answer]
        if known in self.given:
            if self.given[known] != answer:
                message = f"another answer to {row.change} is recorded for this very moment"
                self.complaints.say(row.place, "answer", message, "a change of mind has a later time")
            return None
        self.given[known] = answer
        return {"subject_no": who, "practice_no": practice, "given_at": row.at, "answer": answer}

    def _customer(self, row: ChoiceRow) -> int | None:
        if row.who in self.tenants:
            return administrator(self.tenants[row.who])
        message = f"customer {row.who!r} is not known"
        self.complaints.say(row.place, "customer", message, "import the customers first")
        return None

    def _subject(self, row: ChoiceRow) -> int | None:
        found = self.subjects.get(self.names[row.who], {})
        if len(found) == 1:
            return next(iter(found.values()))
        message, hint = (
            (
                "several customers have a subject with this id",
                "name the customer with --customer, each by itself",
            )
            if found
            else ("this subject is not known", "import the subjects first")
        )
        self.complaints.say(row.place, "subject", message, hint)
        return None

    def _named(self, row: ChoiceRow) -> int | None:
        named = split_change(row.change)
        if named is None:
            self.complaints.say(row.place, "change", f"{row.change!r} is not the name of a change", _NAMES)
        elif not any(name.startswith(f"{named[0]}#") for name in self.practices):
            message = f"{named[0]} is not on record, or states no practice"
            self.complaints.say(row.place, "change", message, _UNPUBLISHED)
        elif row.change not in self.practices:
            hint = did_you_mean(row.change, self.practices, _UNPUBLISHED)
            self.complaints.say(row.place, "change", f"no practice {row.change!r} is on record", hint)
        return self.practices.get(row.change)


def accept(
    writer: Writer,
    name: bytes,
    version: VersionKey,
    at: datetime,
    *,
    known: Known,
    customer: str | None,
    within_no: int | None = None,
) -> bool:
    """A subject (by pseudonym) accepts a version; False when it did before: the first time stands."""
    version_no = require_version(known, version)
    number = settle_subject(writer, name, customer, within_no=within_no)
    key = {"subject_no": number, "version_no": version_no}
    query = select(ADMISSION.c.admitted_at).where(
        ADMISSION.c.subject_no == number, ADMISSION.c.version_no == version_no
    )
    if writer.connection.execute(query).first() is not None:
        return False
    writer.add(ADMISSION, [{**key, "admitted_at": at}])
    return True


def acknowledge(writer: Writer, customer: str, version: VersionKey, at: datetime) -> bool:
    """A customer's administrator has seen a version; False when that was recorded before."""
    version_no = require_version(read_known(writer.connection), version)
    number = administrator(tenant_no_of(writer.connection, customer) or 0)
    table = ACKNOWLEDGEMENT
    query = select(table.c.seen_at).where(table.c.subject_no == number, table.c.version_no == version_no)
    if writer.connection.execute(query).first() is not None:
        return False
    writer.add(table, [{"subject_no": number, "version_no": version_no, "seen_at": at}])
    return True


def acknowledgements(connection: Connection, version: VersionKey) -> tuple[tuple[str, datetime], ...]:
    """Which customers have acknowledged a version, and when."""
    version_no = read_known(connection).number_of.get(version)
    query = select(ACKNOWLEDGEMENT).where(ACKNOWLEDGEMENT.c.version_no == version_no)
    seen = {row.subject_no: row.seen_at for row in connection.execute(query)}
    names = connection.execute(select(CUSTOMER.c.id, CUSTOMER.c.tenant_no).order_by(CUSTOMER.c.id))
    return tuple((row.id, seen[number]) for row in names if (number := administrator(row.tenant_no)) in seen)


def require_version(known: Known, version: VersionKey) -> int:
    """The number of a version; CannotCompareError when the ledger does not know it."""
    numbers = known.number_of
    if version not in numbers:
        there = sorted(key.number for key in numbers if key.slug == version.slug)
        have = (
            f"it has v{there[0]} to v{there[-1]}" if there else "publish it first, then run `policyctl sync`"
        )
        raise CannotCompareError(f"{version} is not on record", hint=have)
    return numbers[version]
