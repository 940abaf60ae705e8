# SPDX-License-Identifier: Apache-2.0
"""What a reader sees of a piece of Markdown: words without marks, links as their text.

Read in this order (an inner thing must not be taken for an outer one): code spans and escapes are
put aside, comments and tags go, links leave their text, emphasis marks go, entities become
characters, and what was put aside comes back.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

_ESCAPABLE = r"!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~"
_ASIDE = re.compile(rf"\\([{_ESCAPABLE}])|(?<!`)(`+)(?!`)((?:[^`]|(?!(?<!`)\2(?!`))`)+?)(?<!`)\2(?!`)")
_AUTOLINK = re.compile(r"<((?:[a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^\s<>]*)|[\w.+-]+@[\w.-]+)>")
_ATTRIBUTE = r"\s+[a-zA-Z_:][\w:.-]*(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))?"
_TAG = re.compile(rf"<!--.*?-->|</?[a-zA-Z][a-zA-Z0-9-]*(?:{_ATTRIBUTE})*\s*/?>", re.DOTALL)
_BREAK = re.compile(r"<(?:br|/?p|/?li|/?div|/?td|/?tr)\b[^<>]*>", re.IGNORECASE)
_TEXT = r"(?:[^\[\]]|\[[^\[\]]*\])*"
_DEST = r"[ \t]*\n?[ \t]*(?:<[^<>\n]*>|(?:[^()\s]|\((?:[^()\s]|\([^()\s]*\))*\))*)"
_TITLE = r"(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*"
LINK = re.compile(rf"\[({_TEXT})\]\({_DEST}{_TITLE}\)")  # begins with a fixed character: quick to search
_IMAGE_OR_LINK = re.compile(rf"!?{LINK.pattern}")
_TORN = re.compile(r"\]\((?:https?:|mailto:|tel:|[/#])(?:[^()\s]|\([^()\s]*\))*" + _TITLE + r"\)")
_LONE = re.compile(r"^\s*!?\[\s*|\[\s*$")
_REFERENCE = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]")
_DEFINITION = re.compile(r"^ {0,3}\[[^\[\]]+\]:[ \t]*\S+(?:[ \t]+[\"'(].*[\"')])?[ \t]*$", re.MULTILINE)
_STARS = re.compile(r"(?<!\s)\*+|\*+(?!\s|$|\*)")
_SCORES = re.compile(r"(?<![^\W_])_+(?=[^\s_])|(?<=[^\s_])_+(?![^\W_])")
_STRIKE = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~", re.DOTALL)
_SPECIAL = re.compile(r"[\\`<\[\]*_~&]")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad\u202a-\u202c\u2066-\u2069]+")
_PLAIN = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "´": "'", "`": "'", "′": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "″": '"',
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
    "…": "...",
}  # fmt: skip
_TYPOGRAPHY = re.compile(f"[{''.join(_PLAIN)}]")
_PUT_ASIDE = 0xF0000  # plane 15, private use: no published text has letters there


def _put_aside(text: str) -> tuple[str, dict[int, str]]:
    """Escaped marks and code spans become single private characters, given back at the end."""
    kept: dict[int, str] = {}

    def keep(found: re.Match[str]) -> str:
        code = _PUT_ASIDE + len(kept) % 0xFFFD
        kept[code] = found[1] or found[3] or ""
        return chr(code)

    return _ASIDE.sub(keep, text), kept


def _without_links(text: str) -> str:
    for _ in range(3):  # an image in a link, a link in brackets
        parts = (_IMAGE_OR_LINK if "![" in text else LINK).split(text)  # between links, text, and so on
        if len(parts) == 1:
            break
        text = "".join(parts)
    if "](" in text:  # the end of a link whose text stands in the blocks before
        text = _TORN.sub("", text)
    return _REFERENCE.sub(r"\1", text)


def _without_marks(text: str) -> str:
    text, kept = _put_aside(text) if "\\" in text or "`" in text else (text, {})
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub(" ", _AUTOLINK.sub(r"\1", text)))
    if "[" in text or "](" in text:
        text = _torn(_without_links(_DEFINITION.sub("", text) if "]:" in text else text))
    if "*" in text:
        text = _STARS.sub("", text)
    if "_" in text:
        text = _SCORES.sub("", text)
    if "~~" in text:
        text = _STRIKE.sub(r"\1", text)
    if "&" in text:
        text = html.unescape(text)
    return text.translate(kept) if kept else text


def plain(text: str) -> str:
    """NFC, no invisible characters, every run of white space one space, none at the ends."""
    if not text.isascii():
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
        text = _INVISIBLE.sub("", text)
    return " ".join(text.split())


def _torn(text: str) -> str:
    """Without the bracket that opens a link here whose end stands in a later block."""
    return _LONE.sub("", text) if text.count("[") > text.count("]") else text


@lru_cache(maxsize=32768)
def visible(text: str) -> str:
    """The words of one block without its list marker or heading marks, as a reader sees them."""
    return plain(_without_marks(text) if _SPECIAL.search(text) else text)


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """``text`` with quote marks, dashes and dots in their plain form: typography is not wording."""
    return (
        text if text.isascii() and "`" not in text else _TYPOGRAPHY.sub(lambda found: _PLAIN[found[0]], text)
    )
