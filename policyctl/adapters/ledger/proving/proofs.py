# SPDX-License-Identifier: Apache-2.0
"""That a tag is part of its batch: the root of each batch's Merkle tree, and a path to it for one tag.

A leaf is a packed tag (packed.py), the leaves lie in the order of the key. The root is a column of the
batch, so the chain holds it. A proof tells of other tags nothing but hashes. Besides the root a batch keeps
its *tiles*: the first key and the hash of every 256 leaves, so that a proof reads one stretch of the
table and not the whole batch. Of a tag that was cut out (custody/tag_pruning.py) its hash is left where
others of its tile need it. Tiles and those are no part of the chain: wrong ones give no proof.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.common import ref_of
from policyctl.adapters.ledger.base.driver import Driver, driver_of
from policyctl.adapters.ledger.base.epochs import read_epochs, table_name
from policyctl.adapters.ledger.base.packed import TAG_COLUMNS, WIDTH, pack_on_record
from policyctl.adapters.ledger.versions.known import Known
from policyctl.core import merkle
from policyctl.core.records import TagProof
from policyctl.errors import IntegrityError

# A tree costs more than the rest of a large import: larger batches get theirs later (seals.py).
PROVEN = 10_000
_LEVEL = 8
LEAVES = 1 << _LEVEL
_TILE = struct.Struct(">qhq32s")
_KEY = 18  # bytes at the beginning of a packed tag

TagKey = tuple[int, int, int]


def batch_row(batch_no: int, epoch_no: int, packed: bytes, note: str) -> dict[str, Any]:
    """The row of a batch of tags, of which there is at least one."""
    proven = len(packed) <= PROVEN * WIDTH
    tree = merkle.levels(merkle.row_hashes(packed, WIDTH)) if proven else []
    return {
        "batch_no": batch_no,
        "tag_count": len(packed) // WIDTH,
        "epoch_no": epoch_no,
        "digest": sha256(packed).digest(),
        "provenance": note,
        "root": tree[-1][0] if proven else None,
        # Empty, and not nothing, marks a batch whose digest is made as it is now (chain.py).
        "tiles": b"".join(_tiles(packed, tree[min(_LEVEL, len(tree) - 1)])) if proven else b"",
    }


def _tiles(packed: bytes, hashes: Any) -> Iterator[bytes]:
    for number, found in enumerate(hashes):
        yield tile_of(packed[number * LEAVES * WIDTH : number * LEAVES * WIDTH + _KEY], found)


def tile_of(packed: bytes, found: bytes) -> bytes:
    """The tile of packed tags with this hash: their first key, then the hash."""
    return packed[:_KEY] + found


def of_record(
    connection: Connection, subject_no: int | None, category: str, record: str, *, key: bytes, known: Known
) -> list[TagProof]:
    """A proof for every tag of a record of a subject, under whichever policy."""
    if subject_no is None:
        return []
    ref = ref_of(key, subject_no, record)
    numbers = sorted(number for number, name in known.category_of.items() if name[1] == category)
    return [proof for number in numbers for proof in prove(connection, (subject_no, number, ref))]


def prove(connection: Connection, key: TagKey) -> Iterator[TagProof]:
    """A proof for every tag with this key (subject_no, category, ref), corrections last. Tags of large
    batches have none until these are sealed. IntegrityError where the table is not what was hashed.
    """
    driver = driver_of(connection)
    tables = [*map(table_name, read_epochs(connection).numbers), "tag_correction"]
    for table in tables:
        query = (
            "SELECT b.batch_no, b.entry, coalesce(s.entry, b.entry), b.tag_count, coalesce(s.root, b.root), "  # noqa: S608 - our own names
            f"coalesce(s.tiles, b.tiles) FROM {table} t JOIN batch b ON b.batch_no = t.batch_no "
            "LEFT JOIN batch_seal s ON s.batch_no = b.batch_no "
            "WHERE t.subject_no = ? AND t.category = ? AND t.ref = ? "
            "AND (b.root IS NOT NULL OR s.root IS NOT NULL) ORDER BY b.batch_no"
        )
        for batch_no, entry, rooted, size, root, tiles in driver.rows(query, *key):
            found = _inclusion(driver, table, (batch_no, size), key, bytes(tiles))
            proof = merkle.Inclusion(found[0], found[1], size, found[2], bytes(root))
            if not proof.holds():
                raise altered(batch_no)
            yield TagProof(batch_no, entry, proof, rooted)


def _inclusion(
    driver: Driver, table: str, batch: tuple[int, int], key: TagKey, tiles: bytes
) -> tuple[bytes, int, tuple[bytes, ...]]:
    """The leaf, its place in the batch (number, how many tags entered), and the path."""
    batch_no, size = batch
    known = [(row[:3], row[3]) for row in _TILE.iter_unpack(tiles)]
    firsts = [first for first, _ in known]
    tile = max(bisect_right(firsts, key) - 1, 0)
    rows = _stretch(driver, table, batch_no, firsts[tile : tile + 2])
    keys = [row[:3] for row in rows]
    if key not in keys:
        raise altered(batch_no)
    leaf = pack_on_record(rows[keys.index(key)])
    begin = tile * LEAVES
    cut = leaves_of(driver, batch_no, begin)
    free = free_places(cut, begin, min(LEAVES, size - begin))
    if len(free) != len(rows):
        raise altered(batch_no)
    place = free[keys.index(key)]
    hashes = cut | {at: merkle.leaf_hash(pack_on_record(row)) for at, row in zip(free, rows, strict=True)}
    within = merkle.path([found for _, found in sorted(hashes.items())], place - begin)
    above = merkle.path([found for _, found in known], tile)
    return leaf, place, (*within, *above)


def leaves_of(driver: Driver, batch_no: int, begin: int) -> dict[int, bytes]:
    """The hashes that are left of the tags that were cut out of one tile, by their place in the batch."""
    query = "SELECT place, hash FROM leaf WHERE batch_no = ? AND place >= ? AND place < ?"
    return {place: bytes(found) for place, found in driver.rows(query, batch_no, begin, begin + LEAVES)}


def free_places(cut: Mapping[int, bytes], begin: int, size: int) -> list[int]:
    """The places of a tile in which the tags stand that are still there, in order."""
    return [place for place in range(begin, begin + size) if place not in cut]


def _stretch(driver: Driver, table: str, batch_no: int, bounds: list[TagKey]) -> list[Any]:
    """The tags of a batch from one key on, up to before another where there is one."""
    key = "(subject_no, category, ref)"
    before = f" AND {key} < (?, ?, ?)" if len(bounds) > 1 else ""
    query = (
        f"SELECT {', '.join(TAG_COLUMNS)} FROM {table} WHERE batch_no = ? AND {key} >= (?, ?, ?){before} "  # noqa: S608 - our own names
        "ORDER BY subject_no, category, ref"
    )
    return driver.rows(query, batch_no, *(number for bound in bounds for number in bound))


def altered(batch_no: int) -> IntegrityError:
    """What is said of a batch whose tags changed."""
    return IntegrityError(
        f"the tags of batch {batch_no} are not those that were hashed",
        hint="restore the ledger from a backup",
    )
