# SPDX-License-Identifier: Apache-2.0
"""The way to the database: connections that keep the durability promise, and its two transactions.

SQLite: WAL, synchronous FULL, foreign keys, 5 s of patience; set on every connection and read back,
because a pragma that cannot be had is silently ignored. A write begins with BEGIN IMMEDIATE: a
transaction that reads first and writes later fails at once when another wrote in between, however
patient it is. PostgreSQL: a write holds one advisory lock, so both databases number entries alike;
a read sees one snapshot.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url

from policyctl.adapters.ledger.base.driver import Question, Row, driver_of
from policyctl.adapters.ledger.base.instance import begin_instance
from policyctl.adapters.ledger.base.plain import is_missing_table, no_ledger, old_layout, plain_errors
from policyctl.errors import (
    BusyError,
    CannotCompareError,
    IntegrityError,
    RefusedError,
    UsageError,
)

HEAD = "0015"
_SQLITE = "sqlite:///"
_OVERFLOW = 15  # beside the five that stay open: enough for the threads of the service (web/app.py)
_PATIENCE_MS = 5000
_TRIES = 6
_WRITE_LOCK = 0x706F6C6963796374  # "policyct": one writer at a time in this database
_LOCK = ("SELECT pg_advisory_xact_lock(?)", _WRITE_LOCK)
_STEP = ("SELECT version_num FROM alembic_version",)
_PAGE_SIZE = 8192
_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": _PATIENCE_MS,
    "recursive_triggers": 1,  # so that INSERT OR REPLACE asks the triggers that refuse a DELETE
    "wal_autocheckpoint": 32768,  # pages: a page that is written often reaches the file once
    "cache_size": -65536,  # KiB
}
# Pages that are not in the cache are read where the system has them, without a call and a copy each: so a
# look-up takes as long in ten million tags as in a hundred thousand. As much as SQLite lets map.
_MAPPED = 2_147_418_112  # bytes
# A server that is gone without a word must not keep a request waiting for hours; nor a program that is
# gone, the others that want to write.
_LINE = {
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}
_SESSION = {
    "lock_timeout": "30s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_HAS_TABLES = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'",
    "postgresql": "SELECT to_regclass('alembic_version') IS NOT NULL",
}
_HAS_POLICY = {name: query.replace("alembic_version", "policy") for name, query in _HAS_TABLES.items()}
_MIGRATIONS = Path(__file__).parents[2] / "migrations"


def open_engine(url: str) -> Engine:
    """An engine for ``url``; connects to nothing yet. UsageError for a URL that is not a ledger's."""
    if url.startswith(_SQLITE):
        return _sqlite_engine(url.removeprefix(_SQLITE))
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise _bad_url("it is no database URL") from error
    name = parsed.get_backend_name()
    if name == "sqlite":
        raise _bad_url("a SQLite url names a file")
    if name in {"postgresql", "postgres"}:
        return _postgresql_engine(parsed)
    raise _bad_url(f"a ledger lives in SQLite or PostgreSQL, not in {name!r}")


def _bad_url(why: str) -> UsageError:
    # The URL itself is not shown: it may hold a password.
    return UsageError(
        f"the ledger's url cannot be used: {why}",
        hint='write url = "sqlite:///.policyctl/ledger.db" or "postgresql://user@host/database"',
    )


def _sqlite_engine(file: str) -> Engine:
    """``file`` is the path as it is: nothing in it is decoded."""
    if file in {"", ":memory:"}:
        raise _bad_url("a ledger in memory would forget")
    if "?" in file:
        raise _bad_url("a SQLite url takes no options, and no `?` may be in its path")
    path = Path(file).absolute()

    def connect() -> sqlite3.Connection:
        # mode=rw: looking must not make an empty ledger. isolation_level None: we say BEGIN ourselves.
        return sqlite3.connect(
            f"{path.as_uri()}?mode=rw",
            uri=True,
            timeout=_PATIENCE_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=connect,
        hide_parameters=True,
        max_overflow=_OVERFLOW,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
    for name, wanted in _PRAGMAS.items():
        connection.execute(f"PRAGMA {name} = {wanted}")
        (got,) = connection.execute(f"PRAGMA {name}").fetchone()
        if got != wanted:
            raise IntegrityError(
                f"SQLite does not keep the ledger safe here: {name} is {got!r}, not {wanted!r}",
                hint="keep the ledger on a local disk; network file systems cannot hold it",
            )
    connection.execute(f"PRAGMA mmap_size = {_MAPPED}")  # less where it is built so
    connection.create_function("nid_of", 2, nid_of, deterministic=True)


def nid_of(secret: str, addressee: str) -> str:
    """The id of one notice to one addressee. ``secret`` is 64 hex digits derived from key and notice;
    half of the SHA-256 is kept, which also ends every hope of extending the message.
    PostgreSQL computes the same with its built-in ``sha256``.
    """
    return sha256((secret + addressee).encode()).hexdigest()[:32]


def _begin_sqlite(connection: Connection) -> None:
    kind = "IMMEDIATE" if connection.get_execution_options().get("ledger_write") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {kind}")


def _postgresql_engine(url: URL) -> Engine:
    try:
        import psycopg  # noqa: F401 - asked here so that its absence has a plain message
    except ImportError as error:
        raise UsageError(
            "a ledger in PostgreSQL needs the driver psycopg, which is not installed",
            hint="install it with: pip install 'policyctl[postgres]'",
        ) from error
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        max_overflow=_OVERFLOW,
        connect_args={name: value for name, value in _LINE.items() if name not in url.query},
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:
    values = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SESSION.items())
    connection.execute(f"SELECT {values}")
    connection.commit()


