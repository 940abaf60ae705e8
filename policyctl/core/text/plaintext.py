# SPDX-License-Identifier: Apache-2.0
"""Plain text -> Markdown that says the same words.

Plain text marks nothing, so headings, lists and nesting are guesses, made by these rules:

1. Blank lines part the text into pieces. A text with hardly any blank line is parted at every line.
2. A piece whose lines start with numbers or bullets is a list.
3. A piece of one short line that ends no sentence and holds no date, telephone number or address may
   be a heading, if it is written like one (``_looks_like_heading``).
4. The title is the last such line before the first paragraph that names a kind of document
   ("... Policy"), else the first line of all when a heading follows it. It goes to the front matter;
   what stands above it (page furniture) stays as text.
5. Of several such lines in a row the last two are headings, the first of them the parent of those
   that follow, up to the next parent. One with nothing below it is text. Section numbers, where
   most headings have them, say the level instead.
6. Every word is kept. Characters that Markdown would take for markup are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from policyctl.core.text.day_in_words import names_a_day
from policyctl.core.text.escape import escape_line, escape_words
from policyctl.core.text.parse import slug

_BULLET = re.compile(r"\s*(?:[-*+–•·▪◦‣●○■□]|\uf0b7)\s+(?=\S)")
_NUMBER = re.compile(r"\s*(?P<n>\d{1,3})(?P<dot>[.)])\s+(?=\S)")
_SECTION = re.compile(
    r"(?:section\s+|article\s+|§\s*)?(?P<n>\d{1,2}(?:\.\d{1,2})*)[.):]?\s+(?=\S)", re.IGNORECASE
)
_UNDERLINE = re.compile(r"\s*(={3,}|-{3,}|~{3,}|\*{3,}|_{3,})\s*")  # fewer are characters of the text
_NOT_IN_HEADING = re.compile(
    r"[.;:!,…]$|[.!?;]\s|@|://|www\.|©|\(c\)|\d{3}[ -]?\d{4}|\bpage \d", re.IGNORECASE
)
_QUESTION = re.compile(
    r"(?:what|how|who|whom|when|why|where|which|do|does|can|is|are|will|may)\b[^?]*\?", re.IGNORECASE
)
_DOCUMENT = re.compile(
    r"\b(?:policy|statement|notice|terms|agreement|disclosure|declaration|addendum|datenschutz\w*|richtlinie)\b",
    re.IGNORECASE,
)
_SMALL = re.compile(
    r"a|about|an|and|are|as|at|but|by|do|does|for|from|how|if|in|into|is|it|its|nor|not|of|on|or|our|per|that|the"
    r"|their|they|this|to|up|us|via|vs|we|what|when|where|which|who|why|with|you|your",
    re.IGNORECASE,
)
_HEADING_CHARACTERS = 90
_TITLE_WORDS = 12
_SENTENCE_WORDS = 8
_CHAIN = 2  # headings in a row: a parent and its first child
_FEW = 3  # pieces, below which blank lines say nothing
_UNDERLINED = 2  # lines


@dataclass(frozen=True, slots=True)
class PlainHeading:
    """A line that was taken for a heading; ``level`` 2 to 6, below the title."""

    text: str
    level: int
    anchor: str


@dataclass(frozen=True, slots=True)
class FromPlain:
    """What came out: the title, if one was found, the Markdown below it, and its headings."""

    title: str
    body: str
    headings: tuple[PlainHeading, ...]


@dataclass(slots=True)
class _Piece:
    """Lines between blank lines, and what they were taken for: text, list, title or heading."""

    lines: list[str]
    kind: str = "text"
    strong: bool = False
    level: int = 0

    @property
    def words(self) -> str:
        return " ".join(self.lines[0].split())


def from_plain(text: str) -> FromPlain:
    """Markdown for a plain text. Never fails and never loses a word; see the rules above."""
    pieces = [_classified(lines) for lines in _parted(text)]
    _settle_chains(pieces)
    title = _take_title(pieces)
    _set_levels([piece for piece in pieces if piece.kind == "heading"], pieces)
    headings = _named([piece for piece in pieces if piece.kind == "heading"])
    anchors = iter(headings)
    parts = [_markdown(piece, anchors) for piece in pieces if piece is not title]
    return FromPlain(title.words if title else "", "\n\n".join(parts) + "\n", headings)


def _parted(text: str) -> list[list[str]]:
    """Rule 1. Lines keep their indentation; trailing white space goes."""
    lines = [line.rstrip() for line in re.split(r"\r\n|\r|\n|\f|\u2028|\u2029", text.removeprefix("\ufeff"))]
    filled = sum(1 for line in lines if line)
    groups: list[list[str]] = [[]]
    for line in lines:
        if line:
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    groups = [group for group in groups if group]
    if len(groups) < _FEW < filled:
        return [[line] for group in groups for line in group]
    return [part for group in groups for part in _list_apart(group)]


def _list_apart(lines: list[str]) -> list[list[str]]:
    """Part a paragraph from the list that follows it without a blank line."""
    marked = [index for index, line in enumerate(lines) if _BULLET.match(line) or _NUMBER.match(line)]
    if not marked or marked[0] == 0 or len(marked) == 1:
        return [lines]
    return [lines[: marked[0]], lines[marked[0] :]]


def _classified(lines: list[str]) -> _Piece:
    """Rules 2 and 3, as far as one piece can tell by itself."""
    if len(lines) == _UNDERLINED and _UNDERLINE.fullmatch(lines[1]) and _may_be_heading(lines[0]):
        return _Piece(lines[:1], "candidate", strong=True)
    if len(lines) == 1 and _may_be_heading(lines[0]):
        words = " ".join(lines[0].split())
        if _looks_like_heading(words):
            return _Piece(lines, "candidate", strong=_title_case(words))
    return _Piece(lines, "list" if _BULLET.match(lines[0]) or _NUMBER.match(lines[0]) else "text")


def _may_be_heading(line: str) -> bool:
    words = " ".join(line.split())
    if not words or len(words) > _HEADING_CHARACTERS or _BULLET.match(line) or names_a_day(words):
        return False
    bare = _SECTION.sub("", words, count=1)
    if _QUESTION.fullmatch(bare):
        return len(bare.split()) <= _TITLE_WORDS
    return not _NOT_IN_HEADING.search(bare) and not bare.endswith("?") and any(c.isalpha() for c in bare)


def _looks_like_heading(words: str) -> bool:
    """Written like a title, or a short line that begins with a capital."""
    bare = _SECTION.sub("", words, count=1)
    if _title_case(words) or _QUESTION.fullmatch(bare):
        return len(bare.split()) <= _TITLE_WORDS
    return bare[0].isupper() and len(bare.split()) <= _SENTENCE_WORDS


def _title_case(words: str) -> bool:
    """Every word of weight begins with a capital or a digit; the first word always."""
    bare = re.findall(r"[^\W_][\w'’.&-]*", _SECTION.sub("", words, count=1))
    if not bare or not (bare[0][0].isupper() or bare[0][1:2].isupper()):
        return False
    return all(word[0].isupper() or word[0].isdigit() or _SMALL.fullmatch(word) for word in bare[1:])


def _settle_chains(pieces: list[_Piece]) -> None:
    """Rule 5: what follows a candidate decides whether it is a heading."""
    follower: _Piece | None = None
    run = 0
    for piece in reversed(pieces):
        if piece.kind == "candidate":
            run = run + 1 if follower is not None and follower.kind in {"heading", "spare"} else 1
            followed = follower is not None and (piece.strong or follower.kind in {"text", "list"})
            piece.kind = ("heading" if run <= _CHAIN else "spare") if followed else "text"
        follower = piece


def _take_title(pieces: list[_Piece]) -> _Piece | None:
    """Rule 4. What was taken for a heading above the title is furniture."""
    opening: list[_Piece] = []
    for piece in pieces:
        if piece.kind == "list" or (piece.kind == "text" and len(piece.words.split()) > _TITLE_WORDS):
            break
        opening.append(piece)
    lines = [piece for piece in opening if piece.kind in {"heading", "spare"}]
    named = [piece for piece in lines if _DOCUMENT.search(piece.words)]
    title = named[-1] if named else None
    if title is None and len(lines) > 1 and pieces[0] is lines[0]:
        title = lines[0]
    for piece in pieces:
        above = title is not None and piece in opening and opening.index(piece) < opening.index(title)
        if piece.kind == "spare" or (above and piece.kind == "heading"):
            piece.kind = "text"
    if title is not None:
        title.kind = "title"
    return title


def _set_levels(headings: list[_Piece], pieces: list[_Piece]) -> None:
    """Rule 5: section numbers where most headings have them, else a parent and those below it."""
    numbers = [_SECTION.match(piece.words) for piece in headings]
    if sum(1 for number in numbers if number) > len(headings) / 2:
        for piece, number in zip(headings, numbers, strict=True):
            piece.level = min(6, 2 + number["n"].count(".")) if number else 2
        return
    parents = {id(one) for one, other in pairwise(pieces) if one.kind == other.kind == "heading"}
    below = 2
    for piece in headings:
        piece.level = 2 if id(piece) in parents else below
        below = 3 if id(piece) in parents else below


def _named(headings: list[_Piece]) -> tuple[PlainHeading, ...]:
    """Each heading with an anchor of its own."""
    taken: set[str] = set()
    return tuple(
        PlainHeading(piece.words, piece.level, free_anchor(piece.words, taken)) for piece in headings
    )


def free_anchor(heading: str, taken: set[str]) -> str:
    """An anchor for a heading that is not in ``taken``; it is added there."""
    base = slug(heading) or "clause"
    name, count = base, 1
    while name in taken:
        count += 1
        name = f"{base}-{count}"
    taken.add(name)
    return name


def _markdown(piece: _Piece, anchors: Iterator[PlainHeading]) -> str:
    """Rule 6."""
    if piece.kind == "heading":
        heading = next(anchors)
        return f"{'#' * heading.level} {escape_words(heading.text)} {{#{heading.anchor}}}"
    if piece.kind == "list":
        return "\n".join(_items(piece.lines))
    return "\n".join(escape_line(line.strip()) for line in piece.lines)


def _items(lines: list[str]) -> Iterator[str]:
    """List lines with Markdown's own markers; a line without a marker goes on with the item above."""
    indent = ""
    for line in lines:
        number, bullet = _NUMBER.match(line), _BULLET.match(line)
        if number:
            marker = f"{number['n']}{number['dot']} "
            indent = " " * len(marker)
            yield marker + escape_line(line[number.end() :].strip())
        elif bullet:
            indent = "  "
            yield "- " + escape_line(line[bullet.end() :].strip())
        else:
            yield indent + escape_line(line.strip())
