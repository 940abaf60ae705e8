# SPDX-License-Identifier: Apache-2.0
"""Markdown text -> clauses and blocks.

1. A front matter block (``---`` at the top of the file) is set apart.
2. Headings are found in one scan: ATX, underlined (setext), and lines that are bold as a whole and
   stand alone. Code fences and comments are skipped. Where they suffice to cut the text, titles
   inside list items are taken too.
3. A clause runs from its heading to the next. Where headings are missing, or leave most of the text
   in one piece, the paragraphs are the clauses.
4. Ids: ``{#id}`` at the end of the heading line, else the slug of the heading path, made unique.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice, pairwise

from policyctl.core.policy import Clause, Document, Late, moved_on
from policyctl.core.text.cutting import cut, heading_words
from policyctl.core.text.paragraphs import paragraph_marks

BOLD_LEVEL = 7
_BOLD_WORDS = 120  # characters; longer bold lines are emphasis, not titles
_CANDIDATE = re.compile(
    r"\n(?=[\ufeff #=`~<*_\t\u00a0-])"  # most lines begin otherwise and are passed over
    r"\ufeff?(?: {0,3}(?:(?P<atx>#{1,6})(?:[ \t]|\r?$)|(?P<under>=+|-+)[ \t]*\r?$"
    r"|(?P<fence>`{3,}|~{3,})|(?P<comment><!--))"
    r"|[ \t\u00a0]{0,3}(?P<mark>\*\*|__)(?=\S)(?P<bold>[^\n]{1,140}?)(?P=mark):?[ \t\u00a0]*\r?$)",
    re.MULTILINE,
)
_NOT_A_TITLE = re.compile(
    r"(?:[-*+•][ \t]|[>|]|\d{1,9}[.)][ \t]| {4}|\t|#{1,6}[ \t]"
    r"|(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$)"  # a horizontal rule
)
_ITEM_TITLE = re.compile(
    r"\n(?=[ \t*+\d-])[ \t]{0,8}(?P<line>(?:[-*+]|\d{1,3}[.)])[ \t]+(?:(?P<atx>#{1,6})[ \t]+\S[^\n]*"
    r"|(?![-*+>|#])\S[^\n]{0,119}\n[ \t]{2,}(?P<under>={3,}|-{3,})[ \t]*\r?$))",
    re.MULTILINE,
)
_FRONT = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<body>(?:[^\n]*\n)*?)(?:---|\.\.\.)[ \t]*(?:\r?\n|$)")
_KEY = re.compile(r"[A-Za-z_][\w-]*[ \t]*:(?:\s|$)", re.MULTILINE)
_STEP = r"(?:\d{1,3}|[a-zA-Z]|[ivxlIVXL]{1,5})"
_NUMBER = re.compile(
    rf"(?:(?:section|article|part|chapter|annex|§)\s+)?(?:"
    rf"\(?\d{{1,3}}(?:\.{_STEP})*[.):]+(?:\s+|(?=[^\W\d]))"  # 1. 1.Title 2.b.Title 3) (4)
    rf"|\d{{1,3}}(?:\.\d{{1,3}})+\s+(?=[A-Z\W])"  # 1.2 Title
    rf"|\(?(?:[ivxlc]{{1,5}}|[a-z])[.):]+\s+"  # IV. a) (b)
    rf")",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_USEFUL_HEADINGS = 6
_FEW_HEADINGS = 2
_LONG, _LONGISH = 6000, 2500  # characters under one heading
_SLUG_WORDS = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a clause begins: offset, level, heading words, explicit id, lines the heading takes."""

    start: int
    level: int
    heading: str
    anchor: str = ""
    lines: int = 1


def parse(text: str, *, file: str = "<text>", cut_at: str | None = None) -> Document:
    """The clauses of a Markdown text; never fails. ``cut_at`` forces headings or paragraphs.

    ``file`` is for callers that report on the document; parsing needs no name.
    """
    del file
    body = front_matter_end(text)
    marks, skipped = _headings(text, body)
    how = cut_at or _granularity(text, body, marks)
    if how == "paragraphs":
        marks = [
            Mark(*found)
            for found in paragraph_marks(text, body, {mark.start: mark.heading for mark in marks})
        ]
    elif inside := _in_items(text, body, skipped):
        marks = sorted([*marks, *inside], key=lambda mark: mark.start)
    return Document(text, _clauses(text, body, marks, nested=how == "headings"), body, how)


