# SPDX-License-Identifier: Apache-2.0
"""Links between pieces that are not equal: scored by words, title, gap and the headings above."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain

from policyctl.core.diff.assign import Pair, best_pairs, heaviest_chain
from policyctl.core.diff.pieces import Piece, Words, weighty

_TITLE, _GAP, _PARENT = 0.20, 0.15, 0.05
_UNIQUE = 0.25  # a title that stands once on each side of a gap
_ALL_PAIRS = 2500  # candidates; beyond that only pairs that share rare words are scored
_FLOOR = 0.45  # likeness below which words alone say nothing
_COMMON, _KEPT = 12, 8
_SHORT = 8
_BARE = 3
_SURE = 0.6
_NAMED, _LIKE_NAMES = 3, 0.7  # words of weight in a name; share of those in common
_MANY_NAMES = 50  # in one gap: another document altogether


class Gaps:
    """The places between links that stand in order: pieces of one gap are likely to go together."""

    def __init__(self, old: Sequence[Piece], new: Sequence[Piece], found: Iterable[Pair]) -> None:
        pairs = sorted(found)
        chain = heaviest_chain([n for _, n in pairs], [1.0 + old[o].size for o, _ in pairs])
        self.old = sorted(pairs[i][0] for i in chain)
        self.new = sorted(pairs[i][1] for i in chain)
        self.sizes = (len(old), len(new))

    def of_old(self, index: int) -> int:
        """The gap an old piece stands in."""
        return bisect_left(self.old, index)

    def of_new(self, index: int) -> int:
        """The gap a new piece stands in."""
        return bisect_left(self.new, index)

    def same(self, o: int, n: int) -> bool:
        """Both stand in the same gap."""
        return self.of_old(o) == self.of_new(n)


def by_score(
    old: Sequence[Piece], new: Sequence[Piece], found: Collection[Pair], gaps: Gaps, words: Words
) -> dict[Pair, tuple[str, float]]:
    """The best assignment of what is not in ``found``; each pair with how and by what margin."""
    used_old, used_new = {o for o, _ in found}, {n for _, n in found}
    left = [o for o in range(len(old)) if o not in used_old]
    right = [n for n in range(len(new)) if n not in used_new]
    if not left or not right:
        return {}
    titles = _Titles(old, new, left, right, gaps)
    sure = _sure(left, right, titles, gaps, words) if len(left) * len(right) > _ALL_PAIRS else {}
    done_old, done_new = {o for o, _ in sure}, {n for _, n in sure}
    left, right = [o for o in left if o not in done_old], [n for n in right if n not in done_new]
    return sure | _best(old, new, left, right, titles, gaps, words)


def _sure(
    left: list[int], right: list[int], titles: _Titles, gaps: Gaps, words: Words
) -> dict[Pair, tuple[str, float]]:
    """In a long text, what needs no choice: a title that stands once, in the same gap, most words kept."""
    from rapidfuzz.distance import Indel

    place = {titles.new[n].title: n for n in right}
    found = {}
    for o in left:
        n = place.get(titles.old[o].title, -1)
        if n >= 0 and titles.unique(o, n) and gaps.same(o, n):
            like = Indel.normalized_similarity(words.of(0, o), words.of(1, n), score_cutoff=_SURE)
            if like:
                found[o, n] = ("title", 1.0)
    return found


def _best(
    old: Sequence[Piece],
    new: Sequence[Piece],
    left: list[int],
    right: list[int],
    titles: _Titles,
    gaps: Gaps,
    words: Words,
) -> dict[Pair, tuple[str, float]]:
    alike = _likeness(old, new, left, right, gaps, words) if left and right else {}
    scores = {}
    for (o, n), like in alike.items():
        same, title = gaps.same(o, n), titles.equal(o, n)
        if like >= _needed(old[o], new[n], same=same, title=title, unique=titles.unique(o, n)):
            parent = old[o].parent == new[n].parent
            sure = _UNIQUE * titles.unique_here(o, n)
            scores[o, n] = like + _TITLE * title + _GAP * same + _PARENT * parent + sure
    margins = _margins(scores)
    return {
        (o, n): ("title" if titles.equal(o, n) else "similarity", margins(o, n))
        for o, n in best_pairs(scores)
    }


def _needed(old: Piece, new: Piece, *, same: bool, title: bool, unique: bool) -> float:
    """How alike two pieces must be to be one: the less else speaks for it, the more."""
    if title:
        if same and unique:
            return 0.0
        return 0.30 if unique else 0.35 if same else 0.50
    short = min(old.size, new.size) < _SHORT
    if same:
        return 0.50 if short else 0.45
    return 0.75 if short else 0.55


class _Titles:
    """Which titles are the same, and which stand once only on each side of what is left."""

    def __init__(
        self,
        old: Sequence[Piece],
        new: Sequence[Piece],
        left: Sequence[int],
        right: Sequence[int],
        gaps: Gaps,
    ) -> None:
        self.old, self.new, self.gaps = old, new, gaps
        self.here = (
            Counter((gaps.of_old(o), old[o].title) for o in left),
            Counter((gaps.of_new(n), new[n].title) for n in right),
        )
        self.count_old = Counter(old[o].title for o in left)
        self.count_new = Counter(new[n].title for n in right)

    def equal(self, o: int, n: int) -> bool:
        return self.old[o].title == self.new[n].title != ""

    def unique(self, o: int, n: int) -> bool:
        title = self.old[o].title
        return self.equal(o, n) and self.count_old[title] == 1 == self.count_new[title]

    def unique_here(self, o: int, n: int) -> bool:
        """The title stands once on each side of one gap."""
        here = (self.gaps.of_old(o), self.old[o].title)
        return self.equal(o, n) and self.gaps.same(o, n) and self.here[0][here] == 1 == self.here[1][here]


def _margins(scores: Mapping[Pair, float]) -> Callable[[int, int], float]:
    """How far a pair's score stands above the next best one of either member."""
    of_old: dict[int, list[float]] = defaultdict(list)
    of_new: dict[int, list[float]] = defaultdict(list)
    for (o, n), score in scores.items():
        of_old[o].append(score)
        of_new[n].append(score)

    def margin(o: int, n: int) -> float:
        own = scores[o, n]
        others = _without(of_old[o], own) + _without(of_new[n], own)
        return round(min(1.0, max(0.0, own - max(others, default=0.0))), 4)

    return margin


