# SPDX-License-Identifier: Apache-2.0
"""The terms and word lists a judgement rests on, as values; adapters/catalogue.py reads them from files.

A phrase of a lexicon is a row of words; a trailing ``*`` stands for any ending, a leading one for any
beginning. Words outside the lexicon are never guessed at: they count as unknown, and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from policyctl.core.practice import Taxonomy, Term

KINDS = ("actor", "practice", "data", "purpose", "recipient", "right", "place", "cue")
_STEM = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A phrase that stands for a term: ``kind`` is one of KINDS, ``id`` the term it means."""

    kind: str
    id: str
    words: tuple[str, ...]

    def matches(self, words: Sequence[str], start: int) -> bool:
        """True when the phrase stands at ``start`` of ``words``."""
        if len(self.words) == 1:
            return _fits(self.words[0], words[start])
        end = start + len(self.words)
        return end <= len(words) and all(map(_fits, self.words, words[start:end]))


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry found in a sentence: words ``start`` to ``end``, end exclusive."""

    kind: str
    id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The word list of one language, compared and hashed as the one object it is. ``units`` are days by
    unit word, ``numbers`` values by number word; ``ages``: words before a bare number that make it an age;
    ``persons``: the words for us and for the reader; ``refers`` and ``places``: "described" and "section",
    as one place of a page names another; ``negation_follows``: how many words after its verb a negation
    may stand (German), 0 for before only.
    """

    code: str
    name: str
    common: frozenset[str]
    entries: tuple[Entry, ...]
    units: Mapping[str, float] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    months: frozenset[str] = frozenset()
    ages: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()
    refers: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    negation_follows: int = 0
    index: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LocalTerms:
    """Terms a repository adds in its settings; their labels are looked for in the text as well."""

    categories: Mapping[str, Term] = field(default_factory=dict)
    purposes: Mapping[str, Term] = field(default_factory=dict)
    recipients: Mapping[str, Term] = field(default_factory=dict)


class Lexicons(Mapping[str, Lexicon]):
    """A lexicon for each language that can be judged, by language code; made when first asked for.

    ``common``: the words by which a language is known, which needs no lexicon to be made.
    """

    def __init__(self, common: Mapping[str, frozenset[str]], make: Callable[[str], Lexicon]) -> None:
        self.common, self._make = common, make
        self._made: dict[str, Lexicon] = {}

    def __getitem__(self, code: str) -> Lexicon:
        if code not in self._made:
            if code not in self.common:
                raise KeyError(code)
            self._made[code] = self._make(code)
        return self._made[code]

    def __contains__(self, code: object) -> bool:
        return code in self.common

    def __iter__(self) -> Iterator[str]:
        return iter(self.common)

    def __len__(self) -> int:
        return len(self.common)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The taxonomy and the lexicons."""

    taxonomy: Taxonomy
    lexicons: Lexicons


def _fits(want: str, word: str) -> bool:
    if want.endswith("*"):
        return word.startswith(want[:-1]) if not want.startswith("*") else want[1:-1] in word
    return word.endswith(want[1:]) if want.startswith("*") else word == want


def _key(word: str) -> str:
    """Where an entry stands in the index: its whole first word, its first letters, or ``*``."""
    if word.startswith("*"):
        return "*"
    return word[:_STEM] + "*" if word.endswith("*") else word


def index_of(entries: Iterable[Entry]) -> Mapping[str, tuple[Entry, ...]]:
    """Entries by the key of their first word, so that a sentence is read once."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(_key(entry.words[0]), []).append(entry)
    return MappingProxyType({key: tuple(rows) for key, rows in found.items()})


@lru_cache(maxsize=20_000)
def find_hits(words: tuple[str, ...], lexicon: Lexicon) -> tuple[Hit, ...]:
    """Every phrase of the lexicon in a row of words; of one kind, the longest at a place wins.

    Remembered: most sentences of a revision stand on both sides, titles and leads over many sentences.
    """
    found: list[Hit] = []
    index = lexicon.index
    anywhere = index.get("*", ())
    for start, word in enumerate(words):
        rows = (*index.get(word, ()), *index.get(word[:_STEM] + "*", ()), *anywhere)
        found += [
            Hit(entry.kind, entry.id, start, start + len(entry.words))
            for entry in rows
            if entry.matches(words, start)
        ]
    return tuple(hit for hit in found if not any(_swallows(other, hit) for other in found))


def _swallows(other: Hit, hit: Hit) -> bool:
    longer = other.end - other.start > hit.end - hit.start
    return longer and other.kind == hit.kind and other.start <= hit.start and hit.end <= other.end


def language_of(words: Sequence[str], lexicons: Lexicons) -> str:
    """The code of the language most of whose common words stand in the text; empty when none fits.

    A tenth of all words is asked for: running text has a third and more, a foreign one hardly any.
    """
    sample = words[:4000]
    shares = {code: sum(word in common for word in sample) for code, common in lexicons.common.items()}
    best = max(shares, key=lambda code: shares[code], default="")
    return best if best and shares[best] * 8 >= len(sample) > 0 else ""
