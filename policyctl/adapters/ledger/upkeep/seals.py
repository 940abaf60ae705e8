# SPDX-License-Identifier: Apache-2.0
"""Roots for the batches that entered without one, so that each of their tags can be proven.

The tree of a large batch costs more than the rest of its import. It is made here, later: the tags are read
in one look that keeps nobody from writing, a tile of 256 at a time for each batch, and only the roots
are written. A batch is sealed only if its tags still are those that were hashed when it entered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, select

from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import Row, driver_of
from policyctl.adapters.ledger.base.epochs import CORRECTIONS, read_epochs, table_name
from policyctl.adapters.ledger.base.packed import TAG_COLUMNS, WIDTH, NewTag, copy_of, pack_tags
from policyctl.adapters.ledger.proving.cuts import cut_batches, in_stretches
from policyctl.adapters.ledger.proving.proofs import LEAVES, altered, tile_of
from policyctl.adapters.tables import BATCH, BATCH_SEAL
from policyctl.core import merkle
from policyctl.core.epochs import Sealing


def places(connection: Connection) -> tuple[int, ...]:
    """The epochs, oldest first, and at last what stands for the corrections."""
    return (*read_epochs(connection).numbers, CORRECTIONS)


def make_seals(connection: Connection, place: int) -> list[dict[str, Any]]:
    """The roots that batches of one epoch lack; one that tags were cut out of gets none any more.
    IntegrityError where tags are not what was hashed.
    """
    rows = connection.execute(
        select(BATCH.c.batch_no, BATCH.c.tag_count, BATCH.c.digest, BATCH.c.tiles)
        .outerjoin(BATCH_SEAL, BATCH_SEAL.c.batch_no == BATCH.c.batch_no)
        .where(BATCH.c.epoch_no == place, BATCH.c.root.is_(None), BATCH_SEAL.c.batch_no.is_(None))
        .order_by(BATCH.c.batch_no)
    ).all()
    cut = cut_batches(driver_of(connection)) if rows else ()
    trees = {
        row.batch_no: _Tree(bytes(row.digest), row.tag_count, row.tiles is None)
        for row in rows
        if not in_stretches(row.batch_no, cut)
    }
    for portion in _portions(connection, place, trees) if trees else ():
        of_batch: dict[int, list[Row]] = defaultdict(list)
        for row in portion:
            of_batch[row[4]].append(row)
        for batch_no, tags in of_batch.items():
            trees[batch_no].take(tags)
    return [tree.seal(batch_no) for batch_no, tree in trees.items()]


def _portions(connection: Connection, place: int, wanted: Iterable[int]) -> Iterator[list[Row]]:
    table = table_name(place) if place else "tag_correction"
    among = ", ".join(map(str, wanted))
    query = (
        f"SELECT {', '.join(TAG_COLUMNS)} FROM {table} WHERE batch_no IN ({among}) "  # noqa: S608 - our own names and numbers
        "ORDER BY subject_no, category, ref"
    )
    return driver_of(connection).stream(query)


def add_seals(writer: Writer, seals: list[dict[str, Any]]) -> Sealing:
    """Enter them, but for those that another entered meanwhile."""
    numbers = [seal["batch_no"] for seal in seals]
    there = set(writer.driver.rows_in("SELECT batch_no FROM batch_seal WHERE batch_no IN ?*", numbers))
    fresh = [seal for seal in seals if (seal["batch_no"],) not in there]
    names = ("batch_no", "root", "tiles")
    writer.add(BATCH_SEAL, [{name: seal[name] for name in names} for seal in fresh])
    return Sealing(len(fresh), sum(seal["tags"] for seal in fresh))


@dataclass(slots=True)
class _Tree:
    """The tree of one batch as its tags come. ``old``: its digest is over the form of COPY (chain.py)."""

    digest: bytes
    size: int
    old: bool
    taken: int = 0
    waiting: list[NewTag] = field(default_factory=list)
    tiles: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    found: Any = field(default_factory=sha256)

    def take(self, rows: Sequence[Row]) -> None:
        """The next tags, in the order of the key."""
        if self.old:
            self.found.update(b"".join(map(copy_of, rows)))
        self.waiting += [row[:4] + row[5:] for row in rows]
        if whole := len(self.waiting) - len(self.waiting) % LEAVES:
            self._close_tiles(self.waiting[:whole])
            del self.waiting[:whole]

    def _close_tiles(self, tags: Sequence[NewTag]) -> None:
        packed = pack_tags(tags)
        if not self.old:
            self.found.update(packed)
        self.taken += len(tags)
        for start in range(0, len(packed), LEAVES * WIDTH):
            tile = packed[start : start + LEAVES * WIDTH]
            top = merkle.root(merkle.row_hashes(tile, WIDTH))
            self.hashes.append(top)
            self.tiles.append(tile_of(tile, top))

    def seal(self, batch_no: int) -> dict[str, Any]:
        """The root and the tiles, when all tags have come."""
        if self.waiting:
            self._close_tiles(self.waiting)
        if (self.taken, self.found.digest()) != (self.size, self.digest):
            raise altered(batch_no)
        root, tiles = merkle.root(self.hashes), b"".join(self.tiles)
        return {"batch_no": batch_no, "root": root, "tiles": tiles, "tags": self.size}
