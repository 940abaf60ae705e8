# SPDX-License-Identifier: Apache-2.0
"""A backup: a folder with a copy of the ledger and a manifest, made while others write.

1. The copy is of one moment: SQLite's backup in one step, pg_dump in the snapshot that rows are counted in.
2. It is made in a folder beside, and renamed when all of it is on disk: a backup is there whole or not at
   all.
3. The copy of a SQLite ledger has no place (instance.py), so wherever it is put it sends nothing by itself.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b, sha256
from pathlib import Path

from sqlalchemy import Connection, Engine

from policyctl.adapters.ledger.base.chain import head
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.engine import HEAD, open_engine, reading
from policyctl.adapters.ledger.base.instance import disown, read_instance
from policyctl.adapters.ledger.base.plain import plain_errors
from policyctl.adapters.ledger.custody.beside import BACKUP, folder_beside
from policyctl.adapters.ledger.custody.dumps import dump, is_ours
from policyctl.core.backup import Manifest, manifest_text
from policyctl.core.proof.heads import LedgerHead
from policyctl.errors import RefusedError
from policyctl.faults import fault_point

MANIFEST = "manifest.json"
_FILES = {"sqlite": "ledger.db", "postgresql": "ledger.dump"}
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename",
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look at a ledger found."""

    head: LedgerHead
    instance: str
    counts: tuple[tuple[str, int], ...]


def key_check(key: bytes) -> str:
    """Tells whether two keys are the same one."""
    return blake2b(b"policyctl", key=key, digest_size=8, person=b"policyctl.check").hexdigest()


def back_up(
    engine: Engine, output: Path, *, key: bytes, now: datetime, version: str
) -> tuple[Path, Manifest]:
    """Write a backup to ``output``, or into it where it is a folder; where it is, and its manifest."""
    if (output / MANIFEST).exists():
        raise RefusedError(
            f"{output} is a backup already: one that is put into it would be overlooked",
            hint="name the folder that backups are in, or another name",
        )
    target = output / f"ledger-{now:%Y%m%dT%H%M%SZ}" if output.is_dir() else output
    if target.exists():
        raise _taken(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with folder_beside(target.parent, BACKUP) as fresh:
            made = _written(engine, fresh, key, now, version)
            fault_point("backup.written")
            fresh.rename(target)
            flush(target.parent)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST} and target.exists():
            raise _taken(target) from error  # another was quicker
        raise RefusedError(
            f"the backup cannot be written: {error.strerror}", hint=f"look at {target.parent} and its room"
        ) from error
    return target, made


def _taken(target: Path) -> RefusedError:
    return RefusedError(f"{target} is there already", hint="name another; a backup is not written over")


def _written(engine: Engine, fresh: Path, key: bytes, now: datetime, version: str) -> Manifest:
    kind = engine.dialect.name
    path = fresh / _FILES[kind]
    seen = _copied(engine, path) if kind == "sqlite" else _dumped(engine, path)
    fault_point("backup.copied")
    digest = digest_of(path)
    found = Manifest(
        now, version, kind, HEAD, seen.instance, seen.head, seen.counts, path.name, path.stat().st_size,
        digest, key_check(key),
    )  # fmt: skip
    note = fresh / MANIFEST
    note.write_text(manifest_text(found), "utf-8")
    for each in (path, note):
        each.chmod(0o600)
        flush(each)
    flush(fresh)
    return found


def _copied(engine: Engine, path: Path) -> _Seen:
    with reading(engine):
        pass  # that there is a ledger, and of this step
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with (
        plain_errors(engine),
        closing(engine.raw_connection()) as lent,
        closing(sqlite3.connect(path)) as copy,
    ):
        raw = lent.driver_connection
        if raw is not None:
            raw.backup(copy)  # in one step: begun anew at each write, it would never end
    copied = open_engine(f"sqlite:///{path}")
    try:
        with reading(copied) as connection:
            seen = look(connection)
        with plain_errors(copied), copied.begin() as connection:
            disown(connection)
    finally:
        copied.dispose()
    return seen


def _dumped(engine: Engine, path: Path) -> _Seen:
    with reading(engine) as connection:
        ((snapshot, schema),) = driver_of(connection).rows("SELECT pg_export_snapshot(), current_schema()")
        dump(engine.url, str(snapshot), str(schema), path)
        return look(connection)


def look(connection: Connection) -> _Seen:
    """Head, id and the number of rows of every table."""
    return _Seen(head(driver_of(connection)), read_instance(connection).id, count_rows(connection))


def count_rows(connection: Connection) -> tuple[tuple[str, int], ...]:
    """How many rows each table has."""
    driver = driver_of(connection)
    names = [name for (name,) in driver.rows(_TABLES[connection.dialect.name]) if is_ours(name)]
    counted = (driver.rows(f"SELECT count(*) FROM {name}")[0][0] for name in names)  # noqa: S608 - our own
    return tuple(zip(names, counted, strict=True))


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, hex."""
    found = sha256()
    with path.open("rb") as file:
        while content := file.read(1 << 20):
            found.update(content)
    return found.hexdigest()


def flush(path: Path) -> None:
    """See a file or folder on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
