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
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policyctl.adapters.bulk.outputs import beside, settle, writing
from policyctl.core.epochs import SCHEMA, STATES, EpochNames, EpochNote
from policyctl.errors import InputError, IntegrityError, Place, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

NOTE = b"policyctl.epoch"
_WORDS = ("policy", "category", "version", "state")
_AT_ONCE = 200_000
# Delta fits what is sorted; the words, the batch and the state are few.
_DELTA = dict.fromkeys(("subject", "record", "collected_at"), "DELTA_BINARY_PACKED")
_UNKNOWN = -1

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
            raise _no_export(path)
        return EpochNote(**said)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", hint="name a file that is there") from error
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise _no_export(path) from error


def _no_export(path: Path) -> InputError:
    hint = "name a file that `policyctl ledger export` wrote"
    return InputError("this is no export of an epoch", hint=hint, place=Place(str(path)))


def read_portions(path: Path, names: EpochNames) -> Iterator[Portion]:
    """The tags of a file in the ledger's numbers; a word the ledger does not know becomes -1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    categories = {name: number for number, name in names.categories.items()}
    versions = {word: number for number, word in names.versions.items()}
    states = {word: number for number, word in enumerate(STATES)}
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_AT_ONCE):
                yield _numbers(batch, categories, versions, states)
    except (pa.ArrowException, KeyError) as error:
        raise _no_export(path) from error


def _numbers(
    batch: pa.RecordBatch,
    categories: Mapping[tuple[str, str], int],
    versions: Mapping[str, int],
    states: Mapping[str, int],
) -> Portion:
    import pyarrow as pa

    cells = {name: batch[name].to_pylist() for name in ("subject", "record", "batch", *_WORDS)}
    at = [number // 1000 for number in batch["collected_at"].cast(pa.int64()).to_pylist()]
    kinds = zip(cells["policy"], cells["category"], strict=True)
    numbers = [categories.get(kind, _UNKNOWN) for kind in kinds]
    named = [versions.get(word, _UNKNOWN) for word in cells["version"]]
    rows = zip(cells["subject"], numbers, cells["record"], at, cells["batch"], named, strict=True)
    return list(rows), [states.get(word, _UNKNOWN) for word in cells["state"]]
