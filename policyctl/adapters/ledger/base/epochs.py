# SPDX-License-Identifier: Apache-2.0
"""Epochs: one table of tags for each stretch of time, so that only the newest takes random inserts.

A tag goes where its time of collection lies; the same row sent again therefore meets itself. A new
epoch opens when the newest holds :data:`ROWS`, from the moment of the import on; most ledgers never see
a second one. A record collected again in a later epoch is a further tag: each of them has to permit.

A file counts what the newest epoch holds when it has entered. Small writes do not: one in :data:`EVERY`
batches looks, without the lock, once it has entered, and at no batch that the same process looked at before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from sqlalchemy import Connection, MetaData, Table, insert, select

from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.tables import EPOCH, tag_table

CORRECTIONS = 0
"""Stands for the table of corrections where a batch names its epoch."""
ROWS = 20_000_000
EVERY = 4096
"""Small writes look at the size of the newest epoch when a batch has a multiple of this number."""

# As the first migration made the first of them: SQLite wants the key first, PostgreSQL the long ones.
_TABLES = {
    "sqlite": "CREATE TABLE {} (subject_no INTEGER NOT NULL, category INTEGER NOT NULL, "
    "ref INTEGER NOT NULL, collected_at INTEGER NOT NULL, batch_no INTEGER NOT NULL, "
    "version_no INTEGER NOT NULL, "
    "PRIMARY KEY (subject_no, category, ref)) STRICT, WITHOUT ROWID",
    "postgresql": "CREATE TABLE {} (subject_no BIGINT NOT NULL, ref BIGINT NOT NULL, "
    "collected_at BIGINT NOT NULL, batch_no INTEGER NOT NULL, version_no SMALLINT NOT NULL, "
    "category SMALLINT NOT NULL, PRIMARY KEY (subject_no, category, ref))",
}


@dataclass(frozen=True, slots=True)
class Epochs:
    """Where each epoch begins (seconds since 1970), oldest first, and its number."""

    begins: tuple[int, ...]
    numbers: tuple[int, ...]

    def of(self, collected_at: int) -> int:
        """The epoch that a time of collection lies in."""
        return self.numbers[bisect_right(self.begins, collected_at) - 1]

    @property
    def newest_first(self) -> Sequence[int]:
        """The order in which a look-up tries them."""
        return self.numbers[::-1]


def read_epochs(connection: Connection) -> Epochs:
    """The epochs of this ledger."""
    rows = connection.execute(select(EPOCH.c.from_at, EPOCH.c.epoch_no).order_by(EPOCH.c.epoch_no)).all()
    return Epochs(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def table_name(epoch_no: int) -> str:
    """The table of an epoch's tags."""
    return f"tag_{epoch_no}"


def tag_tables(connection: Connection) -> list[Table]:
    """The tables of all epochs, newest first, for statements built with SQLAlchemy."""
    return [tag_table(number, MetaData()) for number in read_epochs(connection).newest_first]


def open_epoch_if_full(connection: Connection, now: int, rows: int) -> bool:
    """Open the next epoch when the newest holds ``rows`` tags or more; False where it does not."""
    fill = Fill()
    fill.look(connection)
    return fill.held >= rows and open_epoch_after(connection, fill.epoch_no, now)


def open_epoch_after(connection: Connection, epoch_no: int, now: int) -> bool:
    """Open the epoch that follows; False where another did, or its tags are of a time to come."""
    epochs = read_epochs(connection)
    if epochs.numbers[-1] != epoch_no or now <= epochs.begins[-1]:
        return False
    open_epoch(connection, epoch_no + 1, now)
    return True


@dataclass(slots=True)
class Fill:
    """What the newest epoch holds, as far as it was looked at."""

    due: bool = False
    epoch_no: int = 0
    held: int = 0
    _upto: int = 0
    _lock: Lock = field(default_factory=Lock)

    def note(self, batch_no: int) -> None:
        """A small write made this batch."""
        self.due = self.due or batch_no % EVERY == 0

    def look(self, connection: Connection) -> None:
        """Add what the batches hold that came since the last look."""
        newest = read_epochs(connection).numbers[-1]
        query = (
            "SELECT coalesce(sum(CASE WHEN epoch_no = ? THEN tag_count ELSE 0 END), 0), "
            "coalesce(max(batch_no), ?) FROM batch WHERE batch_no > ?"
        )
        with self._lock:  # threads that look at once must not add the same twice
            if newest != self.epoch_no:
                self.epoch_no, self.held, self._upto = newest, 0, 0
            ((more, upto),) = driver_of(connection).rows(query, newest, self._upto, self._upto)
            self.held, self._upto = self.held + int(more), max(upto, self._upto)


def open_epoch(connection: Connection, number: int, from_at: int) -> None:
    """Begin an epoch, with a table of its own."""
    make_table(connection, table_name(number))
    connection.execute(insert(EPOCH), {"epoch_no": number, "from_at": from_at})


def make_table(connection: Connection, table: str) -> None:
    """Make a table of tags, append-only as the others are."""
    make_bare_table(connection, table)
    guard_table(connection, table)


def make_bare_table(connection: Connection, table: str) -> None:
    """Make a table of tags that nothing guards yet."""
    connection.exec_driver_sql(_TABLES[connection.dialect.name].format(table))


def guard_table(connection: Connection, table: str) -> None:
    """Make a table append-only."""
    for statement in _triggers(connection.dialect.name, table):
        connection.exec_driver_sql(statement)


def _triggers(dialect: str, table: str) -> list[str]:
    if dialect == "sqlite":
        stop = f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table}'); END"
        return [
            f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} {stop}"
            for act in ("update", "delete")
        ]
    act = "EXECUTE FUNCTION ledger_append_only()"
    return [
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}",
    ]
