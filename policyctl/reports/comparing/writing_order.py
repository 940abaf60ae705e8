# SPDX-License-Identifier: Apache-2.0
"""Two texts woven into one stream from which each can be read: where every link stands, and what moved.

1. Every link stands at one place, or, when it left its order, at two: where it was and where it is.
2. The heaviest chain of links that keep their order stays in place. Between two of them first come
   those that left (old order), then those that came (new order). So accepting everything gives the
   new order and rejecting everything the old, whatever the links say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policyctl.core.diff.assign import heaviest_chain
from policyctl.core.revision import Op


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link begins on each side (character offsets; None where it has no such side), how much
    text it holds, and whether the revision says that it moved.
    """

    old: int | None
    new: int | None
    size: int
    moved: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """A link, by its index, at one of its places: ``=`` both sides, ``-`` its old side, ``+`` its new
    side. ``move`` is the number (from 0) that both ends of a move share.
    """

    link: int
    side: Op
    move: int | None = None


def in_writing_order(links: Sequence[Link]) -> list[Placed]:
    """Every side of every link once."""
    return _with_moves(links, list(_woven(links)))


def _woven(links: Sequence[Link]) -> Iterator[Placed]:
    olds = sorted((at, index) for index, link in enumerate(links) if (at := link.old) is not None)
    news = sorted((at, index) for index, link in enumerate(links) if (at := link.new) is not None)
    kept = _kept(links, [index for _, index in news if links[index].old is not None])
    staying = set(kept)
    at_old = at_new = 0
    for anchor in [*kept, None]:
        while at_old < len(olds) and olds[at_old][1] not in staying:
            yield Placed(olds[at_old][1], Op.DELETE)
            at_old += 1
        while at_new < len(news) and news[at_new][1] not in staying:
            yield Placed(news[at_new][1], Op.INSERT)
            at_new += 1
        if anchor is not None:
            yield Placed(anchor, Op.EQUAL)
            at_old, at_new = at_old + 1, at_new + 1


def _kept(links: Sequence[Link], both: Sequence[int]) -> list[int]:
    """The links that stay where they are; what is known to have moved only if nothing else has."""
    weights = [1.0 if links[index].moved else 1e6 + links[index].size for index in both]
    chain = heaviest_chain([links[index].old or 0 for index in both], weights)
    return [index for place, index in enumerate(both) if place in chain]


def _with_moves(links: Sequence[Link], placed: list[Placed]) -> list[Placed]:
    """Number the moves; neighbours that moved together are one."""
    source = {each.link: at for at, each in enumerate(placed) if each.side is Op.DELETE}
    number, before = -1, -2
    numbers: dict[int, int] = {}
    for at, each in enumerate(placed):
        link = links[each.link]
        if each.side is not Op.INSERT or not link.moved or link.old is None:
            continue
        was = source[each.link]
        together = was == before + 1 and numbers.get(at - 1) == number
        number, before = number if together else number + 1, was
        numbers[at] = numbers[was] = number
    return [replace(each, move=numbers.get(at)) for at, each in enumerate(placed)]
