# SPDX-License-Identifier: Apache-2.0
"""What a reader goes by where too few words are left to tell a part: titles, openings, like neighbours.

A piece beside a linked pair is a part of the pair's whole, although it was rewritten, when

1. divided title: ``Closed or paused accounts`` became ``Closed accounts`` and ``Paused accounts``;
2. the title went with it: the whole had one, what goes on from it has none, the piece before has it;
3. the opening went with it: it begins as the whole began, and what goes on keeps the title;
4. it holds little else than what stood in the whole, some of which the other part lost, and is named
   after it;
5. like neighbours became one: what tells it from its neighbour is now said in the neighbour's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policyctl.core.diff.assign import Pair
from policyctl.core.diff.cleanup import STOP_WORDS
from policyctl.core.diff.pieces import Piece, Words, weighty, words_of

_OPENING = 12  # words that are the same at the beginning; fewer are a way of speaking
_PART = 0.25  # share of the words of a divided title's part that stood in the whole
_HELD, _GAINED, _LEAST = 0.75, 0.25, 6
_ALIKE, _SIBLING = 0.6, 6
REACH = 4
"""How many pieces away from what goes on from the whole a part may stand."""

Sides = tuple[Sequence[Piece], Sequence[Piece]]


@dataclass(frozen=True, slots=True)
class Part:
    """The question: is the piece ``index`` of ``side`` a part of what the ``pair`` links with its own member
    there, from which it stands at most ``REACH`` away?
    """

    sides: Sides
    words: Words
    index: int
    side: int
    pair: Pair
    parts: Sequence[int] = ()
    """What is known to be a part already, beside the pair's own member."""

    def answer(self) -> bool:
        """Yes, for one of the reasons above."""
        if abs(self.pair[self.side] - self.index) == 1 and self._by_name():
            return True
        step = 1 if self._before() else -1
        between = range(self.index, self.pair[self.side], step)
        return all(
            folds(self.sides, index, self.side, self.pair, self.parts)
            for index in between
            if index not in self.parts
        )

    def _before(self) -> bool:
        """It stands before what goes on from the whole."""
        return self.index < self.pair[self.side]

    def _by_name(self) -> bool:
        piece, kept = self.sides[self.side][self.index], self.sides[self.side][self.pair[self.side]]
        own, other = weighty(piece.name), weighty(kept.name)
        whole = weighty(self.sides[1 - self.side][self.pair[1 - self.side]].name)
        if not own or not whole:
            return False
        if own < whole and other < whole and own | other == whole:
            return self._shared() >= _PART
        if self._before() and len(whole) > 1 and whole <= own and not kept.name:
            return True
        if self._before() and len(own & whole) > 1 and other == whole and self._opens():
            return True
        return own != other and (own <= whole or whole <= own) and self._held()

    def _texts(self) -> tuple[str, str, str]:
        """The words of the piece, of what goes on from the whole, and of the whole."""
        own, kept = self.words.of(self.side, self.index), self.words.of(self.side, self.pair[self.side])
        return own, kept, self.words.of(1 - self.side, self.pair[1 - self.side])

    def _shared(self) -> float:
        own = self.words.runs(self.side, self.index)
        return len(own & self.words.runs(1 - self.side, self.pair[1 - self.side])) / len(own)

    def _opens(self) -> bool:
        """The piece begins as the whole did, and what goes on from the whole does not have that."""
        own, kept, whole = self._texts()
        names = (self.words.named(self.side, self.index),
                 self.words.named(1 - self.side, self.pair[1 - self.side]))  # fmt: skip
        opening = own[names[0] : names[0] + _OPENING]
        same = whole[names[1] : names[1] + _OPENING] == opening
        return len(opening) == _OPENING and same and opening not in kept

    def _held(self) -> bool:
        """Nearly all of the piece stood in the whole, and some of that is not in what goes on from it."""
        own, kept, whole = self._texts()
        if len(own) < _LEAST or self.words.common(whole, own) < _HELD * len(own):
            return False
        together = max(self.words.common(whole, way) for way in (own + kept, kept + own))
        return together - self.words.common(whole, kept) >= max(_LEAST, _GAINED * len(own))


def strays(sides: Sides, found: Mapping[Pair, tuple[str, float]], words: Words) -> list[Pair]:
    """Pairs found by words alone, not many of them, of which one end became one with a like neighbour."""
    partner = (dict(iter(found)), {n: o for o, n in found})
    weak = [pair for pair, (how, _) in found.items() if how == "similarity"]
    return [
        pair
        for pair in weak
        if _unlike(words, pair) and any(_strays(sides, partner, side, pair) for side in (0, 1))
    ]


def _strays(
    sides: Sides,
    partner: tuple[Mapping[int, int], Mapping[int, int]],
    side: int,
    pair: Pair,
) -> bool:
    index, into = pair[side], sides[1 - side][pair[1 - side]]
    for near in range(index - REACH, index + REACH + 1):
        other = partner[side].get(near)
        if near == index or other is None:
            continue
        rival = (other, near) if side else (near, other)
        telling = folds(sides, index, side, rival)
        if telling and telling.isdisjoint(words_of(into.body)):
            return True
    return False


def _unlike(words: Words, pair: Pair) -> bool:
    one, other = words.of(0, pair[0]), words.of(1, pair[1])
    return words.common(one, other) < _ALIKE * max(len(one), len(other))


def folds(sides: Sides, index: int, side: int, pair: Pair, parts: Sequence[int] = ()) -> frozenset[str]:
    """What tells the piece from the pair's member of its side, which it is like, when all of that now
    stands in the other member, and no other part has it; else nothing.
    """
    piece, sibling, whole = sides[side][index], sides[side][pair[side]], sides[1 - side][pair[1 - side]]
    if piece.title or sibling.title or abs(piece.size - sibling.size) > _ALIKE * sibling.size:
        return frozenset()
    own, like, into = words_of(piece.body), words_of(sibling.body), words_of(whole.body)
    if len(own) < _SIBLING or len(into) > len(like) + len(own):
        return frozenset()
    known = set(like)
    if sum(1 for word in own if word in known) < _ALIKE * len(own):
        return frozenset()
    telling = frozenset(word for word in own if word not in known and not word.isdigit()) - STOP_WORDS
    for part in parts:
        telling -= set(words_of(sides[side][part].body))
    return telling if telling <= set(into) else frozenset()
