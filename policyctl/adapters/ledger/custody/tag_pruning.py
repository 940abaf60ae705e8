# SPDX-License-Identifier: Apache-2.0
"""Tags that nobody needs to keep any longer, taken out of the ledger: their data was deleted, or their person
was erased, before a limit.

1. A tag goes with its corrections, its end, and the name of its record where no other tag has that.
2. Each batch that lost tags comes under a cut record with the digest of what is left of it.
3. The trees still prove the tags that stay: of a tag that goes its hash is left, unless all of its tile (256
   tags) went, whose hash stands for them. A hash is of six numbers of the ledger, and holds no name.
4. A tile begins with the key of the first tag that is left in it, so no key stays of what went.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from policyctl.adapters.ledger.base.driver import Driver
from policyctl.adapters.ledger.base.epochs import table_name
from policyctl.adapters.ledger.base.packed import pack_on_record
from policyctl.adapters.ledger.proving.proofs import LEAVES, TagKey, free_places, leaves_of
from policyctl.core import merkle

_TILE = struct.Struct(">qhq32s")
_PAST_ALL: TagKey = ((1 << 63) - 1, (1 << 15) - 1, (1 << 63) - 1)
_CORRECTIONS = "tag_correction"
_AT_ONCE = 10_000  # batches whose tags are looked at in one pass over the table

_KEY = "subject_no, category, ref"
_SAME = "x.subject_no = t.subject_no AND x.category = t.category AND x.ref = t.ref"
_ERASED = "SELECT subject_no FROM subject WHERE erased_at <= {limit}"
_ENDED = "SELECT subject_no, category, ref FROM tag_end WHERE ended_at <= {limit}"
_OF_ERASED = "SELECT t.batch_no, t.subject_no FROM {table} t WHERE t.subject_no IN ({erased})"
_OF_ENDED = (
    "SELECT t.batch_no, t.subject_no FROM tag_end x JOIN {table} t ON {same} "
    "WHERE x.ended_at <= {limit} AND x.subject_no NOT IN ({erased})"
)
_ROWS = (
    "SELECT t.subject_no, t.category, t.ref, t.collected_at, t.batch_no, t.version_no, "
    "CASE WHEN t.subject_no IN ({erased}) OR EXISTS (SELECT 1 FROM tag_end x WHERE {same} "
    "AND x.ended_at <= {limit}) THEN 1 ELSE 0 END FROM {table} t WHERE t.batch_no IN ({batches}) "
    "ORDER BY t.batch_no, t.subject_no, t.category, t.ref"
)
_TREES = (
    "SELECT b.batch_no, b.tag_count, coalesce(s.tiles, b.tiles), s.batch_no FROM batch b "
    "LEFT JOIN batch_seal s ON s.batch_no = b.batch_no WHERE b.batch_no IN ({}) "
    "AND (b.root IS NOT NULL OR s.root IS NOT NULL)"
)
_NAMES = (
    "DELETE FROM record_name WHERE (subject_no, ref) IN (SELECT subject_no, ref FROM tag_end "
    "WHERE ended_at <= {limit}) AND NOT EXISTS ({kept})"
)
_KEPT = "SELECT 1 FROM {0} t WHERE t.subject_no = record_name.subject_no AND t.ref = record_name.ref"

# How a tile is written anew: table, batch, tiles
NewTiles = tuple[str, int, bytes]


class TagPruning:
    """The tags that go by ``limit`` (microseconds), in one transaction; ``epochs`` are all there are."""

    def __init__(self, driver: Driver, limit: int, epochs: Sequence[int]) -> None:
        self._driver = driver
        self._limit = limit
        self._tables = (*map(table_name, epochs), _CORRECTIONS)
        self._found: dict[str, Counter[int]] | None = None
        self.people: set[int] = set()

    def _text(self, words: str, **more: Any) -> str:
        erased = _ERASED.format(limit=self._limit)
        return words.format(limit=self._limit, erased=erased, same=_SAME, **more)

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that tags lie in."""
        return self._tables

    def found(self) -> dict[str, Counter[int]]:
        """How many tags go of each batch, by table; whose they are is noted in ``people``."""
        if self._found is None:
            self._found = {}
            for table in self._tables:
                counts: Counter[int] = Counter()
                for words in (_OF_ERASED, _OF_ENDED):
                    for portion in self._driver.stream(self._text(words, table=table)):
                        counts.update(map(itemgetter(0), portion))
                        self.people.update(map(itemgetter(1), portion))
                self._found[table] = counts
        return self._found

    def leave_hashes(self) -> list[NewTiles]:
        """Keep the hashes that the trees of others need (3); the tiles as they then are to be (4). Before
        anything is deleted.
        """
        made: list[NewTiles] = []
        for table, counts in self.found().items():
            numbers = sorted(counts)
            for start in range(0, len(numbers), _AT_ONCE):
                made += self._of_batches(table, numbers[start : start + _AT_ONCE])
        return made

    def _of_batches(self, table: str, numbers: Sequence[int]) -> Iterator[NewTiles]:
        trees = {row[0]: row[1:] for row in self._driver.rows(_TREES.format(_listed(numbers)))}
        gone = self.found()[table]
        some = [number for number, (size, _, _) in trees.items() if gone[number] < size]
        query = self._text(_ROWS, table=table, batches=_listed(some))
        rows = chain.from_iterable(self._driver.stream(query)) if some else iter(())
        left = {number: list(tags) for number, tags in groupby(rows, key=itemgetter(4))}
        for number, (size, tiles, sealed) in trees.items():
            tree = _Tree(self._driver, number, size, bytes(tiles))
            tree.take(left.pop(number, ()))
            yield "batch" if sealed is None else "batch_seal", number, tree.tiles()

    def deletions(self) -> Iterator[tuple[str, str]]:
        """Table and statement, in the order in which they are to be done (1); the ends go last, and by
        themselves.
        """
        for table in self._tables:
            for words in ("subject_no IN ({erased})", f"({_KEY}) IN ({_ENDED})"):
                yield table, self._text(f"DELETE FROM {table} WHERE {words}")  # noqa: S608 - our own names
        kept = " UNION ALL ".join(_KEPT.format(table) for table in self._tables)
        yield "record_name", self._text(_NAMES, kept=kept)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


