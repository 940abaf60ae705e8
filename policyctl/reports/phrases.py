# SPDX-License-Identifier: Apache-2.0
"""Every fixed phrase of a mail, one table a language. Words of a policy or a notice never stand here.

A language is complete or it is not listed in ``TABLES``; an addressee whose language is not listed
gets English.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from policyctl.reports.phrases_de import GERMAN
from policyctl.reports.phrases_en import ENGLISH

TABLES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "de": GERMAN}


class Phrases:
    """The phrases of one language; call it with a key and the values to be put in."""

    def __init__(self, locale: str) -> None:
        wanted = locale.replace("_", "-").split("-")[0].lower()
        self.lang = wanted if wanted in TABLES else "en"
        self._table = TABLES[self.lang]

    def __call__(self, key: str, **values: object) -> str:
        """The phrase of that key. The values are put in as they are: they are not formatted again."""
        return self._table[key].format(**values)

    def day(self, day: date) -> str:
        """A calendar day in words."""
        month = self._table["months"].split()[day.month - 1]
        return self._table["day"].format(day=day.day, month=month, year=day.year)

    def listed(self, words: tuple[str, ...]) -> str:
        """Words as a list within a sentence; terms may hold commas, so they are parted by semicolons."""
        return "; ".join(words)
