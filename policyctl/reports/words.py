# SPDX-License-Identifier: Apache-2.0
"""Policy text is somebody else's text: what cannot be seen is written out before it is shown.

An escape sequence in a policy must not move a reader's cursor, a direction override must not turn
a "not" around, and a zero-width character must not hide inside a word.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from policyctl.core.revision import Kind

# Joiners spell words of Persian and of the scripts of India; they change no direction and hide no letter.
_JOINERS = frozenset("\u200c\u200d")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

_COMMAND = re.compile(r"(?m)^([^\S\n]*)::")
_AMONG_WORDS = re.compile(r"(?<!\S)::")
_OLD_COMMAND = re.compile(r"##\[")

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip

KIND_WORDS = {
    Kind.UNCHANGED: "unchanged",
    Kind.REWORDED: "reworded",
    Kind.MOVED: "moved",
    Kind.RENAMED: "renamed",
    Kind.RENUMBERED: "renumbered",
    Kind.RELEVELLED: "level changed",
    Kind.SPLIT: "split",
    Kind.MERGED: "merged",
    Kind.RESTRUCTURED: "restructured",
    Kind.ADDED: "added",
    Kind.REMOVED: "removed",
    Kind.FORMAT_ONLY: "format only",
}


def shown(text: str, keep: str = "\n\t") -> str:
    r"""``text`` with every control, direction and invisible character written as an escape.

    Characters of ``keep`` stay as they are. ``\x1b`` for those below 256, else ``\u202e``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if _hidden(char) and char not in keep else char for char in text)


def one_line(text: str) -> str:
    """``text`` fit for a heading or a table cell: white space folded, hidden characters and what a CI
    runner would obey written out.
    """
    line = shown(" ".join(text.split()))
    return (
        _AMONG_WORDS.sub(r":\\x3a", _OLD_COMMAND.sub(r"#\\x23[", line))
        if ":" in line or "#" in line
        else line
    )


def without_commands(text: str) -> str:
    r"""Printed lines that no CI runner obeys: GitHub's reads ``::error::`` at the beginning of a line,
    white space before it or not, and ``##[error]`` anywhere. The second sign is written as ``\x3a``.
    """
    return _OLD_COMMAND.sub(r"#\\x23[", _COMMAND.sub(r"\1:\\x3a", text))


def html_without_commands(page: str) -> str:
    """The same for HTML, which shows the same characters."""
    return _OLD_COMMAND.sub("##&#91;", _COMMAND.sub(r"\1:&#58;", page))


def counted(number: int, one: str, many: str = "") -> str:
    """``1 clause``, ``2 clauses``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _hidden(char: str) -> bool:
    if unicodedata.category(char) in _HIDDEN:
        return char not in _JOINERS
    # Noncharacters: no XML document may hold them.
    return "\ufdd0" <= char <= "\ufdef" or ord(char) & 0xFFFE == 0xFFFE  # noqa: PLR2004 - the last two of each plane


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def mark_space(text: str) -> str:
    """White space that is all of a change is drawn, or nobody could see it."""
    return text.replace("\n", "⏎\n").replace(" ", "·") if text.isspace() else text


def day(value: date) -> str:
    """``15 January 2027``: unmistakable on both sides of the Atlantic."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
