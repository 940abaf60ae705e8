# SPDX-License-Identifier: Apache-2.0
"""A clause's text -> its blocks: headings, paragraphs, list items, table rows, quotes, code.

One pass over the lines, in time linear in the text, without limit on nesting. Blank lines belong
to the block before them, so the blocks hold every character of the clause.
"""

from __future__ import annotations

import re
from functools import lru_cache

from policyctl.core.policy import Block
from policyctl.core.text.visible import visible

_ITEM = re.compile(r"[ \t\u00a0]*(?:[-*+•·▪◦]|\d{1,9}[.)])(?:[ \t\u00a0]+|$)")
_BULLET_OR_ONE = re.compile(r"[ \t\u00a0]*(?:[-*+•▪◦]|1[.)])[ \t]+\S")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+|$)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_DELIMITERS = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_QUOTE = re.compile(r" {0,3}(?:>[ \t]?)+")
_HTML = re.compile(r" {0,3}<(?:[a-zA-Z/!?])")
_ITEM_MARK = re.compile(r"(?:[-*+]|(\d{1,3}[.)]))[ \t]+(?=\S)")
_TRAILING_MARKS = re.compile(r"[ \t]+#+[ \t]*$")
_EXPLICIT_ID = re.compile(r"[ \t]*\{#([^\s{}]+)\}[ \t]*$")


@lru_cache(maxsize=8192)
def heading_words(line: str) -> tuple[str, str]:
    """A heading's visible words and its explicit id (or ''), from its own line."""
    text = line.strip().lstrip("\ufeff")
    number = ""
    if item := _ITEM_MARK.match(text):  # a title inside a list item; its number is that of the title
        number, text = item[1] or "", text[item.end() :]
    if mark := _ATX.match(text):
        text = _TRAILING_MARKS.sub("", text[mark.end() :])
    anchor = _EXPLICIT_ID.search(text)
    if anchor:
        text = text[: anchor.start()]
    return f"{number} {visible(text)}".lstrip(), anchor[1] if anchor else ""


def _row(text: str) -> str:
    cells = text.strip().strip("|").replace("\\|", "\x00").split("|")
    return " | ".join(filter(None, (visible(cell.replace("\x00", "|")) for cell in cells)))


def _seen(kind: str, text: str) -> str:
    """The visible words of a block of this kind."""
    if kind == "heading":
        return heading_words(text.strip().split("\n")[0])[0]
    if kind == "row":
        return " | ".join(filter(None, (_row(x) for x in text.split("\n") if not _DELIMITERS.match(x))))
    if kind == "item":
        text = text[m.end() :] if (m := _ITEM.match(text)) else text
    if kind == "quote":
        text = "\n".join(_QUOTE.sub("", line) for line in text.split("\n"))
    if kind == "code":
        return " ".join(line for line in text.split() if not _FENCE.match(line))
    return "" if kind == "rule" else visible(text)


class _Cutter:
    """Walks over the lines of one clause and notes where blocks begin."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.starts: list[tuple[int, str]] = []
        self.kind = ""
        self.blank = True  # the line before was blank
        self.in_list = False
        self.fence = ""

    def begin(self, number: int, kind: str) -> None:
        self.starts.append((number, kind))
        self.kind = kind

    def walk(self) -> list[tuple[int, str]]:
        for number, line in enumerate(self.lines):
            bare = line.strip()
            if self.fence:
                self._inside_fence(bare)
            elif not bare:
                self.blank = True
            else:
                self._line(number, line, bare)
                self.blank = False
        return self.starts

    def _inside_fence(self, bare: str) -> None:
        if bare.startswith(self.fence) and not bare.strip(self.fence[0]):
            self.fence, self.kind, self.blank = "", "", True

    def _line(self, number: int, line: str, bare: str) -> None:
        kind = self._opener(number, line, bare)
        if kind == "paragraph":
            self.in_list = self.in_list and not (self.blank and line[0] not in " \t")
            if self.blank and not self.in_list and line.startswith(("    ", "\t")):
                kind = "code"
        if kind != "same" and not self._goes_on(kind, line):
            self.in_list = self.in_list or kind == "item"
            self.begin(number, kind)

    def _goes_on(self, kind: str, line: str) -> bool:
        """The line belongs to the block before it."""
        if self.blank:
            return False
        if kind == "paragraph":
            return self.kind in {"paragraph", "item", "quote", "html"} or (
                self.kind == "code" and line.startswith(("    ", "\t"))
            )
        return kind in {"quote", "html"} and self.kind in {kind, "html"}

    def _opener(self, number: int, line: str, bare: str) -> str:
        """The kind of block this line would open; ``same`` when it can only go on."""
        first = bare[0]
        if first in "`~" and (fence := _FENCE.match(line)):
            self.fence = fence[1]
            return "code"
        if first == "|" or ("|" in bare and self._in_table(number)):
            return "same" if self.kind == "row" and not self.blank and _DELIMITERS.match(line) else "row"
        if first in "=-" and not self.blank and self.kind == "heading":
            return "same"
        return self._simple_opener(line, first)

    def _simple_opener(self, line: str, first: str) -> str:
        if first == "#" and _ATX.match(line):
            return "heading"
        if first in "*-_" and _RULE.match(line.rstrip()):
            return "rule"
        if _ITEM.match(line):
            inside = not self.blank and self.kind == "paragraph" and not _BULLET_OR_ONE.match(line)
            return "paragraph" if inside else "item"
        if first == "<" and self.blank and _HTML.match(line):
            return "html"
        return "quote" if first == ">" else "paragraph"

    def _in_table(self, number: int) -> bool:
        if self.kind == "row" and not self.blank:
            return True
        follows = self.lines[number + 1] if number + 1 < len(self.lines) else ""
        return "|" in follows and _DELIMITERS.match(follows.rstrip()) is not None


def _starts(chunk: str, lines: list[str], heading: int) -> list[tuple[int, str]]:
    """Line numbers (from 0) and kinds of the blocks; the first ``heading`` lines are one heading."""
    cutter = _Cutter(lines[heading:])
    cutter.in_list = bool(heading) and _ITEM_MARK.match(lines[0].lstrip()) is not None
    starts = [(number + heading, kind) for number, kind in cutter.walk()]
    if heading:
        return [(0, "heading"), *starts]
    if not starts:
        return [(0, "blank")] if chunk else []
    return [(0, starts[0][1]), *starts[1:]]


@lru_cache(maxsize=16384)
def cut(chunk: str, heading: int) -> tuple[Block, ...]:
    """The blocks of a clause's text; offsets from 0 and lines from 1 within it.

    ``heading`` is how many lines at the beginning are the clause's heading (0, 1, or 2 with an
    underline). Kinds: heading, paragraph, item, row, quote, code, html, rule, blank.
    """
    lines = chunk.split("\n")
    starts = _starts(chunk, lines, heading)
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    offsets[-1] = len(chunk)
    ends = [number for number, _ in starts[1:]] + [len(lines)]
    return tuple(
        _block(kind, chunk, offsets[a], offsets[b], a + 1)
        for (a, kind), b in zip(starts, ends, strict=True)
        if offsets[b] > offsets[a]
    )


def _block(kind: str, chunk: str, start: int, end: int, line: int) -> Block:
    text = chunk[start:end]
    content = text.rstrip()
    return Block(kind, start, end, line, line + content.count("\n"), _seen(kind, content))
