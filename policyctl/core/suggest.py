# SPDX-License-Identifier: Apache-2.0
"""Did you mean ...? The known word nearest to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

NEAR = 0.6


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, or None when nothing is near.

    Of dotted ids, one that ends in the word counts as near: ``email`` is ``user.contact.email``.
    """
    words = sorted(known)
    folded = word.strip().lower().replace("_", "-")
    by_fold = {candidate.lower().replace("_", "-"): candidate for candidate in words}
    for fold, candidate in by_fold.items():
        if fold.endswith("." + folded):
            return candidate
    close = get_close_matches(folded, by_fold, n=1, cutoff=NEAR)
    return by_fold[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """A hint: the nearest known word, else ``otherwise``."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else otherwise
