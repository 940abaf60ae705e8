# SPDX-License-Identifier: Apache-2.0
"""The hot paths, on the driver itself: what is done by the million, inside the caller's transaction.

SQLAlchemy describes the tables and runs what is done now and then; here rows are plain tuples of
integers and bytes, and both databases answer to one small interface. Names of tables and columns are
ours; values never enter a statement. ``?`` marks a value, ``?*`` a list of them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
from typing import Any, Protocol

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.packed import (
    COPY_HEAD,
    COPY_TAIL,
    NEW_COLUMNS,
    TAG_COLUMNS,
    NewTag,
    TagValues,
    copies,
    pack_tags,
)

Row = tuple[Any, ...]
Question = tuple[Any, ...]  # a query, then its values
_PORTION = 500
_STREAMED = 50_000
_NUMBERS = count(1)
_STRETCH = 2_000
_SHORT_STRETCH = 400  # rows that a processor keeps at hand
_IF_NEW = " ON CONFLICT DO NOTHING"
_FEW = 300  # rows that go in by one statement: COPY cannot be under way unwaited
_SAME_TAG = " AND ".join(f"t.{name} = s.{name}" for name in TAG_COLUMNS[:3])


class Driver(Protocol):
    """What a database must do fast."""

    def rows(self, query: str, *values: Any) -> list[Row]:
        """The rows of a query."""

    def stream(self, query: str, size: int = _STREAMED) -> Iterator[list[Row]]:
        """The rows of a query of any size, ``size`` at a time; several may run side by side."""

    def ask(self, *questions: Question) -> list[list[Row]]:
        """The rows of several queries, asked in one go, each after the one before it is done."""

    def rows_in(self, query: str, wanted: Iterable[Any], *values: Any) -> Iterator[Row]:
        """The rows of a query for every one of ``wanted``, which ``?*`` stands for; ``values`` come after."""

    def rows_at(self, table: str, names: Sequence[str], key: Sequence[str], keys: Sequence[Row]) -> list[Row]:
        """The columns ``names`` of the rows with one of ``keys``, whole numbers each."""

    def unwaited(self) -> AbstractContextManager[None]:
        """What is inserted inside may be under way until the end; it raises there what went wrong. Nothing
        is to be asked inside.
        """

    def committed(self) -> AbstractContextManager[None]:
        """As :meth:`unwaited`, and the transaction may end with it: the last that is done in one."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, of which none may be there."""

    def insert_missing(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add the rows whose key is not there yet."""

    def insert_tags(
        self, table: str, batch_no: int, rows: Sequence[NewTag], pack: Callable[[Sequence[NewTag]], bytes]
    ) -> int:
        """Add the tags that are not there, of rows sorted by key with no key twice; how many were added.
        ``pack`` is :func:`pack_tags`, of one who wants the bytes; called for a stretch of rows at a time,
        in their order, and for all of them by the end.
        """

    def tags_there(self, table: str, batch_no: int, rows: Sequence[NewTag]) -> list[TagValues]:
        """The tags in the table with the keys of ``rows``, of any batch but ``batch_no``."""


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

    def ask(self, *questions: Question) -> list[list[Row]]:
        """One by one: nothing travels."""
        return [self.rows(*question) for question in questions]

    def rows_at(self, table: str, names: Sequence[str], key: Sequence[str], keys: Sequence[Row]) -> list[Row]:
        """One prepared look-up a key."""
        where = " AND ".join(f"{name} = ?" for name in key)
        query = f"SELECT {', '.join(names)} FROM {table} WHERE {where}"  # noqa: S608 - our own names
        return [row for one in keys for row in self.raw.execute(query, one)]

    def unwaited(self) -> AbstractContextManager[None]:
        """Nothing travels."""
        return nullcontext()

    def committed(self) -> AbstractContextManager[None]:
        """Nothing travels."""
        return nullcontext()

    def stream(self, query: str, size: int = _STREAMED) -> Iterator[list[Row]]:
        """A cursor of its own."""
        cursor = self.raw.execute(query)
        yield from iter(lambda: cursor.fetchmany(size), [])

    def rows_in(self, query: str, wanted: Iterable[Any], *values: Any) -> Iterator[Row]:
        """In portions, as SQLite takes only so many values; the last one is filled up with a repeat."""
        whole = list(wanted)
        for start in range(0, len(whole), _PORTION):
            portion = whole[start : start + _PORTION]
            size = 1 << (len(portion) - 1).bit_length()  # few different statements to prepare
            marks = ", ".join("?" * size)
            filled = [*portion, *[portion[-1]] * (size - len(portion))]
            yield from self.raw.execute(query.replace("?*", f"({marks})"), (*filled, *values))

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, of which none may be there."""
        self.raw.executemany(self._insertion(table, columns), rows)

    def insert_missing(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add the rows whose key is not there yet."""
        # Not OR IGNORE, which would also pass over a value that the table refuses.
        self.raw.executemany(self._insertion(table, columns) + _IF_NEW, rows)

    def insert_tags(
        self, table: str, batch_no: int, rows: Sequence[NewTag], pack: Callable[[Sequence[NewTag]], bytes]
    ) -> int:
        """As if none were there, which is the fastest; from the first one that is, with a look at each."""
        before = self.raw.total_changes
        # The number of the batch stands in the statement: a sixth less to hand over for each row.
        names, marks = ", ".join(NEW_COLUMNS), ", ".join("?" * len(NEW_COLUMNS))
        insertion = f"INSERT INTO {table} (batch_no, {names}) VALUES ({int(batch_no)}, {marks})"  # noqa: S608 - our own names
        for start in range(0, len(rows), _SHORT_STRETCH):
            # Sorted rows lie anywhere in memory: to pack them where they are just needed is half as dear.
            stretch = rows[start : start + _SHORT_STRETCH]
            pack(stretch)
            insertion = self._insert_stretch(insertion, stretch)
        return int(self.raw.total_changes - before)

    def _insert_stretch(self, insertion: str, rows: Sequence[NewTag]) -> str:
        """The statement for the next ones. A row that fails takes only itself back."""
        before = self.raw.total_changes
        try:
            self.raw.executemany(insertion, rows)
        except sqlite3.IntegrityError:
            insertion += _IF_NEW
            self.raw.executemany(insertion, rows[self.raw.total_changes - before :])
        return insertion

    @staticmethod
    def _insertion(table: str, columns: Sequence[str]) -> str:
        marks = ", ".join("?" * len(columns))
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names

    def tags_there(self, table: str, batch_no: int, rows: Sequence[NewTag]) -> list[TagValues]:
        """One prepared look-up a key, in the order of the tree."""
        query = (
            f"SELECT {', '.join(TAG_COLUMNS)} FROM {table} "  # noqa: S608 - our own names
            "WHERE subject_no = ? AND category = ? AND ref = ? AND batch_no <> ?"
        )
        execute = self.raw.execute
        found = (execute(query, (*row[:3], batch_no)).fetchone() for row in rows)
        return [row for row in found if row is not None]


def _kept(parts: Iterable[bytes], found: list[bytes]) -> Iterator[bytes]:
    for part in parts:
        found.append(part)
        yield part


def _array(numbers: Iterable[int]) -> str:
    """Whole numbers as PostgreSQL writes a list of them, which costs less than to have it built."""
    return f"{{{','.join(map(str, numbers))}}}"


def _hex(value: bytes) -> str:
    """Bytes as PostgreSQL writes them."""
    return f"\\x{value.hex()}"


def _has_pipeline() -> bool:
    from psycopg import Pipeline

    return Pipeline.is_supported()


class PostgresDriver:
    """psycopg 3; rows go in by COPY, tags in its binary form."""

    def __init__(self, connection: Any) -> None:
        self.raw = connection

    def rows(self, query: str, *values: Any) -> list[Row]:
        """The rows of a query."""
        return self.raw.execute(query.replace("?", "%s"), values).fetchall()  # type: ignore[no-any-return]

    def ask(self, *questions: Question) -> list[list[Row]]:
        """One trip to the server and back."""
        with self.unwaited():
            asked = [self.raw.execute(query.replace("?", "%s"), values) for query, *values in questions]
        return [cursor.fetchall() for cursor in asked]

    @contextmanager
    def unwaited(self) -> Iterator[None]:
        """In a pipeline, where the library of the server has it."""
        with self.raw.pipeline() if _has_pipeline() else nullcontext():
            yield

    @contextmanager
    def committed(self) -> Iterator[None]:
        """The COMMIT travels with the rest; where one of them fails it is not carried out."""
        with self.unwaited():
            yield
            self.raw.execute("COMMIT")

    def rows_at(self, table: str, names: Sequence[str], key: Sequence[str], keys: Sequence[Row]) -> list[Row]:
        """All in one query, each column of the keys being one array."""
        if not keys:
            return []
        arrays = ", ".join("%s::bigint[]" for _ in key)
        same = " AND ".join(f"t.{name} = k.{name}" for name in key)
        # OFFSET 0: each key by the index, whatever the server thinks of a table that has just grown.
        query = (
            f"SELECT f.* FROM unnest({arrays}) AS k({', '.join(key)}) "  # noqa: S608 - our own names
            f"CROSS JOIN LATERAL (SELECT {', '.join(names)} FROM {table} t WHERE {same} OFFSET 0) f"
        )
        return self.raw.execute(query, [_array(each) for each in zip(*keys, strict=True)]).fetchall()  # type: ignore[no-any-return]

    def stream(self, query: str, size: int = _STREAMED) -> Iterator[list[Row]]:
        """A cursor that the server keeps, as a plain one would fetch all rows first."""
        with self.raw.cursor(name=f"stream_{next(_NUMBERS)}") as cursor:
            cursor.execute(query)
            yield from iter(lambda: cursor.fetchmany(size), [])

    def rows_in(self, query: str, wanted: Iterable[Any], *values: Any) -> Iterator[Row]:
        """All in one query, the list being one array."""
        if whole := list(wanted):
            said = query.replace("IN ?*", "= ANY(%s)").replace("?", "%s")
            yield from self.raw.execute(said, (whole, *values))

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, of which none may be there."""
        names = ", ".join(columns)
        if len(rows) < _FEW:
            whole = json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=_hex)
            read = f"json_populate_recordset(NULL::{table}, %s)"
            self.raw.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {read}", [whole])  # noqa: S608 - our own names
            return
        with self.raw.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
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

    def insert_tags(
        self, table: str, batch_no: int, rows: Sequence[NewTag], pack: Callable[[Sequence[NewTag]], bytes]
    ) -> int:
        """Straight into the table; where one is there already, which the first of the sorted rows mostly
        tells, through a stage of this transaction.
        """
        from psycopg.errors import UniqueViolation

        packed: list[bytes] = []
        stretches = (rows[start : start + _STRETCH] for start in range(0, len(rows), _STRETCH))
        try:
            with self.raw.transaction():  # a savepoint
                self._copy(table, batch_no, _kept(map(pack, stretches), packed))
        except UniqueViolation:
            packed += map(pack, stretches)
            return self._insert_missing_tags(table, batch_no, packed)
        return len(rows)

    def _copy(self, table: str, batch_no: int, packed: Iterable[bytes]) -> None:
        """COPY tags into a table, in the order given; the server takes some in while the next are made,
        as a thread hands them over.
        """
        from psycopg.copy import QueuedLibpqWriter

        cursor = self.raw.cursor()
        into = f"COPY {table} ({', '.join(TAG_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
        with cursor.copy(into, writer=QueuedLibpqWriter(cursor)) as copy:
            copy.write(COPY_HEAD)
            for stretch in packed:
                copy.write(copies(stretch, batch_no))
            copy.write(COPY_TAIL)

    def _insert_missing_tags(self, table: str, batch_no: int, packed: Iterable[bytes]) -> int:
        self._stage(batch_no, packed)
        names = ", ".join(TAG_COLUMNS)
        added = self.raw.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM tag_stage "  # noqa: S608 - our own names
            "ON CONFLICT (subject_no, category, ref) DO NOTHING"
        )
        return int(added.rowcount)

    def tags_there(self, table: str, batch_no: int, rows: Sequence[NewTag]) -> list[TagValues]:
        """Joined with the stage."""
        self._stage(batch_no, [pack_tags(rows)])
        names = ", ".join(f"t.{name}" for name in TAG_COLUMNS)
        query = (
            f"SELECT {names} FROM tag_stage s JOIN {table} t ON {_SAME_TAG} "  # noqa: S608 - our own names
            "WHERE t.batch_no <> s.batch_no"
        )
        return self.raw.execute(query).fetchall()  # type: ignore[no-any-return]

    def _stage(self, batch_no: int, packed: Iterable[bytes]) -> None:
        self.raw.execute("DROP TABLE IF EXISTS tag_stage")
        self.raw.execute(
            "CREATE TEMP TABLE tag_stage (subject_no bigint, category smallint, ref bigint, "
            "collected_at bigint, batch_no integer, version_no smallint) ON COMMIT DROP"
        )
        self._copy("tag_stage", batch_no, packed)
