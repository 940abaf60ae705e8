# SPDX-License-Identifier: Apache-2.0
"""Reading known keys out of YAML: every complaint is collected, so that all can be mended in one go."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date

from policyctl.core.formats.yamltext import YamlList, YamlMap, YamlNode, YamlText
from policyctl.core.suggest import did_you_mean
from policyctl.errors import InputError, InputErrors, Place

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


class Complaints:
    """What is wrong with one file. Each reader returns None after it has complained."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._errors: list[InputError] = []

    def add(self, line: int | None, key: str, message: str, hint: str) -> None:
        """Complain about ``key`` (dotted) on ``line`` (1-based)."""
        self._errors.append(InputError(message, hint=hint, place=Place(self._file, line, key=key or None)))

    def settle(self) -> None:
        """Raise what was collected: ``InputError`` for one complaint, ``InputErrors`` for several."""
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise InputErrors(tuple(self._errors))

    def unknown_keys(self, node: YamlMap, known: Collection[str], *, under: str) -> None:
        """Complain about every key that is not one of ``known``."""
        choices = "known keys: " + ", ".join(known)
        for key, line in node.lines.items():
            if key not in known:
                self.add(line, dotted(under, key), f"unknown key {key!r}", did_you_mean(key, known, choices))

    def text(self, node: YamlMap, key: str, *, under: str, hint: str, required: bool = True) -> str:
        """The words at ``key``, trimmed; empty when there are none."""
        value = node.items.get(key)
        line = node.lines.get(key, node.line)
        if isinstance(value, YamlList | YamlMap):
            self.add(line, dotted(under, key), "not plain text", hint)
            return ""
        words = value.value.strip() if value is not None else ""
        if not words and (required or (value is not None)):
            self.add(line, dotted(under, key), "missing" if value is None else "empty", hint)
        return words

    def line(self, node: YamlMap, key: str, *, under: str, hint: str) -> str:
        """The words at ``key``, which must be one line: they stand in the heads of mails, where more than
        one could forge a header.
        """
        words = self.text(node, key, under=under, hint=hint)
        if _CONTROL.search(words):
            mend = "write it on one line, as plain text"
            message = "there is a line break or control character in it"
            self.add(node.lines[key], dotted(under, key), message, mend)
            return ""
        return words

    def day(self, node: YamlMap, key: str, *, under: str, required: bool) -> date | None:
        """The date at ``key``; complains about one the calendar does not have."""
        hint = "write a date of the calendar as YYYY-MM-DD, such as 2027-01-15"
        words = self.text(node, key, under=under, hint=hint, required=required)
        if not words:
            return None
        found = parse_day(words)
        if found is None:
            wrong = "is not a day of the calendar" if _DATE.fullmatch(words) else "is not a date"
            self.add(node.lines[key], dotted(under, key), f"{words!r} {wrong}", hint)
        return found

    def mapping(self, node: YamlMap, key: str, *, under: str, hint: str) -> YamlMap | None:
        """The mapping at ``key``, None when the key is not there."""
        value = node.items.get(key)
        if value is None or isinstance(value, YamlMap):
            return value
        self.add(node.lines[key], dotted(under, key), "not a set of keys", hint)
        return None

    def listing(self, node: YamlMap, key: str, *, under: str, hint: str) -> tuple[YamlNode, ...]:
        """The items at ``key``, none when the key is not there."""
        value = node.items.get(key)
        if value is None:
            return ()
        if isinstance(value, YamlList):
            return value.items
        self.add(node.lines[key], dotted(under, key), "not a list", hint)
        return ()


def dotted(under: str, key: str) -> str:
    """``change`` and ``class`` -> ``change.class``."""
    return f"{under}.{key}" if under else key


def parse_day(words: str) -> date | None:
    """``2027-01-15`` as a date; None for any other form and for days the calendar does not have."""
    match = _DATE.fullmatch(words)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None


def plain(node: YamlNode) -> str | None:
    """The trimmed words of a scalar; None for a list or a mapping."""
    return node.value.strip() if isinstance(node, YamlText) else None
