# SPDX-License-Identifier: Apache-2.0
"""The longest common sequence of a long text and of one that grows at either end.

For texts that change little one after the other, what was worked out for the one that is known is gone
on from: bit-parallel rows (Crochemore et al. 2001; Hyyrö 2004) on whole numbers as long as the text.
"""

from __future__ import annotations

from functools import cached_property

Row = int
"""Bit i is not set where the common sequence with ``whole[:i + 1]`` is longer than with ``whole[:i]``."""


class Whole:
    """A text of one character a word, and where in it each word stands, from either end."""

    __slots__ = ("__dict__", "text")

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def places(self) -> dict[str, int]:
        """By word, the bits of its places."""
        return _places(self.text)

    @cached_property
    def places_back(self) -> dict[str, int]:
        """By word, the bits of its places counted from the end."""
        return _places(self.text[::-1])

    @property
    def begin(self) -> Row:
        """Nothing is read yet."""
        return (1 << len(self.text)) - 1

    def length(self, row: Row) -> int:
        """How many words the common sequence has."""
        return len(self.text) - (row & self.begin).bit_count()


class Growing:
    """The common sequence of a whole with ``kept``, alone and with more words before or behind it."""

    __slots__ = ("__dict__", "kept", "whole")

    def __init__(self, whole: Whole, kept: str) -> None:
        self.whole, self.kept = whole, kept

    def with_behind(self, own: str) -> int:
        """The same with ``kept + own``."""
        return self.whole.length(_read(self._read, self.whole.places, own))

    def with_before(self, own: str) -> int:
        """The same with ``own + kept``."""
        return self.whole.length(_read(self._read_back, self.whole.places_back, own[::-1]))

    @cached_property
    def _read(self) -> Row:
        return _read(self.whole.begin, self.whole.places, self.kept)

    @cached_property
    def _read_back(self) -> Row:
        return _read(self.whole.begin, self.whole.places_back, self.kept[::-1])


def _places(text: str) -> dict[str, int]:
    at: dict[str, list[int]] = {}
    for index, word in enumerate(text):
        at.setdefault(word, []).append(index)
    return {word: _bits(indices, len(text)) for word, indices in at.items()}


def _bits(indices: list[int], size: int) -> int:
    field = bytearray(size // 8 + 1)
    for index in indices:
        field[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(field, "little")


def _read(row: Row, places: dict[str, int], words: str) -> Row:
    for word in words:
        held = places.get(word)
        if held:
            both = row & held
            row = (row + both) | (row - both)
    return row
