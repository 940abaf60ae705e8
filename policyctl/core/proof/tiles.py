# SPDX-License-Identifier: Apache-2.0
"""Tiles of an entry that wrote very many rows: so that one of them is proven by reading a few.

1. The sorted lines of the entry are cut into tiles of 256. Of each are kept the root of its tree, and the
   shortest words that no line before it reaches: a line is in the last tile whose words are not after it.
2. A full tile is a whole subtree, so the tree over the roots of the tiles is the upper part of that of the
   entry.
3. The words say no more of a row than it takes to tell it from the one before: mostly a few digits of a
   number. So rows that are taken out later leave nothing here, and the other tiles still prove theirs.
4. Tiles are no part of the chain. Wrong ones give no proof, as a path has to lead to the digest of the entry.

A line is ``["table", number, ...]``, and lines are sorted as bytes: the numbers of a stretch of lines are
not one range but one for each count of digits.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from policyctl.core import merkle
from policyctl.core.proof.rows import Path

LEAVES = 256
MANY = 4_096
"""Rows of an entry from which on it has tiles."""

_SIZE, _WORDS, _ROOT = struct.Struct(">I"), struct.Struct(">I"), 32
_DIGITS = 19  # of the largest number that a database has


def cut_into_tiles(lines: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The root of the tree over sorted lines, and its tiles as they are kept."""
    roots, parts, before = [], [_SIZE.pack(len(lines))], b""
    for start in range(0, len(lines), LEAVES):
        some = lines[start : start + LEAVES]
        roots.append(merkle.root([merkle.leaf_hash(line) for line in some]))
        words = _parting(before, some[0])
        parts += (_WORDS.pack(len(words)), words, roots[-1])
        before = some[-1]
    return merkle.root(roots), b"".join(parts)


def _parting(before: bytes, line: bytes) -> bytes:
    """The shortest beginning of a line that is after the one before; all of it where they are the same."""
    place = next((n for n, (one, other) in enumerate(zip(before, line, strict=False)) if one != other), None)
    return b"" if not before else line if place is None else line[: place + 1]


@dataclass(frozen=True)
class Tiles:
    """What is kept of an entry with ``size`` rows."""

    size: int
    words: Sequence[bytes]
    roots: Sequence[bytes]

    @cached_property
    def _levels(self) -> list[Sequence[bytes]]:
        return merkle.levels(self.roots)

    @property
    def root(self) -> bytes:
        """That of the tree of the entry."""
        return self._levels[-1][0]

    def tile_of(self, line: bytes) -> int:
        """The number of the tile that a line is in, if it is in one."""
        return max(bisect_right(self.words, line) - 1, 0)

    def bounds(self, tile: int) -> tuple[bytes, bytes | None]:
        """Lines of a tile are not before the one and before the other; None: there is no end."""
        return self.words[tile], self.words[tile + 1] if tile + 1 < len(self.words) else None

    def path(self, tile: int, lines: Sequence[bytes], line: bytes) -> Path | None:
        """The path of a line among the sorted lines of its tile; None where they are not those of then."""
        place = bisect_left(lines, line)
        below = merkle.levels([merkle.leaf_hash(each) for each in lines])
        if not lines or below[-1][0] != self.roots[tile] or lines[place : place + 1] != [line]:
            return None
        above = merkle.path_in(self._levels, tile)
        return Path(tile * LEAVES + place, self.size, (*merkle.path_in(below, place), *above))


def read_tiles(kept: bytes) -> Tiles | None:
    """The tiles as they were kept; None for bytes that are none."""
    try:
        (size,), place = _SIZE.unpack_from(kept), _SIZE.size
        words, roots = [], []
        while place < len(kept):
            (length,) = _WORDS.unpack_from(kept, place)
            end = place + _WORDS.size + length
            words.append(kept[place + _WORDS.size : end])
            roots.append(kept[end : end + _ROOT])
            place = end + _ROOT
    except struct.error:
        return None
    fits = place == len(kept) and len(roots) == -(-size // LEAVES) and bool(roots)
    return Tiles(size, words, roots) if fits else None


def lies_between(table: str, first: bytes, after: bytes | None) -> bool:
    """Whether lines of a table may be among those not before ``first`` and before ``after``."""
    head = _head(table)
    begins = first <= head or first.startswith(head)
    return begins and (after is None or head < after)


def numbers_between(table: str, first: bytes, after: bytes | None) -> list[tuple[int, int]] | None:
    """The ranges in which the numbers lie that such lines begin with, both ends included, and maybe some of
    their neighbours; None: anywhere.
    """
    low, high = _number(table, first), _number(table, after or b"")
    if low is None and high is None:
        return None
    return list(_ranges(low, high))


def _head(table: str) -> bytes:
    return b'["%b", ' % table.encode()


def _number(table: str, words: bytes) -> str | None:
    """The digits that words of this table begin with, maybe not all of them; None where they are of another,
    or begin with no digit.
    """
    head = _head(table)
    digits = words[len(head) :].partition(b",")[0] if words.startswith(head) else b""
    return digits.decode() if digits.isdigit() else None


def _ranges(low: str | None, high: str | None) -> Iterator[tuple[int, int]]:
    """For each count of digits, the numbers that as words lie from ``low`` to ``high``."""
    if low is None:
        yield -(1 << 63), -1  # a sign is before all digits
    for count in range(1, _DIGITS + 1):
        least = 10 ** (count - 1) if count > 1 else 0
        most = min(10**count - 1, (1 << 63) - 1)
        if low is not None:
            begun = int(low.ljust(count, "0")) if count >= len(low) else int(low[:count]) + 1
            least = max(least, begun)
        if high is not None:
            ended = int(high[:count]) if count <= len(high) else int(high.ljust(count, "0")) - 1
            most = min(most, ended)
        if least <= most:
            yield least, most
