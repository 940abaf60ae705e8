# SPDX-License-Identifier: Apache-2.0
"""CSV files as people make them, and the files that are none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.core.formats.csv_rows import Columns, read_csv
from policyctl.core.formats.moments import read_moment
from policyctl.errors import InputError, InputErrors
from tests.adapters.ledger_samples import day

TWO = Columns(("name", "city"), ("note",))


def read(content: bytes) -> list[tuple[int | None, dict[str, str]]]:
    return [(row.place.line, dict(row.cells)) for row in read_csv(content, file="x.csv", columns=TWO)]


PLAIN = [(2, {"name": "Ada", "city": "Bern"})]
FINE = {
    "a plain file": (b"name,city\nAda,Bern\n", PLAIN),
    "no line end at the end": (b"name,city\nAda,Bern", PLAIN),
    "a byte-order mark": (b"\xef\xbb\xbfname,city\nAda,Bern\n", PLAIN),
    "line ends of Windows": (b"name,city\r\nAda,Bern\r\n", PLAIN),
    "line ends of old": (b"name,city\rAda,Bern\r", PLAIN),
    "white space around cells": (b" name , city\n Ada ,Bern\t\n", PLAIN),
    "blank lines": (b"name,city\n\nAda,Bern\n,\n\n", [(3, {"name": "Ada", "city": "Bern"})]),
    "columns in another order": (b"city,name\nBern,Ada\n", [(2, {"city": "Bern", "name": "Ada"})]),
    "an optional column": (
        b"name,city,note\nAda,Bern,\n", [(2, {"name": "Ada", "city": "Bern", "note": ""})]),
    "a quoted comma and quotation mark": (
        b'name,city\n"Ada ""A"", B",Bern\n', [(2, {"name": 'Ada "A", B', "city": "Bern"})]),
    "a line break in a cell": (
        b'name,city\n"Ada\nB",Bern\nEve,Rome\n',
        [(2, {"name": "Ada\nB", "city": "Bern"}), (4, {"name": "Eve", "city": "Rome"})]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), FINE.values(), ids=FINE)
def test_a_file_is_read_with_the_lines_of_its_rows(content: bytes, expected: list) -> None:
    assert read(content) == expected


BROKEN = {
    "no byte at all": (b"", None, "empty"),
    "nothing but white space": (b" \n\n", None, "empty"),
    "a header only": (b"name,city\n", 1, "not one row"),
    "a missing column": (b"name\nAda\n", 1, "city is missing"),
    "an unknown column": (b"name,city,nmae\nAda,Bern,x\n", 1, "'nmae'"),
    "the same column twice": (b"name,city,name\nAda,Bern,Ada\n", 1, "twice"),
    "semicolons": (b"name;city\nAda;Bern\n", 1, "semicolons"),
    "a row that is too short": (b"name,city\nAda,Bern\nEve\n", 3, "1 cells"),
    "a row that is too long": (b"name,city\nAda,Bern,x\n", 2, "3 cells"),
    "an open quotation mark": (b'name,city\nAda,Bern\n"Eve,Rome\n', 3, "no CSV"),
    "Latin-1": (b"name,city\nAda,Bern\nZo\xeb,Bern\n", 3, "offset 21"),
    "UTF-16": ("name,city\nAda,Bern\n".encode("utf-16"), None, "UTF-16"),
    "a NUL": (b"name,city\nA\0a,Bern\n", 2, "offset 11"),
}


@pytest.mark.parametrize(("content", "line", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_such_file_is_named_with_line_and_mend(
    content: bytes, line: int | None, said: str
) -> None:
    with pytest.raises(InputError, match=said) as raised:
        read(content)
    error = raised.value
    assert error.hint
    assert error.place
    assert (error.place.file, error.place.line) == ("x.csv", line)
    assert error.exit_code == 3


def test_everything_wrong_with_a_header_is_told_at_once() -> None:
    with pytest.raises(InputErrors) as raised:
        read(b"nmae,nmae,x\n1,2,3\n")
    texts = "\n".join(str(error) for error in raised.value.errors)
    assert all(word in texts for word in ("twice", "'nmae'", "'x'", "name, city is missing"))
    assert "'name'" in raised.value.errors[1].hint


@given(st.binary(max_size=60))
def test_no_bytes_make_anything_but_rows_or_a_plain_error(content: bytes) -> None:
    with suppress(InputError):
        assert read(b"name,city\n" + content)


MOMENTS = {
    "2026-03-01": "2026-03-01T00:00:00",
    "2026-03-01T10:30": "2026-03-01T10:30:00",
    "2026-03-01 10:30:15": "2026-03-01T10:30:15",
    "2026-03-01T10:30:15.25Z": "2026-03-01T10:30:15.250000",
    "2026-03-01T10:30:00+02:00": "2026-03-01T08:30:00",
    "2026-03-01 10:30:00 +0200": "2026-03-01T08:30:00",
}


@pytest.mark.parametrize(("text", "expected"), MOMENTS.items())
def test_a_moment_is_read_as_utc(text: str, expected: str) -> None:
    assert read_moment(text) == day(expected)


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-31", "2026-13-01", "01.03.2026", "2026-W10-1", "20260301", "today", "2026-03-01T25:00",
     "0001-01-01T00:00+14:00", "٢٠٢٦-03-01"],
)  # fmt: skip
def test_what_is_no_moment_is_none(text: str) -> None:
    assert read_moment(text) is None
