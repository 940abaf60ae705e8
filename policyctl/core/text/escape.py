# SPDX-License-Identifier: Apache-2.0
"""Plain words -> Markdown that shows exactly these words."""

from __future__ import annotations

import re

_INLINE = re.compile(
    r"[\\*`]"  # escapes, emphasis, code
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis, but not inside_a_word
    r"|<(?=[A-Za-z/!?])"  # tags, comments, autolinks
    r"|&(?=#?\w+;)"  # entities
    r"|\](?=[(\[])"  # links
)
_LINE = re.compile(
    r"(?P<sign>#{1,6}(?=\s|$)|[>|]|[-+](?=\s|$)|(?:-|=|~)+(?=\s*$)|~{3}|:-|\[(?=[^\]]*\]:))|(?P<number>\d{1,9})(?=[.)](?:\s|$))"
)


def escape_words(text: str) -> str:
    """Escape what Markdown would take for markup inside a line."""
    return _INLINE.sub(lambda match: "\\" + match[0], text)


def escape_line(line: str) -> str:
    """Escape a line of a paragraph or list item, its beginning included; it must not be indented."""
    escaped = escape_words(line)
    match = _LINE.match(escaped)
    if match is None:
        return escaped
    at = match.end() if match["number"] else 0
    return escaped[:at] + "\\" + escaped[at:]
