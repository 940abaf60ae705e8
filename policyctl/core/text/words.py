# SPDX-License-Identifier: Apache-2.0
"""Words of a visible text: what is compared when a sentence changed, and how sentences end.

A word is folded (NFKC, casefold, straight quotes, no possessive) so that typography is never a change
of words. Addresses of the net and of mail stay one word. Ideographs and kana are words one by one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from policyctl.core.text.late_pattern import late_pattern

_NET = r"(?:https?://|www\.)[^\s)\]>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
SINGLE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
"""Characters that are words one by one, for a regular expression."""
_WORD = late_pattern(rf"{_NET}|\d+(?:[.,]\d+)+|[{SINGLE}]|(?:(?![{SINGLE}])[^\W_])+")
_ASCII_WORD = re.compile(rf"{_NET}|\d+(?:[.,]\d+)+|[^\W_]+")
_POSSESSIVE = re.compile(r"(?<=\w)'s\b")
_ENDS = re.compile(
    r"(?<=[.!?])[\"')\]\u201d\u2019]*\s+(?=[\"'(\[\u201c\u2018\u00bf]*[A-Z\u00c0-\u00de0-9\u0400-\u042f])|(?<=[;:])\s+|(?<=[\u3002\uff01\uff1f])|\s+[|\u2022\u00b7]\s+|\s*\n+\s*"
)
_SHORT = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|inc|ltd|llc|co|corp|no|nr|art|vs|mr|mrs|dr|st|u\.s|u\.k|u|z\.\s?b|d\.\s?h|bzw|ca|ggf|u\.\s?a|abs|usw|sog)|\b[A-Z])\.$",
    re.IGNORECASE,
)
NET = re.compile(_NET)


@lru_cache(maxsize=65536)
def folded(text: str) -> tuple[str, ...]:
    """The words of a text in compared form, in order."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'").replace("\u2018", "'")
    word = _ASCII_WORD if plain.isascii() else _WORD
    return tuple(word.findall(_POSSESSIVE.sub("", plain)))


@lru_cache(maxsize=4000)
def split_sentences(text: str) -> tuple[str, ...]:
    """Cut a visible text at the ends of its sentences; colons and semicolons end one too."""
    parts: list[str] = []
    pending = ""
    for piece in _ENDS.split(text):
        whole = f"{pending} {piece}".strip() if pending else piece.strip()
        if _SHORT.search(whole) and len(whole) < 2000:  # noqa: PLR2004 - no sentence is longer
            pending = whole
            continue
        pending = ""
        parts.append(whole)
    if pending:
        parts.append(pending)
    return tuple(part for part in parts if folded(part))


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A rough stem, enough to see whether a text knows the word at all."""
    for ending in ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "es", "ed", "er", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:  # noqa: PLR2004 - keeps short words whole
            word = word[: -len(ending)]
            break
    return word.rstrip("eyi") if len(word) > 3 else word  # noqa: PLR2004 - keeps short words whole


def same_but_for_ending(first: str, second: str) -> bool:
    """``organise`` and ``organize``, ``user`` and ``users``: one word in two spellings or forms."""
    if first == second:
        return True
    if first.isdigit() or second.isdigit() or min(len(first), len(second)) < 4:  # noqa: PLR2004 - too short to tell
        return False
    if stem(first) == stem(second) or _spelling(first) == _spelling(second):
        return True
    return _is_slip(first, second)


def _is_slip(first: str, second: str) -> bool:
    """One letter more, fewer, another or two turned round inside a long word: ``adress``, ``recieve``."""
    if min(len(first), len(second)) < 6 or first[:2] != second[:2] or first[-1] != second[-1]:  # noqa: PLR2004
        return False
    start = _common(first, second)
    end = _common(first[start:][::-1], second[start:][::-1])
    one, two = first[start : len(first) - end], second[start : len(second) - end]
    return max(len(one), len(two)) <= 1 or (len(one) == 2 and one == two[::-1])  # noqa: PLR2004 - two letters


def _spelling(word: str) -> str:
    """British and American English folded into one."""
    return re.sub(
        r"yse", "yze", re.sub(r"is(?=(?:e|ed|es|ing|ation|ations)$)", "iz", re.sub(r"our", "or", word))
    ).replace("ll", "l")


def _common(first: str, second: str) -> int:
    """How many letters two words begin with alike."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))
