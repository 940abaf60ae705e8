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
    Text,
    and_,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
)

from policyctl.adapters.ledger.common import Writer, notice_secret
from policyctl.adapters.tables import ADDRESS, ADMISSION, CUSTOMER, OUTBOX, OUTBOX_STATE, TAG, UtcTime
from policyctl.core.notices.outbox import Audience, OutboxState
from policyctl.core.policy import VersionKey

_NID_DIGITS = 32


def add_outbox_rows(
    writer: Writer, notice_id: str, version: VersionKey, audience: Audience, *, key: bytes
) -> None:
    """One outbox row for every addressee of a notice, planned."""
    people = _addressees(version, audience).subquery()
    nid = _nid(writer.connection, notice_secret(key, notice_id), people.c)
    identity = select(
        nid, literal(notice_id, Text), people.c.kind, people.c.who, people.c.contact, literal(writer.entry)
    )
    columns = ["nid", "notice_id", "addressee_kind", "addressee", "contact", "entry"]
    writer.connection.execute(insert(OUTBOX).from_select(columns, identity))
    state = select(
        OUTBOX.c.nid,
        literal(OutboxState.PLANNED.value, Text),
        literal(0, Integer),
        literal(writer.now, UtcTime),
        literal("", Text),
        literal("", Text),
    ).where(OUTBOX.c.notice_id == notice_id)
    columns = ["nid", "state", "attempts", "changed_at", "receipt", "reason"]
    writer.connection.execute(insert(OUTBOX_STATE).from_select(columns, state))


def _nid(connection: Connection, secret: str, people: Any) -> ColumnElement[str]:
    """The same id on both databases: see engine.nid_of."""
    addressee = people.kind + ":" + people.who + ":" + cast(people.contact, Text)
    if connection.dialect.name == "sqlite":
        return func.nid_of(secret, addressee)
    message = cast(func.convert_to(literal(secret, Text) + addressee, "UTF8"), LargeBinary)
    return func.substr(func.encode(func.sha256(message), "hex"), 1, _NID_DIGITS)


def audience_counts(
    connection: Connection, version: VersionKey, audiences: Iterable[Audience]
) -> dict[Audience, int]:
    """How many addressees each audience has now, for a version that is not recorded yet."""
    return {
        audience: connection.execute(
            select(func.count()).select_from(_addressees(version, audience).subquery())
        ).scalar_one()
        for audience in audiences
    }


def _addressees(version: VersionKey, audience: Audience) -> Select[Any]:
    if audience.kind == "administrators":
        return _administrators()
    return _subjects(version, audience.categories)


def _administrators() -> Select[Any]:
    """Every customer is owed the notice, one whose contact was erased too: status must show it."""
    contact = func.coalesce(func.min(ADDRESS.c.position), 1)
    own = and_(ADDRESS.c.owner_kind == "customer", ADDRESS.c.owner == CUSTOMER.c.id)
    return (
        select(literal("customer", Text).label("kind"), CUSTOMER.c.id.label("who"), contact.label("contact"))
        .select_from(CUSTOMER.outerjoin(ADDRESS, own))
        .group_by(CUSTOMER.c.id)
    )


def _subjects(version: VersionKey, categories: tuple[str, ...]) -> Select[Any]:
    admitted = exists().where(
        ADMISSION.c.subject == ADDRESS.c.owner, ADMISSION.c.slug.in_(("", version.slug))
    )
    tagged = exists().where(
        TAG.c.subject == ADDRESS.c.owner,
        TAG.c.slug == version.slug,
        TAG.c.number < version.number,
        or_(*(meets(category) for category in categories)) if categories else literal(1) == literal(1),
    )
    return select(
        literal("subject", Text).label("kind"),
        ADDRESS.c.owner.label("who"),
        ADDRESS.c.position.label("contact"),
    ).where(ADDRESS.c.owner_kind == "subject", admitted, tagged)


def meets(category: str) -> ColumnElement[bool]:
    """The tag's category covers this one or is covered by it."""
    parts = category.split(".")
    itself_and_above = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return or_(
        TAG.c.category.in_(itself_and_above),
        TAG.c.category.startswith(f"{category}.", autoescape=True),
    )
