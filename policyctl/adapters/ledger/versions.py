# SPDX-License-Identifier: Apache-2.0
"""Versions, their practices and changes, and with each the notices it owes: one transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, select

from policyctl.adapters.ledger.audience import add_outbox_rows
from policyctl.adapters.ledger.batches import recalled_notices
from policyctl.adapters.ledger.common import Writer, last_number, notice_secret
from policyctl.adapters.tables import CHANGE, NOTICE, POLICY, PRACTICE, VERSION
from policyctl.core.notices.notice import Notice, NoticeKind
from policyctl.core.notices.notice_json import notice_from_json, notice_to_json
from policyctl.core.notices.outbox import Audience, PlannedNotice
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.core.records import PendingChange, VersionRecord
from policyctl.errors import IntegrityError


def record_version(
    writer: Writer, record: VersionRecord, notices: Sequence[PlannedNotice], *, key: bytes
) -> bool:
    """Enter a version and what it owes; False, and nothing changes, when it is there already."""
    policy_no = _policy_no(writer, record.key.slug)
    known = writer.connection.execute(_same_key(policy_no, record.key)).one_or_none()
    if known is not None:
        _require_same(known, record)
        return False
    _require_next(writer.connection, policy_no, record.key)
    version_no = _add_version(writer, record, policy_no)
    for position, planned in enumerate(notices):
        _add_notice(writer, record.key, version_no, planned, position, key=key)
    return True


def _policy_no(writer: Writer, slug: str) -> int:
    """The number of a policy, given out with its first version."""
    found = writer.connection.execute(select(POLICY.c.policy_no).where(POLICY.c.slug == slug)).scalar()
    if found is not None:
        return int(found)
    number = last_number(writer.connection, POLICY.c.policy_no) + 1
    writer.add(POLICY, [{"policy_no": number, "slug": slug}])
    return number


def _same_key(policy_no: int, key: VersionKey) -> Any:
    return select(VERSION).where(VERSION.c.policy_no == policy_no, VERSION.c.number == key.number)


def _require_same(known: Row[Any], record: VersionRecord) -> None:
    if (known.text_sha256, known.commit_id) == (record.text_sha256, record.commit):
        return
    what = "text" if known.text_sha256 != record.text_sha256 else "commit"
    raise IntegrityError(
        f"{record.key} is in the ledger with another {what}: commit {known.commit_id[:12]}, "
        f"now {record.commit[:12]}",
        hint="a published version never changes: put its version ref back, publish the change as a new one",
    )


def _require_next(connection: Connection, policy_no: int, key: VersionKey) -> None:
    later = select(VERSION.c.number).where(VERSION.c.policy_no == policy_no, VERSION.c.number > key.number)
    if connection.execute(later).first() is not None:
        raise IntegrityError(
            f"{key} was not in the ledger when a later version was recorded",
            hint="versions are recorded oldest first; restore the ledger from a backup",
        )


def _add_version(writer: Writer, record: VersionRecord, policy_no: int) -> int:
    version_no = last_number(writer.connection, VERSION.c.version_no) + 1
    row = {
        "version_no": version_no,
        "policy_no": policy_no,
        "number": record.key.number,
        "title": record.title,
        "change_class": record.change_class.value,
        "published_at": record.published_at,
        "effective_at": record.effective_at,
        "commit_id": record.commit,
        "text_sha256": record.text_sha256,
    }
    writer.add(VERSION, [row])
    first = last_number(writer.connection, PRACTICE.c.practice_no) + 1
    numbers = {practice.id: number for number, practice in enumerate(record.practices, start=first)}
    writer.add(
        PRACTICE,
        [
            {"practice_no": numbers[p.id], "version_no": version_no, **_practice_out(p, i)}
            for i, p in enumerate(record.practices)
        ],
    )
    _require_stated(record, numbers)
    writer.add(
        CHANGE,
        [{"practice_no": numbers[c.practice], **_change_out(c, i)} for i, c in enumerate(record.changes)],
    )
    return version_no


def _require_stated(record: VersionRecord, numbers: dict[str, int]) -> None:
    for change in record.changes:
        if change.practice not in numbers:
            raise IntegrityError(
                f"{record.key} asks about the practice {change.practice!r}, which it does not state",
                hint="state the practice in practices.yaml",
            )


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
        "position": position,
        "name": change.name,
        "mode": change.mode.value,
        "window_days": change.window_days,
    }


def _add_notice(
    writer: Writer, version: VersionKey, version_no: int, planned: PlannedNotice, position: int, *, key: bytes
) -> None:
    row = {
        "notice_no": last_number(writer.connection, NOTICE.c.notice_no) + 1,
        "version_no": version_no,
        "kind": planned.notice.kind.value,
        "position": position,
        "audience_kind": planned.audience.kind,
        "audience_categories": json.dumps(planned.audience.categories),
        "changes": json.dumps([offer.change for offer in planned.notice.choices]),
        "body": notice_to_json(planned.notice),
    }
    writer.add(NOTICE, [row])
    secret = notice_secret(key, notice_id(version, position, planned.notice.kind))
    add_outbox_rows(writer, int(row["notice_no"]), version, planned.audience, secret=secret)


def enqueue(writer: Writer, version: VersionKey, *, key: bytes) -> int:
    """Outbox rows for those of the audience of a version's notices who have none yet; how many. None of a
    notice that is recalled.
    """
    added, recalled = 0, recalled_notices(writer.connection)
    for row in writer.connection.execute(_owed(version)).all():
        if row.notice_no in recalled:
            continue
        secret = notice_secret(key, notice_id(version, row.position, NoticeKind(row.kind)))
        audience = Audience(row.audience_kind, tuple(json.loads(row.audience_categories)))
        added += add_outbox_rows(writer, row.notice_no, version, audience, secret=secret)
    return added


def _owed(version: VersionKey) -> Select[Any]:
    """The notices that a version owes, in order."""
    return (
        select(NOTICE)
        .select_from(NOTICE.join(VERSION, VERSION.c.version_no == NOTICE.c.version_no).join(POLICY))
        .where(POLICY.c.slug == version.slug, VERSION.c.number == version.number)
        .where(NOTICE.c.kind != NoticeKind.REMINDER.value)
        .order_by(NOTICE.c.position)
    )


def audiences(connection: Connection, version: VersionKey) -> list[tuple[int, Notice, Audience]]:
    """The notices that a version owes by number, with whom they are for; no reminders."""
    query = _owed(version)
    return [
        (
            row.notice_no,
            notice_from_json(row.body),
            Audience(row.audience_kind, tuple(json.loads(row.audience_categories))),
        )
        for row in connection.execute(query)
    ]


def upcoming(connection: Connection, now: datetime, slug: str | None) -> tuple[VersionKey, ...]:
    """The versions that are not in effect yet, of one policy or of all."""
    query = select(POLICY.c.slug, VERSION.c.number).select_from(_KEYS).where(VERSION.c.effective_at > now)
    if slug is not None:
        query = query.where(POLICY.c.slug == slug)
    rows = connection.execute(query.order_by(POLICY.c.slug, VERSION.c.number))
    return tuple(VersionKey(found, number) for found, number in rows)


def notice_id(version: VersionKey, position: int, kind: NoticeKind) -> str:
    """What a notice is called where its nids are made."""
    return f"{version}/{position}-{kind.value}"


_KEYS = VERSION.join(POLICY)


def read_versions(connection: Connection, slugs: Iterable[str] | None = None) -> tuple[VersionRecord, ...]:
    """Versions by slug and number; of all policies where ``slugs`` is None."""
    query = select(VERSION, POLICY.c.slug).select_from(_KEYS).order_by(POLICY.c.slug, VERSION.c.number)
    if slugs is not None:
        query = query.where(POLICY.c.slug.in_(sorted(slugs)))
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
