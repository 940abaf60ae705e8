# SPDX-License-Identifier: Apache-2.0
"""The notices that a version owes: they enter with it, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from policyctl.adapters.ledger.base.common import Writer, last_number, notice_secret
from policyctl.adapters.ledger.sending.audience import add_outbox_rows
from policyctl.adapters.ledger.sending.batches import recalled_notices
from policyctl.adapters.ledger.versions.entering import enter_version
from policyctl.adapters.tables import NOTICE, POLICY, VERSION
from policyctl.core.notices.notice import Notice, NoticeKind
from policyctl.core.notices.notice_json import notice_from_json, notice_to_json
from policyctl.core.notices.outbox import Audience, PlannedNotice
from policyctl.core.policy import VersionKey
from policyctl.core.records import VersionRecord


def record_version(
    writer: Writer, record: VersionRecord, notices: Sequence[PlannedNotice], *, key: bytes
) -> bool:
    """Enter a version and what it owes; False, and nothing changes, when it is there already."""
    version_no = enter_version(writer, record)
    if version_no is None:
        return False
    for position, planned in enumerate(notices):
        _add_notice(writer, record.key, version_no, planned, position, key=key)
    return True


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


def notice_id(version: VersionKey, position: int, kind: NoticeKind) -> str:
    """What a notice is called where its nids are made."""
    return f"{version}/{position}-{kind.value}"
