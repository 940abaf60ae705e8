# SPDX-License-Identifier: Apache-2.0
"""Tags as bytes, a whole batch at a time: what the chain hashes, and what PostgreSQL's COPY takes.

A packed tag is 28 bytes, big-endian: subject_no (8), category (2), ref (8), collected_at (8), version_no
(2). Its batch is not in it: the batch has a line of its own in the chain.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter

# What enters: subject_no, category, ref, collected_at, version_no.
NewTag = tuple[int, int, int, int, int]
# What is on record: subject_no, category, ref, collected_at, batch_no, version_no.
TagValues = tuple[int, int, int, int, int, int]
NEW_COLUMNS = ("subject_no", "category", "ref", "collected_at", "version_no")
TAG_COLUMNS = ("subject_no", "category", "ref", "collected_at", "batch_no", "version_no")

_TAG = "qhqqh"
_ONE = struct.Struct(f">{_TAG}")
WIDTH = _ONE.size
_AT_ONCE = 200  # one call for many rows takes half the time of one for each
_MANY = struct.Struct(f">{_TAG * _AT_ONCE}")


def in_key_order(rows: Iterable[NewTag]) -> list[NewTag]:
    """Rows of which no two have one key, sorted by it: one number at a time, the last first, which takes less
    than to compare tuples.
    """
    found = sorted(rows, key=itemgetter(2))
    found.sort(key=itemgetter(1))
    found.sort(key=itemgetter(0))
    return found


class Packer:
    """Packs tags stretch by stretch, and keeps all that it packed."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def __call__(self, rows: Sequence[NewTag]) -> bytes:
        """The tags one after the other, in the order given."""
        part = pack_tags(rows)
        self._parts.append(part)
        return part

    @property
    def whole(self) -> bytes:
        """All so far."""
        return b"".join(self._parts)


def pack_tags(rows: Sequence[NewTag]) -> bytes:
    """The tags one after the other, in the order given."""
    whole = len(rows) - len(rows) % _AT_ONCE
    flat = chain.from_iterable
    parts = [_MANY.pack(*flat(rows[start : start + _AT_ONCE])) for start in range(0, whole, _AT_ONCE)]
    parts += (_ONE.pack(*row) for row in rows[whole:])
    return b"".join(parts)


def pack_on_record(row: TagValues) -> bytes:
    """One tag that is on record."""
    return _ONE.pack(*row[:4], row[5])


def pack_columns(columns: Sequence[bytes]) -> bytes:
    """Tags whose five columns come as numbers of 8 bytes, the least first: every byte is put in its place
    for all of them at once, which takes a fiftieth of the time of one call for each.
    """
    found = bytearray(len(columns[0]) // 8 * WIDTH)
    for (start, _, length), column in zip(_PLACES, columns, strict=True):
        for place in range(length):
            found[start + place :: WIDTH] = column[length - 1 - place :: 8]
    return bytes(found)


# PostgreSQL's binary form of COPY: a signature, then for each row the number of columns and each value
# after its length. Until step 0004 the chain hashed this form of a row.

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
COPY_TAIL = struct.pack(">h", -1)
_COPIED = struct.Struct(">hiqihiqiqiiih")
# Where the columns of a packed tag begin, where those of a copied one, and how long they are.
_PLACES = ((0, 6, 8), (8, 18, 2), (10, 24, 8), (18, 36, 8), (26, 56, 2))


def copy_of(row: TagValues) -> bytes:
    """One tag as COPY writes it."""
    subject_no, category, ref, collected_at, batch_no, version_no = row
    return _COPIED.pack(6, 8, subject_no, 2, category, 8, ref, 8, collected_at, 4, batch_no, 2, version_no)


def copies(packed: bytes, batch_no: int) -> bytes:
    """Packed tags as COPY writes them: every byte of a column is put in its place for all rows at once."""
    found = bytearray(copy_of((0, 0, 0, 0, batch_no, 0)) * (len(packed) // WIDTH))
    for start, goal, length in _PLACES:
        for place in range(length):
            found[goal + place :: _COPIED.size] = packed[start + place :: WIDTH]
    return bytes(found)