def front_matter_end(text: str) -> int:
    """Offset behind the closing line of the front matter, 0 when there is none."""
    found = _FRONT.match(text) if text.startswith(("---", "\ufeff---")) else None
    if not found or (found["body"].strip() and not _KEY.search(found["body"])):
        return 0
    return found.end()


def _headings(text: str, body: int) -> tuple[list[Mark], list[tuple[int, int]]]:
    """The titles outside of lists, and the stretches of code and comments, where none are."""
    marks: list[Mark] = []
    skipped: list[tuple[int, int]] = []
    lines = "\n" + text  # so that every line follows a line feed, which is quick to search for
    position = body
    while found := _CANDIDATE.search(lines, position):
        position = found.end()
        if found["fence"]:
            position = _behind_fence(lines, found)
            skipped.append((found.start(), position))
        elif found["comment"]:
            position = max(position, lines.find("-->", position))
            skipped.append((found.start(), position))
        elif mark := _mark(text, found, body):
            marks.append(mark)
    return marks, skipped


def _in_items(text: str, body: int, skipped: list[tuple[int, int]]) -> list[Mark]:
    """Titles that a list item begins with: ``*   ## Title``, or a line underlined inside its item."""
    if " #" not in text and not ("  --" in text or "  ==" in text):
        return []  # so in nearly every text
    marks = []
    for found in _ITEM_TITLE.finditer("\n" + text, body):
        if any(start <= found.start() < end for start, end in skipped):
            continue
        level = len(found["atx"]) if found["atx"] else 1 if found["under"][0] == "=" else 2
        words = heading_words(found["line"].split("\n")[0])
        marks.append(Mark(found.start(), level, *words, 1 if found["atx"] else 2))
    return marks


def _behind_fence(text: str, opening: re.Match[str]) -> int:
    mark = opening["fence"]
    closing = re.compile(rf"\n[ \t]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\r?$", re.MULTILINE)
    line_end = text.find("\n", opening.end())
    if mark[0] == "`" and "`" in text[opening.end() : line_end if line_end >= 0 else None]:
        return opening.end()  # a code span that opens the line
    found = closing.search(text, line_end) if line_end >= 0 else None
    return found.end() if found else len(text)


def _mark(text: str, found: re.Match[str], body: int) -> Mark | None:
    if found["under"]:
        return _underlined(text, found, body)
    end = text.find("\n", found.start())
    line = text[found.start() : end if end >= 0 else len(text)]
    if found["atx"]:
        return Mark(found.start(), len(found["atx"]), *heading_words(line))
    return _bold(text, found, line, end, body)


def _line_before(text: str, start: int, body: int) -> tuple[int, str]:
    """Offset and text of the line above the one that begins at ``start``; -1 when there is none."""
    if start <= body:
        return -1, ""
    begin = max(text.rfind("\n", body, start - 1) + 1, body)
    return begin, text[begin : start - 1].rstrip()


def _underlined(text: str, found: re.Match[str], body: int) -> Mark | None:
    begin, title = _line_before(text, found.start(), body)
    if not title.strip() or _NOT_A_TITLE.match(title.lstrip(" ") if title[:4].strip() else title):
        return None
    above, line = _line_before(text, begin, body)
    if above >= 0 and line.strip():
        return None  # the last line of a paragraph
    return Mark(begin, 1 if found["under"][0] == "=" else 2, *heading_words(title), 2)


def _bold(text: str, found: re.Match[str], line: str, end: int, body: int) -> Mark | None:
    inside = found["bold"]
    if found["mark"] in inside or len(inside) > _BOLD_WORDS or not inside.strip():
        return None
    above, before = _line_before(text, found.start(), body)
    if above >= 0 and before.strip():
        return None
    if end >= 0:
        next_end = text.find("\n", end + 1)
        if text[end + 1 : next_end if next_end >= 0 else len(text)].strip():
            return None
    return Mark(found.start(), BOLD_LEVEL, *heading_words(line))


def _granularity(text: str, body: int, marks: list[Mark]) -> str:
    """Headings, unless there are none, or so few that one of them holds most of a longer text."""
    if len(marks) >= _USEFUL_HEADINGS or any(mark.anchor for mark in marks):
        return "headings"
    if not marks:
        return "paragraphs"
    edges = [body, *(mark.start for mark in marks), len(text)]
    longest = max(after - before for before, after in pairwise(edges))
    limit = _LONG if len(marks) > _FEW_HEADINGS else _LONGISH
    return "paragraphs" if longest > limit and longest * 2 > len(text) - body else "headings"


