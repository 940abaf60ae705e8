# SPDX-License-Identifier: Apache-2.0
"""A TOML file read key by key: every complaint is kept, with its line and mend, and told in one go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from policyctl.errors import InputError, InputErrors, Place


class Reader:
    """The file's text, for line numbers (TOML values carry none), and what is wrong with it."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._lines = text.splitlines()
        self._errors: list[InputError] = []

    def complain(self, key: str, message: str, hint: str) -> None:
        """Note what is wrong with a dotted key."""
        self._errors.append(InputError(message, hint=hint, place=Place(self._file, self._line(key), key=key)))

    def settle(self) -> None:
        """Raise what was noted: InputError, or InputErrors for several."""
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise InputErrors(tuple(self._errors))

    def _line(self, key: str) -> int | None:
        """The line of a dotted key: below its table's header, or the header's own. The tables of an array
        are numbered from 1: ``places[2].name``.
        """
        table, met = "", Counter[str]()
        header = None
        for number, line in enumerate(self._lines, start=1):
            bare = line.split("#")[0].replace('"', "").replace("'", "").replace(" ", "")
            if bare.startswith("["):
                table = bare.strip("[]")
                if bare.startswith("[["):
                    met[table] += 1
                    table = f"{table}[{met[table]}]"
                if table == key:
                    return number
                if "]" in key and table == key.rpartition(".")[0]:
                    header = number  # of a key that is missing there
            elif "=" in bare and f"{table}.{bare.split('=')[0]}".strip(".") == key:
                return number
        return header


class Table:
    """One table of the file, read key by key. ``known`` None: any key."""

    def __init__(
        self, reader: Reader, name: str, raw: Mapping[str, Any], known: tuple[str, ...] | None
    ) -> None:
        self._reader, self._name, self.raw = reader, name, raw
        for key in raw:
            if known is not None and key not in known:
                near = get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else "known keys: " + ", ".join(known)
                self.complain(key, f"unknown key {key!r}", hint)

    def complain(self, key: str, message: str, hint: str) -> None:
        """Note what is wrong with a key of this table."""
        self._reader.complain(f"{self._name}.{key}".strip("."), message, hint)

    def table(self, key: str, known: tuple[str, ...] | None) -> Table:
        """A table in this one; empty where it is not there."""
        found = self.raw.get(key, {})
        if not isinstance(found, dict):
            self.complain(key, "is a table", f"write [{f'{self._name}.{key}'.strip('.')}]")
            found = {}
        return Table(self._reader, f"{self._name}.{key}".strip("."), found, known)

    def tables(self, key: str, known: tuple[str, ...]) -> list[Table]:
        """The tables of an array, in their order."""
        found = self.raw.get(key, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            self.complain(key, "is a list of tables", f"write [[{key}]] above each")
            return []
        return [
            Table(self._reader, f"{self._name}.{key}[{number}]".strip("."), each, known)
            for number, each in enumerate(found, start=1)
        ]

    def text(self, key: str, default: str) -> str:
        """A line of text."""
        value = self.raw.get(key, default)
        if not isinstance(value, str) or any(char < " " for char in value):
            self.complain(key, "is not a line of text", f'write {key} = "..."')
            return default
        return value.strip()

    def address(self, key: str) -> str:
        """An address of the web; empty where it is not there."""
        found = self.text(key, "")
        if found and not found.startswith(("https://", "http://")):
            self.complain(key, "is no address of the web", f'write {key} = "https://..."')
        return found

    def one_of(self, key: str, known: tuple[str, ...]) -> str:
        """One of a few words; the first where it is not there."""
        word = self.text(key, known[0])
        if word not in known:
            self.complain(key, f"unknown {key} {word!r}", _suggestion(word, known))
        return word

    def lines(self, key: str, example: str = "...") -> tuple[str, ...]:
        """A list of texts, none twice."""
        value = self.raw.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self.complain(key, "is not a list of words", f'write {key} = ["{example}"]')
            return ()
        return tuple(dict.fromkeys(value))

    def words(self, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """A list of known words."""
        value = self.lines(key, known[0])
        for word in value:
            if word not in known:
                self.complain(key, f"unknown name {word!r}", _suggestion(word, known))
        return value

    def number(self, key: str, default: int, bounds: tuple[int, int]) -> int:
        """A whole number within bounds."""
        value = self.raw.get(key, default)
        if type(value) is not int or not bounds[0] <= value <= bounds[1]:
            self.complain(key, "is not a fitting number", f"write a whole number, {bounds[0]} to {bounds[1]}")
            return default
        return value

    def numbers(self, key: str, default: tuple[int, ...], bounds: tuple[int, int]) -> tuple[int, ...]:
        """A list of whole numbers within bounds, none twice."""
        value = self.raw.get(key, list(default))
        fits = isinstance(value, list) and all(
            type(one) is int and bounds[0] <= one <= bounds[1] for one in value
        )
        if not fits:
            self.complain(
                key,
                "is not a list of fitting numbers",
                f"write whole numbers, {bounds[0]} to {bounds[1]}: [7]",
            )
            return default
        return tuple(dict.fromkeys(value))

    def switch(self, key: str, *, default: bool = False) -> bool:
        """True or false; ``default`` where it is not there."""
        value = self.raw.get(key, default)
        if not isinstance(value, bool):
            self.complain(key, "is neither true nor false", f"write {key} = true or {key} = false")
            return False
        return value


def _suggestion(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "write one of: " + ", ".join(known)
