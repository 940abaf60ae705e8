# SPDX-License-Identifier: Apache-2.0
"""Files of rows of any size, read one row at a time: CSV, JSON Lines, Parquet.

A file is read twice: once for its hash, by which an import is known again, and once for its rows.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator
from datetime import date, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

from policyctl.core.formats.csv_rows import Columns, CsvRow, stream_csv
from policyctl.core.formats.json_rows import cells_of, read_json_row
from policyctl.errors import InputError, Place, UsageError

_BLOCK = 1 << 20
_PARQUET_ROWS = 10_000
_LONGEST_LINE = 1 << 20
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

# How many bytes of the file have been read, whenever that has changed much.
Progress = Callable[[int], None]
RowOrError = CsvRow | InputError


def _quiet(_bytes: int) -> None:
    """Nobody looks."""


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content; UsageError for one that cannot be read."""
    with _open(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name a file that is there") from error


def read_rows(path: Path, columns: Columns, progress: Progress = _quiet) -> Iterator[RowOrError]:
    """The rows of a file by its ending (.jsonl, .ndjson, .parquet, else CSV); an InputError in the place of
    a row that will not do. Raises UsageError at once for a file that is not there, InputError on the way
    for what concerns the whole file.
    """
    _open(path).close()
    ending = path.suffix.lower()
    if ending == ".parquet":
        return _parquet(path, columns, progress)
    lines = _lines(path, progress)
    if ending in {".jsonl", ".ndjson"}:
        return _json_rows(lines, str(path), columns)
    return stream_csv(lines, file=str(path), columns=columns)


def _json_rows(lines: Iterator[str], file: str, columns: Columns) -> Iterator[RowOrError]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield read_json_row(line, Place(file, number), columns)


def _lines(path: Path, progress: Progress) -> Iterator[str]:
    """The lines of a text without their ends; any kind of line end, a byte-order mark is passed over."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    done, number, rest = 0, 1, ""
    with _open(path) as file:
        while True:
            block = file.read(_BLOCK)
            if not done and block.startswith(_UTF16):
                raise InputError("the file is UTF-16", hint="save it as UTF-8", place=Place(str(path)))
            rest += _decoded(decoder, block, path, done, number)
            done += len(block)
            held = (
                "\r" if block and rest.endswith("\r") else ""
            )  # its other half may come with the next block
            *lines, rest = _split(rest.removesuffix(held) if held else rest)
            rest += held
            for line in lines:
                yield _sound(line, path, number)
                number += 1
            progress(done)
            if not block:
                break
            if len(rest) > _LONGEST_LINE:
                hint = "end each row with a line end"
                raise InputError("this line is too long", hint=hint, place=Place(str(path), number))
    if rest:
        yield _sound(rest, path, number)


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, path: Path, done: int, number: int) -> str:
    try:
        return decoder.decode(block, final=not block)
    except UnicodeDecodeError as error:
        held = len(error.object) - len(block)  # bytes of a sign that the last block had begun
        line = number + error.object[: error.start].count(b"\n")
        raise InputError(
            f"the byte at offset {done - held + error.start} is not UTF-8",
            hint="save it as UTF-8",
            place=Place(str(path), line),
        ) from error


def _sound(line: str, path: Path, number: int) -> str:
    if "\0" in line:
        raise InputError("there is a NUL", hint="remove it", place=Place(str(path), number))
    return line


def _parquet(path: Path, columns: Columns, progress: Progress) -> Iterator[RowOrError]:
    """Rows are counted from 1; a time is a timestamp or a text."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError(
            "Parquet files need pyarrow, which is not installed",
            hint="install it with: pip install 'policyctl[bulk]'",
        ) from error
    with _open(path) as file:
        try:
            yield from _parquet_rows(pq.ParquetFile(file), path, columns, progress)
        except pa.ArrowException as error:
            raise InputError(
                "this is no Parquet file that can be read", hint="write it again", place=Place(str(path))
            ) from error


def _parquet_rows(parquet: Any, path: Path, columns: Columns, progress: Progress) -> Iterator[RowOrError]:
    size, total, number = path.stat().st_size, max(parquet.metadata.num_rows, 1), 0
    for batch in parquet.iter_batches(batch_size=_PARQUET_ROWS):
        for found in batch.to_pylist():
            number += 1
            cells = {name: _cell(value) for name, value in found.items()}
            yield cells_of(cells, Place(str(path), number), columns)
        progress(size * number // total)


def _cell(value: Any) -> Any:
    """Times as texts; a timestamp without a zone is UTC, as everywhere."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")[:26] + _zone(value)
    return value.isoformat() if isinstance(value, date) else value


def _zone(value: datetime) -> str:
    return "" if value.tzinfo is None else value.strftime("%z")
