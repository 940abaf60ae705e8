# SPDX-License-Identifier: Apache-2.0
"""Whether the database keeps what it is given, and whether anybody works on the outbox."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, case, func, select

from policyctl.adapters.tables import CHUNK, UtcTime
from policyctl.core.notices.outbox import OutboxState

_KEEPS = ("fsync", "full_page_writes", "synchronous_commit")
_INTERRUPTED = (OutboxState.STAGED, OutboxState.POSTING, OutboxState.CANCELLING)
_WAITS = (OutboxState.PLANNED, OutboxState.PAUSED, *_INTERRUPTED)


def kept_by(connection: Connection) -> tuple[tuple[str, str], ...]:
    """The settings that decide whether a commit outlives the power, as the database says they are."""
    if connection.dialect.name == "sqlite":
        names = ("journal_mode", "synchronous")
        return tuple((n, str(connection.exec_driver_sql(f"PRAGMA {n}").scalar_one())) for n in names)
    return tuple((n, str(connection.exec_driver_sql(f"SHOW {n}").scalar_one())) for n in _KEEPS)


def waiting_since(connection: Connection, now: datetime) -> datetime | None:
    """When the longest waiting chunk could first have been taken up; None where none waits at ``now``."""
    due = case((CHUNK.c.not_before > CHUNK.c.changed_at, CHUNK.c.not_before), else_=CHUNK.c.changed_at)
    waits = CHUNK.c.state.in_([state.value for state in _WAITS])
    found: datetime | None = connection.scalar(select(func.min(due, type_=UtcTime)).where(waits, due <= now))
    return found
