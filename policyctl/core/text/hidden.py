# SPDX-License-Identifier: Apache-2.0
"""Text that stands in the file and is not shown to a reader: hidden HTML, and nesting too deep.

1. HTML that hides its content: ``hidden``, ``display:none`` and its like, white on white, elements no
   browser shows (script, style, template ...), and tags whose end cannot be told.
2. Text nested deeper than Markdown programs go: they leave it out without a word.

Policyctl's own pages and mails write HTML out as text and go as deep as the text; other programs do not.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from policyctl.core.text.late_pattern import late_pattern
from policyctl.core.text.letters import Trap

USUAL_NESTING = 20
"""Levels of quotes and lists after which Markdown programs stop reading."""

_OPEN = late_pattern(r"<([A-Za-z][A-Za-z0-9-]*)")
# Never across another "<", so that a hostile row of them is read once only. A quote that follows no "="
# is a letter like any other.
_REST = late_pattern(r"((?:=\s*\"[^\"<]*\"|=\s*'[^'<]*'|[^<>\"']|(?<!=)[\"'])*+)([>\"']?)")
_ATTRIBUTE = late_pattern(r"([^\s=/\"'<>]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?")
_UNSHOWN = frozenset({
    "script", "style", "template", "dialog", "noscript", "noframes", "iframe", "object", "svg", "math",
    "datalist", "head", "title",
})  # fmt: skip
_HIDING_STYLE = late_pattern(
    r"display:none|visibility:(?:hidden|collapse)|opacity:0*(?:\.0*)?(?:;|$)|content-visibility:hidden"
    r"|font-size:(?:0|[0-3](?:\.\d+)?p[xt])|(?:max-)?(?:height|width):0|text-indent:-\d{3}"
    r"|(?:left|top|right|margin-left|margin-top):-\d{3}|clip(?:-path)?:|transform:scale\(0"
)
_HIDING_CLASS = late_pattern(
    r"(?:^|\s)(?:hidden|d-none|sr-only|visually-hidden|invisible|screen-reader-text)(?:\s|$)"
)
_CSS_COMMENT = late_pattern(r"/\*.*?\*/", re.DOTALL)
_COLOUR = late_pattern(r"(?:^|;)color:([^;]+)")
_GROUND = late_pattern(r"(?:^|;)background(?:-color)?:([^;]+)")
_WHITE = late_pattern(
    r"white|snow|ivory|transparent|#f{3,4}|#f[0-9a-f]f[0-9a-f]f[0-9a-f](?:..)?"
    r"|rgba?\((?:2[45]\d[,/ %]*){3}.*\)|rgba\(.*[,/]0*\.?0*\)"
)
_MARK = late_pattern(r"[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))")
_MARKED = late_pattern(rf"^(?:{_MARK.pattern}){{9,}}", re.MULTILINE)
_INDENTED = late_pattern(
    r"^(?: {18}|[ ]*\t[ ]*\t[ ]*\t)[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])", re.MULTILINE
)
_FAR = late_pattern(r"^[ \t]{200,}(?=[^ \t\r\n])", re.MULTILINE)


def hidden_html(text: str) -> Iterator[Trap]:
    """Tags that keep their content from a reader."""
    if "<" not in text:
        return
    lines = _Places(text)
    for found in _OPEN.finditer(text):
        rest = _REST.match(text, found.end())
        inside, end = (rest[1], rest[2]) if rest else ("", "")
        if end in {'"', "'"}:
            why = "opens a quote that does not end before the next tag"
        elif end == ">":
            why = _why_hidden(found[1].lower(), inside)
        else:
            why = ""  # no tag at all: it is shown as written
        if why:
            yield Trap(*lines.at(found.start()), f"<{found[1]}> {why}")


class _Places:
    """Line and column of rising offsets."""

    def __init__(self, text: str) -> None:
        self.text, self.offset, self.line = text, 0, 1

    def at(self, offset: int) -> tuple[int, int]:
        self.line += self.text.count("\n", self.offset, offset)
        self.offset = offset
        return self.line, offset - self.text.rfind("\n", 0, offset)


def _why_hidden(name: str, inside: str) -> str:
    if name in _UNSHOWN:
        return "is not shown as text"
    found = ((key.lower(), _value(value)) for key, value in _ATTRIBUTE.findall(inside))
    return next((why for key, value in found if (why := _why(name, key, value))), "")


def _value(written: str) -> str:
    return html.unescape(written.strip("\"'")).strip().lower()


def _why(name: str, key: str, value: str) -> str:
    if key == "hidden":
        return "has the attribute hidden"
    if key == "aria-hidden" and value == "true":
        return "is kept from screen readers (aria-hidden)"
    if name == "input" and key == "type" and value == "hidden":
        return "is a hidden field"
    if key == "class" and _HIDING_CLASS.search(value):
        return f"has a class that usually hides ({value})"
    if key == "color" and _WHITE.fullmatch(value.replace(" ", "")):
        return f"is written in {value}"
    return _why_style(value) if key == "style" else ""


def _why_style(value: str) -> str:
    style = re.sub(r"\s|!important", "", _CSS_COMMENT.sub("", value))
    if "\\" in style or "var(" in style or "url(" in style:
        return "has a style that cannot be read plainly"
    found = _HIDING_STYLE.search(style)
    if found:
        return f"has the style {found[0].strip(';')}"
    colour, ground = _COLOUR.search(style), _GROUND.search(style)
    if colour and (_WHITE.fullmatch(colour[1]) or (ground and ground[1] == colour[1])):
        return f"is written in {colour[1]}"
    return ""


def deep_text(text: str) -> Iterator[Trap]:
    """Lines nested as deep as ``USUAL_NESTING`` or deeper. The marks of a line are counted; Markdown itself
    is asked only where a line looks like it, since lists nest over many lines.
    """
    deep = {line: count for line, count in _marks(text) if count >= USUAL_NESTING}
    if _MARKED.search(text) or _INDENTED.search(text):
        from policyctl.core.text.coverage import NESTING, levels

        deep.update((line, level) for line, level in levels(text) if USUAL_NESTING <= level < NESTING - 1)
    for line, level in sorted(deep.items()):
        yield Trap(line, 1, f"text is not shown by most programs: it is nested {level} levels deep")


def _marks(text: str) -> Iterator[tuple[int, int]]:
    """Line and number of the quote and list marks it opens with, where there are many; an indentation
    deeper than any list counts as so many levels.
    """
    lines = _Places(text)
    for found in _MARKED.finditer(text):
        yield lines.at(found.start())[0], len(_MARK.findall(found[0]))
    lines = _Places(text)
    for found in _FAR.finditer(text):
        yield lines.at(found.start())[0], len(found[0]) // 2
