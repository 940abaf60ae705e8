# SPDX-License-Identifier: Apache-2.0
"""The hot paths, on the driver itself: what is done by the million, inside the caller's transaction.

SQLAlchemy describes the tables and runs what is done now and then; here rows are plain tuples of
integers and bytes, and both databases answer to one small interface. Names of tables and columns are
ours; values never enter a statement. ``?`` marks a value, ``?*`` a list of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import Connection

Row = tuple[Any, ...]
TagValues = tuple[int, int, int, int, int, int]
TAG_COLUMNS = ("subject_no", "category", "ref", "collected_at", "batch_no", "version_no")
_PORTION = 500
_STREAMED = 50_000
_NUMBERS = count(1)
_SAME_TAG = " AND ".join(f"t.{name} = s.{name}" for name in TAG_COLUMNS[:3])


class Driver(Protocol):
    """What a database must do fast."""

    def rows(self, query: str, *values: Any) -> list[Row]:
        """The rows of a query."""

    def stream(self, query: str, size: int = _STREAMED) -> Iterator[list[Row]]:
        """The rows of a query of any size, ``size`` at a time; several may run side by side."""

    def rows_in(self, query: str, wanted: Iterable[Any]) -> Iterator[Row]:
        """The rows of a query for every one of ``wanted``, which ``?*`` stands for."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, of which none may be there."""

    def insert_missing(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add the rows whose key is not there yet."""

    def insert_tags(self, table: str, rows: Sequence[TagValues], packed: Sequence[bytes]) -> int:
        """Add the tags that are not there, of rows sorted by key with no key twice; how many were added.
        ``packed``: the same rows by :func:`packed_tags`.
        """

    def tags_there(self, table: str, rows: Sequence[TagValues]) -> list[TagValues]:
        """The tags in the table with the keys of ``rows`` and of another batch than theirs."""


def in_key_order(rows: Iterable[TagValues]) -> list[TagValues]:
    """Sorted by key: three passes by one number each take half the time of one that compares tuples."""
    found = sorted(rows, key=itemgetter(2))
    found.sort(key=itemgetter(1))
    found.sort(key=itemgetter(0))
    return found


def driver_of(connection: Connection) -> Driver:
    """The driver below a connection of SQLAlchemy."""
    raw = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return SqliteDriver(raw)
    return PostgresDriver(raw)


class SqliteDriver:
    """sqlite3, statements prepared once and kept by the module's own cache."""

    def __init__(self, connection: Any) -> None:
        self.raw = connection

    def rows(self, query: str, *values: Any) -> list[Row]:
        """The rows of a query."""
        return self.raw.execute(query, values).fetchall()  # type: ignore[no-any-return]

    def stream(self, query: str, size: int = _STREAMED) -> Iterator[list[Row]]:
        """A cursor of its own."""
        cursor = self.raw.execute(query)
        yield from iter(lambda: cursor.fetchmany(size), [])

    def rows_in(self, query: str, wanted: Iterable[Any]) -> Iterator[Row]:
        """In portions, as SQLite takes only so many values; the last one is filled up with a repeat."""
        values = list(wanted)
        for start in range(0, len(values), _PORTION):
            portion = values[start : start + _PORTION]
            size = 1 << (len(portion) - 1).bit_length()  # few different statements to prepare
            marks = ", ".join("?" * size)
            filled = [*portion, *[portion[-1]] * (size - len(portion))]
            yield from self.raw.execute(query.replace("?*", f"({marks})"), filled)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, of which none may be there."""
        self.raw.executemany(self._insertion(table, columns), rows)

    def insert_missing(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add the rows whose key is not there yet."""
        # Not OR IGNORE, which would also pass over a value that the table refuses.
        self.raw.executemany(f"{self._insertion(table, columns)} ON CONFLICT DO NOTHING", rows)

    def insert_tags(self, table: str, rows: Sequence[TagValues], packed: Sequence[bytes]) -> int:
        """Add the tags that are not there."""
        del packed
        before = self.raw.total_changes
        self.insert_missing(table, TAG_COLUMNS, rows)
        return int(self.raw.total_changes - before)

    @staticmethod
    def _insertion(table: str, columns: Sequence[str]) -> str:
        marks = ", ".join("?" * len(columns))
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names

    def tags_there(self, table: str, rows: Sequence[TagValues]) -> list[TagValues]:
        """One prepared look-up a key, in the order of the tree."""
        query = (
            f"SELECT {', '.join(TAG_COLUMNS)} FROM {table} "  # noqa: S608 - our own names
            "WHERE subject_no = ? AND category = ? AND ref = ? AND batch_no <> ?"
        )
        execute = self.raw.execute
        found = (execute(query, (row[0], row[1], row[2], row[4])).fetchone() for row in rows)
        return [row for row in found if row is not None]


class PostgresDriver:
    """psycopg 3; rows go in by COPY, tags in its binary form."""

    def __init__(self, connection: Any) -> None:
        self.raw = connection

    def rows(self, query: str, *values: Any) -> list[Row]:
        """The rows of a query."""
        return self.raw.execute(query.replace("?", "%s"), values).fetchall()  # type: ignore[no-any-return]

    def stream(self, query: str, size: int = _STREAMED) -> Iterator[list[Row]]:
        """A cursor that the server keeps, as a plain one would fetch all rows first."""
        with self.raw.cursor(name=f"stream_{next(_NUMBERS)}") as cursor:
            cursor.execute(query)
            yield from iter(lambda: cursor.fetchmany(size), [])

    def rows_in(self, query: str, wanted: Iterable[Any]) -> Iterator[Row]:
        """All in one query, the list being one array."""
        said = query.replace("IN ?*", "= ANY(%s)")
        yield from self.raw.execute(said, (list(wanted),))

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, of which none may be there."""
        with self.raw.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def insert_missing(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Through a stage of this transaction."""
        if not rows:
            return
        names, stage = ", ".join(columns), f"{table}_stage"
        self.raw.execute(f"DROP TABLE IF EXISTS {stage}")
        like = f"SELECT {names} FROM {table} LIMIT 0"  # noqa: S608 - our own names
        self.raw.execute(f"CREATE TEMP TABLE {stage} ON COMMIT DROP AS {like}")
        self.insert(stage, columns, rows)
        self.raw.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {stage} ON CONFLICT DO NOTHING")  # noqa: S608 - our own names

    def insert_tags(self, table: str, rows: Sequence[TagValues], packed: Sequence[bytes]) -> int:
        """Straight into the table; where one is there already, which the first of the sorted rows mostly
        tells, through a stage of this transaction.
        """
        from psycopg.errors import UniqueViolation

        try:
            with self.raw.transaction():  # a savepoint
                copy_tags(self.raw, table, packed)
        except UniqueViolation:
            return self._insert_missing_tags(table, rows)
        return len(rows)

    def _insert_missing_tags(self, table: str, rows: Sequence[TagValues]) -> int:
        self._stage(rows)
        names = ", ".join(TAG_COLUMNS)
        added = self.raw.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM tag_stage "  # noqa: S608 - our own names
            "ON CONFLICT (subject_no, category, ref) DO NOTHING"
        )
        return int(added.rowcount)

    def tags_there(self, table: str, rows: Sequence[TagValues]) -> list[TagValues]:
        """Joined with the stage."""
        self._stage(rows)
        names = ", ".join(f"t.{name}" for name in TAG_COLUMNS)
        query = (
            f"SELECT {names} FROM tag_stage s JOIN {table} t ON {_SAME_TAG} "  # noqa: S608 - our own names
            "WHERE t.batch_no <> s.batch_no"
        )
        return self.raw.execute(query).fetchall()  # type: ignore[no-any-return]

    def _stage(self, rows: Sequence[TagValues]) -> None:
        self.raw.execute("DROP TABLE IF EXISTS tag_stage")
        self.raw.execute(
            "CREATE TEMP TABLE tag_stage (subject_no bigint, category smallint, ref bigint, "
            "collected_at bigint, batch_no integer, version_no smallint) ON COMMIT DROP"
        )
        copy_tags(self.raw, "tag_stage", packed_tags(rows))


# The binary form of COPY: a signature, then for each row the number of columns, each value after its length.
_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TAIL = struct.pack(">h", -1)
_ROW = struct.Struct(">h iq ih iq iq ii ih".replace(" ", ""))


_ROWS_AT_ONCE = 2_000  # the server takes these in while the next are sent


def packed_tags(rows: Iterable[TagValues]) -> list[bytes]:
    """Each tag as PostgreSQL's binary COPY writes it: what goes there, and what the chain hashes."""
    pack = _ROW.pack
    return [
        pack(6, 8, subject_no, 2, category, 8, ref, 8, collected_at, 4, batch_no, 2, version_no)
        for subject_no, category, ref, collected_at, batch_no, version_no in rows
    ]


def copy_tags(connection: Any, table: str, packed: Sequence[bytes]) -> None:
    """COPY tags into a table, in the order given."""
    into = f"COPY {table} ({', '.join(TAG_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor().copy(into) as copy:
        copy.write(_HEAD)
        for start in range(0, len(packed), _ROWS_AT_ONCE):
            copy.write(b"".join(packed[start : start + _ROWS_AT_ONCE]))
        copy.write(_TAIL)
