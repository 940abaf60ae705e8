# SPDX-License-Identifier: Apache-2.0
"""How old every sentence of a text is, carried along from one text of a history to the next."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from policyctl.core.policy import Clause, Document
from policyctl.core.revision import ClauseChange, Kind
from policyctl.core.text.sentences import Sentence, sentences

Key = tuple[str, ...]
"""The words of a sentence in compared form."""

Aged = tuple[Key, int]
"""A sentence and the number of the point it is from."""


@dataclass(frozen=True, slots=True)
class SentenceAge:
    """A sentence of a clause as it stands last, its line, and the number of the point it is from."""

    text: str
    line: int
    point: int


class SentenceAges:
    """The ages of the sentences of the text taken last; headings are not counted."""

    def __init__(self) -> None:
        self._known: dict[str, list[Aged]] = {}  # by clause id, in order
        self._document: Document | None = None

    def go_on(self, point: int, new: Document, changes: Sequence[ClauseChange]) -> None:
        """Take the next text: the clauses of ``changes`` bear the ids of both texts."""
        before, self._known, self._document = self._known, {}, new
        spare = _Spare(before)
        fresh: list[tuple[str, int, Key]] = []
        for change in changes:
            if _is_same(change):
                self._known[change.new[0].id] = spare.take_all(change.old[0].id)
                continue
            olds = [clause.id for clause in change.old]
            for clause in change.new:
                aged = [(key, spare.take(olds, key)) for key in _keys(new, clause)]
                fresh += [(clause.id, number, key) for number, (key, age) in enumerate(aged) if age is None]
                self._known[clause.id] = [(key, point if age is None else age) for key, age in aged]
        for clause_id, number, key in fresh:
            age = spare.take(before, key)
            if age is not None:
                self._known[clause_id][number] = key, age

    def of(self, clause: Clause) -> tuple[SentenceAge, ...]:
        """The sentences of a clause of the last text."""
        if self._document is None:
            return ()
        pairs = zip(_sentences(self._document, clause), self._known[clause.id], strict=True)
        return tuple(SentenceAge(each.text, each.line, age) for each, (_, age) in pairs)


class _Spare:
    """The sentences of the old text that no sentence of the new one has taken yet."""

    def __init__(self, known: Mapping[str, list[Aged]]) -> None:
        self._known = known
        self._left: dict[Key, dict[str, deque[int]]] = defaultdict(dict)
        for clause, aged in known.items():
            for key, age in aged:
                self._left[key].setdefault(clause, deque()).append(age)

    def take(self, clauses: Iterable[str], key: Key) -> int | None:
        """The age of an equal sentence of the first of ``clauses`` that has one left."""
        left = self._left.get(key)
        if left:
            for clause in clauses:
                if left.get(clause):
                    return left[clause].popleft()
        return None

    def take_all(self, clause: str) -> list[Aged]:
        """All sentences of a clause that stayed as it was."""
        for key, _ in self._known[clause]:
            self._left[key].pop(clause, None)
        return self._known[clause]


def _is_same(change: ClauseChange) -> bool:
    return len(change.old) == len(change.new) == 1 and change.kinds <= {Kind.UNCHANGED, Kind.MOVED}


def _sentences(document: Document, clause: Clause) -> list[Sentence]:
    alone = replace(document, clauses=(clause,))
    return [each for each in sentences(alone) if each.kind != "heading"]


def _keys(document: Document, clause: Clause) -> list[Key]:
    return [each.words for each in _sentences(document, clause)]
