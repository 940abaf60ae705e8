# SPDX-License-Identifier: Apache-2.0
"""Every fixed phrase of a mail, of the pages it leads to and of the posted site, from message catalogues.
Words of a policy or a notice never stand there.

A *domain* is one set of phrases: ``mail`` of mails and of the pages they lead to, ``site`` of posted pages.
``locale/<domain>.pot`` is the English source, ``locale/<language>/LC_MESSAGES/<domain>.po`` a translation;
both are read as they are, each when a text of that language is first written. ``terms.po`` beside them has
the labels of the built-in taxonomy: notices keep them in English, each reader gets his own. A language is
complete or it is not listed in ``LANGUAGES``; a reader whose language is not listed gets English.
"""

from __future__ import annotations

import gettext
import pkgutil
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from io import BytesIO

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES = ("en", "de", "fr")
DOMAINS = ("mail", "site")

# English without a country: the day before the month, which nobody on either side takes for another.
_REGION = {"en": "en_001"}


class Phrases:
    """The phrases of one language and domain; call it with a key and the values to be put in."""

    def __init__(self, locale: str, domain: str = "mail") -> None:
        wanted = locale.replace("_", "-").split("-")[0].lower()
        self.lang = wanted if wanted in LANGUAGES else "en"
        self._region = _region(locale if wanted in LANGUAGES else "en")
        self._source = _source(domain)
        self._translation = _translation(self.lang, domain)

    def __call__(self, key: str, **values: object) -> str:
        """The phrase of that key. The values are put in as they are: they are not formatted again."""
        return self.unfilled(key).format(**values)

    def unfilled(self, key: str) -> str:
        """The phrase with its blanks."""
        return self._translation.pgettext(key, self._source[key][0])

    def counted(self, key: str, number: int) -> str:
        """The phrase of that key for ``number`` things, in the plural form of the language."""
        one, many = self._source[key]
        phrase = self._translation.npgettext(key, one, many, number)
        return phrase.format(number=self.number(number))

    def number(self, number: int) -> str:
        """A number with the marks between its thousands."""
        return format_decimal(number, locale=self._region)

    def day(self, day: date) -> str:
        """A calendar day in words, as the addressee's country writes it (CLDR, format "long")."""
        return format_date(day, "long", locale=self._region)

    def moment(self, at: datetime) -> str:
        """A moment to the minute; ``at`` is aware UTC, and the phrase says so."""
        return self("page.moment", day=self.day(at.date()), time=f"{at:%H:%M}")

    def term(self, label: str) -> str:
        """What the built-in taxonomy calls something, in this language; in ``Example Print (business
        partners)`` it stands in the brackets. Any other word is a policy's own and stays as it is.
        """
        known = _terms(self.lang)
        name, bracket, kind = label.rpartition(" (")
        inner = known.get(kind.removesuffix(")"), "") if bracket and kind.endswith(")") else ""
        return known.get(label) or (f"{name} ({inner})" if inner else label)

    def listed(self, words: tuple[str, ...]) -> str:
        """Words as a list within a sentence; terms may hold commas, so they are parted by semicolons."""
        return "; ".join(words)


def catalogue(language: str, domain: str = "mail") -> Catalog:
    """The catalogue of a language as it is written; that of English holds the source alone."""
    name = f"{domain}.pot" if language == "en" else f"{language}/LC_MESSAGES/{domain}.po"
    return read_po(BytesIO(catalogue_bytes(name)), locale=None if language == "en" else language)


def catalogue_bytes(name: str) -> bytes:
    """A file below ``locale/`` as it is written."""
    data = pkgutil.get_data("policyctl.reports", f"locale/{name}")
    if data is None:  # pragma: no cover - only a broken installation has no catalogues
        raise FileNotFoundError(f"the package lacks its catalogue locale/{name}")
    return data


@cache
def _terms(language: str) -> Mapping[str, str]:
    """English label of the taxonomy -> that of a language; the English ones are the source."""
    if language == "en":
        return {}
    found = read_po(BytesIO(catalogue_bytes(f"{language}/LC_MESSAGES/terms.po")), locale=language)
    return {str(message.id): str(message.string) for message in found if message.id and message.string}


@cache
def _source(domain: str) -> Mapping[str, tuple[str, str]]:
    """Key -> the English phrase for one and for many (the same where it counts nothing)."""
    found = {}
    for message in catalogue("en", domain):
        ids = message.id if isinstance(message.id, list | tuple) else (message.id, message.id)
        if message.context:
            found[message.context] = (ids[0], ids[1])
    return found


@cache
def _translation(language: str, domain: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(language, domain))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def _region(locale: str) -> Locale:
    """The locale of a language tag, that of its language alone where babel does not know the whole."""
    language = locale.replace("_", "-").split("-")[0].lower()
    try:
        region = Locale.parse(locale.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return Locale.parse(_REGION.get(language, language))
    return region if region.territory else Locale.parse(_REGION.get(language, language))
