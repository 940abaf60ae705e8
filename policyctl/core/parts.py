# SPDX-License-Identifier: Apache-2.0
"""Splits and merges: an unmatched piece whose words stand in a piece that is linked already.

For an unmatched new piece u and a linked pair (v, w): the words of v that w does not explain are
what v lost. When u holds most of them and they make up most of u, v was split into w and u. The
mirror image is a merge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from policyctl.core.assign import Pair
from policyctl.core.pieces import Piece, Words
from policyctl.core.remainder import Gaps

Whole = tuple[tuple[int, ...], tuple[int, ...], str, float]
_COVER, _COVER_NEAR = 0.75, 0.5
_FEW = 4


def parts(
    old: Sequence[Piece],
    new: Sequence[Piece],
    found: Mapping[Pair, tuple[str, float]],
    gaps: Gaps,
    words: Words,
) -> list[Whole]:
    """Links of one piece with several, or several with several, as ``(old, new, how, margin)``."""
    del gaps
    used = [{pair[side] for pair in found} for side in (0, 1)]
    loose = [pair for pair, (how, _) in sorted(found.items()) if how not in {"raw", "visible"}]
    groups = {pair: ([pair[0]], [pair[1]]) for pair in loose}
    margins: dict[Pair, float] = {}
    for side, pieces in ((1, new), (0, old)):
        for index in range(len(pieces)):
            if index not in used[side] and (best := _home(index, side, (old, new), loose, words)):
                margin, pair = best
                groups[pair][side].append(index)
                margins[pair] = min(margin, margins.get(pair, 1.0))
    return [
        (tuple(sorted(olds)), tuple(sorted(news)), "coverage", margins[pair])
        for pair, (olds, news) in groups.items()
        if len(olds) + len(news) > 2
    ]


def _home(
    index: int, side: int, sides: tuple[Sequence[Piece], Sequence[Piece]], loose: list[Pair], words: Words
) -> tuple[float, Pair] | None:
    """The linked pair that piece ``index`` of ``side`` is a part of, with the margin."""
    ranked = []
    for pair in loose:
        near = abs(pair[side] - index) == 1
        cover = _cover(index, side, pair, sides, words, near=near)
        if cover >= (_COVER_NEAR if near else _COVER):
            ranked.append((cover, near, pair))
    if not ranked:
        return None
    ranked.sort(key=lambda item: (-item[0] - 0.2 * item[1], item[2]))
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    return round(max(0.0, ranked[0][0] - second), 4), ranked[0][2]


def _cover(
    index: int,
    side: int,
    pair: Pair,
    sides: tuple[Sequence[Piece], Sequence[Piece]],
    words: Words,
    *,
    near: bool,
) -> float:
    """Share of the piece's words that the pair's other side lost or gained, in order, 0 to 1."""
    own = words.of(side, index)
    whole = words.of(1 - side, pair[1 - side])
    kept = words.of(side, pair[side])
    if len(own) < _FEW:
        return _bare_cover(sides[side][index], sides[1 - side][pair[1 - side]], near=near)
    rest = _unexplained(whole, kept)
    if len(rest) < len(own) * 0.5:
        return 0.0
    from rapidfuzz.distance import LCSseq

    return LCSseq.similarity(own, rest) / max(len(own), min(len(rest), 2 * len(own)))


def _bare_cover(piece: Piece, whole: Piece, *, near: bool) -> float:
    """A heading without a body is a part where the whole's heading holds it."""
    title, into = piece.title, whole.title
    return 1.0 if near and title and into and title != into and title in into else 0.0


def _unexplained(whole: str, kept: str) -> str:
    """The words of ``whole`` that do not stand in ``kept``."""
    from rapidfuzz.distance import Indel

    steps = Indel.opcodes(whole, kept)
    return "".join(whole[s.src_start : s.src_end] for s in steps if s.tag == "delete")
