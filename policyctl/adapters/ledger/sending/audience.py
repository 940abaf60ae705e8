# SPDX-License-Identifier: Apache-2.0
"""Who a notice goes to, found by the database itself: INSERT ... SELECT, no address in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
)

from policyctl.adapters.ledger.base.common import NO_VERSION, TENANT_BITS, Writer
from policyctl.adapters.ledger.base.epochs import tag_tables
from policyctl.adapters.ledger.sending.chunks import add_chunks
from policyctl.adapters.tables import (
    ADDRESS,
    ADMISSION,
    CATEGORY,
    CUSTOMER,
    OUTBOX,
    POLICY,
    SUBJECT,
    TAG_CORRECTION,
    VERSION,
    Whole,
)
from policyctl.core.notices.outbox import Audience
from policyctl.core.notices.reach import Groups, Reason
from policyctl.core.policy import VersionKey

_NID_DIGITS = 32
_LOCALS = 1 << TENANT_BITS


def add_outbox_rows(
    writer: Writer, notice_no: int, version: VersionKey, audience: Audience, *, secret: str
) -> int:
    """One outbox row for every addressee of a notice who has none yet, and chunks of them, planned; how
    many. Addressees of one language lie side by side, and among them those with a name.
    """
    connection = writer.connection
    people = _addressees(connection, version, audience).subquery()
    above = last_place(connection, notice_no)
    fresh = ~_owed_already(notice_no, people)
    if above and connection.execute(select(people.c.contact).where(fresh).limit(1)).first() is None:
        return 0
    order = (people.c.locale, people.c.named, people.c.subject_no, people.c.contact)
    identity = select(
        people.c.subject_no,
        literal(writer.entry, Whole),
        literal(notice_no, Integer),
        people.c.contact,
        literal(above, Integer) + cast(func.row_number().over(order_by=order), Integer),
        nid_in_sql(connection, secret, people.c.who + ":" + cast(people.c.contact, Text)),
        people.c.locale,
    ).where(fresh)
    columns = ["subject_no", "entry", "notice_no", "contact", "place", "nid", "locale"]
    connection.execute(insert(OUTBOX).from_select(columns, identity))
    add_chunks(connection, notice_no, above, writer.now)
    return last_place(connection, notice_no) - above


def last_place(connection: Connection, notice_no: int) -> int:
    """The greatest place of a notice, 0 where it has no addressee."""
    query = select(func.coalesce(func.max(OUTBOX.c.place), 0)).where(OUTBOX.c.notice_no == notice_no)
    return int(connection.execute(query).scalar_one())


def _owed_already(notice_no: int, people: Any) -> ColumnElement[bool]:
    return exists().where(
        OUTBOX.c.subject_no == people.c.subject_no,
        OUTBOX.c.notice_no == notice_no,
        OUTBOX.c.contact == people.c.contact,
    )


def nid_in_sql(connection: Connection, secret: str, addressee: ColumnElement[str]) -> ColumnElement[str]:
    """The same id on both databases: see engine.nid_of."""
    if connection.dialect.name == "sqlite":
        return func.nid_of(secret, addressee)
    message = cast(func.convert_to(literal(secret, Text) + addressee, "UTF8"), LargeBinary)
    return func.substr(func.encode(func.sha256(message), "hex"), 1, _NID_DIGITS)


def audience_groups(
    connection: Connection, version: VersionKey, audiences: Iterable[Audience]
) -> dict[Audience, Groups]:
    """How many each audience has now, by why they are in it, and how many cannot be reached; the version need
    not be recorded yet.
    """
    return {
        audience: _of_customers(connection)
        if audience.kind == "administrators"
        else _of_subjects(connection, version, audience.categories)
        for audience in audiences
    }


def _of_customers(connection: Connection) -> Groups:
    number = cast(CUSTOMER.c.tenant_no, Whole) * literal(_LOCALS, Whole)
    known = exists().where(ADDRESS.c.subject_no == number)
    found = {}
    for reason, condition in ((Reason.ADMINISTRATOR, known), (Reason.NO_ADMINISTRATOR, ~known)):
        query = select(func.count()).select_from(CUSTOMER).where(condition)
        found[reason] = int(connection.execute(query).scalar_one())
    return found


def _of_subjects(connection: Connection, version: VersionKey, categories: tuple[str, ...]) -> Groups:
    here = _Reach(connection, version, categories, ADDRESS.c.subject_no)
    reason = case((here.by_data, Reason.DATA.value), else_=Reason.BOUND.value).label("reason")
    rows = select(reason).select_from(_ADDRESSED).where(here.admitted, here.reached).subquery()
    counts = connection.execute(select(rows.c.reason, func.count()).group_by(rows.c.reason)).all()
    found = {Reason(name): int(count) for name, count in counts}
    there = _Reach(connection, version, categories, SUBJECT.c.subject_no)
    nowhere = ~exists().where(ADDRESS.c.subject_no == SUBJECT.c.subject_no)
    query = select(func.count()).select_from(SUBJECT)
    held = query.where(SUBJECT.c.ext_id.is_not(None), there.admitted, there.reached, nowhere)
    found[Reason.NO_ADDRESS] = int(connection.execute(held).scalar_one())
    return {reason: found[reason] for reason in Reason if reason in found}


def newcomers(connection: Connection, notice_no: int, version: VersionKey, audience: Audience) -> int:
    """How many of the audience of a notice are not in the outbox."""
    people = _addressees(connection, version, audience).subquery()
    query = select(func.count()).select_from(people).where(~_owed_already(notice_no, people))
    return int(connection.execute(query).scalar_one())


def _addressees(connection: Connection, version: VersionKey, audience: Audience) -> Select[Any]:
    if audience.kind == "administrators":
        return _administrators()
    return _subjects(connection, version, audience.categories)


def _administrators() -> Select[Any]:
    """Every customer is owed the notice, one whose contact was erased too: status must show it."""
    number = cast(CUSTOMER.c.tenant_no, Whole) * literal(_LOCALS, Whole)
    theirs = ADDRESS.alias("theirs")
    first = select(func.min(theirs.c.position)).where(theirs.c.subject_no == number).scalar_subquery()
    contact = func.coalesce(ADDRESS.c.position, 1)
    return select(
        number.label("subject_no"),
        contact.label("contact"),
        ("customer:" + CUSTOMER.c.id).label("who"),
        func.coalesce(ADDRESS.c.locale, "").label("locale"),
        is_named(ADDRESS.c.name).label("named"),
    ).select_from(
        CUSTOMER.outerjoin(ADDRESS, and_(ADDRESS.c.subject_no == number, ADDRESS.c.position == first))
    )


def is_named(name: Any) -> ColumnElement[int]:
    """Mails to those with a name read otherwise, so that they go together."""
    return case((func.coalesce(name, "") == "", 0), else_=1)


_ADDRESSED = ADDRESS.join(SUBJECT, SUBJECT.c.subject_no == ADDRESS.c.subject_no)


class _Reach:
    """Whom a change reaches among the subjects whose number is in ``column``: those with an admission, and a
    tag of an older version of the policy or, where a change reaches data of any kind, an older version that
    they accepted.
    """

    def __init__(
        self,
        connection: Connection,
        version: VersionKey,
        categories: tuple[str, ...],
        column: ColumnElement[int],
    ) -> None:
        of_policy = select(VERSION.c.version_no).select_from(VERSION.join(POLICY))
        of_policy = of_policy.where(POLICY.c.slug == version.slug)
        older = of_policy.where(VERSION.c.number < version.number)
        came = ADMISSION.c.version_no == NO_VERSION
        self.admitted = exists().where(
            ADMISSION.c.subject_no == column, or_(came, ADMISSION.c.version_no.in_(of_policy))
        )
        numbers = _category_numbers(connection, version.slug, categories)
        tables = [*tag_tables(connection), TAG_CORRECTION]
        self.by_data = or_(*(_tagged(table, older, numbers, column) for table in tables))
        self.reached = self.by_data
        if not categories:  # whoever accepted an older version is bound by it, with data here or without
            bound = (ADMISSION.c.subject_no == column, ADMISSION.c.version_no.in_(older))
            self.reached = or_(self.by_data, exists().where(*bound))


def _subjects(connection: Connection, version: VersionKey, categories: tuple[str, ...]) -> Select[Any]:
    """Those with an address whom the change reaches."""
    reach = _Reach(connection, version, categories, ADDRESS.c.subject_no)
    who = "subject:" + _name(connection) + "@" + cast(ADDRESS.c.subject_no // literal(_LOCALS, Whole), Text)
    return (
        select(
            ADDRESS.c.subject_no,
            ADDRESS.c.position.label("contact"),
            who.label("who"),
            ADDRESS.c.locale,
            is_named(ADDRESS.c.name).label("named"),
        )
        .select_from(_ADDRESSED)
        .where(reach.admitted, reach.reached)
    )


def _name(connection: Connection) -> ColumnElement[str]:
    """The pseudonym of a subject, as hexadecimal digits."""
    if connection.dialect.name == "sqlite":
        return func.lower(func.hex(SUBJECT.c.ext_id), type_=Text)
    return func.encode(SUBJECT.c.ext_id, "hex", type_=Text)


def _tagged(
    table: Table, older: Select[Any], numbers: list[int] | None, column: ColumnElement[int]
) -> ColumnElement[bool]:
    mine = and_(table.c.subject_no == column, table.c.version_no.in_(older))
    return exists().where(mine if numbers is None else and_(mine, table.c.category.in_(numbers)))


def _category_numbers(connection: Connection, slug: str, categories: tuple[str, ...]) -> list[int] | None:
    """The categories of a policy's tags that cover one of these or are covered by one; None: all."""
    if not categories:
        return None
    query = (
        select(CATEGORY.c.category_no, CATEGORY.c.id)
        .select_from(CATEGORY.join(POLICY))
        .where(POLICY.c.slug == slug)
    )
    return [row[0] for row in connection.execute(query) if any(meets(row[1], name) for name in categories)]


def meets(one: str, other: str) -> bool:
    """One of two categories covers the other, or they are the same."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
