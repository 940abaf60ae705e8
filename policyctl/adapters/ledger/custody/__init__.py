# SPDX-License-Identifier: Apache-2.0
"""A ledger in the hands of its keeper: people erased out of it.

Erasure destroys what leads from the ledger to a person and keeps the rest, which the chain holds: see
people.py for what goes, core/proof/cuts.py for the record that it leaves.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine

from policyctl.adapters.ledger.common import Writer, pseudonym
from policyctl.adapters.ledger.custody.scrub import overwrite_deleted, scrub, traces_of
from policyctl.adapters.ledger.driver import driver_of
from policyctl.adapters.ledger.engine import reading, writing
from policyctl.adapters.ledger.people import erase_subject, find_subject
from policyctl.core.custody import Erasure, Scrub
from policyctl.core.notices.outbox import OutboxState

__all__ = ["Custody"]

_COUNT = "SELECT count(*) FROM {} WHERE subject_no = ?"
_OWED = (
    "SELECT c.state, count(*) FROM outbox o JOIN chunk c ON c.notice_no = o.notice_no "
    "AND o.place BETWEEN c.lo AND c.hi AND o.place >= c.cursor WHERE o.subject_no = ? GROUP BY c.state"
)
_HELD_BACK = {OutboxState.PLANNED.value, OutboxState.PAUSED.value}
_UNDER_WAY = {
    state.value
    for state in (OutboxState.STAGED, OutboxState.POSTING, OutboxState.SCHEDULED, OutboxState.RELEASED)
}


class Custody:
    """What the keeper of one ledger does, each step a transaction of its own."""

    def __init__(self, database: Engine, key: bytes) -> None:
        self._engine = database
        self._key = key

    def would_erase(self, subject: str, *, customer: str | None = None) -> Erasure:
        """What :meth:`erase` would do; nothing is done."""
        with reading(self._engine) as connection:
            number = find_subject(connection, pseudonym(self._key, subject), customer)
            return Erasure(known=False) if number is None else _erasure(connection, number)

    def erase(self, subject: str, *, now: datetime, customer: str | None = None) -> tuple[Erasure, Scrub]:
        """Erase one person by the caller's id, then see to it that no byte of it stays in the files.

        UsageError where several customers have somebody with this id and none is named. Run again it finds
        nobody, and does nothing.
        """
        with writing(self._engine) as connection:
            overwrite_deleted(connection)
            number = find_subject(connection, pseudonym(self._key, subject), customer)
            if number is None:
                return Erasure(known=False), Scrub()
            done, traces = _erasure(connection, number), traces_of(connection, number)
            writer = Writer(connection, "erasure", now)
            erase_subject(writer, number, now)
            writer.finish()
        return done, scrub(self._engine, traces)


def _erasure(connection: Connection, number: int) -> Erasure:
    driver = driver_of(connection)
    addresses, names = (
        driver.rows(_COUNT.format(table), number)[0][0] for table in ("address", "record_name")
    )
    owed: dict[str, int] = dict(driver.rows(_OWED, number))
    return Erasure(
        known=True,
        addresses=addresses,
        names=names,
        withheld=sum(owed.get(state, 0) for state in _HELD_BACK),
        under_way=sum(owed.get(state, 0) for state in _UNDER_WAY),
    )
