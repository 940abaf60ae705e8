# SPDX-License-Identifier: Apache-2.0
"""Letters that make a text read other than it displays: directions, invisible ones, look-alikes.

Read twice, as written and with its entities made characters (``&#8238;`` is a direction override
once it is rendered), so that nothing passes by the way it is spelled.

A trap is grave where no honest text has it. The others (a soft hyphen, a break opportunity at the
edge of a word, a direction mark in a text without right-to-left letters) come from copying, and are told.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from policyctl.core.text.late_pattern import late_pattern

_ENTITY = late_pattern(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TURNING = "\u202a-\u202e\u2066-\u2069"
_TAGS = "\U000e0000-\U000e007f"
_UNSEEN = "\u200b-\u200d\u2060-\u2064\u206a-\u206f\ufeff\u180e\u115f\u1160\u3164\uffa0\ufff9-\ufffb"
_MARKS = "\u200e\u200f\u061c"
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"
_SUSPECT = late_pattern(f"[{_TURNING}{_TAGS}{_UNSEEN}{_MARKS}{_CONTROLS}\u00ad]")
_NEVER = late_pattern(f"[{_TURNING}{_TAGS}]|[\x00-\x08\x0e-\x1a\x1b-\x1f\x7f\x80-\x84\x86-\x9f]")
_RIGHT_TO_LEFT = late_pattern("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_IDEOGRAPHS = late_pattern("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_IMITATING = late_pattern("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff]+")
_WORD = late_pattern(r"[^\W\d_]{2,}")
_FOREIGN = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
# Letters of Cyrillic and Greek that look like Latin ones in most founts: a word of these alone deceives.
_LIKE_LATIN = frozenset("асеорхуіјѕԁһԛԝӏАВЕКМНОРСТХІЈЅԌ" + "ονικυρΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
_UNITS = frozenset("\u03bc\u03a9")  # micro and ohm, as in a few \u03bcg
_AROUND = 24  # characters of the line shown on each side
_LATIN = 2  # so many Latin letters to a foreign one make a line Latin


@dataclass(frozen=True, slots=True)
class Trap:
    """``line`` and ``column`` are 1-based, in the text as written; ``what`` has no hidden character."""

    line: int
    column: int
    what: str
    grave: bool = True


def letter_traps(text: str) -> Iterator[Trap]:
    """Every trap of letters in a text, in order; of one line and kind the first."""
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.removesuffix("\r")
        if number == 1:
            line = line.removeprefix("\ufeff")
        if (line.isascii() and line.isprintable() and "&" not in line) or not line:
            continue
        yield from _of_line(number, line, len(raw.removesuffix("\r")) - len(line))


def _of_line(number: int, line: str, offset: int) -> Iterator[Trap]:
    letters, columns = _rendered(line)
    for found in (_controls(letters), _look_alike(letters)):
        if found:
            at, what, grave = found
            yield Trap(number, columns[at] + offset + 1, what, grave)


def _rendered(line: str) -> tuple[str, list[int]]:
    """The line with its entities made characters, and where each character stands in the line."""
    letters: list[str] = []
    columns: list[int] = []
    place = 0
    for found in _ENTITY.finditer(line):
        plain, meant = line[place : found.start()], html.unescape(found[0])
        letters += (plain, meant)
        columns += [*range(place, found.start()), *[found.start()] * len(meant)]
        place = found.end()
    return "".join((*letters, line[place:])), [*columns, *range(place, len(line))]


def _controls(line: str) -> tuple[int, str, bool] | None:
    """The first invisible or turning character; a grave one before one that is only told."""
    found = [(match.start(), _is_grave(line, match.start())) for match in _SUSPECT.finditer(line)]
    found = [(at, grave) for at, grave in found if grave or not _is_honest(line, at)]
    if not found:
        return None
    at, grave = next((each for each in found if each[1]), found[0])
    return at, f"{_named(line[at])} in \u201c{_excerpt(line, at)}\u201d", grave


def _is_grave(line: str, at: int) -> bool:
    """Directions and controls always; invisible ones inside a Latin word or number."""
    char = line[at]
    if _NEVER.match(char):
        return not _in_flag(line, at)
    if char in "\u00ad\u200e\u200f\u061c\x0b\x0c\r\x85\u2028\u2029":
        return False
    before, after = line[:at].rstrip("".join(_HIDING)), line[at:].lstrip("".join(_HIDING))
    return _is_latin(before[-1:]) and _is_latin(after[:1])


_HIDING = frozenset(
    "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e\u115f\u1160\u3164\uffa0"
)


def _is_latin(char: str) -> bool:
    return char.isalnum() and (char.isascii() or "LATIN" in unicodedata.name(char, ""))


def _in_flag(line: str, at: int) -> bool:
    """The flags of England, Scotland and Wales are spelled with tags behind a black flag."""
    return "\U000e0000" <= line[at] <= "\U000e007f" and "\U0001f3f4" in line[max(0, at - 7) : at]


def _is_honest(line: str, at: int) -> bool:
    """Joiners outside of Latin words, and direction marks where a line has letters that need them."""
    char = line[at]
    if char in "\u200c\u200d" or _in_flag(line, at):
        return True
    return char in _MARKS and bool(_RIGHT_TO_LEFT.search(line))


def _named(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, 'a control character')}"


def _excerpt(line: str, at: int) -> str:
    part = line[max(0, at - _AROUND) : at + _AROUND]
    return "".join(_escaped(char) for char in part).strip()


def _escaped(char: str) -> str:
    hidden = _SUSPECT.match(char) or not char.isprintable()
    return char.encode("unicode_escape").decode("ascii") if hidden else char


def _look_alike(line: str) -> tuple[int, str, bool] | None:
    """The first word spelled with letters of another alphabet that look like its own."""
    if line.isascii():
        return None
    for found in _WORD.finditer(line):
        word = found[0]
        if not word.isascii() and (why := _why_look_alike(word, line)):
            return found.start(), f"\u201c{word}\u201d ({_codes(word)}) {why}", True
    imitation = None if _IDEOGRAPHS.search(line) else _IMITATING.search(line)
    if imitation:
        word = imitation[0]
        return (
            imitation.start(),
            f"\u201c{word}\u201d ({_codes(word)}) imitates plain letters or digits",
            True,
        )
    return None


def _why_look_alike(word: str, line: str) -> str:
    foreign = [char for char in word if not char.isascii() and _script(char) in _FOREIGN]
    if not foreign or _UNITS.issuperset(foreign):
        return ""
    if len(foreign) < len(word) and any(_script(char) == "LATIN" for char in word):
        return "mixes alphabets"
    if _LIKE_LATIN.issuperset(word) and _is_latin_line(line):
        return "is spelled in another alphabet and looks Latin"
    return ""


def _is_latin_line(line: str) -> bool:
    latin = sum(char.isascii() and char.isalpha() for char in line)
    foreign = sum(not char.isascii() and _script(char) in _FOREIGN for char in line)
    return latin > _LATIN * foreign


def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0]


def _codes(word: str) -> str:
    return " ".join(f"U+{ord(char):04X}" for char in word if not char.isascii())
