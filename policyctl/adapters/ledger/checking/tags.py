# SPDX-License-Identifier: Apache-2.0
"""The tags of every batch held against what was hashed when it entered: digest, number and Merkle root.

The tags of a table are read once, in the order of their batches, which the database sorts; a portion of rows
is packed and hashed at a time. Where a batch is not what it was, the first of its tiles (256 tags) that
differs says whereabouts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from operator import itemgetter
from typing import Any

from policyctl.adapters.ledger.base.driver import Driver, Row
from policyctl.adapters.ledger.base.epochs import CORRECTIONS, table_name
from policyctl.adapters.ledger.base.packed import WIDTH, copy_of, pack_tags
from policyctl.adapters.ledger.checking.entries import streamed
from policyctl.adapters.ledger.proving.proofs import LEAVES
from policyctl.core import merkle
from policyctl.core.proof.cuts import CutWalk, LeftOvers
from policyctl.core.proof.flaws import Flaw, FlawKind
from policyctl.core.proof.walk import RESTORE

AT_ONCE = 20_000
_WORDED = 300
MOST = 100
"""Flaws that are told of one table; one that was altered all over has as many as batches."""

_BATCHES = (
    "SELECT b.batch_no, b.entry, b.tag_count, b.digest, coalesce(b.root, s.root), "
    "CASE WHEN s.batch_no IS NULL THEN b.tiles ELSE s.tiles END, b.tiles IS NULL, coalesce(s.entry, b.entry) "
    "FROM batch b LEFT JOIN batch_seal s ON s.batch_no = b.batch_no WHERE b.epoch_no = {} AND {} "
    "ORDER BY b.batch_no"
)
_TAGS = "SELECT batch_no, subject_no, category, ref, collected_at, version_no FROM {} WHERE {} ORDER BY {}"
_ORDER = "batch_no, subject_no, category, ref"
_TILE = WIDTH * LEAVES
_IN_TILES = 50  # bytes of one tile: a key of 18 and a hash (proofs.py)
_PACKED = itemgetter(1, 2, 3, 4, 5)
_BATCH_OF = itemgetter(0)


def bad_batches(driver: Driver, cuts: CutWalk, server: int) -> tuple[list[Flaw], int]:
    """What is wrong with the tags of all batches, and how many tags there are."""
    flaws: list[Flaw] = []
    tags = 0
    for place in _places(driver):
        found = _Place(driver, place, cuts, server)
        flaws += found.flaws()
        tags += found.tags
    for cut in cuts.wrong():
        message = (
            f"the tags of batches {cut.first} to {cut.last} were cut ({cut.rule}), and what is left is not "
            "what the cut record says"
        )
        flaws.append(Flaw(FlawKind.ALTERED, f"batch {cut.first}", message, RESTORE, "batch", None, server))
    return flaws, tags


def left_of_batches(driver: Driver, stretches: Sequence[tuple[int, int]]) -> list[bytes]:
    """What a cut record has to say is left of the tags of the batches of each stretch, which stand there now.
    Stretches (first, last) come in order and do not touch; the tags are read once for all of them.
    """
    left = LeftOvers(stretches)
    for place in _places(driver) if stretches else ():
        for batch in _Place(driver, place, CutWalk(()), 0, stretches).batches():
            if left.holds(batch.number):
                left.take(batch.number, batch.found.digest())
    return left.digests()


def digests_of(driver: Driver, place: int, stretches: Sequence[tuple[int, int]]) -> dict[int, bytes]:
    """The digest of the tags that are there now, of each batch of an epoch in one of the stretches."""
    found = _Place(driver, place, CutWalk(()), 0, stretches).batches() if stretches else iter(())
    return {batch.number: batch.found.digest() for batch in found}


def _places(driver: Driver) -> tuple[int, ...]:
    """The epochs, oldest first, and at last what stands for the corrections."""
    return (*(row[0] for row in driver.rows("SELECT epoch_no FROM epoch ORDER BY epoch_no")), CORRECTIONS)


@dataclass(slots=True)
class _Batch:
    """One batch, and what its tags come to as they are read. ``old``: hashed as before step 0004;
    ``rooted``: the entry that gave it its root.
    """

    number: int
    entry: int
    count: int
    digest: bytes
    root: bytes | None
    tiles: bytes | None
    old: bool
    rooted: int
    seen: int = 0
    bad_tile: int | None = None
    found: Any = field(default_factory=sha256)
    rest: bytes = b""
    tops: list[bytes] = field(default_factory=list)

    def take(self, rows: list[Row]) -> None:
        """Some of its tags, in the order of their key."""
        self.seen += len(rows)
        packed = pack_tags(list(map(_PACKED, rows)))
        if self.old:
            for row in rows:
                self.found.update(copy_of((*row[1:5], row[0], row[5])))
        else:
            self.found.update(packed)
        if self.root is not None:
            self._grow(packed)

    def _grow(self, packed: bytes) -> None:
        """More leaves of its tree; whole tiles are hashed at once."""
        packed = self.rest + packed if self.rest else packed
        whole = len(packed) - len(packed) % _TILE
        for start in range(0, whole, _TILE):
            self._tile(packed[start : start + _TILE])
        self.rest = packed[whole:]

    def _tile(self, packed: bytes) -> None:
        place, top = len(self.tops), merkle.root(merkle.row_hashes(packed, WIDTH))
        self.tops.append(top)
        if self.bad_tile is None and self.tiles:
            kept = self.tiles[place * _IN_TILES : (place + 1) * _IN_TILES]
            if kept[-32:] != top:
                self.bad_tile = place

    def end(self) -> tuple[FlawKind, int, str] | None:
        """What is wrong with it, and with which entry, when all its tags have come."""
        if self.rest:
            self._tile(self.rest)
        if self.seen == self.count and self.found.digest() == self.digest:
            if self.root is None or merkle.root(self.tops) == self.root:
                return None
            return FlawKind.ALTERED, self.rooted, f"the root of batch {self.number} is not that of its tags"
        if self.seen < self.count:
            gone = self.count - self.seen
            return (
                FlawKind.MISSING,
                self.entry,
                f"{gone} of the {self.count} tags of batch {self.number} are missing",
            )
        if self.seen > self.count:
            more = self.seen - self.count
            said = f"{more} tags were slipped into the {self.count} of batch {self.number}"
            return FlawKind.ALTERED, self.entry, said
        said = f"a tag of the {self.count} of batch {self.number} is not what was hashed"
        return FlawKind.ALTERED, self.entry, said

    def whereabouts(self) -> str:
        """Which of its tags to look at first."""
        if self.bad_tile is None or self.count <= LEAVES:
            return ""
        first = self.bad_tile * LEAVES + 1
        return f"; the first that differs is among its tags {first} to {min(first + LEAVES - 1, self.count)}"


class _Place:
    """One table of tags; ``among``: only batches of these stretches, first and last."""

    def __init__(
        self, driver: Driver, place: int, cuts: CutWalk, server: int, among: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._table = table_name(place) if place else "tag_correction"
        order = _ORDER if place else f"{_ORDER}, correction"
        only = _within(among)
        of_batches = only.replace("batch_no", "b.batch_no")
        self._batches = streamed(driver, _BATCHES.format(place, of_batches))
        self._runs = _runs(driver.stream(_TAGS.format(self._table, only, order), AT_ONCE))
        self._cuts = cuts
        self._server = server
        self._strays: list[Flaw] = []
        self.tags = 0

    def flaws(self) -> list[Flaw]:
        """What is wrong with the batches of this table."""
        flaws: list[Flaw] = []
        for batch in self.batches():
            if len(flaws) < MOST:
                flaws += self._judged(batch)
        return flaws + self._strays

    def batches(self) -> Iterator[_Batch]:
        """Every batch with all its tags taken in."""
        run = next(self._runs, None)
        for row in self._batches:
            batch = _batch(row)
            while run is not None and run[0] <= batch.number:
                if run[0] < batch.number:
                    self._stray(run[0])
                else:
                    batch.take(run[1])
                self.tags += len(run[1])
                run = next(self._runs, None)
            yield batch
        while run is not None:
            self._stray(run[0])
            self.tags += len(run[1])
            run = next(self._runs, None)

    def _judged(self, batch: _Batch) -> Iterator[Flaw]:
        wrong = batch.end()
        if self._cuts.take(batch.number, batch.found.digest()) or wrong is None:
            return
        kind, entry, message = wrong
        said = f"{message}{batch.whereabouts()}"
        yield Flaw(kind, f"entry {entry}", said, RESTORE, self._table, entry, self._server)

    def _stray(self, number: int) -> None:
        if len(self._strays) < MOST:
            message = f"tags of {self._table} name batch {number}, which is not there"
            flaw = Flaw(FlawKind.ALTERED, self._table, message, RESTORE, self._table, None, self._server)
            self._strays.append(flaw)


def _within(stretches: Sequence[tuple[int, int]]) -> str:
    """That a batch is in one of the stretches; of very many, between the first and the last."""
    if len(stretches) > _WORDED:
        stretches = [(stretches[0][0], stretches[-1][1])]
    said = " OR ".join(f"batch_no BETWEEN {first} AND {last}" for first, last in stretches)
    return f"({said})" if said else "1 = 1"


def _batch(row: Row) -> _Batch:
    number, entry, count, digest, root, tiles, old, rooted = row
    return _Batch(
        number,
        entry,
        count,
        bytes(digest),
        None if root is None else bytes(root),
        None if tiles is None else bytes(tiles),
        bool(old),
        rooted,
    )


def _runs(portions: Iterator[list[Row]]) -> Iterator[tuple[int, list[Row]]]:
    """The rows of one batch that lie together, with its number."""
    for rows in portions:
        start, end = 0, len(rows)
        while start < end:
            number = rows[start][0]
            if rows[-1][0] == number:
                stop = end
            elif rows[start + 1][0] != number:
                stop = start + 1
            else:
                stop = bisect_right(rows, number, start, end, key=_BATCH_OF)
            yield number, rows[start:stop] if stop - start < end else rows
            start = stop
