# SPDX-License-Identifier: Apache-2.0
"""What was deleted is also gone from the files of the database.

SQLite zeroes what is deleted where ``secure_delete`` is on. It does not zero what it left behind when it
moved rows from page to page before, and the log (WAL) holds old pages until it is emptied. So after an
erasure

1. the log is emptied into the file;
2. the file is searched for the bytes that were erased: salt, pseudonym, addresses, names of records;
3. where some are found the whole file is laid anew (VACUUM).

PostgreSQL keeps old rows until it vacuums, so the four tables are vacuumed. What its log and its backups
hold ends with them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.plain import plain_errors
from policyctl.core.custody import Scrub

_TABLES = ("subject", "pseudonym", "address", "record_name")
_SHORTEST, _MOST = 8, 100
"""Bytes under which a name of a record says nothing; names that are searched for."""


def overwrite_deleted(connection: Connection) -> None:
    """Have SQLite zero what this connection deletes. PostgreSQL has no such thing."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def traces_of(connection: Connection, subject_no: int) -> tuple[bytes, ...]:
    """The bytes that only this subject has in the ledger, before they are erased; none for PostgreSQL."""
    if connection.dialect.name != "sqlite":
        return ()
    driver = driver_of(connection)
    ((salt, ext_id),) = driver.rows("SELECT salt, ext_id FROM subject WHERE subject_no = ?", subject_no)
    own = [bytes(value) for value in (salt, ext_id) if value]
    texts = [
        *(text for row in driver.rows(_ADDRESS, subject_no) for text in row),
        *(name for (name,) in driver.rows(_NAMES, subject_no, _MOST)),
    ]
    return (*own, *_alone(connection, texts, subject_no))


_ADDRESS = "SELECT email, name FROM address WHERE subject_no = ?"
_NAMES = "SELECT name FROM record_name WHERE subject_no = ? LIMIT ?"
_ELSEWHERE = (
    "SELECT EXISTS (SELECT 1 FROM address WHERE subject_no <> ? AND (instr(email, ?) OR instr(name, ?))) "
    "OR EXISTS (SELECT 1 FROM record_name WHERE subject_no <> ? AND instr(name, ?))"
)


def _alone(connection: Connection, texts: Iterable[str], subject_no: int) -> list[bytes]:
    """Those that stand for nobody else: what another has too is in the file by right."""
    driver = driver_of(connection)
    found = []
    for text in dict.fromkeys(texts):
        if len(text.encode()) >= _SHORTEST:
            ((elsewhere,),) = driver.rows(_ELSEWHERE, subject_no, text, text, subject_no, text)
            if not elsewhere:
                found.append(text.encode())
    return found


def scrub(engine: Engine, traces: Sequence[bytes]) -> Scrub:
    """Take the last bytes of what was deleted out of the files; after the transaction that deleted it."""
    with plain_errors(engine):
        if engine.dialect.name == "postgresql":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for table in _TABLES:
                    connection.exec_driver_sql(f"VACUUM {table}")
            return Scrub()
        with closing(engine.raw_connection()) as lent:
            return _scrub_file(lent.driver_connection, Path(str(engine.url.database)), traces)


def rewrite(engine: Engine) -> Scrub:
    """Lay the files anew without looking whether they hold anything: where others kept it from being done."""
    if engine.dialect.name == "postgresql":
        return scrub(engine, ())
    with plain_errors(engine), closing(engine.raw_connection()) as lent:
        raw: Any = lent.driver_connection
        raw.execute("VACUUM")
        return Scrub(rewritten=True, waits=not _emptied(raw))


def _scrub_file(raw: Any, path: Path, traces: Sequence[bytes]) -> Scrub:
    if not _emptied(raw):
        return Scrub(waits=True)
    if not _holds(path, traces):
        return Scrub()
    raw.execute("VACUUM")
    return Scrub(rewritten=True, waits=not _emptied(raw))


def _emptied(raw: Any) -> bool:
    """Whether the log was emptied into the file: not while others read pages that are only there."""
    ((busy, _, _),) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return not busy


def _holds(path: Path, traces: Sequence[bytes]) -> bool:
    """Whether one of them is in the file, which is read in parts that overlap."""
    handle = _handle_of(path)
    overlap = max(map(len, traces), default=1) - 1
    place = 0
    while part := os.pread(handle, _PART + overlap, place):
        if any(trace in part for trace in traces):
            return True
        place += _PART
    return False


_PART = 1 << 22
_handles: dict[tuple[int, int], int] = {}
"""Open for good, by device and inode. A process that closes any handle of a file loses all its locks on it
(POSIX), SQLite's among them: the next program that ends then takes itself for the last, and removes the log
that this process goes on writing to. See https://www.sqlite.org/howtocorrupt.html, 2.2."""


def _handle_of(path: Path) -> int:
    with _opening:
        found = path.stat()
        key = (found.st_dev, found.st_ino)
        if key not in _handles:
            _handles[key] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return _handles[key]


_opening = threading.Lock()