@contextmanager
def reading(engine: Engine, *, scratch: bool = False) -> Iterator[Connection]:
    """One consistent look at a ledger that is set up. CannotCompareError where there is none.
    ``scratch``: tables of its own may be made that are gone after it.
    """
    with plain_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=not scratch)
        with connection.begin():
            _require_head(connection)
            yield connection


@contextmanager
def writing(engine: Engine, *, check: bool = True, keep: bool = True) -> Iterator[Connection]:
    """The one writer: all that happens inside enters the ledger, or nothing does.

    ``keep`` False is for dry runs: everything is tried and then rolled back.
    """
    with writing_after(engine, check=check, keep=keep) as (connection, _):
        yield connection


@contextmanager
def writing_after(
    engine: Engine, *questions: Question, check: bool = True, keep: bool = True
) -> Iterator[tuple[Connection, list[list[Row]]]]:
    """As :func:`writing`, with the rows of questions that are asked in the trip that begins it."""
    first: list[Question] = [_LOCK] if engine.dialect.name == "postgresql" else []
    first += [_STEP] if check else []
    with plain_errors(engine), closing(_begun(engine)) as connection:
        # What is asked after the lock, if in the same trip, is looked at once nobody else writes.
        found = _asked(connection, *first, *questions)
        if check:
            _require_step(found[len(first) - 1])
        yield connection, found[len(first) :]
        if keep:
            connection.commit()


def _begun(engine: Engine) -> Connection:
    """A connection inside a transaction. BEGIN IMMEDIATE holds nothing when it fails: try again."""
    for attempt in range(_TRIES):
        connection: Connection | None = None
        try:
            connection = engine.connect().execution_options(ledger_write=True)
            connection.begin()
        except exc.OperationalError as error:
            if connection is not None:
                connection.close()
            if attempt == _TRIES - 1 or "locked" not in str(error.orig):
                raise
            time.sleep(0.05 * 2**attempt)
        else:
            return connection
    raise AssertionError("unreachable")


def _revision(connection: Connection) -> str | None:
    """The step that the tables are of; None where there are none. Nothing fails, so that it can go on."""
    driver = driver_of(connection)
    if not driver.rows(_HAS_TABLES[connection.dialect.name])[0][0]:
        return None
    found = driver.rows("SELECT version_num FROM alembic_version")
    return found[0][0] if found else None


def _require_head(connection: Connection) -> None:
    (found,) = _asked(connection, _STEP)
    _require_step(found)


def _asked(connection: Connection, *questions: Question) -> list[list[Row]]:
    """As the driver asks; the step is among them, and without its table there is no ledger."""
    try:
        return driver_of(connection).ask(*questions)
    except Exception as error:
        if is_missing_table(error):
            raise no_ledger() from error
        raise


def _require_step(rows: Sequence[Row]) -> None:
    if not rows:
        raise no_ledger()
    ((found,),) = rows
    if found != HEAD:
        raise BusyError(
            f"the ledger's tables are of step {found}, this release works with {HEAD}",
            hint="run `policyctl ledger upgrade`, or install the release that made them",
        )


def upgrade(engine: Engine) -> bool:
    """Make or migrate the tables; False when they are up to date. Safe to run by two at once."""
    if engine.dialect.name == "sqlite":
        _make_file(Path(str(engine.url.database)))
    with writing(engine, check=False) as connection:
        found = _revision(connection)
        if found is not None:
            _require_layout(connection)
        if found == HEAD:
            return False
        _migrate(connection, found)
        begin_instance(connection)
    return True


def _require_layout(connection: Connection) -> None:
    """The first step was written anew before the first release: tables of the old one cannot be mended."""
    there = driver_of(connection).rows(_HAS_POLICY[connection.dialect.name])[0][0]
    if not there:
        raise old_layout(connection.engine)


def _make_file(path: Path) -> None:
    """Only the owner may read it: addresses are in there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _set_page_size(path)
    except FileExistsError:
        return
    except OSError as error:
        raise CannotCompareError(
            f"the ledger's file cannot be made: {error.strerror}", hint="check [ledger] url in policyctl.toml"
        ) from error


def _set_page_size(path: Path) -> None:
    """Only an empty file takes one; larger pages make a flatter tree."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode = wal")


def _migrate(connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise RefusedError(
            f"the ledger's tables are of step {found}, which this release does not know",
            hint="install the release of policyctl that made them, or a newer one",
        ) from error
