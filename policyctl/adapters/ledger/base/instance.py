# SPDX-License-Identifier: Apache-2.0
"""Which ledger this is, and whether this is the place it sends from.

A copy of a ledger knows whom the original owes a mail. So a ledger keeps the *place* where its keeper adopted
it, and only there notices are sent. A place is

- on SQLite the machine (``/etc/machine-id``), the path of the file, and its inode, which no copy has;
- on PostgreSQL the server (its system identifier) and the database's own number: one that was dumped and
  loaded has another, even under the same name. Only a copy of the server's whole folder has the same.

``restore`` clears the place, so that nothing is sent from what was restored until it is adopted.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.core.custody import Instance

_MACHINE = Path("/etc/machine-id")
_ROW = "SELECT id, place, lost_up_to, erasures FROM instance"
_DATABASE = "SELECT oid FROM pg_database WHERE datname = current_database()"
_MAY_ASK = "SELECT has_function_privilege('pg_control_system()', 'execute')"


def read_instance(connection: Connection) -> Instance:
    """Which ledger this is. One without a row was adopted nowhere."""
    for number, place, lost_up_to, erasures in driver_of(connection).rows(_ROW):
        return Instance(number, bool(place) and place == place_of(connection), lost_up_to, erasures)
    return Instance("", here=False)


def begin_instance(connection: Connection) -> None:
    """A ledger that was just made is at home where it was made; one that has a row keeps it."""
    if not driver_of(connection).rows(_ROW):
        adopt(connection, 0)


def adopt(connection: Connection, lost_up_to: int) -> str:
    """Send from here, as a ledger of its own; its new id."""
    number = secrets.token_hex(8)
    erasures = read_instance(connection).erasures
    connection.exec_driver_sql("DELETE FROM instance")
    row = (1, lost_up_to, number, place_of(connection), erasures)
    driver_of(connection).insert("instance", ("instance_no", "lost_up_to", "id", "place", "erasures"), [row])
    return number


def disown(connection: Connection) -> None:
    """Send from nowhere."""
    connection.exec_driver_sql("UPDATE instance SET place = ''")


def note_erasures(connection: Connection, digest: str) -> None:
    """The list of erasures with this digest (hex) has been seen to."""
    if set(digest) <= set("0123456789abcdef"):
        connection.exec_driver_sql(f"UPDATE instance SET erasures = '{digest}'")  # noqa: S608 - hex digits


def place_of(connection: Connection) -> str:
    """The digest of where a ledger is; only good for comparing."""
    said = _on_sqlite(connection) if connection.dialect.name == "sqlite" else _on_postgresql(connection)
    return sha256("\0".join(said).encode("utf-8", "surrogateescape")).hexdigest()


def _on_sqlite(connection: Connection) -> list[str]:
    path = Path(str(connection.engine.url.database)).resolve()
    machine = _MACHINE.read_text("ascii", errors="replace").strip() if _MACHINE.is_file() else ""
    return [machine, str(path), str(path.stat().st_ino)]


def _on_postgresql(connection: Connection) -> list[str]:
    driver = driver_of(connection)
    ((allowed,),) = driver.rows(_MAY_ASK)
    system = driver.rows("SELECT system_identifier FROM pg_control_system()") if allowed else [("",)]
    return [str(system[0][0]), str(driver.rows(_DATABASE)[0][0])]
