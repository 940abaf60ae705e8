# SPDX-License-Identifier: Apache-2.0
"""What databases and their drivers say, in our words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, exc

from policyctl.errors import BusyError, IntegrityError, PolicyctlError, RefusedError, UnreachableError


def no_ledger() -> UnreachableError:
    """What is said where no ledger was set up."""
    return UnreachableError("there is no ledger here yet", hint="run `policyctl sync` to set it up")


def old_layout(engine: Engine) -> RefusedError:
    """What is said of tables of a trial version."""
    return BusyError(
        f"the tables in {_place(engine)} were made by a trial version of policyctl, or some are missing",
        hint="move it away, run `policyctl sync`, then import customers, subjects and tags again",
    )


def _place(engine: Engine) -> str:
    """What a person calls the ledger: its file, or the name of its database."""
    name = str(engine.url.database)
    return name if engine.dialect.name == "sqlite" else f"database {name!r}"


def is_missing_table(error: BaseException) -> bool:
    """Whether a statement failed because a table is not there."""
    return "no such table" in str(error) or type(error).__name__ == "UndefinedTable"


@contextmanager
def plain_errors(engine: Engine) -> Iterator[None]:
    """Foreign errors end here, SQLAlchemy's and those of the drivers. Parameters are never shown: they
    hold addresses.
    """
    try:
        yield
    except exc.DBAPIError as error:
        raise _plain(error.orig or error, engine) from error
    except exc.TimeoutError as error:
        raise _BUSY[0](_BUSY[1], hint=_BUSY[2]) from error  # every connection is lent out
    except Exception as error:
        if isinstance(error, sqlite3.Error) or type(error).__module__.startswith("psycopg"):
            raise _plain(error, engine) from error
        raise


def _is_absent(engine: Engine) -> bool:
    """Whether nothing is at the place of a file; where it cannot be told, something is."""
    try:
        os.lstat(str(engine.url.database))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _first_line(error: BaseException) -> str:
    # First line only: PostgreSQL's DETAIL quotes the row, which may hold an address.
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


_BUSY = BusyError, "the ledger is busy: another process is writing", "run it again in a moment"
_SHUT = (
    "the ledger's file cannot be opened",
    "look whose it is and what it is, and whether its folder can be written: SQLite puts its log there",
)
_FULL = BusyError, "the ledger's disk is full; nothing was written", "make room, run it again"
_DAMAGED = IntegrityError, "the ledger's file is damaged: {}", "restore it from a backup"
# What a database says, and what we make of it.
_MEANT = {
    "append-only": (IntegrityError, "{}", "a row of the ledger is corrected by a new row"),
    "locked": _BUSY,
    "lock timeout": _BUSY,
    "disk is full": _FULL,
    "No space left": _FULL,
    "disk I/O error": (
        BusyError,
        "the ledger's disk fails: {}; nothing was written",
        "look at the disk, run it again",
    ),
    "readonly database": (BusyError, "the ledger's file may not be written", "run it as its owner"),
    "not a database": _DAMAGED,
    "malformed": _DAMAGED,
}


def _plain(error: BaseException, engine: Engine) -> PolicyctlError:
    said = _first_line(error)
    if is_missing_table(error):
        return old_layout(engine)
    if any(kind.__name__ == "IntegrityError" for kind in type(error).__mro__):
        return IntegrityError(f"the ledger refused a row: {said}")
    if "unable to open database file" in said:
        return no_ledger() if _is_absent(engine) else BusyError(_SHUT[0], hint=_SHUT[1])
    for words, (kind, message, hint) in _MEANT.items():
        if words in said:
            return kind(message.format(said), hint=hint)
    return UnreachableError(
        f"the ledger could not be reached: {said}",
        hint="check [ledger] url in policyctl.toml, and the database",
    )
