# SPDX-License-Identifier: Apache-2.0
"""What alignment knows of a clause or a block: its text, and its words when asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from policyctl.core.diff.cleanup import STOP_WORDS
from policyctl.core.policy import Block, Clause
from policyctl.core.text.late_pattern import late_pattern
from policyctl.core.text.parse import title_of
from policyctl.core.text.run_in import run_in_title
from policyctl.core.text.tokens import Interner
from policyctl.core.text.visible import folded

_WORD = late_pattern(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)
_ASCII_WORDS = "".join(c.lower() if c.isalnum() or c == "_" else " " for c in map(chr, range(128)))
_RUN = 3
_SHORT_SENTENCE = re.compile(r"((?:[^\s.:]+ ){0,5}[^\s.:]+)[.:] (?=\S)")


def body_of(clause: Clause) -> str:
    """The visible words under the heading; a short line that works as one is part of the words, without
    its numbers.
    """
    shown = [block.visible for block in clause.blocks[1 if clause.level else 0 :] if block.visible]
    if shown and clause.heading and not clause.level:
        shown[0] = _without_numbers(shown[0])
    return " ".join(shown)


def _without_numbers(title: str) -> str:
    while (shorter := title_of(title)) != title:
        title = shorter
    return title


class Piece:
    """A clause or a block to be aligned.

    ``raw`` is its source text without white space at the end; ``parent`` the headings above it. What
    follows is worked out only when the raw texts do not settle the matter: ``title``, the heading
    without number ('' when there is none), and ``body``, the visible words below it, typography folded.
    """

    __slots__ = ("_body", "_name", "_part", "_size", "_title", "level", "raw")

    def __init__(self, raw: str, part: Clause | Block) -> None:
        self.raw, self._part = raw, part
        self.level = part.level if isinstance(part, Clause) else 0
        self._body: str | None = None
        self._title: str | None = None
        self._name: str | None = None
        self._size = -1

    @property
    def parent(self) -> tuple[str, ...]:
        """The headings above it."""
        return self._part.path[:-1] if isinstance(self._part, Clause) else ()

    @property
    def title(self) -> str:
        """The heading without section number, typography folded."""
        if self._title is None:
            self._title = self._read_title()
        return self._title

    @property
    def name(self) -> str:
        """The title, or what a block without one opens with: a bold title, a sentence of a few words."""
        if self._name is None:
            self._name = self.title or folded(self._opening())
        return self._name

    def _opening(self) -> str:
        part = self._part
        block = part if isinstance(part, Block) else part.blocks[0] if part.blocks else None
        if block is None:
            return ""
        if bold := run_in_title(block.kind, self.raw):
            return bold
        found = _SHORT_SENTENCE.match(block.visible)
        return found[1] if found else ""

    @property
    def untitled(self) -> bool:
        """A clause that is not headed, as in texts cut at their paragraphs."""
        return isinstance(self._part, Clause) and not self._part.level

    def _read_title(self) -> str:
        part = self._part
        return folded(title_of(part.heading)) if isinstance(part, Clause) and part.level else ""

    @property
    def body(self) -> str:
        """The visible words below the heading, typography folded."""
        if self._body is None:
            part = self._part
            self._body = folded(part.visible if isinstance(part, Block) else body_of(part))
        return self._body

    @property
    def size(self) -> int:
        """About how many words it has, heading included (from the raw text, which is cheap)."""
        if self._size < 0:
            self._size = self.raw.count(" ") + 1
        return self._size

    @property
    def key(self) -> tuple[str, str]:
        """What a reader sees."""
        return self.title, self.body


def words_of(text: str) -> list[str]:
    """The words of a text without case; ideographs one by one."""
    if text.isascii():
        return text.translate(_ASCII_WORDS).split()
    return _WORD.findall(text.casefold())


@lru_cache(maxsize=4096)
def weighty(name: str) -> frozenset[str]:
    """The words of a name that are no stop words."""
    return frozenset(words_of(name)) - STOP_WORDS


class Words:
    """The words of both sides' bodies as strings of one character a word, made when asked for."""

    def __init__(self, old: Sequence[Piece], new: Sequence[Piece]) -> None:
        self.sides = (old, new)
        self.interner = Interner()
        self.made: tuple[dict[int, str], dict[int, str]] = ({}, {})
        self.cut: tuple[dict[int, frozenset[str]], dict[int, frozenset[str]]] = ({}, {})
        self.compared: dict[tuple[str, str], int] = {}

    def of(self, side: int, index: int) -> str:
        """Side 0 is the old one, 1 the new."""
        made = self.made[side]
        if index not in made:
            made[index] = self.interner.word(words_of(self.sides[side][index].body))
        return made[index]

    def runs(self, side: int, index: int) -> frozenset[str]:
        """All runs of three words of a body."""
        cut = self.cut[side]
        if index not in cut:
            text = self.of(side, index)
            cut[index] = frozenset(text[i : i + _RUN] for i in range(max(1, len(text) - _RUN + 1)))
        return cut[index]

    def named(self, side: int, index: int) -> int:
        """How many words of a body are the name it opens with."""
        piece = self.sides[side][index]
        return 0 if piece.title else len(words_of(piece.name))

    def common(self, one: str, other: str) -> int:
        """How many words two such strings have in common, in order."""
        from rapidfuzz.distance import LCSseq

        key = (one, other)
        if key not in self.compared:
            self.compared[key] = LCSseq.similarity(one, other)
        return self.compared[key]

    def most_common(self, one: str, ways: Iterable[str], least: int, most: int) -> int:
        """The highest of how many words ``one`` has in common with each of the ways, which is enough from
        ``most`` on; 0 below ``least``.
        """
        from rapidfuzz.distance import LCSseq

        best = 0
        for way in dict.fromkeys(ways):  # what cannot reach the bound is given up early
            held = LCSseq.similarity(one, way, score_cutoff=max(best, least))
            if held:
                self.compared[one, way] = best = held
            if best >= most:
                break
        return best
