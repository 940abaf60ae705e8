# SPDX-License-Identifier: Apache-2.0
"""What many findings add up to: one direction, and the categories there is enough evidence for.

Each changed sentence has one vote each way, as strong as its surest finding.

1. A sentence that is gone counts half: what it said may stand elsewhere in other words.
2. A promise or a choice that comes along with a new practice limits that practice and gives nothing back;
   one that goes along with its practice takes nothing away. Both count less.
3. Where both ways have a fair share of the votes, the revision is mixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policyctl.core.judge.findings import CATEGORIES, Confidence, Direction, Finding

_WEIGHT = {Confidence.HIGH: 1.0, Confidence.MEDIUM: 0.6, Confidence.UNDECIDED: 0.25}
_MINORITY = 0.35  # share of votes against the stream from which a revision is called mixed
_GONE = 0.5
_ALONG = 0.2
_SLIGHT = 0.12  # share of the strongest category's weight below which a category is left out
_MORE = frozenset({Direction.EXPANDS, Direction.MIXED})
_LESS = frozenset({Direction.RESTRICTS, Direction.MIXED})


@dataclass(frozen=True, slots=True)
class _Vote:
    clause: str | None
    comes: bool
    goes: bool
    more: float
    less: float
    sure: bool


def direction_of(material: Sequence[Finding]) -> Direction:
    """The direction of a revision by its material findings."""
    votes = tuple(_votes(material))
    more = sum(vote.more * _share_of_more(vote, votes) for vote in votes)
    less = sum(vote.less * _share_of_less(vote, votes) for vote in votes)
    if not more + less:
        return Direction.NEUTRAL
    if min(more, less) >= _MINORITY * (more + less):
        return Direction.MIXED
    return Direction.EXPANDS if more > less else Direction.RESTRICTS


def _votes(material: Iterable[Finding]) -> Iterator[_Vote]:
    """One vote a sentence; a declared practice votes for itself."""
    by_sentence: dict[tuple[str | None, ...], list[Finding]] = {}
    for finding in material:
        by_sentence.setdefault((finding.before, finding.after, finding.practice), []).append(finding)
    for (before, after, practice), rows in by_sentence.items():
        whole = practice is not None
        gone = after is None and not whole
        factor = _GONE if gone else 1.0
        yield _Vote(
            rows[0].clause,
            comes=before is None and not whole,
            goes=gone,
            more=factor * _strongest(rows, _MORE),
            less=factor * _strongest(rows, _LESS),
            sure=any(row.confidence is Confidence.HIGH for row in rows),
        )


def _strongest(rows: Iterable[Finding], directions: frozenset[Direction]) -> float:
    return max((_WEIGHT[row.confidence] for row in rows if row.direction in directions), default=0.0)


def _share_of_less(vote: _Vote, votes: Iterable[_Vote]) -> float:
    """A promise limits the practice it comes with by no more than that practice weighs."""
    along = max((v.more for v in votes if v.comes and v.clause == vote.clause), default=0.0)
    return _ALONG * min(1.0, along / vote.less) if vote.comes and along and vote.less else 1.0


def _share_of_more(vote: _Vote, votes: Iterable[_Vote]) -> float:
    """A promise known to be gone counts in full, whatever went with it."""
    along = vote.goes and any(v.goes and v.clause == vote.clause and v.less for v in votes)
    return _ALONG if along and not vote.sure else 1.0


def categories_of(material: Iterable[Finding]) -> tuple[str, ...]:
    """The categories with enough evidence, in the order of ``CATEGORIES``."""
    strongest: dict[tuple[str | None, str | None, str | None, str], float] = {}
    for finding in material:
        for category in finding.categories:
            key = (finding.before, finding.after, finding.practice, category)
            strongest[key] = max(strongest.get(key, 0.0), _WEIGHT[finding.confidence])
    weights = dict.fromkeys(CATEGORIES, 0.0)
    for (*_, category), weight in strongest.items():
        weights[category] += weight
    least = _SLIGHT * max(weights.values())
    return tuple(name for name, weight in weights.items() if weight and weight >= least)
