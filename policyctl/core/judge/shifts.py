# SPDX-License-Identifier: Apache-2.0
"""What a change of words does to a practice, as data; and what a whole text speaks of.

The profile of the other text decides between news and repetition: a term, a connection of a term with
a kind of practice, or a pair of words that it has already is a clarification and no shift.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from policyctl.core.judge.catalogue import Lexicon
from policyctl.core.judge.findings import Confidence, Direction
from policyctl.core.judge.signals import Signals
from policyctl.core.judge.wording import WordChange
from policyctl.core.text.words import stem

_YEAR, _YOUNGEST, _OLDEST = 365.0, 6, 25  # days; ages of a limit in years
Term = tuple[str, str]
Denial = tuple[str, frozenset[Term]]


@dataclass(frozen=True, slots=True)
class Shift:
    """What one change of words does to one aspect; ``reason`` is a clause of plain words.

    ``aspect``: collection, use, training, sharing, retention, transfer, security, choice, children,
    exclusivity, controller, takeover, contact, process or check_back.
    """

    aspect: str
    direction: Direction
    confidence: Confidence
    change: WordChange
    reason: str
    terms: tuple[Term, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What a whole text speaks of: terms, terms by category of act, denials, stems and pairs of stems."""

    terms: frozenset[Term]
    framed: frozenset[tuple[str, Term]]
    denials: frozenset[Denial]
    stems: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    def knows(self, term: Term) -> bool:
        """True when the term, or a narrower one, is mentioned anywhere."""
        return term in self.terms or any(
            kind == term[0] and name.startswith(term[1] + ".") for kind, name in self.terms
        )

    def denies(self, denial: Denial) -> bool:
        """True when the text denies the same practice with at least the same terms."""
        return any(practice == denial[0] and terms >= denial[1] for practice, terms in self.denials)


def profile_of(side: Iterable[Signals], lexicon: Lexicon) -> Profile:
    """The profile of a text from the signals of its sentences."""
    rows = tuple(side)
    return Profile(
        terms=frozenset(term for row in rows for term in row.terms()),
        framed=frozenset((c, term) for row in rows for c in row.categories for term in row.terms()),
        denials=frozenset(denial for row in rows for denial in denials_of(row)),
        stems=frozenset(stem(word) for row in rows for word in row.sentence.words),
        pairs=frozenset(pair for row in rows for pair in pairs_of(row.sentence.words, lexicon)),
    )


def denials_of(signals: Signals) -> Iterator[Denial]:
    """The practices a sentence says are not done, with the terms it names."""
    for act in signals.acts:
        if act.denied and act.source == "own":
            yield act.practice, signals.terms()


def pairs_of(words: Sequence[str], lexicon: Lexicon) -> Iterator[tuple[str, str]]:
    """Neighbours among the words that say something, by their stems."""
    return pairwise(stem(word) for word in words if word not in lexicon.common)


def figures(words: Sequence[str], lexicon: Lexicon) -> dict[int, float]:
    """Durations and ages of a sentence in days, by the number of the word that holds the figure."""
    found: dict[int, float] = {}
    for at, word in enumerate(words):
        value = float(word) if word.isascii() and word.isdigit() else lexicon.numbers.get(word)
        unit = next((lexicon.units[w] for w in words[at + 1 : at + 4] if w in lexicon.units), None)
        if unit is None and lexicon.ages.intersection(words[max(0, at - 2) : at]):
            unit = _YEAR if value is not None and _YOUNGEST <= value <= _OLDEST else None
        if value is not None and unit is not None:
            found[at] = value * unit
    return found
