# SPDX-License-Identifier: Apache-2.0
"""A CSV file as rows that know their line: UTF-8, commas, one header line with known columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from policyctl.core.suggest import did_you_mean
from policyctl.errors import InputError, InputErrors, Place, PolicyctlError

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns a file must have, and those it may have."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """All of them, in the order of the documentation."""
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: where it begins, and its cells by column, without the white space around them."""

    place: Place
    cells: Mapping[str, str]


def read_csv(content: bytes, *, file: str, columns: Columns) -> tuple[CsvRow, ...]:
    """The rows of a CSV file. ``file`` is the name the user gave it.

    A byte-order mark, CRLF and blank lines are fine. Raises InputError, with line or byte offset, for
    another encoding, an empty file, a header that does not fit, a row of another length.
    """
    records = list(_records(_decoded(content, file).split("\n"), file))
    if not records:
        raise InputError("the file is empty", hint=_header_hint(columns), place=Place(file))
    header = [cell.strip() for cell in records[0][1]]
    _check_header(header, Place(file, records[0][0]), columns)
    if len(records) == 1:
        raise InputError("there is a header, but not one row", hint="add a row", place=Place(file, 1))
    return _rows(records[1:], header, file)


def _header_hint(columns: Columns) -> str:
    optional = f" (and, if you like, {', '.join(columns.optional)})" if columns.optional else ""
    return f"the first line names the columns: {','.join(columns.required)}{optional}"


def _decoded(content: bytes, file: str) -> str:
    if content.startswith(_UTF16):
        raise InputError("the file is UTF-16", hint="save it as CSV UTF-8", place=Place(file))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"the byte at offset {error.start} is not UTF-8",
            hint="save it as CSV UTF-8",
            place=Place(file, line),
        ) from error
    if "\0" in text:
        offset = content.index(b"\0")
        line = content[:offset].count(b"\n") + 1
        raise InputError(f"a NUL at byte offset {offset}", hint="remove it", place=Place(file, line))
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def stream_csv(lines: Iterable[str], *, file: str, columns: Columns) -> Iterator[CsvRow | InputError]:
    """The rows of a CSV file of any size, one at a time; an error in the place of a row that will not do.

    ``lines`` without their ends, without a byte-order mark. Raises as :func:`read_csv` does for what
    concerns the whole file.
    """
    records = _records(lines, file)
    line, names = next(records, (0, []))
    if not line:
        raise InputError("the file is empty", hint=_header_hint(columns), place=Place(file))
    header = [cell.strip() for cell in names]
    _check_header(header, Place(file, line), columns)
    for line, cells in records:
        yield _length_error(line, cells, header, file) or _row(line, cells, header, file)


def _length_error(line: int, cells: list[str], header: list[str], file: str) -> InputError | None:
    if len(cells) == len(header):
        return None
    return InputError(
        f"this row has {len(cells)} cells, the header has {len(header)}",
        hint="give every column a cell, an empty one where nothing is to be said",
        place=Place(file, line),
    )


def _row(line: int, cells: list[str], header: list[str], file: str) -> CsvRow:
    return CsvRow(Place(file, line), dict(zip(header, (cell.strip() for cell in cells), strict=True)))


def _records(lines: Iterable[str], file: str) -> Iterator[tuple[int, list[str]]]:
    """(first line, cells) of everything that is not a blank line."""
    reader = csv.reader((line + "\n" for line in lines), strict=True)
    before = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = 'a cell with a comma or a quotation mark stands in "...", with each mark inside doubled'
            raise InputError(f"this is no CSV: {error}", hint=hint, place=Place(file, before + 1)) from error
        if any(cell.strip() for cell in cells):
            yield before + 1, cells
        before = reader.line_num


def _check_header(header: list[str], place: Place, columns: Columns) -> None:
    complaints = list(_header_complaints(header, columns))
    if complaints:
        raise _several([InputError(text, hint=hint, place=place) for text, hint in complaints])


def _header_complaints(header: list[str], columns: Columns) -> Iterator[tuple[str, str]]:
    if len(header) == 1 and ";" in header[0]:
        yield "the columns are separated by semicolons", "separate them by commas"
        return
    for name in dict.fromkeys(name for name in header if header.count(name) > 1):
        yield f"the column {name!r} stands there twice", "keep one of them"
    for name in header:
        if name not in columns.known:
            yield f"unknown column {name!r}", did_you_mean(name, columns.known, _header_hint(columns))
    missing = [name for name in columns.required if name not in header]
    if missing:
        yield f"the column {', '.join(missing)} is missing", _header_hint(columns)


def _rows(records: list[tuple[int, list[str]]], header: list[str], file: str) -> tuple[CsvRow, ...]:
    errors = (_length_error(line, cells, header, file) for line, cells in records)
    if odd := [error for error in errors if error is not None]:
        raise _several(odd)
    return tuple(_row(line, cells, header, file) for line, cells in records)


def _several(errors: list[InputError]) -> PolicyctlError:
    return errors[0] if len(errors) == 1 else InputErrors(tuple(errors))
