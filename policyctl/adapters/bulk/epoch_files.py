# SPDX-License-Identifier: Apache-2.0
"""The tags of a closed epoch as a Parquet file: sorted by customer, subject and category, with zstd.

Columns: ``subject`` and ``record`` (the ledger's numbers), ``policy``, ``category``, ``version`` ("" where
none was in force), ``collected_at``, ``batch``, ``state`` (valid, corrected, erased).
The metadata ``policyctl.epoch`` says which ledger it is of. Nothing in it leads to a person
without the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policyctl.adapters.bulk.outputs import beside, settle, writing
from policyctl.adapters.bulk.tag_files import cannot_be_read
from policyctl.core.epochs import SCHEMA, STATES, EpochNames, EpochNote
from policyctl.errors import InputError, IntegrityError, Place, RefusedError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

NOTE = b"policyctl.epoch"
_WORDS = ("policy", "category", "version", "state")
# Delta fits what is sorted; the words, the batch and the state are few.
_DELTA = dict.fromkeys(("subject", "record", "collected_at"), "DELTA_BINARY_PACKED")

Portion = tuple[Sequence[tuple[Any, ...]], Sequence[int]]


def require_parquet() -> None:
    """UsageError where pyarrow is not installed."""
    try:
        import pyarrow as pa  # noqa: F401 - asked here so that its absence has a plain message
    except ImportError as error:
        raise UsageError(
            "Parquet files need pyarrow, which is not installed",
            hint="install it with: pip install 'policyctl[bulk]'",
        ) from error


def write_epoch(
    path: Path, note: EpochNote, names: EpochNames, portions: Iterable[Portion], *, over: bool
) -> int:
    """Write the file, whole or not at all; its size in bytes. IntegrityError where the tags are not as
    many as the note says.
    """
    import pyarrow.parquet as pq

    schema = _schema(note)
    with beside(path) as fresh:
        count = 0
        with (
            writing(path),
            pq.ParquetWriter(
                fresh,
                schema,
                compression="zstd",
                compression_level=6,
                use_dictionary=[*_WORDS, "batch"],
                column_encoding=_DELTA,
            ) as writer,
        ):
            for rows, states in portions:
                writer.write_table(_table(schema, names, rows, states))
                count += len(rows)
        if count != note.tags:
            raise IntegrityError(
                f"epoch {note.epoch} holds {count} tags where {note.tags} entered",
                hint="restore the ledger from a backup",
            )
        size = fresh.stat().st_size
        settle(fresh, path, over=over)
    return size


def _schema(note: EpochNote) -> pa.Schema:
    import pyarrow as pa

    word = pa.dictionary(pa.int16(), pa.string())
    fields = [
        ("subject", pa.int64()),
        ("policy", word),
        ("category", word),
        ("record", pa.int64()),
        ("version", word),
        ("collected_at", pa.timestamp("ms", "UTC")),
        ("batch", pa.int32()),
        ("state", word),
    ]
    said = json.dumps({"schema": SCHEMA, **asdict(note)}).encode()
    return pa.schema(fields, metadata={NOTE: said})


def _table(
    schema: pa.Schema, names: EpochNames, rows: Sequence[tuple[Any, ...]], states: Sequence[int]
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    subject, category, record, at, batch, version = zip(*rows, strict=True)
    policies = {number: name[0] for number, name in names.categories.items()}
    categories = {number: name[1] for number, name in names.categories.items()}
    since = pc.multiply(pa.array(at, pa.int64()), 1000).cast(schema.field("collected_at").type)
    columns = [
        pa.array(subject, pa.int64()),
        _words(category, policies),
        _words(category, categories),
        pa.array(record, pa.int64()),
        _words(version, names.versions),
        since,
        pa.array(batch, pa.int32()),
        _words(states, dict(enumerate(STATES))),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _words(numbers: Sequence[int], words: Mapping[int, str]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    known = sorted(words)
    said = list(dict.fromkeys(words[number] for number in known))
    place = pa.array([said.index(words[number]) for number in known], pa.int16())
    found = pc.index_in(pa.array(numbers, pa.int64()), pa.array(known, pa.int64()))
    return pa.DictionaryArray.from_arrays(place.take(found), pa.array(said, pa.string()))


def read_note(path: Path) -> EpochNote:
    """What a file says it is. UsageError where it is not there, InputError where it is no export."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = (pq.read_schema(path).metadata or {}).get(NOTE)
        said: dict[str, Any] = json.loads(found or b"{}")
        if said.pop("schema", None) != SCHEMA:
            raise no_export(path)
        return EpochNote(**said)
    except OSError as error:
        raise cannot_be_read(path, error) from error
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise no_export(path) from error


def notes_of(files: Sequence[Path]) -> list[EpochNote]:
    """What exports of epochs say they are; nothing where the files are of another kind. InputError where
    some are and some are not, or where an epoch is there twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    marked = []
    for path in files:
        with suppress(OSError, pa.ArrowException):  # told where they are opened as files of tags
            if NOTE in (pq.read_schema(path).metadata or {}):
                marked.append(path)
    if marked and len(marked) < len(files):
        other = next(path for path in files if path not in marked)
        hint = "ask about exports of epochs, or about files of your own"
        raise InputError(
            "this is no export of an epoch, and other files here are", hint=hint, place=Place(str(other))
        )
    notes = [read_note(path) for path in marked]
    seen: set[int] = set()
    for path, note in zip(marked, notes, strict=True):
        if note.epoch in seen:
            raise InputError(
                f"epoch {note.epoch} is here twice", hint="leave one of them", place=Place(str(path))
            )
        seen.add(note.epoch)
    return notes


@contextmanager
def about(path: Path) -> Iterator[None]:
    """What a ledger says against a file inside the block names the file."""
    try:
        yield
    except (UsageError, RefusedError, IntegrityError) as error:
        error.place = error.place or Place(str(path))
        raise


def no_export(path: Path) -> InputError:
    """That a file is none of these."""
    hint = "name a file that `policyctl ledger export` wrote"
    return InputError("this is no export of an epoch", hint=hint, place=Place(str(path)))
