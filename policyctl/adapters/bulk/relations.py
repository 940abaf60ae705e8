# SPDX-License-Identifier: Apache-2.0
"""Rows of ours as Parquet files, a portion at a time, so that any number of them fits into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

PORTION = 50_000

# The columns of the tags that are put, and the kind of each as pyarrow calls it.
TAG_COLUMNS = (
    ("subject", "int64"),
    ("category", "int32"),
    ("ref", "int64"),
    ("collected_at", "int64"),
    ("version", "int32"),
    ("name", "string"),
)


def write_rows(path: Path, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> int:
    """Rows of (column, kind as pyarrow calls it); how many there are."""
    import pyarrow as pa

    schema = pa.schema([(column, getattr(pa, kind)()) for column, kind in columns])
    return _write(path, schema, (_table(schema, portion) for portion in _portions(rows)))


def write_tags(path: Path, portions: Iterable[Sequence[Sequence[Any]]]) -> int:
    """Portions of rows of :data:`TAG_COLUMNS`; how many rows there are. ``collected_at`` comes in
    seconds; a record is called by its name, else by its number.
    """
    import pyarrow as pa

    raw = pa.schema([(column, getattr(pa, kind)()) for column, kind in TAG_COLUMNS])
    tables = (_with_records(_table(raw, portion)) for portion in portions)
    return _write(path, _with_records(_table(raw, [])).schema, tables)


def _write(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    import pyarrow.parquet as pq

    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            count += table.num_rows
    return count


def _portions(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    portion: list[Sequence[Any]] = []
    for row in rows:
        portion.append(row)
        if len(portion) == PORTION:
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
