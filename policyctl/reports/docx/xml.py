# SPDX-License-Identifier: Apache-2.0
"""Paragraphs of a comparison -> WordprocessingML with tracked changes.

Every change has an id of its own, counted from 1 in writing order, so the same comparison always
gives the same bytes. The order of elements is the one the schema asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from policyctl.reports.docx.values import Mark, Paragraph, Stretch, Style

_LOOKS = {"n": "", "b": "<w:b/>", "i": "<w:i/>", "z": "<w:b/><w:i/>"}
_RANGES = {
    Mark.DELETED: "moveFrom",
    Mark.MOVED_FROM: "moveFrom",
    Mark.INSERTED: "moveTo",
    Mark.MOVED_TO: "moveTo",
}


def text_of(text: str) -> str:
    """``text`` as XML; it must be ``shown`` already, XML has no form for control characters."""
    return escape(text, quote=True)


class Tracked:
    """Writes paragraphs; counts the changes. ``author`` is plain text, ``date`` ISO 8601 or ''."""

    def __init__(self, *, author: str, date: str) -> None:
        self._who = f' w:author="{text_of(author)}"' + (f' w:date="{date}"' if date else "")
        self._last = 0
        self._open: dict[str, int] = {}

    def body(self, flow: Sequence[Paragraph]) -> str:
        """All paragraphs, one after the other."""
        return "".join(map(self._paragraph, flow))

    def _change(self) -> str:
        """The attributes of one more change."""
        self._last += 1
        return f'w:id="{self._last}"{self._who}'

    def _paragraph(self, paragraph: Paragraph) -> str:
        first = self._range_start(paragraph) if paragraph.opens is not None else ""
        properties = self._properties(paragraph)
        runs = "".join(
            self._runs(mark, tuple(group))
            for mark, group in groupby(paragraph.stretches, key=lambda stretch: stretch.mark)
        )
        last = self._range_end(paragraph) if paragraph.closes is not None else ""
        return f"<w:p>{properties}{first}{runs}</w:p>{last}"

    def _properties(self, paragraph: Paragraph) -> str:
        end = f"<w:rPr><w:{paragraph.end} {self._change()}/></w:rPr>" if paragraph.end else ""
        was = ""
        if paragraph.was is not None:
            was = f"<w:pPrChange {self._change()}><w:pPr>{_style(paragraph.was)}</w:pPr></w:pPrChange>"
        inside = f"{_style(paragraph.style)}{end}{was}"
        return f"<w:pPr>{inside}</w:pPr>" if inside else ""

    def _runs(self, mark: Mark, stretches: Sequence[Stretch]) -> str:
        words = "w:delText" if mark is Mark.DELETED else "w:t"
        runs = "".join(_run(stretch, words) for stretch in stretches if stretch.text)
        if not mark or not runs:
            return runs
        return f"<w:{mark} {self._change()}>{runs}</w:{mark}>"

    def _range_start(self, paragraph: Paragraph) -> str:
        name = _RANGES[paragraph.end]
        change = self._change()
        self._open[name] = self._last
        return f'<w:{name}RangeStart {change} w:name="move{(paragraph.opens or 0) + 1}"/>'

    def _range_end(self, paragraph: Paragraph) -> str:
        name = _RANGES[paragraph.end]
        return f'<w:{name}RangeEnd w:id="{self._open.pop(name)}"/>'


def _style(style: Style) -> str:
    if not style.name:
        return ""
    named = f'<w:pStyle w:val="{style.name}"/>'
    if style.depth and style.name == "ListBullet":
        return f'{named}<w:numPr><w:ilvl w:val="{style.depth}"/><w:numId w:val="1"/></w:numPr>'
    if style.depth:
        return f'{named}<w:ind w:left="{567 + 360 * style.depth}"/>'
    return named


def _run(stretch: Stretch, words: str) -> str:
    look = f"<w:rPr>{_LOOKS[stretch.face]}</w:rPr>" if _LOOKS[stretch.face] else ""
    parts = "<w:tab/>".join(
        f'<{words} xml:space="preserve">{text_of(part)}</{words}>' if part else ""
        for part in stretch.text.split("\t")
    )
    return f"<w:r>{look}{parts}</w:r>"


def heading(words: str, level: int, *, new_page: bool = False) -> str:
    """An untracked heading."""
    page = "<w:pageBreakBefore/>" if new_page else ""
    return f'<w:p><w:pPr><w:pStyle w:val="Heading{level}"/>{page}</w:pPr>{_plain(words)}</w:p>'


def sentence(words: str) -> str:
    """An untracked paragraph."""
    return f"<w:p>{_plain(words)}</w:p>"


def coloured(parts: Sequence[tuple[str, str]]) -> str:
    """An untracked paragraph that only looks like a redline: ``-`` struck, ``+`` underlined."""
    looks = {
        "-": '<w:strike/><w:color w:val="9A1015"/>',
        "+": '<w:color w:val="0A3C8C"/><w:u w:val="double"/>',
        "=": "",
    }
    return "<w:p>" + "".join(_plain(text, looks[op]) for op, text in parts) + "</w:p>"


def table(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    """An untracked table whose first row is its head; ``widths`` in twentieths of a point."""
    line = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="808080"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    properties = (
        f'<w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{line}</w:tblBorders></w:tblPr>'
    )
    body = "".join(_row(row, widths, head=number == 0) for number, row in enumerate(rows))
    return f"<w:tbl>{properties}<w:tblGrid>{grid}</w:tblGrid>{body}</w:tbl>"


def _row(cells: Sequence[str], widths: Sequence[int], *, head: bool) -> str:
    again = "<w:trPr><w:tblHeader/></w:trPr>" if head else ""
    look = "<w:b/>" if head else ""
    written = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr><w:p>{_plain(cell, look)}</w:p></w:tc>'
        for cell, width in zip(cells, widths, strict=True)
    )
    return f"<w:tr>{again}{written}</w:tr>"


def _plain(words: str, look: str = "") -> str:
    properties = f"<w:rPr>{look}</w:rPr>" if look else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{text_of(words)}</w:t></w:r>'
