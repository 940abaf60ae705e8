# SPDX-License-Identifier: Apache-2.0
"""Is everything that a reader sees in the blocks? A second, independent reading by markdown-it.

Used by tests, benchmarks and ``doctor``; comparing documents does not need it.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from policyctl.core.policy import Document
from policyctl.core.text.visible import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

NESTING = 150
"""Levels that are read: markdown-it leaves out what is nested deeper than 20 unless it is told otherwise,
without a word, and calls itself for every level, so that Python ends at some hundred."""
_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_BREAK = re.compile(r"</?(?:br|p|li|div|td|tr)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_UNREAD = re.compile(r"\*{2,}|(?<=\w)_{2,}(?=\w)|\]\((?:[^()]|\([^()]*\))*\)")
_SPACED = re.compile(r"[ \t\u00a0]*(\d{1,9})[.)][ \t\u00a0]")
"""A list number as our blocks read it; CommonMark does not where a no-break space stands beside it."""


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"maxNesting": NESTING}).enable(["table", "strikethrough"])


def rendered_words(text: str) -> str:
    """The words a browser would show of this Markdown, white space collapsed."""
    shown: list[str] = []
    for token in _reader().parse(text):
        if token.type == "inline":
            _inline(token.children or [], shown)
            shown.append(" ")
        elif token.type in {"fence", "code_block"}:
            shown.append(token.content + " ")
        elif token.type == "html_block":
            shown.append(html.unescape(_TAG.sub(" ", token.content)) + " ")
    return plain("".join(shown))


def levels(text: str) -> Iterator[tuple[int, int]]:
    """1-based line of every piece of text, and in how many quotes, lists and items it stands."""
    for token in _reader().parse(text):
        if token.map and token.nesting == 0:
            yield token.map[0] + 1, token.level - (token.type == "inline")


def _inline(tokens: Sequence[Token], shown: list[str]) -> None:
    for token in tokens:
        if token.type == "image":
            _inline(token.children or [], shown)
        elif token.type in {"softbreak", "hardbreak"} or (
            token.type == "html_inline" and _BREAK.match(token.content)
        ):
            shown.append(" ")
        elif token.type in {"text", "code_inline", "text_special"}:
            shown.append(token.content)


def unseen(document: Document) -> Counter[str]:
    """Words that a browser would show and that stand in no block; empty when all is accounted for.

    Marks that CommonMark cannot read and so shows as they stand are no words: asterisks and underscores
    inside a word, the address of a link whose text runs over several blocks. A list number with a no-break
    space beside it is the mark of its block, though CommonMark shows it as text.
    """
    ours: Counter[str] = Counter()
    for clause in document.clauses:
        for block in clause.blocks:
            ours.update(_WORD.findall(_UNREAD.sub("", block.visible)))
            if block.kind == "item":
                ours.update(_number(document.text[block.start : block.end]))
    shown = _UNREAD.sub("", rendered_words(document.text[document.body :]))
    return Counter(_WORD.findall(shown)) - ours


def _number(source: str) -> list[str]:
    mark = _SPACED.match(source)
    return [mark[1]] if mark and "\u00a0" in mark[0] else []
