# SPDX-License-Identifier: Apache-2.0
"""What a Parquet file of tags must be, or a folder of them: looked at before any engine reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.errors import InputError, Place, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_NEEDED = ("subject", "category", "record", "version")
# Names that the query uses itself.
_TAKEN = frozenset({"answer", "code", "rank", "own", "own_code", "worst", "key_subject", "key_category"})
_TAKEN |= {"key_record"}


def parts(path: Path) -> list[Path]:
    """The files that a name stands for: itself, or the parts in a folder as Spark and others write them."""
    if not path.is_dir():
        return [path]
    found = sorted(part for part in path.glob("*.parquet") if not part.name.startswith((".", "_")))
    if not found:
        hint = "name a Parquet file, or a folder of *.parquet"
        raise InputError("there is no Parquet file in this folder", hint=hint, place=Place(str(path)))
    return found


def check(files: list[Path]) -> tuple[pa.Schema, dict[str, str]]:
    """The columns of files of tags, and the kind of each: text, number, time or another.

    UsageError where a file is not there; InputError where it is none, where a column is missing or of a
    kind that will not do, or where the files differ.
    """
    first, *others = files
    schema = _schema(first)
    for path in others:
        if not _schema(path).equals(schema):
            hint = f"write all parts with the columns of {first.name}"
            raise InputError("the parts have different columns", hint=hint, place=Place(str(path)))
    kinds = {field.name: _kind(field.type) for field in schema}
    for name in _NEEDED:
        if name not in kinds:
            raise InputError(
                f"the column {name!r} is missing",
                hint=f"the columns are {', '.join(_NEEDED)}, and collected_at where it is known",
                place=Place(str(first), key=name),
            )
    _check_kinds(kinds, first)
    return schema, kinds


def cannot_be_read(path: Path, error: OSError) -> UsageError:
    """What is said of a file that does not open, in the system's words: PyArrow's name the path once more."""
    why = os.strerror(error.errno) if error.errno else str(error)
    return UsageError(f"{path}: {why}", hint="name a file that is there")


def _schema(path: Path) -> pa.Schema:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path)
    except OSError as error:
        raise cannot_be_read(path, error) from error
    except pa.ArrowException as error:
        raise InputError(
            "this is no Parquet file that can be read", hint="write it again", place=Place(str(path))
        ) from error


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
