# SPDX-License-Identifier: Apache-2.0
"""When commands ran: one row a run, written at its start and at its end. It is a log, and no part of the
record: no entry is made for it, so a run that finds nothing to do leaves the chain as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from policyctl.adapters.ledger.base.common import last_number
from policyctl.adapters.ledger.base.engine import reading, writing
from policyctl.adapters.tables import RUN
from policyctl.core.runs import LastRuns, Run, RunOutcome


class Runs:
    """The runs that one ledger knows of."""

    def __init__(self, database: Engine) -> None:
        self._engine = database

    def begin(self, command: str, now: datetime) -> int:
        """Note that a command begins; the number of its run."""
        with writing(self._engine) as connection:
            number = last_number(connection, RUN.c.run_no) + 1
            row = {"run_no": number, "started_at": now, "command": command, "outcome": "", "counts": "{}"}
            connection.execute(insert(RUN).values(row))
        return number

    def end(self, number: int, outcome: RunOutcome, counts: Mapping[str, int], now: datetime) -> None:
        """Note what came of it."""
        with writing(self._engine) as connection:
            done = {"ended_at": now, "outcome": outcome.value, "counts": json.dumps(dict(counts))}
            connection.execute(update(RUN).where(RUN.c.run_no == number).values(done))

    def last(self) -> tuple[LastRuns, ...]:
        """Of each command that ever ran, by name."""
        with reading(self._engine) as connection:
            newest = _newest(connection, None)
            done = _newest(connection, RunOutcome.DONE)
        return tuple(LastRuns(name, run, done.get(name)) for name, run in sorted(newest.items()))


def forget_open(connection: Connection) -> None:
    """Take out the runs that have no end: in a copy nobody is at work who could write one."""
    connection.execute(delete(RUN).where(RUN.c.outcome == RunOutcome.OPEN.value))


def _newest(connection: Connection, outcome: RunOutcome | None) -> dict[str, Run]:
    numbers = select(func.max(RUN.c.run_no)).group_by(RUN.c.command)
    if outcome is not None:
        numbers = numbers.where(RUN.c.outcome == outcome.value)
    rows = connection.execute(select(RUN).where(RUN.c.run_no.in_(numbers)))
    return {row.command: _run(row) for row in rows}


def _run(row: Row[tuple[object, ...]]) -> Run:
    return Run(row.command, row.started_at, row.ended_at, RunOutcome(row.outcome), json.loads(row.counts))
