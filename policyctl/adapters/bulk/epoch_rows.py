# SPDX-License-Identifier: Apache-2.0
"""The tags of an exported epoch in the ledger's numbers, a portion at a time, for the ledger to hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policyctl.adapters.bulk.epoch_files import no_export
from policyctl.core.epochs import STATES, EpochChanges, EpochNames, EpochPortion

if TYPE_CHECKING:
    import pyarrow as pa

_AT_ONCE = 200_000
_UNKNOWN = -1
_IN_ORDER = [("batch", "ascending"), ("place", "ascending")]
_Numbers = Mapping[tuple[str, ...], int]


def read_portions(
    path: Path, names: EpochNames, changes: EpochChanges | None = None
) -> Iterator[EpochPortion]:
    """The tags of a file in the ledger's numbers; a word the ledger does not know becomes -1. ``changes``:
    what the states in the file are held against.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_AT_ONCE):
                yield _portion(batch, names, changes)
    except (pa.ArrowException, KeyError) as error:
        raise no_export(path) from error


def _portion(batch: pa.RecordBatch, names: EpochNames, changes: EpochChanges | None) -> EpochPortion:
    """Sorted by batch, and within it as they stood, which is how they were hashed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    categories: _Numbers = {name: number for number, name in names.categories.items()}
    versions: _Numbers = {(word,): number for number, word in names.versions.items()}
    category = _numbers(batch, ("policy", "category"), categories)
    # Whole seconds: a moment that was altered by less than one must not pass.
    at = batch["collected_at"].cast(pa.timestamp("s", "UTC")).cast(pa.int64())
    columns = [batch["subject"], category, batch["record"], at, _numbers(batch, ("version",), versions)]
    whole = [pc.fill_null(column.cast(pa.int64()), _UNKNOWN) for column in columns]
    of_batch = pc.fill_null(batch["batch"].cast(pa.int64()), _UNKNOWN)
    order = pc.sort_indices(pa.table({"batch": of_batch, "place": _count(len(of_batch))}), _IN_ORDER)
    runs = pc.run_end_encode(of_batch.take(order))
    ends = runs.run_ends.to_pylist()
    counts = [end - start for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return EpochPortion(
        tuple(zip(runs.values.to_pylist(), counts, strict=True)),
        tuple(column.take(order).buffers()[1].to_pybytes()[: 8 * len(column)] for column in whole),
        0 if changes is None else _changed(batch, category, changes),
    )


def _count(length: int) -> pa.Array:
    import pyarrow as pa

    return pa.array(range(length), pa.int32())


def _numbers(batch: pa.RecordBatch, columns: Sequence[str], numbers: _Numbers) -> pa.Array:
    """The numbers that words of some columns stand for together, looked up once for each combination."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place: Any = 0
    known: list[tuple[str, ...]] = [()]
    for name in columns:
        words = _in_words(batch[name])
        said = words.dictionary.to_pylist()
        place = pc.add(pc.multiply(place, len(said)), words.indices.cast(pa.int64()))
        known = [(*before, word) for before in known for word in said]
    found = pa.array([numbers.get(words, _UNKNOWN) for words in known], pa.int64())
    return pc.fill_null(found.take(place), _UNKNOWN)


def _in_words(column: pa.Array) -> pa.DictionaryArray:
    import pyarrow as pa

    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _changed(batch: pa.RecordBatch, category: pa.Array, changes: EpochChanges) -> int:
    """How many tags stand otherwise now than the file says."""
    import pyarrow as pa
    import pyarrow.compute as pc

    valid, corrected, ended, erased = range(len(STATES))
    said = _numbers(batch, ("state",), {(word,): number for number, word in enumerate(STATES)})
    gone = _is_in(batch["subject"], changes.erased)
    keyed = pa.table([batch["subject"], category, batch["record"]], ["s", "c", "r"])
    now = pc.if_else(_among(keyed, changes.corrected), corrected, valid)
    now = pc.if_else(_among(keyed, changes.ended), ended, now)
    now = pc.if_else(gone, erased, now)
    return int(pc.sum(pc.not_equal(said, now)).as_py() or 0)


def _among(keyed: pa.Table, keys: AbstractSet[tuple[int, int, int]]) -> pa.Array:
    """Which of the rows have one of these keys. Few subjects do: only theirs are looked at one by one."""
    import pyarrow.compute as pc

    near = _is_in(keyed["s"].combine_chunks(), {key[0] for key in keys})
    few = keyed.filter(near)
    rows = zip(*(few[name].to_pylist() for name in "scr"), strict=True)
    places = pc.indices_nonzero(near).to_pylist()
    return _is_in(_count(len(near)), [place for place, key in zip(places, rows, strict=True) if key in keys])


def _is_in(column: pa.Array, values: Iterable[int]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.is_in(column, pa.array(sorted(values), column.type))
