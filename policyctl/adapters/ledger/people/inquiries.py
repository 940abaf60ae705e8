# SPDX-License-Identifier: Apache-2.0
"""What an addressee says on his page, found by the id of his notice alone.

1. The id names the addressee: an administrator's answers are the organisation's.
2. What stands is read in the transaction that adds to it, so an answer to a question that a newer
   version has just taken away is not recorded, and one given twice is recorded once.
3. With what is recorded a receipt becomes owed, in the same transaction. The last one counts: who
   changes his mind three times before it is sent gets one mail, with what stands then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, select

from policyctl.adapters.ledger.base.common import Writer, administrator, is_administrator, rows_by, tenant_of
from policyctl.adapters.ledger.base.engine import reading, writing
from policyctl.adapters.ledger.people.answer_receipts import due, mail_id, owe, receipts, settle
from policyctl.adapters.ledger.people.answers import ANSWER_OF, ANSWERS, add_choices
from policyctl.adapters.ledger.versions.known import Known, Memory
from policyctl.adapters.tables import (
    ACKNOWLEDGEMENT,
    ADDRESS,
    CHOICE,
    CUSTOMER,
    NOTICE,
    OBJECTION,
    OUTBOX,
    REMINDER_STOP,
    SUBJECT,
)
from policyctl.core.notices.inquiry import Inquiry, Newer, Standing, newer_than, word_for
from policyctl.core.notices.notice import Notice
from policyctl.core.notices.notice_json import notice_from_json
from policyctl.core.policy import VersionKey
from policyctl.core.records import Answer, split_change
from policyctl.errors import RefusedError

_LEASE = timedelta(minutes=10)
_LATER = timedelta(minutes=5)
_MOST_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class OwedReceipt:
    """A receipt to be mailed. ``mail_id`` differs from that of every other mail; ``answered_at`` is the
    last answer it is for.
    """

    inquiry: Inquiry
    mail_id: str
    address: str
    name: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class _Who:
    """A row of the outbox: who was sent which notice."""

    subject_no: int
    notice_no: int
    contact: int
    version_no: int
    notice: Notice


class Inquiries:
    """The pages' side of an open ledger; errors as the ledger's own."""

    def __init__(self, database: Engine, memory: Memory) -> None:
        self._engine = database
        self._memory = memory

    @contextmanager
    def _writing(self, kind: str, now: datetime) -> Iterator[Writer]:
        with writing(self._engine) as connection:
            writer = Writer(connection, kind, now)
            yield writer
            writer.finish()

    def find(self, nid: str) -> Inquiry | None:
        """What that notice asked its addressee and what he said; None where there is no such notice, or
        the person was erased.
        """
        with reading(self._engine) as connection:
            found = self._found(connection, nid)
            return found[1] if found else None

    def answer(self, nid: str, change: str, *, yes: bool, newest: int, now: datetime) -> Inquiry | None:
        """Record a yes or no to a change, and what stands then. Said already: nothing is added.

        RefusedError, and nothing is recorded, where the notice did not ask about the change, a newer
        version took its place, or one was published since the reader saw the page (``newest``).
        """
        with self._writing("choices", now) as writer:
            found = self._found(writer.connection, nid)
            if found is None:
                return None
            who, inquiry = found
            _require_open(inquiry, change, newest)
            before = inquiry.answers.get(change)
            word = word_for(before, yes=yes)
            if word is None:
                return inquiry
            said = Standing(word, _after(before.at if before else None, now))
            practice_no = self._memory.known(writer.connection).practice_no[change]
            row = {"subject_no": who.subject_no, "practice_no": practice_no, "given_at": said.at}
            add_choices(writer, [{**row, "answer": ANSWERS[word]}])
            owe(writer.connection, who, now)
            return replace(inquiry, answers={**inquiry.answers, change: said})

    def acknowledge(self, nid: str, *, now: datetime) -> Inquiry | None:
        """Record that an administrator has seen the version; the first time stands."""
        with self._writing("acknowledgement", now) as writer:
            found = self._of_administrator(writer.connection, nid)
            if found is None or found[1].acknowledged_at is not None:
                return found[1] if found else None
            who, inquiry = found
            row = {"subject_no": who.subject_no, "version_no": who.version_no, "seen_at": now}
            writer.add(ACKNOWLEDGEMENT, [row])
            owe(writer.connection, who, now)
            return replace(inquiry, acknowledged_at=now)

    def object(self, nid: str, *, stands: bool, now: datetime) -> Inquiry | None:
        """Record that an administrator objects to the version, or does so no more."""
        with self._writing("objection", now) as writer:
            found = self._of_administrator(writer.connection, nid)
            if found is None or (found[1].objected_at is not None) is stands:
                return found[1] if found else None
            who, inquiry = found
            row = {"subject_no": who.subject_no, "version_no": who.version_no}
            last = _last_objection(writer.connection, who)
            at = _after(last.objected_at if last else None, now)
            writer.add(OBJECTION, [{**row, "objected_at": at, "stands": int(stands)}])
            owe(writer.connection, who, now)
            return replace(inquiry, objected_at=at if stands else None)

    def stop_reminders(self, nid: str, *, now: datetime) -> Inquiry | None:
        """Record that an addressee wants no more reminders; the first time stands. It answers nothing."""
        with self._writing("reminder stop", now) as writer:
            found = self._found(writer.connection, nid)
            if found is None or found[1].stopped_at is not None:
                return found[1] if found else None
            who, inquiry = found
            row = {"subject_no": who.subject_no, "contact": who.contact, "stopped_at": now}
            writer.add(REMINDER_STOP, [row])
            return replace(inquiry, stopped_at=now)

    def objections(self, version: VersionKey) -> tuple[tuple[str, datetime], ...]:
        """Which customers object to a version, and since when."""
        with reading(self._engine) as connection:
            version_no = self._memory.known(connection).number_of.get(version)
            query = select(OBJECTION).where(OBJECTION.c.version_no == version_no)
            last = {
                row.subject_no: row for row in connection.execute(query.order_by(OBJECTION.c.objected_at))
            }
            names = connection.execute(select(CUSTOMER.c.id, CUSTOMER.c.tenant_no).order_by(CUSTOMER.c.id))
            said = ((row.id, last.get(administrator(row.tenant_no))) for row in names)
            return tuple((name, row.objected_at) for name, row in said if row is not None and row.stands)

    def reminders_stopped(self, nids: Iterator[str] | list[str]) -> frozenset[str]:
        """Those of the notices whose addressees want no more reminders."""
        with reading(self._engine) as connection:
            rows = list(rows_by(connection, OUTBOX, OUTBOX.c.nid, list(nids)))
            numbers = [row.subject_no for row in rows]
            stops = rows_by(connection, REMINDER_STOP, REMINDER_STOP.c.subject_no, numbers)
            stopped = {(row.subject_no, row.contact) for row in stops}
            return frozenset(row.nid for row in rows if (row.subject_no, row.contact) in stopped)

    # Receipts

    def claim_receipts(self, now: datetime, limit: int) -> tuple[OwedReceipt, ...]:
        """Receipts that are due, oldest first, and out of others' hands for ten minutes. One whose
        address is not on record any more is owed no longer.
        """
        with self._writing("receipts", now) as writer:
            rows = writer.connection.execute(due(now).limit(limit)).all()
            claimed = []
            for row in rows:
                found = self._found(writer.connection, row.nid)
                if found is None or row.email is None:
                    settle(writer.connection, row, {"owed_since": None, "reason": "no address"})
                    continue
                lease = {"not_before": now + _LEASE, "attempts": row.attempts + 1}
                settle(writer.connection, row, lease)
                name = mail_id(row.nid, row.answered_at)
                claimed.append(OwedReceipt(found[1], name, row.email, row.name, row.answered_at))
            return tuple(claimed)

    def settle_receipt(
        self, owed: OwedReceipt, now: datetime, *, reason: str = "", again: bool = False
    ) -> None:
        """Write down what came of a receipt. ``again``: it is to be tried later, some times at most. An
        answer that came meanwhile keeps it owed.
        """
        with self._writing("receipts", now) as writer:
            connection = writer.connection
            row = connection.execute(receipts().where(OUTBOX.c.nid == owed.inquiry.nid)).one_or_none()
            if row is None or row.answered_at != owed.answered_at:
                return
            if again and row.attempts < _MOST_ATTEMPTS:
                settle(connection, row, {"not_before": now + _LATER, "reason": reason})
            else:
                settle(connection, row, {"owed_since": None, "not_before": None, "reason": reason})

    # Reading

    def _of_administrator(self, connection: Connection, nid: str) -> tuple[_Who, Inquiry] | None:
        found = self._found(connection, nid)
        if found is not None and not found[1].customer:
            raise RefusedError("only an administrator does this", hint="answer the questions of the page")
        return found

    def _found(self, connection: Connection, nid: str) -> tuple[_Who, Inquiry] | None:
        query = select(OUTBOX, NOTICE.c.body, NOTICE.c.version_no).select_from(OUTBOX.join(NOTICE))
        row = connection.execute(query.where(OUTBOX.c.nid == nid)).one_or_none()
        if row is None:
            return None
        notice = notice_from_json(row.body)
        who = _Who(row.subject_no, row.notice_no, row.contact, row.version_no, notice)
        named = _names(connection, who)
        if named is None:
            return None
        known = self._memory.known(connection)
        records = known.by_slug[notice.version.slug]
        customer, organisation = named
        own, organisations = _answers(connection, who, known)
        return who, Inquiry(
            nid=nid,
            notice=notice,
            customer=customer,
            organisation=organisation,
            locale=_locale(connection, who),
            newest=max(record.key.number for record in records),
            answers=own,
            bound=organisations,
            newer=_newer(connection, who, known),
            acknowledged_at=_acknowledged(connection, who),
            objected_at=_objected(connection, who),
            stopped_at=_stopped(connection, who),
        )


def _require_open(inquiry: Inquiry, change: str, newest: int) -> None:
    if not inquiry.asks(change):
        raise RefusedError("this notice did not ask about that", hint="open the link of the mail again")
    if change in inquiry.newer:
        raise RefusedError(
            f"{inquiry.newer[change].version} took the place of this question",
            hint="answer the newer notice, where it asks",
        )
    if newest != inquiry.newest:
        raise RefusedError(
            "a newer version was published while the page was open", hint="look at it and answer again"
        )


def _after(last: datetime | None, now: datetime) -> datetime:
    """Now, and later than what was said before, whatever the clocks of two machines say."""
    return now if last is None or last < now else last + timedelta(microseconds=1)


def _names(connection: Connection, who: _Who) -> tuple[str, str] | None:
    """(customer id where an administrator is meant, name of the organisation); None once erased."""
    tenant_no = tenant_of(who.subject_no)
    tenant = connection.execute(select(CUSTOMER).where(CUSTOMER.c.tenant_no == tenant_no)).one_or_none()
    if is_administrator(who.subject_no):
        return (tenant.id, tenant.name) if tenant else None
    person = select(SUBJECT.c.ext_id).where(SUBJECT.c.subject_no == who.subject_no)
    if connection.execute(person).scalar() is None:
        return None
    return "", tenant.name if tenant else ""


def _locale(connection: Connection, who: _Who) -> str:
    query = select(ADDRESS.c.locale).where(
        ADDRESS.c.subject_no == who.subject_no, ADDRESS.c.position == who.contact
    )
    return connection.execute(query).scalar() or ""


def _answers(
    connection: Connection, who: _Who, known: Known
) -> tuple[Mapping[str, Standing], frozenset[str]]:
    """The addressee's last answers to the changes of his notice, and which of them his organisation has
    refused, under whatever version.
    """
    changes = [offer.change for offer in who.notice.choices]
    alike = {change: _same_practice(change, known) for change in changes}
    above = administrator(tenant_of(who.subject_no))
    query = (
        select(CHOICE)
        .where(CHOICE.c.subject_no.in_([who.subject_no, above]))
        .order_by(CHOICE.c.given_at, CHOICE.c.seq)
    )
    own: dict[str, Standing] = {}
    refused: dict[str, bool] = {}
    for row in connection.execute(query):
        answer = ANSWER_OF[row.answer]
        for change in changes:
            if row.subject_no == who.subject_no and row.practice_no == known.practice_no.get(change):
                own[change] = Standing(answer, row.given_at)
            if row.subject_no == above != who.subject_no and row.practice_no in alike[change]:
                refused[change] = answer is not Answer.CONSENT
    return own, frozenset(change for change, against in refused.items() if against)


def _same_practice(change: str, known: Known) -> set[int]:
    """The numbers of a practice under every version of its policy."""
    named = split_change(change)
    return {
        number
        for name, number in known.practice_no.items()
        if named and (other := split_change(name)) and (other[0].slug, other[1]) == (named[0].slug, named[1])
    }


def _newer(connection: Connection, who: _Who, known: Known) -> Mapping[str, Newer]:
    found: dict[str, Newer] = {}
    for offer in who.notice.choices:
        newer = newer_than(offer.change, known.by_slug[who.notice.version.slug])
        if newer is not None:
            nid = _nid_of(connection, who, known.number_of[newer.version]) if newer.asks else ""
            found[offer.change] = replace(newer, nid=nid)
    return found


def _nid_of(connection: Connection, who: _Who, version_no: int) -> str:
    """The notice of another version to the same addressee that asks something, empty for none."""
    query = (
        select(OUTBOX.c.nid)
        .select_from(OUTBOX.join(NOTICE))
        .where(
            OUTBOX.c.subject_no == who.subject_no,
            OUTBOX.c.contact == who.contact,
            NOTICE.c.version_no == version_no,
            NOTICE.c.changes != "[]",
        )
        .order_by(NOTICE.c.position)
    )
    return connection.execute(query).scalars().first() or ""


def _acknowledged(connection: Connection, who: _Who) -> datetime | None:
    table = ACKNOWLEDGEMENT
    mine = and_(table.c.subject_no == who.subject_no, table.c.version_no == who.version_no)
    return connection.execute(select(table.c.seen_at).where(mine)).scalar()


def _objected(connection: Connection, who: _Who) -> datetime | None:
    last = _last_objection(connection, who)
    return last.objected_at if last is not None and last.stands else None


def _last_objection(connection: Connection, who: _Who) -> Row[Any] | None:
    mine = and_(OBJECTION.c.subject_no == who.subject_no, OBJECTION.c.version_no == who.version_no)
    return connection.execute(select(OBJECTION).where(mine).order_by(OBJECTION.c.objected_at.desc())).first()


def _stopped(connection: Connection, who: _Who) -> datetime | None:
    table = REMINDER_STOP
    mine = and_(table.c.subject_no == who.subject_no, table.c.contact == who.contact)
    return connection.execute(select(table.c.stopped_at).where(mine)).scalar()
