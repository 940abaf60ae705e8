# SPDX-License-Identifier: Apache-2.0
"""Pieces x pieces -> links: which clause (or block) of the new text goes on from which of the old.

1. raw: the longest common sequence of equal texts, then equal texts that stand elsewhere.
2. visible: the same by what a reader sees.
3. The heaviest chain of these in order cuts the rest into gaps.
4. remainder: what is left is scored by words, title and gap; the best assignment is taken.
5. parts: what is still alone may be a part of a linked piece: splits and merges.
6. position: what alone is left in a gap on both sides, when nothing speaks against it.
7. moves: links that are not in the heaviest chain of links in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from policyctl.core.assign import Pair, heaviest_chain
from policyctl.core.parts import parts
from policyctl.core.pieces import Piece, Words
from policyctl.core.remainder import Gaps, by_position, by_score
from policyctl.core.tokens import Interner

_FEW_WORDS = 6


@dataclass(frozen=True, slots=True)
class Link:
    """Indices of old and new pieces that go together, how they were found, and how surely."""

    old: tuple[int, ...]
    new: tuple[int, ...]
    matched_by: str
    margin: float = 1.0
    moved: bool = False


Found = dict[Pair, tuple[str, float]]


def align(old: Sequence[Piece], new: Sequence[Piece]) -> tuple[Link, ...]:
    """Links that hold every piece of both sides exactly once; unmatched ones stand alone.

    In order of the new side; pieces that exist only on the old side after those they followed.
    """
    found: Found = {}
    _equal(old, new, found, "raw", lambda piece: piece.raw)
    whole: list[tuple[tuple[int, ...], tuple[int, ...], str, float]] = []
    if len(found) < max(len(old), len(new)):
        _equal(old, new, found, "visible", lambda piece: piece.key)
        whole = _settle(old, new, found)
    joined = {(o, n) for olds, news, _, _ in whole for o in olds for n in news}
    links = [Link((o,), (n,), how, margin) for (o, n), (how, margin) in found.items() if (o, n) not in joined]
    links += [Link(*group) for group in whole]
    links += _alone(len(old), len(new), links)
    return _in_order(_with_moves(old, new, links))


def _settle(
    old: Sequence[Piece], new: Sequence[Piece], found: Found
) -> list[tuple[tuple[int, ...], tuple[int, ...], str, float]]:
    """Steps 4 to 6: adds pairs to ``found``, gives links of more than two pieces."""
    words = Words(old, new)
    gaps = Gaps(old, new, found)
    found.update(by_score(old, new, found, gaps, words))
    whole = parts(old, new, found, gaps, words)
    taken = [{i for group in whole for i in group[side]} | {pair[side] for pair in found} for side in (0, 1)]
    found.update(by_position(old, new, taken[0], taken[1], gaps, words))
    return whole


def _equal(
    old: Sequence[Piece], new: Sequence[Piece], found: Found, how: str, key: Callable[[Piece], Hashable]
) -> None:
    """Adds pairs with equal keys: in order first, then those that stand elsewhere."""
    used = [{pair[side] for pair in found} for side in (0, 1)]
    left = [i for i in range(len(old)) if i not in used[0]]
    right = [i for i in range(len(new)) if i not in used[1]]
    keys_old, keys_new = [key(old[i]) for i in left], [key(new[i]) for i in right]
    count_old, count_new = Counter(keys_old), Counter(keys_new)
    pairs = set()
    for i, j in _spine(keys_old, keys_new):
        repeated = count_old[keys_old[i]] > 1 or count_new[keys_new[j]] > 1
        if (
            not repeated
            or old[left[i]].size >= _FEW_WORDS
            or _beside(left[i], right[j], found, len(old), len(new))
        ):
            pairs.add((i, j))
    done_old, done_new = {i for i, _ in pairs}, {j for _, j in pairs}
    pairs |= _elsewhere(keys_old, keys_new, done_old, done_new)
    found.update({(left[i], right[j]): (how, 1.0) for i, j in pairs})


def _beside(o: int, n: int, found: Found, olds: int, news: int) -> bool:
    """A neighbour is linked to the neighbour, or both stand at the same end of their texts."""
    before = (o == 0 and n == 0) or (o - 1, n - 1) in found
    return before or (o == olds - 1 and n == news - 1) or (o + 1, n + 1) in found


def _spine(old: list[Hashable], new: list[Hashable]) -> list[Pair]:
    """A longest common sequence; common ends are cut off first, so what is equal costs little."""
    head = 0
    short = min(len(old), len(new))
    while head < short and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < short - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    pairs = [(i, i) for i in range(head)]
    pairs += [(len(old) - 1 - k, len(new) - 1 - k) for k in range(tail)]
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if middle_old and middle_new and not set(middle_old).isdisjoint(middle_new):
        from rapidfuzz.distance import Indel

        interner = Interner()
        steps = Indel.opcodes(interner.word(middle_old), interner.word(middle_new))
        for step in steps:
            if step.tag == "equal":
                size = step.src_end - step.src_start
                pairs += [(head + step.src_start + k, head + step.dest_start + k) for k in range(size)]
    return pairs


def _elsewhere(old: list[Hashable], new: list[Hashable], done_old: set[int], done_new: set[int]) -> set[Pair]:
    """Equal keys off the spine: first with first, second with second."""
    places: dict[Hashable, list[int]] = {}
    for j, key in enumerate(new):
        if j not in done_new:
            places.setdefault(key, []).append(j)
    pairs = set()
    for i, key in enumerate(old):
        if i not in done_old and places.get(key):
            pairs.add((i, places[key].pop(0)))
    return pairs


def _alone(olds: int, news: int, links: Iterable[Link]) -> list[Link]:
    linked_old = {o for link in links for o in link.old}
    linked_new = {n for link in links for n in link.new}
    alone = [Link((o,), (), "none") for o in range(olds) if o not in linked_old]
    return alone + [Link((), (n,), "none") for n in range(news) if n not in linked_new]


def _with_moves(old: Sequence[Piece], new: Sequence[Piece], links: list[Link]) -> list[Link]:
    """Step 7. As few sections as possible are said to have moved; of two ways, the lighter one."""
    both = sorted((link for link in links if link.old and link.new), key=lambda link: link.old)
    if all(a.new[0] < b.new[0] for a, b in pairwise(both)):
        return links
    sections = _sections(old, new, both)
    total = 1.0 + sum(link_size(old, new, link) for link in both)
    weights = [1.0 + sum(link_size(old, new, link) for link in group) / total for group in sections]
    chain = heaviest_chain([group[0].new[0] for group in sections], weights)
    moved = {id(link) for index, group in enumerate(sections) if index not in chain for link in group}
    return [replace(link, moved=True) if id(link) in moved else link for link in links]


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
    keys = []
    last = -1
    by_old = {link.old[0]: link for link in links if link.old and not link.new}
    removed_at = {}
    top = max((link.old[-1] for link in links if link.old), default=-1)
    for o in range(top + 1):
        last = place.get(o, last)
        if o in by_old:
            removed_at[o] = last
    for link in links:
        keys.append((link.new[0], 0, 0) if link.new else (removed_at[link.old[0]], 1, link.old[0]))
    return tuple(link for _, link in sorted(zip(keys, links, strict=True), key=lambda pair: pair[0]))
