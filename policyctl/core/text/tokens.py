# SPDX-License-Identifier: Apache-2.0
"""Text -> the pieces a redline never cuts: words, numbers with unit, dates, links, ideographs.

Joined, the tokens of a text are the text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, chain, repeat

from policyctl.core.text.late_pattern import late_pattern

_STOPS = frozenset(".!?;|。！？；")
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_NUMBER = r"\d+(?:[.,:/\u2019'-]\d+)*"
_CJK = (
    r"\u0e00-\u0e7f\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_COMMON = (
    r"[a-zBCEGHIKLPQRT-Z][a-z0-9]*(?=[ ,.;)\n])|"  # most words, no month; what follows is for the others
    rf"{_MONTH}\.?[ \u00a0]\d{{1,2}}(?:st|nd|rd|th)?,?[ \u00a0]\d{{4}}\b"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ \u00a0]{_MONTH}\.?,?(?:[ \u00a0]\d{{4}})?\b"
    r"|https?://[^\s()<>\[\]\"|]*[^\s()<>\[\]\"|.,;:!?]"
    rf"|[$€£¥][ \u00a0]?{_NUMBER}(?:[ \u00a0](?:million|billion|thousand)\b)?"
    rf"|{_NUMBER}[ \u00a0]?(?:%|[€£¥]|(?:USD|EUR|GBP|CHF|percent|million|billion)\b)"
    rf"|{_NUMBER}(?:st|nd|rd|th)?"
)
_VISIBLE = (
    _COMMON + rf"|[{_CJK}]"
    rf"|[^\W\d_{_CJK}](?:[^\W_{_CJK}]|[\u0300-\u036f\u0640\u064b-\u065f\u0900-\u0903\u093a-\u094f\u200b-\u200d\u00ad]|['’\u2010\u2011-](?=[^\W_{_CJK}]))*"
    r"|\*+|_+|\S"
)
_SPACED = late_pattern(rf"(\s*)({_VISIBLE})")
_SPACED_ASCII = re.compile(  # the same for texts that have no other letters
    rf"(\s*)({_COMMON}|[^\W\d_](?:[^\W_]|['-](?=[^\W_]))*|\*+|_+|\S)"
)


class Words:
    """The tokens of a text that are not white space.

    ``texts``; ``starts`` and ``ends``, their offsets; ``gaps``, the white space before each.
    """

    __slots__ = ("ends", "gaps", "source", "starts", "texts")

    def __init__(self, source: str) -> None:
        spaced = _SPACED_ASCII if source.isascii() else _SPACED
        parts = spaced.split(source)  # what no token holds, gap, text, and so on
        self.source = source
        self.gaps: list[str] = parts[1::3]
        self.texts: list[str] = parts[2::3]
        places = list(accumulate(map(len, parts)))
        self.starts: list[int] = places[1::3]
        self.ends: list[int] = places[2::3]

    def __len__(self) -> int:
        return len(self.texts)

    def length(self, start: int, end: int) -> int:
        """Characters from the first word to the last of ``start:end``, 0 when there is none."""
        return self.ends[end - 1] - self.starts[start] if end > start else 0


def sentences(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Spans of word indices, each up to and with a word that ends a sentence."""
    spans, start = [], 0
    for index, text in enumerate(texts):
        if text in _STOPS:
            spans.append((start, index + 1))
            start = index + 1
    return [*spans, (start, len(texts))] if start < len(texts) else spans


class Interner:
    """Gives every distinct value one character, so that C string matching works on values.

    Surrogates are left out; beyond the last code point everything shares one character, which
    makes a comparison coarser there but never wrong, as callers compare the values themselves.
    """

    __slots__ = ("_mark",)

    _PARTS = range(1, 0xD800), range(0xE000, 0x10FFFF)  # the first few are matched the quickest

    def __init__(self) -> None:
        marks = chain(map(chr, chain(*self._PARTS)), repeat(chr(0x10FFFF)))
        self._mark: dict[object, str] = defaultdict(partial(next, marks))

    def word(self, values: Sequence[object]) -> str:
        """The values as one string, a character each."""
        return "".join(map(self._mark.__getitem__, values))
