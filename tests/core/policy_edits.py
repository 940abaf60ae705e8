# SPDX-License-Identifier: Apache-2.0
"""Policies as people edit them: sections in several scripts, and the operations done to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.core.markdown_texts import SECTIONS

FOREIGN = {
    "Speicherdauer": (
        "Seiten werden nach 30 Tagen gelöscht. Rechnungen bewahren wir 10 Jahre auf, weil es das Gesetz will."
    ),
    "個人情報の利用": "当社は電話番号を請求書の作成に利用します。お手紙への返信のために住所を利用します。",
    "حقوقك": "يمكنك أن تطلب نسخة من بياناتك في أي وقت. ويمكنك أن تطلب منا تصحيحها أو حذفها متى شئت.",
}
ALL = {**SECTIONS, **FOREIGN}
WORDS = ("partners", "always", "never", "fax", "advertising", "保存", "Werbung", "إعلان", "90", "only")
STYLES: tuple[Callable[[int, str], str], ...] = (
    lambda level, title: f"{'#' * level} {title}",
    lambda level, title: f"{title}\n{'=' if level == 1 else '-'}---" if level < 3 else f"### {title}",
    lambda _, title: f"**{title}**",
)


@dataclass(frozen=True)
class Part:
    title: str
    body: str
    level: int = 2
    style: int = 0

    def __str__(self) -> str:
        return f"{STYLES[self.style](self.level, self.title)}\n\n{self.body}\n\n"


Parts = tuple[Part, ...]
PARTS = st.lists(st.sampled_from(list(ALL.items())), min_size=3, max_size=9, unique=True).map(
    lambda chosen: tuple(Part(title, body) for title, body in chosen)
)


def text_of(parts: Parts) -> str:
    return "# Example Fax\n\n" + "".join(map(str, parts))


def _at(parts: Parts, index: int, *others: Part) -> Parts:
    return (*parts[:index], *others, *parts[index + 1 :])


def reword(parts: Parts, i: int, j: int) -> Parts:
    words = parts[i].body.split(" ")
    words[j % len(words)] = WORDS[j % len(WORDS)]
    return _at(parts, i, replace(parts[i], body=" ".join(words)))


def retitle(parts: Parts, i: int, j: int) -> Parts:
    return _at(parts, i, replace(parts[i], title=f"{parts[i].title} {WORDS[j % len(WORDS)]}"))


def relevel(parts: Parts, i: int, j: int) -> Parts:
    return _at(parts, i, replace(parts[i], level=2 + j % 3))


def restyle(parts: Parts, i: int, j: int) -> Parts:
    return _at(parts, i, replace(parts[i], style=j % len(STYLES)))


def move(parts: Parts, i: int, j: int) -> Parts:
    rest = _at(parts, i)
    place = j % (len(rest) + 1)
    return (*rest[:place], parts[i], *rest[place:])


def drop(parts: Parts, i: int, j: int) -> Parts:
    del j
    return _at(parts, i)


def divide(parts: Parts, i: int, j: int) -> Parts:
    first, dot, second = parts[i].body.partition(". ")
    other = Part(f"More {WORDS[j % len(WORDS)]}", second or "Nothing more is said here than this.")
    return _at(parts, i, replace(parts[i], body=first + dot.strip()), other)


def join(parts: Parts, i: int, j: int) -> Parts:
    del j
    if i + 1 >= len(parts):
        return parts
    one, other = parts[i : i + 2]
    return (*parts[:i], replace(one, body=f"{one.body}\n\n{other.body}"), *parts[i + 2 :])


def number(parts: Parts, i: int, j: int) -> Parts:
    del i, j
    return tuple(replace(part, title=f"{n}. {part.title}") for n, part in enumerate(parts, 1))


def rewrap(parts: Parts, i: int, j: int) -> Parts:
    gap = ("\n", "  ", "\u00a0")[j % 3]
    return _at(parts, i, replace(parts[i], body=gap.join(parts[i].body.split(" "))))


OPERATIONS = (reword, retitle, relevel, restyle, move, drop, divide, join, number, rewrap)


@st.composite
def edited(draw: st.DrawFn, *, most: int = 4) -> tuple[str, str]:
    """A policy before and after some operations."""
    parts = draw(PARTS)
    after = parts
    for _ in range(draw(st.integers(0, most))):
        operation = draw(st.sampled_from(OPERATIONS))
        if len(after) > 1:
            after = operation(after, draw(st.integers(0, len(after) - 1)), draw(st.integers(0, 40)))
    return text_of(parts), text_of(after)
