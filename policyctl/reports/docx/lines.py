# SPDX-License-Identifier: Apache-2.0
"""A stretch of a document -> the lines a Word document shows for it: visible words and their look."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policyctl.core.policy import Block, Clause, Document
from policyctl.core.revision import Span
from policyctl.core.text.cutting import cut
from policyctl.core.text.visible import visible
from policyctl.reports.docx.values import Style

_NUMBER = re.compile(r"[ \t\u00a0]*(\(?(?:\d{1,9}|[a-zA-Z]|[ivxIVX]{1,5})[.)])(?:[ \t\u00a0]+|$)")
_HASHES = re.compile(r"\ufeff? {0,3}(#{1,6})(?:[ \t]|$)")
_EMPHASIS = re.compile(
    r"(?<![\\*])(?P<stars>\*{1,3})(?![\s*])(?P<starred>[^*]+?)(?<![\s\\])(?P=stars)(?!\*)"
    r"|(?<![\\\w])(?P<scores>_{1,3})(?![\s_])(?P<scored>[^_]+?)(?<![\s\\])(?P=scores)(?!\w)"
)
_FACES = {1: "i", 2: "b", 3: "z"}
_SLACK = 3
_BOLD_LEVEL, _BOLD_AS = 7, 4
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph: what a reader sees, and a letter a character for its face: ``n`` plain,
    ``b`` bold, ``i`` italic, ``z`` both.
    """

    text: str
    face: str
    style: Style


class Side:
    """One document, whose stretches are asked for by span."""

    def __init__(self, document: Document) -> None:
        self.text = document.text
        self._blocks = [(block, clause) for clause in document.clauses for block in clause.blocks]
        self._starts = [block.start for block, _ in self._blocks]

    def lines(self, span: Span | None) -> tuple[Line, ...]:
        """The paragraphs of a span; blocks that show nothing (rules, comments) have none."""
        if span is None:
            return ()
        return tuple(line for block, clause in self._of(span) if (line := self._line(block, clause)))

    def _of(self, span: Span) -> Sequence[tuple[Block, Clause | None]]:
        first, last = bisect_left(self._starts, span.start), bisect_left(self._starts, span.end)
        found = self._blocks[first:last]
        if found and found[0][0].start == span.start and found[-1][0].end == span.end:
            return found
        # A span of another cut than the document's own.
        chunk = self.text[span.start : span.end]
        return [(_placed(block, span.start), None) for block in cut(chunk, 0)]

    def _line(self, block: Block, clause: Clause | None) -> Line | None:
        raw = self.text[block.start : block.end].rstrip()
        seen = block.visible.replace(" | ", "\t") if block.kind == "row" else block.visible
        number = _NUMBER.match(raw) if block.kind == "item" else None
        if number:
            seen = f"{number[1]} {seen}".rstrip()
        if not seen:
            return None
        style = _style(block, clause, raw, numbered=bool(number))
        plain = block.kind in {"heading", "code"}
        return Line(seen, "n" * len(seen) if plain else faces(raw, seen), style)


def _placed(block: Block, start: int) -> Block:
    return Block(
        block.kind, block.start + start, block.end + start, block.line, block.end_line, block.visible
    )


def _style(block: Block, clause: Clause | None, raw: str, *, numbered: bool) -> Style:
    if block.kind == "heading":
        return Style(f"Heading{_level(block, clause, raw)}")
    if block.kind == "item":
        return Style("ListNumber" if numbered else "ListBullet", _depth(raw))
    return Style({"row": "TableRow", "quote": "Quote", "code": "Code"}.get(block.kind, ""))


def _level(block: Block, clause: Clause | None, raw: str) -> int:
    if clause and clause.level and clause.start <= block.start and block == clause.blocks[0]:
        return _BOLD_AS if clause.level == _BOLD_LEVEL else clause.level
    hashes = _HASHES.match(raw)
    return len(hashes[1]) if hashes else _BOLD_AS


def _depth(raw: str) -> int:
    blank = raw[: len(raw) - len(raw.lstrip(" \t\u00a0"))].replace("\t", "    ")
    return min(_DEEPEST, (len(blank) + 1) // 3)


def faces(raw: str, seen: str) -> str:
    """The face of each character of ``seen``, the visible form of ``raw``. Emphasis that cannot be
    found again in the visible words is left out: words matter more than their look.
    """
    if "*" not in raw and "_" not in raw:
        return "n" * len(seen)
    looks = ["n"] * len(seen)
    for start, end, face in _emphasised(raw, seen):
        looks[start:end] = face * (end - start)
    return "".join(looks)


def _emphasised(raw: str, seen: str) -> Iterator[tuple[int, int, str]]:
    behind = at = 0
    for found in _EMPHASIS.finditer(raw):
        words = visible(found["starred"] or found["scored"])
        at += max(0, len(visible(raw[behind : found.start()])) - _SLACK)
        start = seen.find(words, at) if words else -1
        if start >= 0:
            at = start + len(words)
            yield start, at, _FACES[len(found["stars"] or found["scores"])]
        behind = found.end()
