# SPDX-License-Identifier: Apache-2.0
"""A sequence of texts, oldest first -> the history of every clause, and of every sentence if asked.

1. Each text is compared with the one before it; equal ones (by ``key``) are no revision.
2. A clause goes on in the clause it is linked with: of a split in the first part, of a merge from the
   first old clause. The other parts of a split begin a history, the other clauses of a merge end theirs.
3. A clause that was removed and comes back under its id goes on where it ended.
4. A sentence (the same words, whatever their typography) is as old as the equal sentence of the linked
   clauses, else as an equal one that is left over anywhere: moving words does not make them new.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import is_

from policyctl.core.diff.compare import compare
from policyctl.core.diff.lineage import carry_ids
from policyctl.core.diff.sentence_ages import SentenceAge, SentenceAges
from policyctl.core.policy import Clause, Document
from policyctl.core.revision import ClauseChange, Kind

QUIET = frozenset({Kind.UNCHANGED, Kind.FORMAT_ONLY})
_REMEMBERED = 8  # comparisons; histories go back and forth between few texts


@dataclass(frozen=True, slots=True)
class State:
    """One text of a history. ``label`` names it to a person (a commit, ``v3``), ``at`` is aware UTC,
    ``source`` is where it stood; equal ``key`` means equal text.
    """

    label: str
    at: datetime
    source: str
    key: str
    document: Document


@dataclass(frozen=True, slots=True)
class Point:
    """A state of the history that differs from the one before it, without its text."""

    label: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a clause at ``point`` (its number, from 0); ``others``: the ids of the clauses
    it was split from, merged into, merged with, or that were split off from it. ``ends``: it is gone
    from here on (and may come back at a later step).
    """

    point: int
    kinds: frozenset[Kind]
    heading: str
    format: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    ends: bool = False

    @property
    def is_loud(self) -> bool:
        """True when words, place, heading or level changed: not just markup."""
        return bool(self.kinds - QUIET)


