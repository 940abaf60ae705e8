# SPDX-License-Identifier: Apache-2.0
"""The cells of one row of an import: each reader complains where a cell will not do, and goes on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from policyctl.core.formats.csv_rows import CsvRow
from policyctl.core.formats.moments import HOW, read_moment
from policyctl.core.suggest import did_you_mean
from policyctl.errors import InputError, Place, PolicyctlError

_LONGEST = 200
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_VERSION = re.compile(r"(?:([a-z0-9][a-z0-9-]{0,62})@)?v?([1-9][0-9]{0,8})", re.ASCII)
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def unfit(text: str) -> tuple[str, str] | None:
    """What is wrong with a text that is to be a name, and its mend; None where nothing is."""
    if found := _UNFIT.search(text):
        return f"there is a control character or half a letter, U+{ord(found[0]):04X}", "remove it"
    if len(text) > _LONGEST:
        return f"{len(text)} characters are too many", f"use at most {_LONGEST}"
    return None


@dataclass(slots=True)
class Cells:
    """One row, the moment it is read at, and what is wrong with it. A reader that has complained
    gives an empty value; such a row must not be used.
    """

    row: CsvRow
    now: datetime
    errors: list[PolicyctlError] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """Where the row begins."""
        return self.row.place

    def complain(self, column: str, message: str, hint: str) -> None:
        """Note that a cell will not do."""
        place = Place(self.place.file, self.place.line, key=column)
        self.errors.append(InputError(message, hint=hint, place=place))

    def text(self, column: str) -> str:
        """A cell that may be empty."""
        text = self.row.cells.get(column, "")
        if found := unfit(text):
            self.complain(column, *found)
        return text

    def required(self, column: str) -> str:
        """A cell that may not be empty."""
        text = self.text(column)
        if not text:
            self.complain(column, "the cell is empty", f"every row needs a {column}")
        return text

    def moment(self, column: str) -> datetime:
        """A day or moment that is not in the future."""
        text = self.required(column)
        moment = read_moment(text)
        if moment is None:
            if text:
                self.complain(column, f"{text!r} is no date that exists", HOW)
            return self.now
        if moment > self.now:
            self.complain(column, f"{text} lies in the future", "record only what has happened")
        return moment

    def address(self, column: str) -> str:
        """An e-mail address, in the form in which it is kept."""
        from policyctl.adapters.addresses import normal_address

        text = self.required(column)
        try:
            return normal_address(text) if text else ""
        except ValueError as error:
            self.complain(column, f"this is no e-mail address: {error}", "write it like name@example.com")
            return ""

    def locale(self) -> str:
        """A language tag; English where the cell is empty."""
        text = self.text("locale") or "en"
        if not _LOCALE.fullmatch(text) and not _UNFIT.search(text):
            self.complain("locale", f"{text!r} is no language tag", "write it like en or de-AT")
        return text

    def one_of(self, column: str, words: tuple[str, ...]) -> str:
        """One of a few words; the first where the cell will not do."""
        text = self.required(column)
        if text and text not in words:
            self.complain(
                column, f"{text!r} is not known", did_you_mean(text, words, f"use {', '.join(words)}")
            )
        return text if text in words else words[0]

    def version(self) -> tuple[str | None, int | None]:
        """The policy and the number in the column ``version``, written 3, v3 or fax@v3; may be empty."""
        text = self.text("version")
        if not text:
            return None, None
        found = _VERSION.fullmatch(text)
        if found is None:
            self.complain(
                "version", f"{text!r} is no version", "write it like v3 or fax@v3, or leave it empty"
            )
            return None, None
        return found[1], int(found[2])
