# SPDX-License-Identifier: Apache-2.0
"""DuckDB over Parquet: the embedded engine for questions about records by the million.

Relations lie in Parquet files of a temporary folder; memory is bounded, what does not fit is spilled
there. Nothing is fetched at run time: extensions are neither installed nor loaded.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from policyctl.errors import CannotCompareError, InputError, Place, RefusedError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection
    from sqlglot import exp

_NEEDED = ("subject", "category", "record", "version")
# Names that the query uses itself.
_TAKEN = frozenset({"answer", "code", "rank", "own", "own_code", "worst", "key_subject", "key_category"})
_TAKEN |= {"key_record"}
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "2GB",
    "preserve_insertion_order": "false",
}

_PORTION = 50_000

# The columns of the tags that are put, and the kind of each as pyarrow calls it.
TAG_COLUMNS = (
    ("subject", "int64"),
    ("category", "int32"),
    ("ref", "int64"),
    ("collected_at", "int64"),
    ("version", "int32"),
    ("name", "string"),
)


@contextmanager
def workbench() -> Iterator[Workbench]:
    """A database in memory and a folder for its files; both are gone afterwards. UsageError where what it
    needs is not installed.
    """
    try:
        import duckdb
        import pyarrow as pa  # noqa: F401 - asked here so that its absence has a plain message
        import sqlglot  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"deciding in bulk needs {error.name}, which is not installed",
            hint="install it with: pip install 'policyctl[bulk]'",
        ) from error
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="policyctl-bulk-"))
        try:
            config = {**_CONFIG, "temp_directory": str(Path(folder) / "spill")}
            database = stack.enter_context(duckdb.connect(config=config))
            database.execute("SET TimeZone = 'UTC'")
            yield Workbench(Path(folder), database)
        except duckdb.Error as error:
            raise _plain(error) from error


def _plain(error: Exception) -> CannotCompareError:
    said = str(error).strip().splitlines()[0]
    return CannotCompareError(
        f"the records could not be decided: {said}",
        hint="make room on the disk, or mend the file; run it again",
    )


class Workbench:
    """Relations by name, and queries on them."""

    def __init__(self, folder: Path, database: DuckDBPyConnection) -> None:
        self._folder = folder
        self._database = database

    def put(self, name: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> None:
        """Make a relation of rows; they are taken a portion at a time."""
        import pyarrow as pa

        schema = pa.schema([(column, getattr(pa, kind)()) for column, kind in columns])
        self._write(name, schema, (_table(schema, portion) for portion in _portions(rows)))

    def put_tags(self, portions: Iterable[Sequence[Sequence[Any]]]) -> int:
        """Make the relation ``tag`` of portions of rows of :data:`TAG_COLUMNS`; how many there are.
        ``collected_at`` comes in seconds; a record is called by its name, else by its number.
        """
        import pyarrow as pa

        raw = pa.schema([(column, getattr(pa, kind)()) for column, kind in TAG_COLUMNS])
        tables = (_with_records(_table(raw, portion)) for portion in portions)
        schema = _with_records(_table(raw, [])).schema
        return self._write("tag", schema, tables)

    def _write(self, name: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
        import pyarrow.parquet as pq

        path = self._folder / f"{name}.parquet"
        count = 0
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
                count += table.num_rows
        self._database.read_parquet(str(path)).create_view(name)
        return count

    def open_file(self, path: Path) -> dict[str, str]:
        """Make the relation ``file`` of a Parquet file of tags; its columns, and the kind of each.
        InputError where it is none, or a column is missing or of a kind that will not do.
        """
        kinds = _kinds(path)
        # By a name of ours, as the engine takes some signs of a path for wildcards.
        link = self._folder / "file.parquet"
        link.symlink_to(path.resolve())
        self._database.read_parquet(str(link)).create_view("file")
        return kinds

    def define(self, name: str, query: exp.Select) -> None:
        """Make a relation of a query."""
        self._relation(query).create_view(name)

    def rows(self, query: exp.Select) -> list[tuple[Any, ...]]:
        """The rows of a query, which must be few."""
        found: list[tuple[Any, ...]] = self._relation(query).fetchall()
        return found

    def stream(self, query: exp.Select) -> Iterator[tuple[Any, ...]]:
        """The rows of a query of any size."""
        cursor = self._database.cursor()
        cursor.execute(query.sql(dialect="duckdb"))
        while rows := cursor.fetchmany(_PORTION):
            yield from rows

    def explain(self, query: exp.Select) -> str:
        """The query as this engine gets it, and how it means to go about it."""
        return f"{query.sql(dialect='duckdb', pretty=True)}\n\n{self._relation(query).explain()}"

    def write(self, query: exp.Select, path: Path, *, over: bool) -> int:
        """The rows of a query as a Parquet file, there whole or not at all; how many. ``over``: in the
        place of one that may be there; else RefusedError where there is one.
        """
        import pyarrow.parquet as pq

        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            self._relation(query).write_parquet(str(fresh), compression="zstd")
            rows = int(pq.read_metadata(fresh).num_rows)
            _settle(fresh, path, over=over)
        except OSError as error:
            raise RefusedError(
                f"{path} cannot be written: {error.strerror}", hint="name a file in a folder you may write to"
            ) from error
        finally:
            fresh.unlink(missing_ok=True)
        return rows

    def _relation(self, query: exp.Select) -> Any:
        return self._database.sql(query.sql(dialect="duckdb"))


def check_target(path: Path, *, over: bool) -> None:
    """Raise before the work what would stop it after."""
    if path.exists() and not over:
        raise RefusedError(f"{path} is there already", hint="name another file, or add --force")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written there", hint="name a file in a folder that is there")


def _settle(fresh: Path, path: Path, *, over: bool) -> None:
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    if over:
        fresh.replace(path)
        return
    try:
        os.link(fresh, path)
    except FileExistsError as error:
        raise RefusedError(f"{path} is there already", hint="name another file, or add --force") from error


def _portions(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    portion: list[Sequence[Any]] = []
    for row in rows:
        portion.append(row)
        if len(portion) == _PORTION:
            yield portion
            portion = []
    if portion:
        yield portion


def _table(schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> pa.Table:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _with_records(raw: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    since = pc.multiply(raw["collected_at"], 1_000_000).cast(pa.timestamp("us", "UTC"))
    record = pc.coalesce(raw["name"], raw["ref"].cast(pa.string()))
    return pa.table(
        {
            "subject": raw["subject"],
            "category": raw["category"],
            "version": raw["version"],
            "collected_at": since,
            "record": record,
        }
    )


# What a file of tags must be


def _kinds(path: Path) -> dict[str, str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = Place(str(path))
    try:
        schema = pq.read_schema(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="name a file that is there") from error
    except pa.ArrowException as error:
        raise InputError(
            "this is no Parquet file that can be read", hint="write it again", place=place
        ) from error
    kinds = {field.name: _kind(field.type) for field in schema}
    for name in _NEEDED:
        if name not in kinds:
            raise InputError(
                f"the column {name!r} is missing",
                hint=f"the columns are {', '.join(_NEEDED)}, and collected_at where it is known",
                place=Place(str(path), key=name),
            )
    _check_kinds(kinds, path)
    return kinds


def _check_kinds(kinds: Mapping[str, str], path: Path) -> None:
    allowed = dict.fromkeys(_NEEDED, ("text",)) | {"record": ("text", "number"), "collected_at": ("time",)}
    for name, kind in kinds.items():
        if kind not in allowed.get(name, (kind,)):
            hint = f"write it as {' or '.join(allowed[name])}"
            raise InputError(
                f"the column {name!r} is of another type", hint=hint, place=Place(str(path), key=name)
            )
        if name.lower() in _TAKEN or (name.lower() in kinds and name.lower() != name):
            hint = "call it otherwise, or leave it out"
            raise InputError(
                f"the column {name!r} has a name that the answer needs",
                hint=hint,
                place=Place(str(path), key=name),
            )


def _kind(kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_integer(kind):
        return "number"
    return "time" if pa.types.is_timestamp(kind) else str(kind)