class _Tree:
    """The tree of one batch that loses tags."""

    def __init__(self, driver: Driver, number: int, size: int, tiles: bytes) -> None:
        self._driver, self._number, self._size = driver, number, size
        found = list(_TILE.iter_unpack(tiles))
        self._firsts: list[TagKey] = [row[:3] for row in found]
        self._hashes = [row[3] for row in found]

    def take(self, rows: Sequence[Any]) -> None:
        """All its tags that are there, in the order of their key, each with whether it goes."""
        start = 0
        for tile in range(len(self._firsts)):
            end = start
            bound = self._firsts[tile + 1] if tile + 1 < len(self._firsts) else None
            while end < len(rows) and (bound is None or rows[end][:3] < bound):
                end += 1
            self._of_tile(tile, rows[start:end])
            start = end

    def _of_tile(self, tile: int, rows: Sequence[Any]) -> None:
        left = [row for row in rows if not row[6]]
        if left and len(left) < len(rows):
            begin = tile * LEAVES
            cut = leaves_of(self._driver, self._number, begin)
            free = free_places(cut, begin, min(LEAVES, self._size - begin))
            hashes = [
                (self._number, place, merkle.leaf_hash(pack_on_record(row[:6])))
                for place, row in zip(free, rows, strict=True)
                if row[6]
            ]
            self._driver.insert("leaf", ("batch_no", "place", "hash"), hashes)
        self._firsts[tile] = left[0][:3] if left else _PAST_ALL

    def tiles(self) -> bytes:
        """The tiles with the first keys that are left; one without any has the key of the next."""
        following = _PAST_ALL
        for tile in reversed(range(len(self._firsts))):
            following = self._firsts[tile] = min(self._firsts[tile], following)
        pairs = zip(self._firsts, self._hashes, strict=True)
        return b"".join(_TILE.pack(*first, found) for first, found in pairs)
