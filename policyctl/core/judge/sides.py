# SPDX-License-Identifier: Apache-2.0
"""One side of a change of words: what it says that the other text does not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from policyctl.core.judge.catalogue import Lexicon
from policyctl.core.judge.shifts import Profile, pairs_of
from policyctl.core.judge.signals import TERM_KINDS, Signals
from policyctl.core.text.words import NET, stem

_NUMBER = re.compile(r"[\d.,]+(?:st|nd|rd|th)?|[ivx]+|[a-z]")
_ANEW = 0.4  # share of pairs of words the other text lacks, from which a statement is a new one
_STATEMENT = 3  # pairs of words that a statement has at least


def content(words: Sequence[str], lexicon: Lexicon) -> list[str]:
    """The words that say something: no common words, numbers, months or net addresses."""
    return [w for w in words if w not in lexicon.common and not is_figure(w, lexicon)]


def is_figure(word: str, lexicon: Lexicon) -> bool:
    """A number, a letter of a list, a month, or an address of the net."""
    return bool(_NUMBER.fullmatch(word) or word in lexicon.months or NET.fullmatch(word))


class Side:
    """One side of a change: its signals, its changed words, and the profile of the other text."""

    def __init__(
        self,
        signals: Signals,
        touched: frozenset[int],
        other: Signals | None,
        profile: Profile,
        lexicon: Lexicon,
        *,
        gained: bool,
    ) -> None:
        self.signals, self.touched, self.gained = signals, touched, gained
        self.profile, self.lexicon = profile, lexicon
        self.hits = tuple(h for h in signals.hits if any(i in touched for i in range(h.start, h.end)))
        there = other.terms() if other else frozenset()
        self.terms = tuple(
            h for h in self.hits if h.kind in TERM_KINDS and h.id != "user" and (h.kind, h.id) not in there
        )
        self.new_terms = tuple(h for h in self.terms if not self.profile.knows((h.kind, h.id)))

    @property
    def said(self) -> list[str]:
        """The changed words that say something."""
        words = self.signals.sentence.words
        return content([words[i] for i in sorted(self.touched)], self.lexicon)

    @property
    def strange(self) -> list[str]:
        """Those the other text does not have in any form."""
        return [word for word in dict.fromkeys(self.said) if stem(word) not in self.profile.stems]

    @property
    def anew(self) -> bool:
        """True when most of the sentence's pairs of words stand nowhere in the other text."""
        words = self.signals.sentence.words
        pairs = list(pairs_of([words[i] for i in sorted(self.touched)], self.lexicon))
        unknown = sum(pair not in self.profile.pairs for pair in pairs)
        return len(pairs) >= _STATEMENT and unknown >= _ANEW * len(pairs)
