# SPDX-License-Identifier: Apache-2.0
"""The title that opens a block: ``**Cookies.** We use ...``, ``1. **CONTACT US**``, a row's first cell.

Scraped policies name their finer parts this way. Such a block stays a part of its clause; its title
is what a change of name is told by.
"""

from __future__ import annotations

import re
from functools import lru_cache

from policyctl.core.text.visible import visible

_OPENING = re.compile(r"(?:[ \t\u00a0]|[-*+•][ \t\u00a0]|\d{1,9}[.)][ \t\u00a0]|\||>)*")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(?P<words>[^\n|]{1,120}?)(?<=\S)\1(?P<end>[.:]|(?=\s|$|\|))?")
_SLOPED = re.compile(
    r"([*_])(?![*_\s])(?P<words>[^\n|*_]{1,120}?)(?<=\S)\1[ \t\u00a0]*[.:]?[ \t\u00a0]*(?=$|\||\n)"
)


@lru_cache(maxsize=8192)
def run_in_title(kind: str, source: str) -> str:
    """The title a block opens with, without its final stop or colon; '' when it has none.

    ``source`` is the block's Markdown. A title in bold ends with a stop or a colon, or is all there
    is on its line or in its cell; one in italics is always alone.
    """
    if kind == "heading":
        return visible(source.split("\n", maxsplit=1)[0].lstrip("# "))
    start = _OPENING.match(source)
    text = source[start.end() :] if start else source
    if found := _BOLD.match(text):
        alone = not text[found.end() :].split("\n")[0].split("|")[0].strip()
        words = visible(found["words"])
        return words.rstrip(".: ") if alone or found["end"] or words.endswith((".", ":")) else ""
    found = _SLOPED.match(text)
    return visible(found["words"]).rstrip(".: ") if found else ""
