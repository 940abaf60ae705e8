# SPDX-License-Identifier: Apache-2.0
"""Versions on record, read back with their practices and changes."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, select

from policyctl.adapters.tables import CHANGE, POLICY, PRACTICE, VERSION
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.core.records import PendingChange, VersionRecord


def upcoming(connection: Connection, now: datetime, slug: str | None) -> tuple[VersionKey, ...]:
    """The versions that are not in effect yet, of one policy or of all."""
    query = select(POLICY.c.slug, VERSION.c.number).select_from(_KEYS).where(VERSION.c.effective_at > now)
    if slug is not None:
        query = query.where(POLICY.c.slug == slug)
    rows = connection.execute(query.order_by(POLICY.c.slug, VERSION.c.number))
    return tuple(VersionKey(found, number) for found, number in rows)


_KEYS = VERSION.join(POLICY)


def read_versions(connection: Connection) -> tuple[VersionRecord, ...]:
    """Every version, by slug and number."""
    query = select(VERSION, POLICY.c.slug).select_from(_KEYS).order_by(POLICY.c.slug, VERSION.c.number)
    practices = _grouped(connection, select(PRACTICE), PRACTICE)
    stated = CHANGE.join(PRACTICE)
    changes = _grouped(
        connection, select(CHANGE, PRACTICE.c.version_no, PRACTICE.c.id).select_from(stated), CHANGE
    )
    return tuple(_version_in(row, practices, changes) for row in connection.execute(query))


_Grouped = dict[int, list[Row[Any]]]


def _grouped(connection: Connection, query: Select[Any], table: Table) -> _Grouped:
    groups: _Grouped = defaultdict(list)
    for row in connection.execute(query.order_by(table.c.position)):
        groups[row.version_no].append(row)
    return groups


def _version_in(row: Row[Any], practices: _Grouped, changes: _Grouped) -> VersionRecord:
    key = VersionKey(row.slug, row.number)
    return VersionRecord(
        key=key,
        title=row.title,
        change_class=ChangeClass(row.change_class),
        published_at=row.published_at,
        effective_at=row.effective_at,
        commit=row.commit_id,
        text_sha256=row.text_sha256,
        practices=tuple(_practice_in(found) for found in practices.get(row.version_no, ())),
        changes=tuple(_change_in(found, key) for found in changes.get(row.version_no, ())),
    )


def _practice_in(row: Row[Any]) -> Practice:
    return Practice(
        id=row.id,
        clause=row.clause,
        categories=tuple(json.loads(row.categories)),
        purpose=row.purpose,
        recipients=tuple(Recipient(kind, name) for kind, name in json.loads(row.recipients)),
        retention=row.retention,
        choice=ChoiceMode(row.choice),
        keep_existing=bool(row.keep_existing),
        line=row.line,
    )


def _change_in(row: Row[Any], version: VersionKey) -> PendingChange:
    return PendingChange(row.name, version, row.id, ChoiceMode(row.mode), row.window_days)
