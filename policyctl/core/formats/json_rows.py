# SPDX-License-Identifier: Apache-2.0
"""One line of a JSON Lines file as a row: an object of texts and whole numbers, no key twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from policyctl.core.formats.csv_rows import Columns, CsvRow
from policyctl.core.suggest import did_you_mean
from policyctl.errors import InputError, Place

_LIKE = 'write one object a line, like {"subject": "u-17", "record": "crm-1"}'


class _TwiceError(ValueError):
    """A key stands there twice."""


def read_json_row(line: str, place: Place, columns: Columns) -> CsvRow | InputError:
    """The row that a line holds, or what is wrong with it."""
    try:
        found = json.loads(line, object_pairs_hook=_unique, parse_float=_refused, parse_constant=_refused)
    except _TwiceError as error:
        return InputError(f"the key {error.args[0]!r} stands there twice", hint="keep one", place=place)
    except (ValueError, RecursionError):
        return InputError("this line is no JSON object of texts and whole numbers", hint=_LIKE, place=place)
    if not isinstance(found, dict):
        return InputError("this line is no JSON object", hint=_LIKE, place=place)
    return cells_of(found, place, columns)


def cells_of(found: Mapping[str, Any], place: Place, columns: Columns) -> CsvRow | InputError:
    """Named values as the cells of a row."""
    for name in found:
        if name not in columns.known:
            hint = did_you_mean(name, columns.known, f"use {', '.join(columns.known)}")
            return InputError(f"unknown key {name!r}", hint=hint, place=place)
    for name in columns.required:
        if name not in found:
            return InputError(f"the key {name!r} is missing", hint=f"every row needs a {name}", place=place)
    for name, value in found.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
            where = Place(place.file, place.line, key=name)
            return InputError("this is neither a text nor a whole number", hint="write a text", place=where)
    return CsvRow(place, {name: "" if cell is None else str(cell).strip() for name, cell in found.items()})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _TwiceError(name)
        found[name] = value
    return found


def _refused(_text: str) -> Any:
    raise ValueError("only texts and whole numbers")
