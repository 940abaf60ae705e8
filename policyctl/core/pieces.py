# SPDX-License-Identifier: Apache-2.0
"""What alignment knows of a clause or a block: its text, and its words when asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from policyctl.core.parse import title_of
from policyctl.core.tokens import Interner
from policyctl.core.visible import folded

_WORD = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)

_RUN = 3


class Piece:
    """A clause or a block to be aligned.

    ``raw`` is its source text; ``heading`` its heading, '' when there is none; ``parent`` the headings
    above it. What follows is worked out only when the raw texts do not settle the matter: ``title``,
    the heading without number, and ``body``, the visible words below it, typography folded.
    """

    __slots__ = ("_body", "_read", "_size", "_title", "heading", "kind", "level", "parent", "raw")

    def __init__(
        self,
        raw: str,
        read: Callable[[], str],
        *,
        heading: str = "",
        parent: tuple[str, ...] = (),
        level: int = 0,
        kind: str = "",
    ) -> None:
        self.raw, self.heading, self.parent, self.level, self.kind = raw, heading, parent, level, kind
        self._read = read
        self._body: str | None = None
        self._title: str | None = None
        self._size = -1

    @property
    def title(self) -> str:
        """The heading without section number, typography folded."""
        if self._title is None:
            self._title = folded(title_of(self.heading)) if self.heading else ""
        return self._title

    @property
    def body(self) -> str:
        """The visible words below the heading, typography folded."""
        if self._body is None:
            self._body = folded(self._read())
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
    return _WORD.findall(text.casefold())


class Words:
    """The words of both sides' bodies as strings of one character a word, made when asked for."""

    def __init__(self, old: Sequence[Piece], new: Sequence[Piece]) -> None:
        self.sides = (old, new)
        self.interner = Interner()
        self.made: tuple[dict[int, str], dict[int, str]] = ({}, {})
        self.cut: tuple[dict[int, frozenset[str]], dict[int, frozenset[str]]] = ({}, {})

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
