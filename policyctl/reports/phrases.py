# SPDX-License-Identifier: Apache-2.0
"""Every fixed phrase of a mail and of the pages it leads to, from message catalogues. Words of a policy
or a notice never stand there.

``locale/mail.pot`` is the English source, ``locale/<language>/LC_MESSAGES/mail.po`` a translation;
both are read as they are, each when a mail of that language is first written. ``terms.po`` beside it has
the labels of the built-in taxonomy: notices keep them in English, each reader gets his own. A language is
complete or it is not listed in ``LANGUAGES``; an addressee whose language is not listed gets English.
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

# English without a country: the day before the month, which nobody on either side takes for another.
_REGION = {"en": "en_001"}


class Phrases:
    """The phrases of one language; call it with a key and the values to be put in."""

    def __init__(self, locale: str) -> None:
        wanted = locale.replace("_", "-").split("-")[0].lower()
        self.lang = wanted if wanted in LANGUAGES else "en"
        self._region = _region(locale if wanted in LANGUAGES else "en")
        self._translation = _translation(self.lang)

    def __call__(self, key: str, **values: object) -> str:
        """The phrase of that key. The values are put in as they are: they are not formatted again."""
        one, _ = _source()[key]
        return self._translation.pgettext(key, one).format(**values)

    def counted(self, key: str, number: int) -> str:
        """The phrase of that key for ``number`` things, in the plural form of the language."""
        one, many = _source()[key]
        phrase = self._translation.npgettext(key, one, many, number)
        return phrase.format(number=format_decimal(number, locale=self._region))

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


def catalogue(language: str) -> Catalog:
    """The catalogue of a language as it is written; that of English holds the source alone."""
    return _read("mail.pot" if language == "en" else f"{language}/LC_MESSAGES/mail.po", language)


def _read(name: str, language: str) -> Catalog:
    data = pkgutil.get_data("policyctl.reports", f"locale/{name}")
    if data is None:  # pragma: no cover - only a broken installation has no catalogues
        raise FileNotFoundError(f"the package lacks its catalogue locale/{name}")
    return read_po(BytesIO(data), locale=None if language == "en" else language)


@cache
def _terms(language: str) -> Mapping[str, str]:
    """English label of the taxonomy -> that of a language; the English ones are the source."""
    if language == "en":
        return {}
    found = _read(f"{language}/LC_MESSAGES/terms.po", language)
    return {str(message.id): str(message.string) for message in found if message.id and message.string}


@cache
def _source() -> Mapping[str, tuple[str, str]]:
    """Key -> the English phrase for one and for many (the same where it counts nothing)."""
    found = {}
    for message in catalogue("en"):
        ids = message.id if isinstance(message.id, list | tuple) else (message.id, message.id)
        if message.context:
            found[message.context] = (ids[0], ids[1])
    return found


@cache
def _translation(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
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
