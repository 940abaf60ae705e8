# SPDX-License-Identifier: Apache-2.0
"""Where clauses begin in a text without useful headings.

Pieces between blank lines; a run of list pieces is one clause; a piece of fewer than four words
belongs to the clause before it, unless it is a heading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PIECE = re.compile(r"(?:^|(?<=\n))(?:[^\S\n]*\S[^\n]*(?:\n|$))+")
_LIST = re.compile(r"[ \t\u00a0]*(?:[-*+•]|\d{1,9}[.)])[ \t\u00a0]")
_INDENTED = re.compile(r"(?: {2,}|\t)\S")
_NUMBERED_TITLE = re.compile(
    r"(?:\*\*|__)?(?:(?:section|article|part)\s+)?(?:\d{1,2}(?:\\?\.\d{1,2})*|[A-Z]|[IVX]{1,5})\\?[.)]?(?:\*\*)?\s+\S[^\n]{0,98}$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
_FEW_WORDS = 4
_TITLE_WORDS = 12


def _is_title(piece: str) -> bool:
    """A short numbered line that ends no sentence."""
    return (
        "\n" not in piece
        and len(piece.split()) <= _TITLE_WORDS
        and not piece.endswith((",", ";", ":"))
        and _NUMBERED_TITLE.match(piece) is not None
    )


def _words(piece: str) -> int:
    return len(_WORD.findall(piece[:200]))


def _joins(piece: str, *, in_list: bool) -> bool:
    """The piece goes on with the list before it."""
    return in_list and bool(_LIST.match(piece) or _INDENTED.match(piece))


def paragraph_marks(
    text: str, body: int, headings: Mapping[int, str]
) -> list[tuple[int, int, str, str, int]]:
    """Offset, level, heading words, explicit id and heading lines of each clause."""
    marks: list[tuple[int, int, str, str, int]] = []
    in_list = False
    for found in _PIECE.finditer(text, body):
        piece = found[0].rstrip()
        heading = headings.get(found.start(), "")
        lists = bool(_LIST.match(piece))
        if not heading and marks and (_joins(piece, in_list=in_list) or _words(piece) < _FEW_WORDS):
            continue
        in_list = lists
        words = heading or (piece if _is_title(piece) else "")
        marks.append((found.start(), 0, words.replace("\\", "").replace("*", ""), "", 0))
    return marks
