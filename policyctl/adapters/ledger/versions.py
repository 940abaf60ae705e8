# SPDX-License-Identifier: Apache-2.0
"""Versions, their practices and changes, and with each the notices it owes: one transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from policyctl.adapters.ledger.audience import add_outbox_rows
from policyctl.adapters.ledger.common import Writer
from policyctl.adapters.tables import CHANGE, NOTICE, PRACTICE, VERSION
from policyctl.core.notices.notice_json import notice_to_json
from policyctl.core.notices.outbox import PlannedNotice
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.core.records import PendingChange, VersionRecord
from policyctl.errors import IntegrityError


def record_version(
    writer: Writer, record: VersionRecord, notices: Sequence[PlannedNotice], *, key: bytes
) -> bool:
    """Enter a version and what it owes; False, and nothing changes, when it is there already."""
    known = writer.connection.execute(_same_key(record.key)).one_or_none()
    if known is not None:
        _require_same(known, record)
        return False
    _require_next(writer.connection, record.key)
    _add_version(writer, record)
    for position, planned in enumerate(notices):
        _add_notice(writer, record.key, planned, position, key=key)
    return True


def _same_key(key: VersionKey) -> Any:
    return select(VERSION).where(VERSION.c.slug == key.slug, VERSION.c.number == key.number)


def _require_same(known: Row[Any], record: VersionRecord) -> None:
    if (known.text_sha256, known.commit_id) == (record.text_sha256, record.commit):
        return
    what = "text" if known.text_sha256 != record.text_sha256 else "commit"
    raise IntegrityError(
        f"{record.key} is in the ledger with another {what}: commit {known.commit_id[:12]}, "
        f"now {record.commit[:12]}",
        hint="a published version never changes: put its version ref back, publish the change as a new one",
    )


def _require_next(connection: Connection, key: VersionKey) -> None:
    later = select(VERSION.c.number).where(VERSION.c.slug == key.slug, VERSION.c.number > key.number)
    if connection.execute(later).first() is not None:
        raise IntegrityError(
            f"{key} was not in the ledger when a later version was recorded",
            hint="versions are recorded oldest first; restore the ledger from a backup",
        )


def _add_version(writer: Writer, record: VersionRecord) -> None:
    key = {"slug": record.key.slug, "number": record.key.number}
    writer.add(
        VERSION,
        [
            {
                **key,
                "title": record.title,
                "change_class": record.change_class.value,
                "published_at": record.published_at,
                "effective_at": record.effective_at,
                "commit_id": record.commit,
                "text_sha256": record.text_sha256,
            }
        ],
    )
    writer.add(PRACTICE, [{**key, **_practice_out(p, i)} for i, p in enumerate(record.practices)])
    writer.add(CHANGE, [{**key, **_change_out(c, i)} for i, c in enumerate(record.changes)])


def _practice_out(practice: Practice, position: int) -> dict[str, Any]:
    return {
        "id": practice.id,
        "position": position,
        "clause": practice.clause,
        "categories": json.dumps(practice.categories),
        "purpose": practice.purpose,
        "recipients": json.dumps([[party.kind, party.name] for party in practice.recipients]),
        "retention": practice.retention,
        "choice": practice.choice.value,
        "keep_existing": int(practice.keep_existing),
        "line": practice.line,
    }


def _change_out(change: PendingChange, position: int) -> dict[str, Any]:
    return {
        "practice": change.practice,
        "position": position,
        "name": change.name,
        "mode": change.mode.value,
        "window_days": change.window_days,
    }


def _add_notice(
    writer: Writer, version: VersionKey, planned: PlannedNotice, position: int, *, key: bytes
) -> None:
    notice_id = f"{version}/{position}-{planned.notice.kind.value}"
    row = {
        "id": notice_id,
        "slug": version.slug,
        "number": version.number,
        "kind": planned.notice.kind.value,
        "position": position,
        "audience_kind": planned.audience.kind,
        "audience_categories": json.dumps(planned.audience.categories),
        "changes": json.dumps([offer.change for offer in planned.notice.choices]),
        "body": notice_to_json(planned.notice),
    }
    writer.add(NOTICE, [row])
    add_outbox_rows(writer, notice_id, version, planned.audience, key=key)


def read_versions(
    connection: Connection, slugs: Iterable[str] | None = None, *, upto: int | None = None
) -> tuple[VersionRecord, ...]:
    """Versions by slug and number; of all policies where ``slugs`` is None."""
    wanted = None if slugs is None else sorted(slugs)
    practices = _grouped(connection, PRACTICE, wanted)
    changes = _grouped(connection, CHANGE, wanted)
    query = select(VERSION).order_by(VERSION.c.slug, VERSION.c.number)
    if wanted is not None:
        query = query.where(VERSION.c.slug.in_(wanted))
    if upto is not None:
        query = query.where(VERSION.c.entry <= upto)
    return tuple(_version_in(row, practices, changes) for row in connection.execute(query))


_Grouped = dict[tuple[str, int], list[Row[Any]]]


def _grouped(connection: Connection, table: Table, slugs: list[str] | None) -> _Grouped:
    query = select(table).order_by(table.c.slug, table.c.number, table.c.position)
    if slugs is not None:
        query = query.where(table.c.slug.in_(slugs))
    groups: _Grouped = defaultdict(list)
    for row in connection.execute(query):
        groups[row.slug, row.number].append(row)
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
        practices=tuple(_practice_in(found) for found in practices.get((row.slug, row.number), ())),
        changes=tuple(_change_in(found, key) for found in changes.get((row.slug, row.number), ())),
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
    return PendingChange(row.name, version, row.practice, ChoiceMode(row.mode), row.window_days)
