# SPDX-License-Identifier: Apache-2.0
"""Cut records: what was taken out of the ledger on purpose, so that the rest can still be verified.

The chain holds a digest of every entry as it was written, and a batch one of its tags. Who takes rows out,
as retention and erasure ask, writes a *cut record* in the same transaction, as a row of the ledger like any
other: which numbers it is about, how many rows went, by which rule, and the digest of what is left. So

1. the chain is still followed link by link: a digest in it is of what was, and is not compared any more
   for what is under a cut;
2. what is left under a cut is hashed as before, number by number, and the SHA-256 over those digests
   (:class:`LeftOver`) must be the one of the cut;
3. of several cuts the last one that holds a number counts; one must hold all of an earlier that it touches;
4. what is gone without a cut record is missing, and what is gone beyond one is altered.

``what`` is ``entry`` (rows of entries: all but their tags), ``batch`` (tags of batches) or ``subject`` (the
name, salt and addresses of one person: nothing of it is in the chain, so nothing has to be left over).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any


class CutOf(StrEnum):
    """What numbers a cut is about."""

    ENTRY = "entry"
    BATCH = "batch"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Cut:
    """One cut record. ``first`` to ``last`` are the numbers it is about; ``gone`` how many rows it took;
    ``left`` the digest of what is left, 32 bytes (2), empty for a subject; ``rule`` by what right, in one
    line of plain words without a name in it.
    """

    what: CutOf
    first: int
    last: int
    gone: int
    left: bytes
    rule: str

    def holds(self, number: int) -> bool:
        """Whether it is about that number."""
        return self.first <= number <= self.last


@dataclass(slots=True)
class LeftOver:
    """Hashes what is left of the numbers of one cut, in their order."""

    hash: Any = field(default_factory=sha256)

    def take(self, digest: bytes) -> None:
        """The digest of what is left of the next number."""
        self.hash.update(digest)

    def digest(self) -> bytes:
        """Of all numbers taken."""
        found: bytes = self.hash.digest()
        return found


class LeftOvers:
    """What is left of several stretches of numbers (first, last), in order, which do not touch."""

    def __init__(self, stretches: Sequence[tuple[int, int]]) -> None:
        self._firsts = [first for first, _ in stretches]
        self._lasts = [last for _, last in stretches]
        self._left = [LeftOver() for _ in stretches]

    def _place(self, number: int) -> int:
        return bisect_right(self._firsts, number) - 1

    def holds(self, number: int) -> bool:
        """Whether it is in one of them."""
        place = self._place(number)
        return place >= 0 and number <= self._lasts[place]

    def take(self, number: int, digest: bytes) -> None:
        """The digest of what is left of the next number that is held."""
        self._left[self._place(number)].take(digest)

    def digests(self) -> list[bytes]:
        """Of each of them."""
        return [left.digest() for left in self._left]


def left_over(digests: Iterable[bytes]) -> bytes:
    """The ``left`` of a cut whose numbers have these digests now."""
    found = LeftOver()
    for digest in digests:
        found.take(digest)
    return found.digest()


class CutsCrossError(ValueError):
    """Two cuts cross, so neither says what is left."""


def governing(cuts: Sequence[Cut], what: CutOf) -> tuple[Cut, ...]:
    """The cuts that count, by number, none touching another; ``cuts`` in the order in which they were
    written (3). CutsCrossError where a later one holds only a part of an earlier.
    """
    kept: list[Cut] = []
    for cut in (cut for cut in cuts if cut.what is what):
        touched = [other for other in kept if other.first <= cut.last and cut.first <= other.last]
        if any(other.first < cut.first or other.last > cut.last for other in touched):
            raise CutsCrossError(f"the cut of {what.value} {cut.first} to {cut.last} crosses an earlier one")
        kept = [other for other in kept if other not in touched] + [cut]
    return tuple(sorted(kept, key=lambda cut: cut.first))


class CutWalk:
    """Holds what is left of the numbers of one kind against their cuts, in the order in which all are read:
    entries by number; batches by their table (epochs oldest first, corrections last), then by number.
    """

    def __init__(self, cuts: Sequence[Cut]) -> None:
        self._cuts = cuts
        self._firsts = [cut.first for cut in cuts]
        self._left = [LeftOver() for _ in cuts]

    def take(self, number: int, digest: bytes) -> bool:
        """Note what is on record under a number now; True where a cut holds it, whose digest then counts."""
        place = bisect_right(self._firsts, number) - 1
        if place < 0 or not self._cuts[place].holds(number):
            return False
        self._left[place].take(digest)
        return True

    def wrong(self) -> list[Cut]:
        """The cuts whose rest is not what they say, after the last number."""
        pairs = zip(self._cuts, self._left, strict=True)
        return [cut for cut, left in pairs if left.digest() != cut.left]
