# SPDX-License-Identifier: Apache-2.0
"""The tags of a closed epoch laid anew in the order of their key: random arrivals leave pages a third empty.

No row changes, so the chain knows nothing of it. On SQLite the table is copied and takes the name of the
old one in one transaction, its triggers with it; whoever is killed meanwhile leaves the old table.
PostgreSQL does the same by CLUSTER. Late tags may still enter a closed epoch, before and after.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.driver import Driver, driver_of
from policyctl.adapters.ledger.base.epochs import guard_table, make_bare_table, read_epochs, table_name
from policyctl.adapters.ledger.proving.cuts import cut_batches, in_stretches
from policyctl.core.epochs import Compaction
from policyctl.errors import IntegrityError, RefusedError, UsageError


def closed_epochs(connection: Connection) -> tuple[int, ...]:
    """All but the newest."""
    return read_epochs(connection).numbers[:-1]


def require_closed(connection: Connection, number: int) -> None:
    """UsageError for an epoch that is not there, RefusedError for the newest."""
    *closed, newest = read_epochs(connection).numbers
    if number == newest:
        raise RefusedError(
            f"epoch {number} is the newest, tags still enter it",
            hint="name one that is closed; `policyctl ledger stats` counts them",
        )
    if number not in closed:
        raise UsageError(f"there is no epoch {number}", hint=f"epochs run from 1 to {newest}")


def compact(connection: Connection, number: int) -> Compaction:
    """Lay one closed epoch anew; the caller commits. IntegrityError, and nothing is done, where tags are
    missing.
    """
    require_closed(connection, number)
    table = table_name(number)
    before = _size(connection, table)
    if connection.dialect.name == "sqlite":
        tags = _rebuild(connection, number, table)
    else:
        tags = _count(connection, number, table)
        connection.exec_driver_sql(f"CLUSTER {table} USING {table}_pkey")
        connection.exec_driver_sql(f"ANALYZE {table}")
    return Compaction(number, tags, before, _size(connection, table))


def _rebuild(connection: Connection, number: int, table: str) -> int:
    expected = _count(connection, number, table)
    old = f"{table}_old"
    connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {old}")
    for act in ("update", "delete"):
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{act}")
    make_bare_table(connection, table)
    # In these words, and into a table without triggers, SQLite copies whole rows in the order of the old
    # tree and fills each page; that takes the same columns in the same order.
    if _columns(connection, table) != _columns(connection, old):
        raise IntegrityError(
            f"{table} has other columns than this release makes", hint="report this as a bug"
        )
    copied = connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {old}")  # noqa: S608 - our own names
    guard_table(connection, table)
    if copied.rowcount != expected:
        raise _missing(number, copied.rowcount, expected)
    connection.exec_driver_sql(f"DROP TABLE {old}")
    return expected


def _columns(connection: Connection, table: str) -> list[str]:
    return [row[1] for row in driver_of(connection).rows(f"PRAGMA table_info({table})")]


def _count(connection: Connection, number: int, table: str) -> int:
    """How many tags there are, which must be as many as entered; of batches that lost some by a cut, what
    is left.
    """
    driver = driver_of(connection)
    if cut := cut_batches(driver):
        return _count_beside(driver, number, table, cut)
    ((found,),) = driver.rows(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
    entered = "SELECT coalesce(sum(tag_count), 0) FROM batch WHERE epoch_no = ?"
    ((expected,),) = driver.rows(entered, number)
    if found != expected:
        raise _missing(number, found, expected)
    return int(found)


def _count_beside(driver: Driver, number: int, table: str, cut: Sequence[tuple[int, int]]) -> int:
    there: dict[int, int] = dict(driver.rows(f"SELECT batch_no, count(*) FROM {table} GROUP BY batch_no"))  # noqa: S608 - our own names
    entered = driver.rows("SELECT batch_no, tag_count FROM batch WHERE epoch_no = ?", number)
    whole = [(batch, count) for batch, count in entered if not in_stretches(batch, cut)]
    found, expected = sum(there.get(batch, 0) for batch, _ in whole), sum(count for _, count in whole)
    if found != expected:
        raise _missing(number, found, expected)
    return sum(there.values())


def _missing(number: int, found: int, expected: int) -> IntegrityError:
    return IntegrityError(
        f"epoch {number} holds {found} tags where {expected} entered", hint="restore the ledger from a backup"
    )


def _size(connection: Connection, table: str) -> int:
    """What the table and its index take, bytes; of SQLite what is used of its file."""
    driver = driver_of(connection)
    if connection.dialect.name == "postgresql":
        return int(driver.rows("SELECT pg_total_relation_size(?::regclass)", table)[0][0])
    pages, free, each = (
        driver.rows(f"PRAGMA {name}")[0][0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * each)