@dataclass(frozen=True, slots=True)
class ClauseHistory:
    """A clause over the whole history. ``clause`` is what it was like when last seen, at ``last``.
    ``names`` are all ids it had, the last one last. ``steps`` are never empty; the first is its
    addition or the split it came from.
    """

    clause: Clause
    names: tuple[str, ...]
    last: int
    steps: tuple[Step, ...]
    sentences: tuple[SentenceAge, ...] = ()

    @property
    def id(self) -> str:
        """The id it has, or had last."""
        return self.names[-1]

    @property
    def changed(self) -> Step:
        """The step that last changed more than markup."""
        return next((step for step in reversed(self.steps) if step.is_loud), self.steps[0])

    @property
    def latest(self) -> Step:
        """What there is to say of it last: that it went, or else how it last changed."""
        return self.steps[-1] if self.steps[-1].ends else self.changed

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps after the first that changed more than markup; going and coming back are changes."""
        return tuple(step for step in self.steps[1:] if step.is_loud)


@dataclass(frozen=True, slots=True)
class Lineage:
    """``points`` oldest first. ``clauses``: those of the last point in its order, then those that are
    gone, the last to go first.
    """

    points: tuple[Point, ...]
    clauses: tuple[ClauseHistory, ...]

    def is_there(self, history: ClauseHistory) -> bool:
        """True when the clause stands in the last point."""
        return history.last == len(self.points) - 1


def follow(states: Iterable[State], *, words: bool = False) -> Lineage:
    """The history of every clause; with ``words`` the age of every sentence of those still there."""
    follower = _Follower(SentenceAges() if words else None)
    for state in states:
        follower.take(state)
    return follower.lineage()


def follow_compared(steps: Iterable[tuple[Point, Document, Sequence[ClauseChange]]]) -> Lineage:
    """The same for texts that were compared before: each point with its text and its links to the text
    before it (of the first point none are asked for). Of clauses only the id, heading and place count.
    """
    follower = _Follower(None)
    for point, document, changes in steps:
        follower.points.append(point)
        follower.go_on(changes if follower.document else tuple(map(_beginning, document.clauses)))
        follower.document = document
    return follower.lineage()


@dataclass(slots=True)
class _Thread:
    """A clause that is being followed."""

    clause: Clause
    names: list[str]
    last: int
    steps: list[Step] = field(default_factory=list)


class _Follower:
    """Takes one state after the other and keeps only what is needed for the next."""

    def __init__(self, ages: SentenceAges | None) -> None:
        self.ages = ages
        self.points: list[Point] = []
        self.key = ""
        self.document: Document | None = None
        self.threads: dict[str, _Thread] = {}  # by id, those that stand in self.document
        self.gone: dict[str, _Thread] = {}  # by id
        self.compared: dict[tuple[str, str], tuple[Document, tuple[ClauseChange, ...]]] = {}

    def take(self, state: State) -> None:
        if self.document is not None and state.key == self.key:
            return
        self.points.append(Point(state.label, state.at, state.source))
        if self.document is None:
            new, changes = state.document, tuple(map(_beginning, state.document.clauses))
        else:
            new, changes = self._compare(self.document, state)
        self.go_on(changes)
        if self.ages is not None:
            self.ages.go_on(len(self.points) - 1, new, changes)
        self.document, self.key = new, state.key

    def _compare(self, old: Document, state: State) -> tuple[Document, tuple[ClauseChange, ...]]:
        """The new text with the ids carried over, and the links; blocks are not kept."""
        known = self.compared.pop((self.key, state.key), None)
        if known is None or known[0].cut_at != old.cut_at:
            revision = compare(old, state.document)
            known = revision.new, tuple(map(_without_blocks, revision.clauses))
        self.compared[self.key, state.key] = known
        if len(self.compared) > _REMEMBERED:
            del self.compared[next(iter(self.compared))]
        return _renamed(old, *known)

    def go_on(self, changes: Sequence[ClauseChange]) -> None:
        """Those that end come first: another clause may take over an id in the same revision."""
        before, self.threads = self.threads, {}
        linked = [(change, [before[clause.id] for clause in change.old]) for change in changes]
        for change, olds in linked:
            for thread in olds[1:] if change.new else olds:
                self._end(thread, change)
        for change, olds in linked:
            for number, clause in enumerate(change.new):
                self._link(change, olds, number, clause)

    def _end(self, thread: _Thread, change: ClauseChange) -> None:
        into = tuple(clause.id for clause in change.new[:1])
        here = len(self.points) - 1
        thread.steps.append(Step(here, change.kinds, thread.clause.heading, (), into, ends=True))
        self.gone[thread.names[-1]] = thread

    def _link(self, change: ClauseChange, olds: Sequence[_Thread], number: int, clause: Clause) -> None:
        first = number == 0
        others = [each.id for each in (change.new[1:] if first else change.new[:1])]
        others += [thread.names[-1] for thread in olds[1:]] if first else []
        thread = olds[0] if first and olds else self._begun(clause)
        self._step(thread, clause, change, others)
        self.threads[clause.id] = thread

    def _begun(self, clause: Clause) -> _Thread:
        return self.gone.pop(clause.id, None) or _Thread(clause, [clause.id], 0)

    def _step(self, thread: _Thread, clause: Clause, change: ClauseChange, others: Sequence[str]) -> None:
        thread.clause, thread.last = clause, len(self.points) - 1
        if thread.names[-1] != clause.id:
            thread.names.append(clause.id)
        if change.kinds != {Kind.UNCHANGED}:
            thread.steps.append(Step(thread.last, change.kinds, clause.heading, change.format, tuple(others)))

    def lineage(self) -> Lineage:
        """What was learned, with the places of the last text."""
        last = len(self.points) - 1
        there = self.document.clauses if self.document else ()
        for clause in there:
            thread = self.threads[clause.id]
            thread.clause, thread.last = clause, last
        gone = sorted(self.gone.values(), key=lambda thread: (-thread.steps[-1].point, thread.clause.start))
        histories = [self._history(self.threads[clause.id]) for clause in there]
        return Lineage(tuple(self.points), (*histories, *map(self._history, gone)))

    def _history(self, thread: _Thread) -> ClauseHistory:
        there = self.ages is not None and thread.last == len(self.points) - 1
        ages = self.ages.of(thread.clause) if self.ages is not None and there else ()
        return ClauseHistory(
            thread.clause, tuple(dict.fromkeys(thread.names)), thread.last, tuple(thread.steps), ages
        )


def _without_blocks(change: ClauseChange) -> ClauseChange:
    return ClauseChange(
        change.kinds, change.old, change.new, change.matched_by, change.margin, (), change.format
    )


def _beginning(clause: Clause) -> ClauseChange:
    return ClauseChange(frozenset({Kind.ADDED}), (), (clause,), "none", 1.0, ())


def _renamed(
    old: Document, new: Document, changes: tuple[ClauseChange, ...]
) -> tuple[Document, tuple[ClauseChange, ...]]:
    """A remembered comparison, with the clauses and ids that ``old`` has this time."""
    named = carry_ids(old, new, changes)
    olds = {clause.start: clause for clause in old.clauses}
    news = {clause.start: clause for clause in named.clauses}

    def renamed(change: ClauseChange) -> ClauseChange:
        before = tuple([olds[clause.start] for clause in change.old])
        after = tuple([news[clause.start] for clause in change.new])
        if all(map(is_, before, change.old)) and all(map(is_, after, change.new)):
            return change
        return replace(change, old=before, new=after)

    return named, tuple(map(renamed, changes))
