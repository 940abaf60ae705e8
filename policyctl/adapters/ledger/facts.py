# SPDX-License-Identifier: Apache-2.0
"""All that bears on one question, in one look; and the admissions, choices and acceptances behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from policyctl.adapters.ledger.audience import meets
from policyctl.adapters.ledger.common import last_number
from policyctl.adapters.ledger.people import CURRENT
from policyctl.adapters.ledger.versions import read_versions
from policyctl.adapters.tables import (
    ADMISSION,
    CHOICE,
    DELIVERY_EVENT,
    ENTRY,
    MEMBERSHIP,
    NOTICE,
    OUTBOX,
    SUBJECT,
    TAG,
)
from policyctl.core.notices.outbox import DeliveryName
from policyctl.core.policy import VersionKey
from policyctl.core.practice import Taxonomy
from policyctl.core.records import Admission, Answer, Choice, Delivery, Tag, change_name
from policyctl.core.use.question import Facts, UseRequest


@dataclass(frozen=True, slots=True)
class _Look:
    """Whose facts are read, and up to which entry and moment they count."""

    connection: Connection
    subject: str
    upto: int
    at: datetime

    def rows(self, query: Select[Any], entry: ColumnElement[int]) -> Iterable[Any]:
        """The rows of a query that were in the ledger by then."""
        return self.connection.execute(query.where(entry <= self.upto))


def facts_for(
    connection: Connection, request: UseRequest, *, subject: str, taxonomy: Taxonomy, upto: int | None
) -> Facts:
    """The facts on the subject with this pseudonym; those recorded after entry ``upto`` do not count."""
    last = last_number(connection, ENTRY.c.seq)
    look = _Look(connection, subject, last if upto is None else min(upto, last), request.at)
    tags = _tags(look, request)
    slugs = {tag.slug for tag in tags} | ({request.slug} if request.slug else set())
    return Facts(
        known_subject=_known(look),
        tags=tags,
        versions=read_versions(connection, slugs, upto=look.upto),
        admissions=admissions_of(connection, subject, upto=look.upto),
        choices=_choices(look, slugs),
        deliveries=_deliveries(look, slugs),
        taxonomy=taxonomy,
        sequence=look.upto,
    )


def _known(look: _Look) -> bool:
    query = select(SUBJECT.c.pseudonym).where(SUBJECT.c.pseudonym == look.subject)
    return any(True for _ in look.rows(query, SUBJECT.c.entry))


def _tags(look: _Look, request: UseRequest) -> tuple[Tag, ...]:
    query = select(TAG).where(TAG.c.subject == look.subject, meets(request.category))
    if request.slug is not None:
        query = query.where(TAG.c.slug == request.slug)
    # A correction takes the place of the row that it corrects.
    latest: dict[tuple[str, str, str], Any] = {}
    for row in look.rows(query.order_by(TAG.c.correction), TAG.c.entry):
        latest[row.slug, row.category, row.record] = row
    return tuple(_tag(row) for _, row in sorted(latest.items()) if row.collected_at <= look.at)


def _tag(row: Any) -> Tag:
    return Tag(
        subject=row.subject,
        category=row.category,
        record=row.record,
        collected_at=row.collected_at,
        version=None if row.number is None else VersionKey(row.slug, row.number),
        provenance=row.provenance,
        slug=row.slug,
    )


def admissions_of(connection: Connection, subject: str, *, upto: int | None = None) -> tuple[Admission, ...]:
    """How and when a subject came under which policy."""
    query = select(ADMISSION).where(ADMISSION.c.subject == subject).order_by(ADMISSION.c.at)
    if upto is not None:
        query = query.where(ADMISSION.c.entry <= upto)
    return tuple(admission(row) for row in connection.execute(query))


def admission(row: Any) -> Admission:
    """A row of the table as a value."""
    version = None if (row.slug, row.number) == CURRENT else VersionKey(row.slug, row.number)
    return Admission(row.subject, row.at, version)


def _choices(look: _Look, slugs: set[str]) -> tuple[Choice, ...]:
    customer = select(MEMBERSHIP.c.customer).where(MEMBERSHIP.c.subject == look.subject)
    own = and_(CHOICE.c.scope == "subject", CHOICE.c.who == look.subject)
    organisation = and_(CHOICE.c.scope == "customer", CHOICE.c.who.in_(customer))
    query = select(CHOICE).where(
        or_(own, organisation), CHOICE.c.slug.in_(sorted(slugs)), CHOICE.c.at <= look.at
    )
    return tuple(
        Choice(
            scope=row.scope,
            change=change_name(VersionKey(row.slug, row.number), row.practice),
            answer=Answer(row.answer),
            at=row.at,
            sequence=row.seq,
        )
        for row in look.rows(query.order_by(CHOICE.c.seq), CHOICE.c.entry)
    )


def _deliveries(look: _Look, slugs: set[str]) -> tuple[Delivery, ...]:
    """Per notice of the subject: the first delivery, and the first report that it failed after all."""
    given = _first(DeliveryName.DELIVERED)
    failed = _first(DeliveryName.BOUNCED, DeliveryName.DROPPED)
    query = (
        select(NOTICE.c.slug, NOTICE.c.number, NOTICE.c.kind, NOTICE.c.changes, given, failed)
        .select_from(OUTBOX.join(NOTICE).join(DELIVERY_EVENT, DELIVERY_EVENT.c.nid == OUTBOX.c.nid))
        .where(
            OUTBOX.c.addressee_kind == "subject",
            OUTBOX.c.addressee == look.subject,
            NOTICE.c.slug.in_(sorted(slugs)),
            DELIVERY_EVENT.c.at <= look.at,
        )
        .group_by(OUTBOX.c.nid, NOTICE.c.slug, NOTICE.c.number, NOTICE.c.kind, NOTICE.c.changes)
        .order_by(NOTICE.c.slug, NOTICE.c.number, NOTICE.c.kind, OUTBOX.c.nid)
    )
    return tuple(
        Delivery(VersionKey(row[0], row[1]), row[2], row[4], tuple(json.loads(row[3])), row[5])
        for row in look.rows(query, DELIVERY_EVENT.c.entry)
        if row[4] is not None
    )


def _first(*names: DeliveryName) -> ColumnElement[Any]:
    wanted = DELIVERY_EVENT.c.event.in_([name.value for name in names])
    return func.min(DELIVERY_EVENT.c.at).filter(wanted)
