# SPDX-License-Identifier: Apache-2.0
"""A revision -> the paragraphs of a Word document with tracked changes, in writing order.

1. The blocks of both sides stand in writing order (``writing_order``).
2. Inside a link the visible words are compared, the paragraph marks among them.
3. A link off the chain is tracked as moved when the revision says so, else as deleted and inserted.
   Words deleted while moving stand struck at the old place, words inserted at the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from policyctl.core.diff.redline import redline
from policyctl.core.revision import BlockChange, Kind, Op, Revision, Run
from policyctl.reports.comparing.writing_order import Link, Placed, in_writing_order
from policyctl.reports.docx.ends import told_apart
from policyctl.reports.docx.lines import Line, Side
from policyctl.reports.docx.values import Mark, Paragraph, Stretch, Style
from policyctl.reports.words import shown


@dataclass(frozen=True, slots=True)
class _Link:
    """A block link with the paragraphs of both sides."""

    block: BlockChange
    old: tuple[Line, ...]
    new: tuple[Line, ...]
    moved: bool


_AT_SOURCE = {Op.EQUAL: Mark.MOVED_FROM, Op.DELETE: Mark.DELETED}
_AT_TARGET = {Op.EQUAL: Mark.MOVED_TO, Op.INSERT: Mark.INSERTED}
_IN_PLACE = {Op.EQUAL: Mark.KEPT, Op.DELETE: Mark.DELETED, Op.INSERT: Mark.INSERTED}
_GONE = {Op.EQUAL: Mark.DELETED, Op.DELETE: Mark.DELETED}
_CAME = {Op.EQUAL: Mark.INSERTED, Op.INSERT: Mark.INSERTED}


def paragraphs(revision: Revision) -> tuple[Paragraph, ...]:
    """The whole text of both sides, front matter left out."""
    links = _links(revision)
    placed = in_writing_order([_ends(link) for link in links])
    written: list[Paragraph] = []
    for (move, _), group in groupby(placed, key=lambda each: (each.move, each.side)):
        part = [paragraph for each in group for paragraph in _paragraphs(links[each.link], each)]
        if move is not None and part:
            part[0] = replace(part[0], opens=move)
            part[-1] = replace(part[-1], closes=move)
        written += part
    return told_apart(written)


def moves(flow: Sequence[Paragraph]) -> int:
    """How many stretches of the text moved as one."""
    return len({paragraph.opens for paragraph in flow if paragraph.opens is not None})


def _links(revision: Revision) -> list[_Link]:
    """The block links that show something."""
    old, new = Side(revision.old), Side(revision.new)
    found = [
        _Link(block, old.lines(block.old), new.lines(block.new), block.moved or Kind.MOVED in change.kinds)
        for change in revision.clauses
        for block in change.blocks
    ]
    return [link for link in found if link.old or link.new]


def _ends(link: _Link) -> Link:
    block = link.block
    return Link(
        old=block.old.start if block.old and link.old else None,
        new=block.new.start if block.new and link.new else None,
        size=sum(len(line.text) for line in link.new),
        moved=link.moved,
    )


def _paragraphs(link: _Link, placed: Placed) -> Iterator[Paragraph]:
    moved = placed.move is not None
    if placed.side is Op.EQUAL:
        marks = _IN_PLACE
    elif placed.side is Op.DELETE:
        marks = _AT_SOURCE if moved else _GONE
    else:
        marks = _AT_TARGET if moved else _CAME
    return _Writer(link, marks).write()


class _Writer:
    """Walks over the runs of one link and writes the sides that ``marks`` knows."""

    def __init__(self, link: _Link, marks: dict[Op, Mark]) -> None:
        self.link, self.marks = link, marks
        self.faces = {Op.DELETE: _joined(link.old, face=True), Op.INSERT: _joined(link.new, face=True)}
        self.at = {Op.DELETE: 0, Op.INSERT: 0}
        self.line = {Op.DELETE: 0, Op.INSERT: 0}
        self.open: list[Stretch] = []

    def write(self) -> Iterator[Paragraph]:
        """The paragraphs, every one closed."""
        for run in _runs(_joined(self.link.old), _joined(self.link.new)):
            for number, piece in enumerate(run.text.split("\n")):
                if number:
                    yield from self._end(run.op)
                self._add(run.op, piece)

    def _add(self, op: Op, text: str) -> None:
        side = Op.DELETE if op is Op.DELETE else Op.INSERT
        face = self.faces[side][self.at[side] : self.at[side] + len(text)]
        self._step(op, len(text))
        if op in self.marks:
            at = 0
            for look, same in groupby(face):
                size = sum(1 for _ in same)
                self.open.append(Stretch(self.marks[op], shown(text[at : at + size], keep="\t"), look))
                at += size

    def _step(self, op: Op, size: int) -> None:
        for side in self.at:
            if op in {side, Op.EQUAL}:
                self.at[side] += size

    def _end(self, op: Op) -> Iterator[Paragraph]:
        old = self.link.old[self.line[Op.DELETE]].style if op is not Op.INSERT else None
        new = self.link.new[self.line[Op.INSERT]].style if op is not Op.DELETE else None
        self._step(op, 1)
        for side in self.line:
            self.line[side] += op in {side, Op.EQUAL}
        if op in self.marks:
            style = (old if self.marks is _AT_SOURCE else new) or old or Style()
            was = old if old and old != style and self.marks is _IN_PLACE else None
            yield Paragraph(style, tuple(self.open), self._mark(op), was)
            self.open = []

    def _mark(self, op: Op) -> Mark:
        """How the end of a paragraph is tracked; behind words that were inserted or deleted while
        moving it is tracked as they are, or LibreOffice leaves an empty paragraph at the beginning.
        """
        mark = self.marks[op]
        last = self.open[-1].mark if self.open else mark
        moved = mark in {Mark.MOVED_FROM, Mark.MOVED_TO}
        return last if moved and last in {Mark.DELETED, Mark.INSERTED} else mark


def _joined(lines: Sequence[Line], *, face: bool = False) -> str:
    return "".join((line.face if face else line.text) + "\n" for line in lines)


def _runs(old: str, new: str) -> tuple[Run, ...]:
    if old == new:
        return (Run(Op.EQUAL, new),)
    if not old or not new:
        return tuple(run for run in (Run(Op.DELETE, old), Run(Op.INSERT, new)) if run.text)
    return redline(old, new)
