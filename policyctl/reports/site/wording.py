# SPDX-License-Identifier: Apache-2.0
"""The site's own words, in the language of the page they stand on.

A page is in the language of the policy it shows (``language:`` of its front matter), that of a translation in
the translation's; the list of policies is in that of ``[site]``. Where there is no catalogue for it the words
are English, and the page says so: its ``lang`` is that of the words, and what is in another language bears
its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from string import Formatter

from markupsafe import Markup, escape

from policyctl.core.revision import Kind
from policyctl.reports.phrases import LANGUAGES, Phrases, catalogue_bytes
from policyctl.reports.words import one_line, shown

_DOMAIN = "site"
Piece = tuple[Markup, str | None]
"""Words, escaped, and the name of the value that stands behind them."""


class Wording:
    """The phrases of the site in the language of ``tag``, as HTML: what is put in is escaped, unless it is
    ``Markup``, and what cannot be seen in it is written out. ``lang`` is the tag that the page declares.
    """

    def __init__(self, tag: str) -> None:
        self._phrases = Phrases(tag, _DOMAIN)
        known = tag.replace("_", "-").partition("-")[0].lower() == self._phrases.lang
        self.lang = tag.replace("_", "-") if known else self._phrases.lang
        self._cut: dict[str, tuple[Piece, ...]] = {}
        self._terms: dict[str, str] = {}

    def __call__(self, key: str, **values: object) -> Markup:
        """The phrase of that key as HTML."""
        pieces = self._cut.get(key)
        if pieces is None:
            pieces = self._cut[key] = _pieces(self._phrases.unfilled(key))
        if not values:
            return pieces[0][0]
        told: list[str] = []
        for before, name in pieces:
            told.append(before)
            if name is not None:
                told.append(self._html(values[name]))
        return Markup("".join(told))  # noqa: S704 - every part is

    def text(self, key: str, **values: object) -> str:
        """The phrase of that key as plain text."""
        return self._phrases(key, **{name: self._value(value) for name, value in values.items()})

    def counted(self, key: str, number: int) -> str:
        """The phrase of that key for ``number`` things."""
        return self._phrases.counted(key, number)

    def day(self, value: date) -> str:
        """A calendar day in words."""
        return self._phrases.day(value)

    def number(self, value: int) -> str:
        """With the marks between its thousands."""
        return self._phrases.number(value)

    def term(self, label: str) -> str:
        """What the built-in taxonomy calls something, on one line; a policy's own words stay as they are."""
        found = self._terms.get(label)
        if found is None:
            found = self._terms[label] = self._phrases.term(one_line(label))
        return found

    def kinds(self, kinds: Sequence[Kind]) -> str:
        """How a clause changed."""
        return ", ".join(self.text(f"kind.{kind}") for kind in kinds)

    def in_language(self, tag: str, attribute: str = "lang") -> Markup:
        """The attribute of words that are in another language than the page; else nothing."""
        if not tag or tag.lower() == self.lang.lower():
            return Markup()
        return Markup(' {}="{}"').format(Markup(attribute), tag)  # noqa: S704 - a name of ours

    def _html(self, value: object) -> Markup:
        return value if isinstance(value, Markup) else escape(self._value(value))

    def _value(self, value: object) -> object:
        if isinstance(value, Markup):
            return value
        return self.day(value) if isinstance(value, date) else shown(str(value))


def _pieces(phrase: str) -> tuple[Piece, ...]:
    """The phrase cut at its blanks: filled so, it takes a fraction of the time of ``format``."""
    found = ((escape(before), name) for before, name, _, _ in Formatter().parse(phrase))
    return tuple(found) or ((Markup(), None),)


@cache
def wording(tag: str) -> Wording:
    """The words for a language; those of one language are read once."""
    return Wording(tag)


def catalogues() -> list[str]:
    """All that these words are made of, for what depends on them."""
    names = [f"{_DOMAIN}.pot"]
    for language in LANGUAGES:
        if language != "en":
            names += [f"{language}/LC_MESSAGES/{_DOMAIN}.po", f"{language}/LC_MESSAGES/terms.po"]
    return [catalogue_bytes(name).decode() for name in names]
