# SPDX-License-Identifier: Apache-2.0
"""Splits and merges: an unmatched piece whose words stand in a piece that is linked already.

For an unmatched new piece u and a linked pair (v, w): the words of v that w does not explain are
what v lost. When u holds most of them and they make up most of u, v was split into w and u. The
mirror image is a merge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from math import ceil

from policyctl.core.diff.assign import Pair
from policyctl.core.diff.evidence import REACH, Part
from policyctl.core.diff.growing import Growing
from policyctl.core.diff.growing import Whole as Long
from policyctl.core.diff.pieces import Piece, Words

Whole = tuple[tuple[int, ...], tuple[int, ...], str, float]
_COVER, _COVER_NEAR = 0.6, 0.42
_FEW = 4
_MANY = 20_000  # unmatched pairs; beyond that a look at each takes too long
_LONG, _FOREIGN = 15, 0.35
_HOLDER, _HELD = 30, 0.6
_SHARED, _SHARED_NEAR, _SHORT = 0.25, 0.04, 15
_LARGE = 4_000_000  # words x words; beyond that a comparison goes on from what is known of the kept part


def parts(
    old: Sequence[Piece], new: Sequence[Piece], found: Mapping[Pair, tuple[str, float]], words: Words
) -> list[Whole]:
    """Links of one piece with several, or several with several, as ``(old, new, how, margin)``."""
    loose = [pair for pair, (how, _) in sorted(found.items()) if how not in {"raw", "visible"}]
    return _Parts((old, new), loose, words).found(found) if loose else []


def holders(
    old: Sequence[Piece], new: Sequence[Piece], found: Collection[Pair], words: Words
) -> dict[Pair, tuple[str, float]]:
    """Pairs of an unmatched piece with the longest of several unmatched ones that it holds.

    A list that was many clauses and is one now has no counterpart that is like it; its parts do stand
    in it. What stands in several goes to the largest. Such a pair is where ``parts`` begins; by itself
    it is no link.
    """
    used = {o for o, _ in found}, {n for _, n in found}
    left = [o for o in range(len(old)) if o not in used[0]]
    right = [n for n in range(len(new)) if n not in used[1]]
    seeds: dict[Pair, tuple[str, float]] = {}
    if len(left) * len(right) > _MANY:
        return seeds  # another document altogether
    for side, wholes, others in ((1, right, left), (0, left, right)):
        for index in sorted(wholes, key=lambda i: (-len(words.of(side, i)), i)):
            taken = ({o for o, _ in seeds}, {n for _, n in seeds})
            held = [i for i in _held(side, index, others, words) if i not in taken[1 - side]]
            if held and index not in taken[side]:
                longest = max(held, key=lambda i: (len(words.of(1 - side, i)), -i))
                pair = (longest, index) if side else (index, longest)
                seeds[pair] = ("coverage", 0.0)
    return seeds


def _held(side: int, index: int, others: Sequence[int], words: Words) -> list[int]:
    """The pieces of the other side whose runs of words nearly all stand in this one; [] when they are
    fewer than two or make up too little of it.
    """
    size = len(words.of(side, index))
    if size < _HOLDER or len(others) < 2:  # noqa: PLR2004 - one part is no division
        return []
    own = words.runs(side, index)
    held = []
    for other in others:
        runs = words.runs(1 - side, other)
        if len(words.of(1 - side, other)) >= _FEW and len(runs & own) >= _HELD * len(runs):
            held.append(other)
    total = sum(len(words.of(1 - side, other)) for other in held)
    return held if len(held) > 1 and total >= size / 2 else []


class _Parts:
    """Gives unmatched pieces to the linked pairs they are parts of, the surest first."""

    def __init__(
        self, sides: tuple[Sequence[Piece], Sequence[Piece]], loose: list[Pair], words: Words
    ) -> None:
        self.sides, self.loose, self.words = sides, loose, words
        self.groups: dict[Pair, tuple[list[int], list[int]]] = {
            pair: ([pair[0]], [pair[1]]) for pair in loose
        }
        self.margins: dict[Pair, float] = {}
        self.known: dict[str, frozenset[str]] = {}  # by whole, its runs of two words
        self.long: dict[str, Long] = {}
        self.growing: dict[tuple[str, str], Growing] = {}

    def found(self, linked: Collection[Pair]) -> list[Whole]:
        used = ({o for o, _ in linked}, {n for _, n in linked})
        ranked = sorted(
            (-score, side, index, pair)
            for side in (1, 0)
            for index in range(len(self.sides[side]))
            if index not in used[side]
            for pair in self.loose
            if (score := self._score(index, side, pair))
        )
        homes: dict[tuple[int, int], list[float]] = defaultdict(list)
        for score, side, index, _ in ranked:
            homes[side, index].append(-score)
        for _, side, index, pair in ranked:
            if index not in used[side] and self._still(index, side, pair):
                used[side].add(index)
                self.groups[pair][side].append(index)
                scores = [*homes[side, index], 0.0]
                self.margins[pair] = min(scores[0] - scores[1], self.margins.get(pair, 1.0))
        return [
            (tuple(sorted(olds)), tuple(sorted(news)), "coverage", round(min(1.0, self.margins[pair]), 4))
            for pair, (olds, news) in self.groups.items()
            if len(olds) > 1 or len(news) > 1
        ]

    def _score(self, index: int, side: int, pair: Pair) -> float:
        """How surely the piece is a part of the pair's other side; 0 when it is not."""
        near = abs(pair[side] - index) == 1
        named = self.sides[side][index].title == self.sides[1 - side][pair[1 - side]].title != ""
        least = _COVER_NEAR if near or named else _COVER
        cover = 0.0
        if named or self._shares(index, side, pair, near=near):
            cover = self._cover(index, side, pair, least)
        if cover >= least:
            return cover + 0.2 * near + 0.2 * named
        if abs(pair[side] - index) > REACH:
            return 0.0
        known = [part for part in self.groups[pair][side] if part != pair[side]]
        return least if Part(self.sides, self.words, index, side, pair, known).answer() else 0.0

    def _shares(self, index: int, side: int, pair: Pair, *, near: bool) -> bool:
        """Some runs of three words stand in both: without them a comparison is a waste of time."""
        own = self.words.runs(side, index)
        if near and len(own) < _SHORT:
            return True
        shared = len(own & self.words.runs(1 - side, pair[1 - side]))
        return shared >= (_SHARED_NEAR if near else _SHARED) * len(own)

    def _still(self, index: int, side: int, pair: Pair) -> bool:
        """The piece is a part even beside the parts that the pair already has."""
        return len(self.groups[pair][side]) == 1 or self._score(index, side, pair) > 0

    def _cover(self, index: int, side: int, pair: Pair, least: float) -> float:
        """Share of the piece's words, in order, that the other side holds and this side's does not; 0
        when it cannot be as much as ``least``.
        """
        own = self.words.of(side, index)
        if len(own) < _FEW:
            return _bare_cover(index, side, pair, self.sides)
        whole = "".join(self.words.of(1 - side, i) for i in sorted(self.groups[pair][1 - side]))
        held = self.words.common(whole, own)
        if held < least * len(own):
            return 0.0
        kept = "".join(self.words.of(side, i) for i in sorted(self.groups[pair][side]))
        alone = self.words.common(whole, kept)
        if len(whole) - alone < least * len(own):
            return 0.0  # so little of the whole is not explained yet
        if len(own) >= _LONG and self._foreign(own, whole) > _FOREIGN:
            return 0.0
        bound = alone + ceil(least * len(own))
        if len(self.groups[pair][side]) == 1:
            together = self._together(whole, kept, own, bound, alone + held)
        else:  # whether it is a part is the question, not how surely
            in_place = "".join(self.words.of(side, i) for i in sorted([*self.groups[pair][side], index]))
            together = self.words.most_common(whole, (in_place, kept + own, own + kept), bound, bound)
        return (together - alone) / len(own) if together else 0.0

    def _together(self, whole: str, kept: str, own: str, least: int, most: int) -> int:
        """What the whole has in common with the kept part and the other, whichever stands first."""
        if len(whole) * len(kept) <= _LARGE:
            return self.words.most_common(whole, (kept + own, own + kept), least, most)
        growing = self._growing(whole, kept)
        best = growing.with_behind(own)
        if best < most:
            best = max(best, growing.with_before(own))
        return best if best >= least else 0

    def _growing(self, whole: str, kept: str) -> Growing:
        found = self.growing.get((whole, kept))
        if found is None:
            long = self.long.setdefault(whole, Long(whole))
            found = self.growing[whole, kept] = Growing(long, kept)
        return found

    def _foreign(self, own: str, whole: str) -> float:
        """Share of the longest stretch of a part that has no two neighbouring words in common with the
        whole.
        """
        pairs = self.known.get(whole)
        if pairs is None:
            pairs = self.known[whole] = frozenset([whole[i : i + 2] for i in range(len(whole) - 1)])
        longest = run = 0
        for i in range(len(own) - 1):
            run = 0 if own[i : i + 2] in pairs else run + 1
            longest = max(longest, run)
        return longest / len(own)


def _bare_cover(index: int, side: int, pair: Pair, sides: tuple[Sequence[Piece], Sequence[Piece]]) -> float:
    """A heading without a body is a part where the whole took its heading, alone or with others."""
    title, kept = sides[side][index].title, sides[side][pair[side]].title
    into = sides[1 - side][pair[1 - side]].title
    if abs(pair[side] - index) != 1 or not title or into == kept:
        return 0.0
    return 1.0 if title in into else 0.0
