# SPDX-License-Identifier: Apache-2.0
"""What a Word document with tracked changes is made of, before it is XML."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a stretch of text, or the end of a paragraph, is tracked; the value is Word's element."""

    KEPT = ""
    INSERTED = "ins"
    DELETED = "del"
    MOVED_FROM = "moveFrom"
    MOVED_TO = "moveTo"


@dataclass(frozen=True, slots=True)
class Style:
    """How a paragraph looks: the id of a style of the document, for list items how deep they stand."""

    name: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text of one mark and one face (``n`` plain, ``b`` bold, ``i`` italic, ``z`` both)."""

    mark: Mark
    text: str
    face: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """``end`` is the mark of the paragraph's own end. ``was`` is its old style where that differs.

    ``opens`` and ``closes``: the number of the move that begins or ends with this paragraph.
    """

    style: Style
    stretches: tuple[Stretch, ...]
    end: Mark
    was: Style | None = None
    opens: int | None = None
    closes: int | None = None

    @property
    def is_new(self) -> bool:
        """True when all of it was inserted, its end too, and no move begins or ends with it."""
        alone = self.opens is None and self.closes is None
        marks = {self.end, *(each.mark for each in self.stretches)}
        return alone and marks == {Mark.INSERTED}
