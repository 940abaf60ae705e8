# SPDX-License-Identifier: Apache-2.0
"""Block links -> block links whose members stand together on each side.

A paragraph that was wrapped differently, a list that became prose: what matters is the text of the
stretch as a whole. So links of several blocks take in what stands between their members, and
blocks that are alone on both sides of one place are compared as one stretch when they are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from policyctl.core.diff.align import Link
from policyctl.core.diff.pieces import words_of
from policyctl.core.policy import Block
from policyctl.core.text.tokens import Interner

_ALIKE = 0.3


def rejoined(left: Sequence[Block], right: Sequence[Block], links: Sequence[Link]) -> list[Link]:
    """Links with contiguous members that hold every block of both sides exactly once, in order."""
    if not any(map(_several, links)) and not _lonely(links):
        return list(links)
    whole = _contiguous(left, right, links)
    return _stretches(left, right, whole)


def _several(link: Link) -> bool:
    return len(link.old) > 1 or len(link.new) > 1


def _lonely(links: Sequence[Link]) -> bool:
    """Some blocks are alone on either side."""
    return any(not link.new for link in links) and any(not link.old for link in links)


def _contiguous(left: Sequence[Block], right: Sequence[Block], links: Sequence[Link]) -> list[Link]:
    """A link of several blocks takes in the lonely ones between them, or gives up all but those that
    stand together and say most.
    """
    lone = ({link.old[0] for link in links if not link.new}, {link.new[0] for link in links if not link.old})
    taken: tuple[set[int], set[int]] = (set(), set())
    made, freed = [], []
    for link in links:
        if not _several(link):
            made.append(link)
            continue
        spans = (range(link.old[0], link.old[-1] + 1), range(link.new[0], link.new[-1] + 1))
        free = all(i in lone[k] or i in (link.old, link.new)[k] for k in (0, 1) for i in spans[k])
        if free and _run(left, spans[0]) and _run(right, spans[1]):
            made.append(replace(link, old=tuple(spans[0]), new=tuple(spans[1])))
            taken[0].update(spans[0])
            taken[1].update(spans[1])
        else:
            olds, news = _run_of(left, link.old, lone[0]), _run_of(right, link.new, lone[1])
            made.append(replace(link, old=olds, new=news))
            taken[0].update(olds)
            taken[1].update(news)
            freed += [Link((o,), (), "none") for o in link.old if o not in olds]
            freed += [Link((), (n,), "none") for n in link.new if n not in news]
    alone = [
        x for x in made if not (x.old and x.new) and not (set(x.old) & taken[0] or set(x.new) & taken[1])
    ]
    return _placed([link for link in made if link.old and link.new], alone + freed)


def _run_of(blocks: Sequence[Block], members: Sequence[int], lone: set[int]) -> tuple[int, ...]:
    """The longest text of members that follow each other, nothing but lonely blocks between them."""
    runs = [[members[0]]]
    for last, index in pairwise(members):
        between = range(last, index + 1)
        if all(i in lone for i in between[1:-1]) and _run(blocks, between):
            runs[-1] += between[1:]
        else:
            runs.append([index])
    return tuple(max(runs, key=lambda run: sum(len(blocks[index].visible) for index in run)))


def _placed(pairs: list[Link], alone: list[Link]) -> list[Link]:
    """In order of the new side; old ones that are alone after the one they followed."""
    place = {o: link.new[0] for link in pairs if not link.moved for o in link.old}
    keyed = [((link.new[0], 0, 0), link) for link in pairs]
    for link in alone:
        if link.new:
            keyed.append(((link.new[0], 0, 0), link))
        else:
            before = next((place[o] for o in range(link.old[0] - 1, -1, -1) if o in place), -1)
            keyed.append(((before, 1, link.old[0]), link))
    return [link for _, link in sorted(keyed, key=lambda item: item[0])]


def _stretches(left: Sequence[Block], right: Sequence[Block], links: list[Link]) -> list[Link]:
    """Neighbouring links that are alone become one where their texts are alike."""
    made: list[Link] = []
    for lonely, group in groupby(links, key=lambda link: not (link.old and link.new)):
        members = list(group)
        made += _stretch(left, right, members) if lonely else members
    return made


def _stretch(left: Sequence[Block], right: Sequence[Block], members: list[Link]) -> list[Link]:
    olds = sorted(o for link in members for o in link.old)
    news = sorted(n for link in members for n in link.new)
    if not olds or not news or not (_run(left, olds) and _run(right, news)):
        return members
    alike = _likeness([left[o].visible for o in olds], [right[n].visible for n in news])
    return [Link(tuple(olds), tuple(news), "similarity", 0.0)] if alike >= _ALIKE else members


def _run(blocks: Sequence[Block], indices: Sequence[int]) -> bool:
    """The blocks follow each other in the text; blocks of clauses that were merged may not."""
    return all(b == a + 1 and blocks[a].end == blocks[b].start for a, b in pairwise(indices))


def _likeness(old: list[str], new: list[str]) -> float:
    from rapidfuzz.distance import Indel

    interner = Interner()
    one, other = (interner.word(words_of(" ".join(side))) for side in (old, new))
    return Indel.normalized_similarity(one, other, score_cutoff=_ALIKE) if one or other else 1.0