def _without(scores: list[float], one: float) -> list[float]:
    rest = list(scores)
    rest.remove(one)
    return rest


def _likeness(
    old: Sequence[Piece], new: Sequence[Piece], left: list[int], right: list[int], gaps: Gaps, words: Words
) -> dict[Pair, float]:
    """Share of common words in order, 0 to 1, of every pair worth a look."""
    from rapidfuzz.distance import Indel

    alike: Callable[..., float] = Indel.normalized_similarity
    alike_of = {}
    for o, n in _candidates(old, new, left, right, gaps, words):
        a, b = words.of(0, o), words.of(1, n)
        titled = old[o].title == new[n].title != ""
        if not titled and 2 * min(len(a), len(b)) < _FLOOR * (len(a) + len(b)):
            continue
        like = alike(a, b, score_cutoff=0.0 if titled else _FLOOR) if a and b else 0.0
        if like or titled:
            alike_of[o, n] = like
    return alike_of


def _candidates(
    old: Sequence[Piece], new: Sequence[Piece], left: list[int], right: list[int], gaps: Gaps, words: Words
) -> Iterable[Pair]:
    if len(left) * len(right) <= _ALL_PAIRS:
        return [(o, n) for o in left for n in right]
    return sorted(
        _sharing(left, right, words) | _of_one_gap(left, right, gaps) | _of_one_title(old, new, left, right)
    )