def _clauses(text: str, body: int, marks: list[Mark], *, nested: bool) -> tuple[Clause, ...]:
    if body >= len(text):
        return ()
    if not marks or text[body : marks[0].start].strip():
        marks = [Mark(body, 0, "", lines=0), *marks]
    names, paths = _Names(marks), _Paths(nested=nested)
    lines = _Lines(text)
    edges = [body, *(mark.start for mark in marks[1:]), len(text)]
    return tuple(
        _clause(text, mark, span, names, paths.of(mark), lines)
        for mark, span in zip(marks, pairwise(edges), strict=True)
    )


class _Lines:
    """Line numbers of rising offsets."""

    def __init__(self, text: str) -> None:
        self.text, self.offset, self.line = text, 0, 1

    def at(self, offset: int) -> int:
        self.line += self.text.count("\n", self.offset, offset)
        self.offset = offset
        return self.line


def _clause(
    text: str, mark: Mark, span: tuple[int, int], names: _Names, path: tuple[str, ...], lines: _Lines
) -> Clause:
    start, end = span
    chunk = text[start:end]
    lead = text.count("\n", start, mark.start) if mark.start > start else 0
    first = lines.at(start)
    last = first + chunk.rstrip().count("\n")
    own_lines = mark.lines + lead if mark.lines else 0
    blocks = Late(partial(moved_on, partial(cut, chunk, own_lines), start, first - 1))
    own = names.of(mark, path, chunk)
    return Clause(own, mark.heading, mark.level, path, start, end, first, last, blocks, bool(mark.anchor))


class _Paths:
    """The headings above each heading, by level."""

    def __init__(self, *, nested: bool) -> None:
        self.nested = nested
        self.open: list[tuple[int, str]] = []

    def of(self, mark: Mark) -> tuple[str, ...]:
        if not self.nested:
            if mark.heading:
                self.open = [(0, mark.heading)]
        elif mark.level:
            while self.open and self.open[-1][0] >= mark.level:
                self.open.pop()
            self.open.append((mark.level, mark.heading))
        return tuple(heading for _, heading in self.open)


class _Names:
    """Gives each clause an id of its own; explicit ids are never given to another clause."""

    def __init__(self, marks: list[Mark]) -> None:
        self.taken = {mark.anchor for mark in marks if mark.anchor}
        self.claimed: set[str] = set()
        self.counts: dict[str, int] = {}
        tops = [mark for mark in marks if mark.level == 1]
        self.title = tops[0].heading if len(tops) == 1 else None

    def of(self, mark: Mark, path: tuple[str, ...], chunk: str) -> str:
        if mark.anchor and mark.anchor not in self.claimed:
            self.claimed.add(mark.anchor)
            return mark.anchor
        below = path[1:] if len(path) > 1 and path[0] == self.title else path
        base = "-".join(filter(None, map(slug, below))) if mark.heading else _opening(chunk)
        return self._unique(base or "clause")

    def _unique(self, base: str) -> str:
        count = self.counts.get(base, 0) + 1
        while (name := base if count == 1 else f"{base}-{count}") in self.taken:
            count += 1
        self.counts[base] = count
        self.taken.add(name)
        return name


@lru_cache(maxsize=8192)
def slug(heading: str) -> str:
    """A heading as an id: lower case, letters and digits of any script, one hyphen between words.

    The section number does not belong to it, so that renumbering keeps ids.
    """
    words = title_of(heading).lower().replace("'", "").replace("’", "")
    return "-".join(re.findall(r"\w+", words)).replace("_", "-")


@lru_cache(maxsize=8192)
def number_of(heading: str) -> str:
    """The section number a heading begins with, or ''."""
    found = _NUMBER.match(heading)
    return found[0].strip() if found and found.end() < len(heading) else ""


@lru_cache(maxsize=8192)
def title_of(heading: str) -> str:
    """A heading without its section number."""
    found = _NUMBER.match(heading)
    return heading[found.end() :] if found and found.end() < len(heading) else heading


def _opening(chunk: str) -> str:
    """An id from the first words of a clause without a heading."""
    words = islice(_WORD.finditer(chunk[:400].casefold()), _SLUG_WORDS)
    return "-".join([word[0] for word in words])[:60].strip("-") or "clause"


def clause_at(document: Document, line: int) -> Clause | None:
    """The clause that holds the 1-based line, or None (front matter, beyond the end)."""
    index = bisect_right([clause.line for clause in document.clauses], line) - 1
    return document.clauses[index] if index >= 0 else None
