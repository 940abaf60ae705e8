# SPDX-License-Identifier: Apache-2.0
"""Pieces x pieces -> links: which clause (or block) of the new text goes on from which of the old.

1. raw: equal texts: common beginnings and ends, then texts that stand once on each side.
2. visible: the same by what a reader sees.
3. The heaviest chain of these in order cuts the rest into gaps; texts that stand several times are
   told apart by what stands around them.
4. remainder: what is left is scored by words, title and gap; the best assignment is taken.
5. parts: what is still alone may be a part of a linked piece: splits and merges. A piece that holds
   most of several others is linked to them; a doubtful pair gives way when both of its ends are parts.
6. position: what alone is left in a gap on both sides, when nothing speaks against it.
7. moves: links that are not in the heaviest chain of links in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from policyctl.core.diff.assign import CELLS, Pair, heaviest_chain, in_line
from policyctl.core.diff.evidence import strays
from policyctl.core.diff.parts import Whole, holders, parts
from policyctl.core.diff.pieces import Piece, Words, words_of
from policyctl.core.diff.remainder import Gaps, by_position, by_score

_FEW_WORDS = 6
_DOUBT = 0.1  # margin
_FEW_PARTS = 4
_TOO_FEW = 4  # words; fewer do not move


@dataclass(frozen=True, slots=True)
class Link:
    """Indices of old and new pieces that go together, how they were found, and how surely."""

    old: tuple[int, ...]
    new: tuple[int, ...]
    matched_by: str
    margin: float = 1.0
    moved: bool = False


Found = dict[Pair, tuple[str, float]]


def align(
    old: Sequence[Piece], new: Sequence[Piece], known: Mapping[Pair, tuple[str, float]] | None = None
) -> tuple[Link, ...]:
    """Links that hold every piece of both sides exactly once; unmatched ones stand alone.

    In order of the new side; pieces that exist only on the old side after those they followed.
    ``known``: pairs that are certain before any text is read.
    """
    found: Found = dict(known or {})
    _equal(old, new, found, "raw", lambda piece: piece.raw)
    whole: list[Whole] = []
    if len(found) < min(len(old), len(new)):
        _equal(old, new, found, "visible", lambda piece: piece.key)
        _repeated(old, new, found)
    if len(found) < max(len(old), len(new)):
        whole = _settle(old, new, found)
    joined = {(o, n) for olds, news, _, _ in whole for o in olds for n in news}
    links = [Link((o,), (n,), how, margin) for (o, n), (how, margin) in found.items() if (o, n) not in joined]
    links += [Link(*group) for group in whole]
    links += _alone(len(old), len(new), links)
    return _in_order(_with_moves(old, new, links))


def _settle(old: Sequence[Piece], new: Sequence[Piece], found: Found) -> list[Whole]:
    """Steps 4 to 6: adds pairs to ``found``, gives links of more than two pieces."""
    words = Words(old, new)
    gaps = Gaps(old, new, found)
    if len(found) < min(len(old), len(new)):  # else nothing is left on one side
        found.update(by_score(old, new, found, gaps, words))
        for pair in strays((old, new), found, words):
            del found[pair]
    whole = _parts(old, new, found, gaps, words)
    taken_old = {o for o, _ in found}.union(*(group[0] for group in whole))
    taken_new = {n for _, n in found}.union(*(group[1] for group in whole))
    found.update(by_position(old, new, taken_old, taken_new, gaps, words))
    return whole


def _parts(old: Sequence[Piece], new: Sequence[Piece], found: Found, gaps: Gaps, words: Words) -> list[Whole]:
    """Step 5. Takes back the pairs that turn out to be parts of others."""
    seeds = holders(old, new, found, words)
    whole = parts(old, new, found | seeds, words)
    weak = {pair for pair in found if _weak(old, new, found, gaps, pair)}
    if not weak:
        return whole
    other = parts(old, new, {pair: how for pair, how in found.items() if pair not in weak} | seeds, words)
    olds = {o for group in other for o in group[0]}
    news = {n for group in other for n in group[1]}
    if not all(o in olds and n in news for o, n in weak):
        return whole
    for pair in weak:
        del found[pair]
    return other


def _weak(old: Sequence[Piece], new: Sequence[Piece], found: Found, gaps: Gaps, pair: Pair) -> bool:
    """Found by words alone, at another place, and others are nearly as like."""
    how, margin = found[pair]
    titled = old[pair[0]].title == new[pair[1]].title
    return how == "similarity" and margin < _DOUBT and not titled and not gaps.same(*pair)


def _equal(
    old: Sequence[Piece], new: Sequence[Piece], found: Found, how: str, key: Callable[[Piece], Hashable]
) -> None:
    """Adds pairs with equal keys: common ends first, then keys that stand once on each side."""
    left, right = _left(old, new, found)
    if how == "raw":
        _common_ends(old, new, left, right, found)
        left, right = _left(old, new, found)
    keys_old, keys_new = {o: key(old[o]) for o in left}, {n: key(new[n]) for n in right}
    count_old, count_new = Counter(keys_old.values()), Counter(keys_new.values())
    place = {key: n for n, key in keys_new.items()}
    for o, own in keys_old.items():
        if count_old[own] == 1 == count_new[own]:
            found[o, place[own]] = (how, 1.0)


def _left(old: Sequence[Piece], new: Sequence[Piece], found: Found) -> tuple[list[int], list[int]]:
    used_old, used_new = {o for o, _ in found}, {n for _, n in found}
    return (
        [o for o in range(len(old)) if o not in used_old],
        [n for n in range(len(new)) if n not in used_new],
    )


def _common_ends(
    old: Sequence[Piece], new: Sequence[Piece], left: list[int], right: list[int], found: Found
) -> None:
    short = min(len(left), len(right))
    head = 0
    while head < short and old[left[head]].raw == new[right[head]].raw:
        found[left[head], right[head]] = ("raw", 1.0)
        head += 1
    tail = 1
    while tail <= short - head and old[left[-tail]].raw == new[right[-tail]].raw:
        found[left[-tail], right[-tail]] = ("raw", 1.0)
        tail += 1


def _repeated(old: Sequence[Piece], new: Sequence[Piece], found: Found) -> None:
    """Adds equal pieces that stand several times: by the order of all that stands around them,
    then, for those that are left, first with first.
    """
    left, right = _left(old, new, found)
    shared = {old[o].key for o in left} & {new[n].key for n in right}
    if not shared:
        return
    for o, n in _lined_up(old, new, found, left, right):
        if (o, n) not in found and old[o].key == new[n].key:
            found[o, n] = ("raw" if old[o].raw == new[n].raw else "visible", 1.0)
    for same in (lambda piece: piece.raw, lambda piece: piece.key):
        _elsewhere(old, new, found, same)


def _lined_up(
    old: Sequence[Piece], new: Sequence[Piece], found: Found, left: list[int], right: list[int]
) -> list[Pair]:
    """The best order-keeping pairs of all pieces, those found counted in; gap by gap in a long text."""
    scores = _Agreement(old, new, found, right)
    first, last = (min(left), min(right)), (max(left) + 1, max(right) + 1)
    if (last[0] - first[0]) * (last[1] - first[1]) <= CELLS:
        return in_line(range(first[0], last[0]), range(first[1], last[1]), scores.of)
    gaps = Gaps(old, new, found)
    in_old, in_new = _by_gap(left, gaps.of_old), _by_gap(right, gaps.of_new)
    return [
        pair for gap in in_old.keys() & in_new.keys() for pair in in_line(in_old[gap], in_new[gap], scores.of)
    ]


def _by_gap(indices: Iterable[int], gap_of: Callable[[int], int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for index in indices:
        groups.setdefault(gap_of(index), []).append(index)
    return groups


class _Agreement:
    """How much pieces have in common at a glance: found to go together, equal, equal to the reader, same
    title.
    """

    def __init__(self, old: Sequence[Piece], new: Sequence[Piece], found: Found, right: list[int]) -> None:
        self.old, self.new = old, new
        self.partner = dict(found.keys())  # of each old piece that is found
        self.alike: dict[Hashable, list[int]] = {}
        for n in right:
            piece = new[n]
            for key in {piece.raw, piece.key, (piece.title,)}:
                self.alike.setdefault(key, []).append(n)

    def of(self, o: int) -> dict[int, float]:
        """By new index, the scores of an old piece that are above 0."""
        piece = self.old[o]
        weight = piece.size >= _FEW_WORDS
        if o in self.partner:
            return {self.partner[o]: 2.0 + weight}
        titled = self.alike.get((piece.title,), ()) if piece.title else ()
        return {
            **dict.fromkeys(titled, 1.0),
            **dict.fromkeys(self.alike.get(piece.key, ()), 1.8 + weight),
            **dict.fromkeys(self.alike.get(piece.raw, ()), 2.0 + weight),
        }


def _elsewhere(
    old: Sequence[Piece], new: Sequence[Piece], found: Found, key: Callable[[Piece], Hashable]
) -> None:
    """Equal keys out of line: first with first, second with second."""
    left, right = _left(old, new, found)
    places: dict[Hashable, list[int]] = {}
    for n in reversed(right):
        places.setdefault(key(new[n]), []).append(n)
    for o in left:
        if places.get(key(old[o])):
            n = places[key(old[o])].pop()
            found[o, n] = ("raw" if old[o].raw == new[n].raw else "visible", 1.0)


def _alone(olds: int, news: int, links: Iterable[Link]) -> list[Link]:
    linked_old = {o for link in links for o in link.old}
    linked_new = {n for link in links for n in link.new}
    alone = [Link((o,), (), "none") for o in range(olds) if o not in linked_old]
    return alone + [Link((), (n,), "none") for n in range(news) if n not in linked_new]


def _with_moves(old: Sequence[Piece], new: Sequence[Piece], links: list[Link]) -> list[Link]:
    """Step 7. As few sections as possible are said to have moved; of two ways the one with fewer
    clauses, then with fewer words.
    """
    place = {id(link): _anchor(old, new, link) for link in links if link.old and link.new}
    both = sorted((link for link in links if link.old and link.new), key=lambda link: place[id(link)])
    if all(place[id(a)][1] < place[id(b)][1] for a, b in pairwise(both)):
        return links
    sections = _sections(old, new, both)
    words = 1.0 + sum(link_size(old, new, link) for link in both)
    weights = [
        1.0
        + 0.1 * len(group) / len(both)
        + 0.1 / len(both) * sum(link_size(old, new, link) for link in group) / words
        for group in sections
    ]
    chain = heaviest_chain([place[id(group[0])][1] for group in sections], weights)
    moved = {id(link) for index, group in enumerate(sections) if index not in chain for link in group}
    made: list[Link] = []
    for link in links:
        if id(link) not in moved:
            made.append(link)
        elif _too_short(old, new, link):
            made += [Link((o,), (), "none") for o in link.old] + [Link((), (n,), "none") for n in link.new]
        else:
            made.append(replace(link, moved=True))
    return made


def _anchor(old: Sequence[Piece], new: Sequence[Piece], link: Link) -> Pair:
    """Where a link stands on both sides: with the members that have one title, else the first."""
    if len(link.old) == 1 == len(link.new):
        return link.old[0], link.new[0]
    titled = ((o, n) for o in link.old for n in link.new if old[o].title == new[n].title != "")
    return next(titled, (_middle(old, link.old), _middle(new, link.new)))


def _middle(pieces: Sequence[Piece], members: Sequence[int]) -> int:
    """The first of a few members; of many, the one that half of the words stand before: some of the
    many are phrases that could be a part of another whole as well.
    """
    if len(members) <= _FEW_PARTS:
        return members[0]
    left = sum(pieces[index].size for index in members) / 2
    for index in members:
        left -= pieces[index].size
        if left <= 0:
            break
    return index


def _too_short(old: Sequence[Piece], new: Sequence[Piece], link: Link) -> bool:
    """A word or two without a heading: at another place and in another form they are a coincidence."""
    pieces = [*(old[o] for o in link.old), *(new[n] for n in link.new)]
    return link.matched_by != "raw" and all(
        piece.untitled and len(words_of(piece.body)) < _TOO_FEW for piece in pieces
    )


def link_size(old: Sequence[Piece], new: Sequence[Piece], link: Link) -> int:
    """About how many words stand in the link, both sides together."""
    return sum(old[o].size for o in link.old) + sum(new[n].size for n in link.new)


def _sections(old: Sequence[Piece], new: Sequence[Piece], both: list[Link]) -> list[list[Link]]:
    """Links in old order; a sub-section that follows its section on both sides goes with it."""
    groups: list[list[Link]] = []
    for link in both:
        head, last = (groups[-1][0], groups[-1][-1]) if groups else (None, None)
        if (
            head
            and last
            and link.old[0] == last.old[-1] + 1
            and link.new[0] == last.new[-1] + 1
            and 0 < old[head.old[0]].level < old[link.old[0]].level
            and 0 < new[head.new[0]].level < new[link.new[0]].level
        ):
            groups[-1].append(link)
        else:
            groups.append([link])
    return groups


def _in_order(links: list[Link]) -> tuple[Link, ...]:
    """By new place; removed pieces after the piece they followed on the old side."""
    place = {o: link.new[0] for link in links if link.new and not link.moved for o in link.old}
    last = -1
    by_old = {link.old[0]: link for link in links if link.old and not link.new}
    removed_at = {}
    top = max((link.old[-1] for link in links if link.old), default=-1)
    for o in range(top + 1):
        last = place.get(o, last)
        if o in by_old:
            removed_at[o] = last
    keys = [(link.new[0], 0, 0) if link.new else (removed_at[link.old[0]], 1, link.old[0]) for link in links]
    return tuple(link for _, link in sorted(zip(keys, links, strict=True), key=lambda pair: pair[0]))
