# SPDX-License-Identifier: Apache-2.0
"""Room beside a ledger or a backup for what is not finished: a folder, or a schema of the same database.

Who works in it holds a lock that ends with his process, however that ends. So what was left over by one that
was killed is told from what another is at work in: the next run removes it, and doctor names it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, event, text

from policyctl.adapters.ledger.base.engine import open_engine
from policyctl.adapters.ledger.base.plain import plain_errors
from policyctl.adapters.ledger.custody.dumps import LEDGER_TABLES, LEDGER_TAGS, is_ours
from policyctl.errors import BusyError, RefusedError

BACKUP, RESTORE = ".policyctl-backup-", ".policyctl-restore-"
_SCHEMA = "policyctl_restore_"
_SCHEMAS = f"SELECT nspname FROM pg_namespace WHERE nspname ~ '^{_SCHEMA}[0-9a-f]{{16}}$'"  # noqa: S608 - our own
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = :schema ORDER BY tablename"
_FUNCTIONS = (
    "SELECT proname, oid::regprocedure::text FROM pg_proc "
    "WHERE pronamespace = to_regnamespace(:schema) AND proname ~ '^ledger_'"
)
# What was there is dropped in the transaction that puts the new in its place. Others' tables are left alone.
_EMPTY = f"""DO $$ DECLARE each text; BEGIN
    FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
        AND (tablename IN ({", ".join(map(repr, LEDGER_TABLES))}) OR tablename ~ '{LEDGER_TAGS}') LOOP
        EXECUTE format('DROP TABLE %%I CASCADE', each); END LOOP;
    FOR each IN SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname ~ '^ledger_' LOOP
        EXECUTE 'DROP FUNCTION ' || each || ' CASCADE'; END LOOP;
END $$"""  # noqa: S608 - our own names
_PATIENCE = "2s"


def left_over(engine: Engine) -> list[str]:
    """What nobody is at work in beside a ledger, by name."""
    if engine.dialect.name == "postgresql":
        with plain_errors(engine), engine.connect() as connection:
            return [f"schema {name}" for name in left_schemas(connection)]
    parent = Path(str(engine.url.database)).parent
    return [str(each) for prefix in (BACKUP, RESTORE) for each in left_folders(parent, prefix)]


# Folders


@contextmanager
def folder_beside(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder of this process alone; removed in the end, unless it was renamed. What others left over
    goes first.
    """
    for each in left_folders(parent, prefix):
        shutil.rmtree(each, ignore_errors=True)
    fresh, handle = _held(parent, prefix)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        os.close(handle)


def _held(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        fresh = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        handle = os.open(fresh, os.O_RDONLY)
        if _locked(handle) and fresh.exists():
            return fresh, handle
        os.close(handle)  # another took it for left over before the lock was ours


def left_folders(parent: Path, prefix: str) -> list[Path]:
    """The folders that nobody is at work in."""
    return [each for each in sorted(parent.glob(f"{prefix}*")) if _is_left(each)]


def _is_left(folder: Path) -> bool:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return _locked(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody has it, or the disk knows no locks: then it is left alone
        return False
    return True


# Schemas


@contextmanager
def schema_beside(engine: Engine) -> Iterator[tuple[str, Engine]]:
    """A new schema of the target's database, and an engine that sees nothing else; dropped in the end, unless
    it was put in place. What others left over goes first.
    """
    name = f"{_SCHEMA}{secrets.token_hex(8)}"
    url = engine.url.render_as_string(hide_password=False)
    with plain_errors(engine), closing(engine.connect()) as holder:
        lone = holder.execution_options(isolation_level="AUTOCOMMIT")
        for each in left_schemas(lone):
            _drop(lone, each)
        lone.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": name})
        _make(lone, name)
        inside = open_engine(url)
        event.listen(inside, "connect", lambda raw, _: _only(raw, name))
        try:
            yield name, inside
        finally:
            inside.dispose()
            _drop(lone, name)
            lone.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), {"name": name})


def _make(connection: Connection, name: str) -> None:
    try:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    except Exception as error:
        if "permission denied" not in str(error):
            raise
        raise RefusedError(
            "a backup is verified in a schema of its own, which may not be made in this database",
            hint="grant the role of the ledger CREATE on the database",
        ) from error


def _only(raw: object, name: str) -> None:
    raw.execute(f"SELECT set_config('search_path', '{name}', false)")  # type: ignore[attr-defined]
    raw.commit()  # type: ignore[attr-defined]


def left_schemas(connection: Connection) -> list[str]:
    """The schemas that nobody is at work in."""
    held = "SELECT pg_try_advisory_lock(hashtext(:name)) AND pg_advisory_unlock(hashtext(:name))"
    names = [name for (name,) in connection.execute(text(_SCHEMAS)).fetchall()]
    return [name for name in names if connection.execute(text(held), {"name": name}).scalar()]


def _drop(connection: Connection, name: str) -> None:
    connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")


def put_in_place(engine: Engine, name: str) -> None:
    """What stands in the schema becomes the ledger, in one transaction; what was there is gone with it."""
    try:
        with plain_errors(engine), engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
            ((target,),) = connection.exec_driver_sql("SELECT quote_ident(current_schema())").fetchall()
            connection.exec_driver_sql(_EMPTY)
            tables = connection.execute(text(_TABLES), {"schema": name}).fetchall()
            for (table,) in tables:
                if is_ours(table):
                    connection.exec_driver_sql(f"ALTER TABLE {name}.{table} SET SCHEMA {target}")
            for _, function in connection.execute(text(_FUNCTIONS), {"schema": name}).fetchall():
                connection.exec_driver_sql(f"ALTER FUNCTION {function} SET SCHEMA {target}")
            _drop(connection, name)
    except BusyError as error:
        raise RefusedError(
            "the ledger is open in another program; nothing was changed",
            hint="stop the service and whatever else uses it, then run it again",
        ) from error