def _sharing(left: list[int], right: list[int], words: Words) -> set[Pair]:
    """For each new piece the old ones that share most of its rare three-word runs."""
    where: dict[str, list[int]] = defaultdict(list)
    for o in left:
        for shingle in words.runs(0, o):
            where[shingle].append(o)
    rare = {shingle: holders for shingle, holders in where.items() if len(holders) <= _COMMON}
    pairs: set[Pair] = set()
    for n in right:
        shared = rare.keys() & words.runs(1, n)
        votes = Counter(chain.from_iterable(map(rare.__getitem__, shared)))
        best = sorted(votes.items(), key=lambda item: (-item[1], abs(item[0] - n), item[0]))[:_KEPT]
        pairs.update((o, n) for o, _ in best)
    return pairs


def _of_one_gap(left: list[int], right: list[int], gaps: Gaps) -> set[Pair]:
    inside: dict[int, list[int]] = defaultdict(list)
    for o in left:
        inside[gaps.of_old(o)].append(o)
    small = {gap: members for gap, members in inside.items() if len(members) <= _COMMON}
    return {(o, n) for n in right for o in small.get(gaps.of_new(n), ())}


def _of_one_title(old: Sequence[Piece], new: Sequence[Piece], left: list[int], right: list[int]) -> set[Pair]:
    titled: dict[str, list[int]] = defaultdict(list)
    for o in left:
        if old[o].title:
            titled[old[o].title].append(o)
    return {
        (o, n) for n in right for o in titled.get(new[n].title, ()) if len(titled[new[n].title]) <= _COMMON
    }


def by_position(
    old: Sequence[Piece],
    new: Sequence[Piece],
    taken_old: Collection[int],
    taken_new: Collection[int],
    gaps: Gaps,
    words: Words,
) -> dict[Pair, tuple[str, float]]:
    """In one gap: bare headings of one level, each alone of its sort, renamed as a whole; and rewritten
    pieces that go under nearly the same name.
    """
    found = _by_name(old, new, taken_old, taken_new, gaps)
    taken_old = {*taken_old, *(o for o, _ in found)}
    taken_new = {*taken_new, *(n for _, n in found)}
    left = _bare(old, 0, taken_old, gaps.of_old, words)
    right = _bare(new, 1, taken_new, gaps.of_new, words)
    return found | {
        (left[place][0], right[place][0]): ("position", 0.0)
        for place in sorted(left.keys() & right.keys())
        if len(left[place]) == 1 == len(right[place])
    }


def _bare(
    pieces: Sequence[Piece], side: int, taken: Collection[int], gap_of: Callable[[int], int], words: Words
) -> dict[tuple[int, int], list[int]]:
    """Unmatched headings with next to nothing under them, by gap and level."""
    places: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, piece in enumerate(pieces):
        if index not in taken and piece.title and len(words.of(side, index)) < _BARE:
            places[gap_of(index), piece.level].append(index)
    return places


def _by_name(
    old: Sequence[Piece],
    new: Sequence[Piece],
    taken_old: Collection[int],
    taken_new: Collection[int],
    gaps: Gaps,
) -> dict[Pair, tuple[str, float]]:
    inside: dict[int, list[int]] = defaultdict(list)
    for n, piece in enumerate(new):
        if n not in taken_new and len(weighty(piece.name)) >= _NAMED:
            inside[gaps.of_new(n)].append(n)
    scores = {
        (o, n): like
        for o, piece in enumerate(old)
        if o not in taken_old
        for n in inside.get(gaps.of_old(o), ())[:_MANY_NAMES]
        if (like := _same_name(piece, new[n]))
    }
    margins = _margins(scores)
    return {pair: ("title", margin) for pair in best_pairs(scores) if (margin := margins(*pair))}


def _same_name(old: Piece, new: Piece) -> float:
    """Share of common words of weight of two names, 0 when they are not nearly the same."""
    one, other = weighty(old.name), weighty(new.name)
    shared = len(one & other)
    if old.level != new.level or shared < _NAMED:
        return 0.0
    like = 2 * shared / (len(one) + len(other))
    return like if like >= _LIKE_NAMES else 0.0
