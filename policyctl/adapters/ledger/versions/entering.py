# SPDX-License-Identifier: Apache-2.0
"""Versions, their practices and changes, on their way in."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, select

from policyctl.adapters.ledger.base.common import Writer, last_number
from policyctl.adapters.tables import CHANGE, POLICY, PRACTICE, VERSION
from policyctl.core.policy import VersionKey
from policyctl.core.practice import Practice
from policyctl.core.records import PendingChange, VersionRecord
from policyctl.errors import IntegrityError


def enter_version(writer: Writer, record: VersionRecord) -> int | None:
    """Enter a version, its practices and its changes; its number. None, and nothing changes, when it is there
    already; IntegrityError when it is there with another text, or out of turn.
    """
    policy_no = _policy_no(writer, record.key.slug)
    known = writer.connection.execute(_same_key(policy_no, record.key)).one_or_none()
    if known is not None:
        _require_same(known, record)
        return None
    _require_next(writer.connection, policy_no, record.key)
    return _add_version(writer, record, policy_no)


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
