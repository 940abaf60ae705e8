# SPDX-License-Identifier: Apache-2.0
"""The upkeep of a large ledger: seal its batches, lay closed epochs anew, write them out and check that.

None of it changes what is on record. What is written out holds numbers: a subject is the ledger's number,
a record its ref; who they are stays here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine

from policyctl.adapters.ledger.base.common import NO_VERSION, Writer
from policyctl.adapters.ledger.base.driver import Driver, Row, driver_of
from policyctl.adapters.ledger.base.engine import reading, writing
from policyctl.adapters.ledger.base.epochs import table_name
from policyctl.adapters.ledger.base.packed import TAG_COLUMNS, WIDTH, copies, pack_columns
from policyctl.adapters.ledger.checking.tags import digests_of
from policyctl.adapters.ledger.proving.cuts import cut_batches
from policyctl.adapters.ledger.upkeep.compaction import closed_epochs, require_closed
from policyctl.adapters.ledger.upkeep.compaction import compact as compact_epoch
from policyctl.adapters.ledger.upkeep.seals import add_seals, make_seals, places
from policyctl.adapters.ledger.versions.known import Known, Memory
from policyctl.core.epochs import (
    STATES,
    Compaction,
    EpochChanges,
    EpochNames,
    EpochNote,
    EpochPortion,
    Sealing,
)
from policyctl.errors import IntegrityError, RefusedError

_ROWS = 200_000
_NOTHING = sha256().digest()
_VALID, _CORRECTED, _ENDED, _ERASED = range(len(STATES))

Portion = tuple[Sequence[Row], Sequence[int]]
"""Tags as (subject_no, category, ref, collected_at, batch_no, version_no), and the state of each."""


class Upkeep:
    """Work on a whole ledger, each step a transaction of its own."""

    def __init__(self, database: Engine, memory: Memory) -> None:
        self._engine = database
        self._memory = memory

    def seal(self, *, now: datetime) -> Sealing:
        """Give every batch without one a root, so that all tags can be proven. The trees are made
        outside of the write lock. IntegrityError where tags are not those that were hashed.
        """
        batches = tags = 0
        with reading(self._engine) as connection:
            found = places(connection)
        for place in found:
            with reading(self._engine) as connection:
                made = make_seals(connection, place)
            if made:
                with writing(self._engine) as connection:
                    writer = Writer(connection, "seal", now)
                    done = add_seals(writer, made)
                    writer.finish()
                batches, tags = batches + done.batches, tags + done.tags
        return Sealing(batches, tags)

    def compact(self, number: int | None = None) -> tuple[Compaction, ...]:
        """Lay a closed epoch anew in the order of its key, or all of them; others wait meanwhile.
        RefusedError for the newest epoch.
        """
        with reading(self._engine) as connection:
            if number is not None:
                require_closed(connection, number)
            numbers = closed_epochs(connection) if number is None else (number,)
        found = []
        for each in numbers:
            with writing(self._engine) as connection:
                found.append(compact_epoch(connection, each))
        return tuple(found)

    @contextmanager
    def epoch(self, number: int) -> Iterator[EpochLook]:
        """One look at all tags of a closed epoch. RefusedError for the newest."""
        with reading(self._engine) as connection:
            require_closed(connection, number)
            yield EpochLook(connection, number, names_of(self._memory.known(connection)))


def names_of(known: Known) -> EpochNames:
    """What the numbers in tags stand for."""
    versions = {number: str(key) for number, key in known.key_of.items()}
    return EpochNames(known.category_of, {NO_VERSION: "", **versions})


class EpochLook:
    """A closed epoch as it is now."""

    def __init__(self, connection: Connection, number: int, names: EpochNames) -> None:
        self._driver: Driver = driver_of(connection)
        self._number = number
        self.names = names

    @property
    def note(self) -> EpochNote:
        """What binds a file of these tags to this ledger."""
        ((sequence,),) = self._driver.rows("SELECT coalesce(max(seq), 0) FROM entry")
        ((tags,),) = self._driver.rows(self._how_many())
        return EpochNote(self._number, sequence, self._root(sequence), tags)

    def _how_many(self) -> str:
        if cut_batches(self._driver):
            return f"SELECT count(*) FROM {table_name(self._number)}"  # noqa: S608 - our own names
        return f"SELECT coalesce(sum(tag_count), 0) FROM batch WHERE epoch_no = {self._number}"  # noqa: S608 - a number

    def _root(self, sequence: int) -> str:
        found = self._driver.rows("SELECT root FROM chain WHERE entry = ?", sequence)
        return bytes(found[0][0]).hex() if found else ""

    def portions(self) -> Iterator[Portion]:
        """All tags in the order of their key, which is that of customer, subject and category."""
        columns = ", ".join(TAG_COLUMNS)
        query = f"SELECT {columns} FROM {table_name(self._number)} ORDER BY subject_no, category, ref"  # noqa: S608 - our own names
        for rows in self._driver.stream(query, _ROWS):
            yield rows, self.states(rows)

    def states(self, rows: Sequence[Row]) -> list[int]:
        """How each tag stands now."""
        if not (self._erased or self._corrected or self._ended):
            return [_VALID] * len(rows)
        return [self._state(row) for row in rows]

    def _state(self, row: Row) -> int:
        if row[0] in self._erased:
            return _ERASED
        if row[:3] in self._ended:
            return _ENDED
        return _CORRECTED if row[:3] in self._corrected else _VALID

    @cached_property
    def _erased(self) -> set[int]:
        return {
            row[0] for row in self._driver.rows("SELECT subject_no FROM subject WHERE erased_at IS NOT NULL")
        }

    @cached_property
    def _corrected(self) -> set[Any]:
        return set(self._driver.rows("SELECT DISTINCT subject_no, category, ref FROM tag_correction"))

    @cached_property
    def _ended(self) -> set[Any]:
        return set(self._driver.rows("SELECT subject_no, category, ref FROM tag_end"))

    def changes(self) -> EpochChanges:
        """What came after the tags had entered."""
        return EpochChanges(self._erased, self._corrected, self._ended)

    def check(self, note: EpochNote, portions: Iterable[EpochPortion]) -> None:
        """Whether a file holds this epoch as it stands. Nothing of the file is believed: its tags are
        hashed and held against the batches of the ledger.

        RefusedError for a file of another ledger, or one that is out of date; IntegrityError for one that
        is not what was written.
        """
        if not note.root or self._root(note.sequence) != note.root:
            raise RefusedError(
                "the file was written from another ledger, or this one was put back to an older state",
                hint="check it against the ledger it is of",
            )
        batches = self._driver.rows(
            "SELECT batch_no, entry, digest, tiles FROM batch WHERE epoch_no = ?", self._number
        )
        old = {row[0] for row in batches if row[3] is None}
        hashes: dict[int, Any] = {}
        changed = 0
        for portion in portions:
            changed += portion.changed
            for number, packed in _by_batch(portion):
                entered = copies(packed, number) if number in old else packed
                hashes.setdefault(number, sha256()).update(entered)
        written = {row[0]: bytes(row[2]) for row in batches if row[1] <= note.sequence}
        cut = cut_batches(self._driver)
        left = digests_of(self._driver, self._number, cut)
        there = {number: left.get(number, digest) for number, digest in written.items()}
        found = {number: left[number] for number in written.keys() & left.keys() if left[number] == _NOTHING}
        found |= {number: each.digest() for number, each in hashes.items()}
        older = {number for number in left if found.get(number) == written.get(number) != there.get(number)}
        if {number: there[number] if number in older else each for number, each in found.items()} != there:
            raise IntegrityError(
                "the file does not hold the tags that entered the ledger", hint="export the epoch again"
            )
        if older:
            raise _outlived(len(older))
        if changed or len(written) < len(batches):
            raise _stale(changed, len(batches) - len(written))


def _by_batch(portion: EpochPortion) -> Iterator[tuple[int, bytes]]:
    packed, start = pack_columns(portion.columns), 0
    for number, count in portion.batches:
        yield number, packed[start * WIDTH : (start + count) * WIDTH]
        start += count


def _outlived(batches: int) -> RefusedError:
    return RefusedError(
        f"the file still holds tags of {batches} batches that were cut out of the ledger since, as nobody "
        "needs to keep them any longer",
        hint="export the epoch again, with --force",
    )


def _stale(changed: int, batches: int) -> RefusedError:
    return RefusedError(
        f"the file is out of date: since it was written {changed} of its tags were corrected or erased, and "
        f"{batches} more batches entered this epoch",
        hint="export the epoch again, with --force",
    )
