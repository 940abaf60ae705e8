# SPDX-License-Identifier: Apache-2.0
"""Which old goes with which new, so that the sum of scores is highest; heaviest chain in order."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise

Pair = tuple[int, int]
_EXACT = 60  # members of a component that are still solved exactly (cubic time)


def best_pairs(scores: Mapping[Pair, float]) -> list[Pair]:
    """Pairs in which every index stands once and the scores sum up highest.

    Exact for groups of up to 60 connected candidates, else greedy by score. Ties go to the pair
    nearest in position, then to the smaller index: the same input gives the same answer.
    """
    chosen: list[Pair] = []
    for group in _components(scores):
        size = len({o for o, _ in group}) + len({n for _, n in group})
        chosen += _hungarian(group, scores) if len(group) > 1 and size <= _EXACT else _greedy(group, scores)
    return sorted(chosen)


def _components(scores: Mapping[Pair, float]) -> list[list[Pair]]:
    """Candidate pairs by connected group, in order of their smallest pair."""
    parent: dict[Pair, Pair] = {}

    def find(node: Pair) -> Pair:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for o, n in scores:
        parent[find((0, o))] = find((1, n))
    groups: dict[Pair, list[Pair]] = defaultdict(list)
    for o, n in sorted(scores):
        groups[find((0, o))].append((o, n))
    return list(groups.values())


def _greedy(group: list[Pair], scores: Mapping[Pair, float]) -> list[Pair]:
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    chosen = []
    for o, n in sorted(group, key=lambda pair: (-scores[pair], abs(pair[0] - pair[1]), pair)):
        if o not in taken_old and n not in taken_new:
            chosen.append((o, n))
            taken_old.add(o)
            taken_new.add(n)
    return chosen


def _hungarian(group: list[Pair], scores: Mapping[Pair, float]) -> list[Pair]:
    """Shortest augmenting paths with potentials; a missing candidate costs as much as no pair."""
    rows, columns = sorted({o for o, _ in group}), sorted({n for _, n in group})
    width = len(columns) + len(rows)  # a column of its own for each row that stays alone
    cost = [[0.0] * width for _ in rows]
    place_old, place_new = {o: i for i, o in enumerate(rows)}, {n: j for j, n in enumerate(columns)}
    for o, n in group:
        cost[place_old[o]][place_new[n]] = -scores[o, n] + 1e-9 * abs(o - n)
    owner = _assignment(cost, width)
    return [
        (rows[i], columns[j])
        for j, i in enumerate(owner[: len(columns)])
        if i >= 0 and (rows[i], columns[j]) in scores
    ]


def _assignment(cost: list[list[float]], width: int) -> list[int]:
    """For each column the row it goes with, or -1; the costs of all rows sum up lowest."""
    rows = [0.0] * (len(cost) + 1)
    columns = [0.0] * (width + 1)
    owner = [0] * (width + 1)
    for row in range(1, len(cost) + 1):
        owner[0] = row
        _augment(cost, rows, columns, owner)
    return [i - 1 for i in owner[1:]]


def _augment(cost: list[list[float]], rows: list[float], columns: list[float], owner: list[int]) -> None:
    """Find the cheapest way to place the row in ``owner[0]``, moving others along."""
    width = len(owner)
    best, back, seen = [float("inf")] * width, [0] * width, [False] * width
    here = 0
    while owner[here]:
        seen[here] = True
        row, delta, step = owner[here], float("inf"), 0
        line, base = cost[row - 1], rows[row]
        for j in range(1, width):
            if not seen[j]:
                reduced = line[j - 1] - base - columns[j]
                if reduced < best[j]:
                    best[j], back[j] = reduced, here
                if best[j] < delta:
                    delta, step = best[j], j
        for j in range(width):
            if seen[j]:
                rows[owner[j]] += delta
                columns[j] -= delta
            else:
                best[j] -= delta
        here = step
    while here:
        owner[here] = owner[back[here]]
        here = back[here]


def heaviest_chain(places: Sequence[int], weights: Sequence[float]) -> set[int]:
    """Indices of a rising subsequence of ``places`` with the highest sum of weights.

    O(n log n): a Fenwick tree over the places holds the best chain that ends at or below each.
    """
    if all(a < b for a, b in pairwise(places)):
        return set(range(len(places)))
    order = sorted(set(places))
    tree: list[tuple[float, int]] = [(0.0, -1)] * (len(order) + 1)
    previous = [-1] * len(places)
    top = (0.0, -1)
    for index, (place, weight) in enumerate(zip(places, weights, strict=True)):
        rank = bisect_left(order, place)
        best = _best_below(tree, rank)
        previous[index] = best[1]
        here = (best[0] + weight, index)
        _raise(tree, rank + 1, here)
        if here[0] > top[0]:
            top = here
    chain, index = set(), top[1]
    while index >= 0:
        chain.add(index)
        index = previous[index]
    return chain


def _best_below(tree: list[tuple[float, int]], rank: int) -> tuple[float, int]:
    best = (0.0, -1)
    while rank > 0:
        if tree[rank][0] > best[0]:
            best = tree[rank]
        rank &= rank - 1
    return best


def _raise(tree: list[tuple[float, int]], rank: int, value: tuple[float, int]) -> None:
    while rank < len(tree):
        if value[0] > tree[rank][0]:
            tree[rank] = value
        rank += rank & -rank


CELLS = 40_000  # beyond that a table takes too long, and the nearest equal ones do


def in_line(
    old: Sequence[int], new: Sequence[int], scores: Callable[[int], Mapping[int, float]]
) -> list[Pair]:
    """Pairs in order (no two cross) whose scores sum up highest; none with score 0.

    ``scores`` gives for an old index those of the new ones that are above 0.
    """
    if len(old) * len(new) > CELLS:
        return []
    place = {n: j for j, n in enumerate(new)}
    best = list(accumulate(old, partial(_row, scores, place), initial=[0.0] * (len(new) + 1)))
    pairs = []
    i, j = len(old), len(new)
    while i and j:
        here = best[i][j]
        if here == best[i - 1][j]:
            i -= 1
        elif here == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((old[i], new[j]))
    return pairs


def _row(
    scores: Callable[[int], Mapping[int, float]], place: Mapping[int, int], above: list[float], o: int
) -> list[float]:
    """The best sums up to each new index, once ``o`` may have one: they rise, so that a better one
    spreads to the right up to the first that is as good.
    """
    row = above[:]
    for n, score in scores(o).items():
        j = place.get(n)
        if j is not None:
            value = above[j] + score
            stop = bisect_left(row, value, j + 1)
            row[j + 1 : stop] = [value] * (stop - j - 1)
    return row
