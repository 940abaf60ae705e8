# SPDX-License-Identifier: Apache-2.0
"""``practices.yaml`` -> practices: what each clause says is done with data, declared.

One key, ``practices``, holds a list; each entry has ``id``, ``clause``, ``data``, ``purpose`` and,
as needed, ``recipients``, ``retention``, ``choice`` and ``existing`` (docs/reference/files.md).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from policyctl.core.formats.complaints import Complaints, dotted, plain
from policyctl.core.formats.yamltext import YamlList, YamlMap, YamlNode, YamlText, read_yaml
from policyctl.core.practice import ChoiceMode, Practice, Recipient, Taxonomy
from policyctl.core.suggest import did_you_mean
from policyctl.errors import InputError, Place

KEYS = ("id", "clause", "data", "purpose", "recipients", "retention", "choice", "existing")
RECIPIENT_KEYS = ("class", "name")

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_DURATION = re.compile(r"P(?=[\dT])(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?", re.ASCII)
_LOOKS_ISO = re.compile(r"P[\dT]\S*", re.ASCII)
_SHAPE = "write practices: and below it a list; practices: [] when nothing is declared yet"


def read_practices(text: str, *, file: str, taxonomy: Taxonomy) -> tuple[Practice, ...]:
    """Read the declared practices in the order of the file.

    Raises ``InputError``, or ``InputErrors`` with all complaints, each with file, line, key and mend.
    """
    node = read_yaml(text.removeprefix("\ufeff"), file=file)
    if not isinstance(node, YamlMap):
        line = node.line if node is not None else 1
        what = "an empty file" if node is None else "not a set of keys"
        raise InputError(what, hint=_SHAPE, place=Place(file, line))
    complaints = Complaints(file)
    complaints.unknown_keys(node, ("practices",), under="")
    if "practices" not in node.items:
        complaints.add(node.line, "practices", "missing", _SHAPE)
    items = complaints.listing(node, "practices", under="", hint=_SHAPE)
    reader = _PracticeReader(complaints, taxonomy)
    practices = tuple(reader.read(item, f"practices[{i}]") for i, item in enumerate(items, start=1))
    _refuse_twins(practices, complaints)
    complaints.settle()
    return tuple(practice for practice in practices if practice is not None)


def _refuse_twins(practices: Collection[Practice | None], complaints: Complaints) -> None:
    """A practice's id is what choices are named after, so it must be one practice's only."""
    first: dict[str, int] = {}
    for practice in practices:
        if practice is None or not practice.id:
            continue
        if practice.id in first:
            message = f"the id {practice.id!r} stands twice, first on line {first[practice.id]}"
            complaints.add(practice.line, "id", message, "give each practice an id of its own")
        first.setdefault(practice.id, practice.line)


class _PracticeReader:
    """Reads one entry after the other against one taxonomy."""

    def __init__(self, complaints: Complaints, taxonomy: Taxonomy) -> None:
        self._complaints = complaints
        self._taxonomy = taxonomy

    def read(self, node: YamlNode, under: str) -> Practice | None:
        complaints = self._complaints
        if not isinstance(node, YamlMap):
            hint = "write - id: and below it, indented, clause:, data: and purpose:"
            complaints.add(node.line, under, "a practice is a set of keys", hint)
            return None
        complaints.unknown_keys(node, KEYS, under=under)
        return Practice(
            id=self._id(node, under),
            clause=complaints.text(
                node, "clause", under=under, hint="write the id of one clause of policy.md"
            ),
            categories=self._categories(node, under),
            purpose=self._purpose(node, under),
            recipients=self._recipients(node, under),
            retention=self._retention(node, under),
            choice=self._choice(node, under),
            keep_existing=self._keep_existing(node, under),
            line=node.line,
        )

    def _id(self, node: YamlMap, under: str) -> str:
        hint = "use lower-case letters, digits and hyphens, at most 63, such as quote-marketing"
        name = self._complaints.text(node, "id", under=under, hint=hint)
        if name and not _ID.fullmatch(name):
            self._complaints.add(node.lines["id"], dotted(under, "id"), f"{name!r} cannot be an id", hint)
        return name

    def _categories(self, node: YamlMap, under: str) -> tuple[str, ...]:
        key, hint = dotted(under, "data"), "write data: [user.contact.email]"
        if "data" not in node.items:
            self._complaints.add(node.line, key, "missing", hint)
            return ()
        items = self._complaints.listing(node, "data", under=under, hint=hint)
        if node.items["data"] == YamlList((), node.items["data"].line):
            self._complaints.add(node.lines["data"], key, "names no data", hint)
        found = tuple(self._term(item, key, "category", self._taxonomy.categories) for item in items)
        return tuple(dict.fromkeys(category for category in found if category))

    def _purpose(self, node: YamlMap, under: str) -> str:
        hint = "write purpose: and one id, such as essential.service.operations"
        word = self._complaints.text(node, "purpose", under=under, hint=hint)
        if not word:
            return ""
        return self._term(
            YamlText(word, node.lines["purpose"]),
            dotted(under, "purpose"),
            "purpose",
            self._taxonomy.purposes,
        )

    def _recipients(self, node: YamlMap, under: str) -> tuple[Recipient, ...]:
        hint = "write recipients: [processor, {class: partner, name: Example Ads}]"
        items = self._complaints.listing(node, "recipients", under=under, hint=hint)
        key = dotted(under, "recipients")
        found = tuple(self._recipient(item, key) for item in items)
        return tuple(dict.fromkeys(recipient for recipient in found if recipient.kind))

    def _recipient(self, node: YamlNode, key: str) -> Recipient:
        """A class alone, or a class and the party's name."""
        if not isinstance(node, YamlMap):
            return Recipient(self._term(node, key, "class of recipients", self._taxonomy.recipients))
        self._complaints.unknown_keys(node, RECIPIENT_KEYS, under=key)
        hint = "write {class: partner, name: Example Ads}"
        kind = self._complaints.text(node, "class", under=key, hint=hint)
        name = self._complaints.text(node, "name", under=key, hint=hint, required=False)
        if kind:
            place = YamlText(kind, node.lines["class"])
            kind = self._term(place, dotted(key, "class"), "class of recipients", self._taxonomy.recipients)
        return Recipient(kind, name)

    def _retention(self, node: YamlMap, under: str) -> str:
        hint = "write a duration such as P2Y or P90D, or plain words such as 'until the account is closed'"
        words = self._complaints.text(node, "retention", under=under, hint=hint, required=False)
        if _LOOKS_ISO.fullmatch(words) and not _DURATION.fullmatch(words):
            key = dotted(under, "retention")
            self._complaints.add(node.lines["retention"], key, f"{words!r} is not a duration", hint)
        return words

    def _choice(self, node: YamlMap, under: str) -> ChoiceMode:
        known = [mode.value for mode in ChoiceMode]
        choices = "write one of: " + ", ".join(known)
        word = self._complaints.text(node, "choice", under=under, hint=choices, required=False)
        if word in known:
            return ChoiceMode(word)
        if word:
            hint = did_you_mean(word, known, choices)
            self._complaints.add(
                node.lines["choice"], dotted(under, "choice"), f"{word!r} is not a choice", hint
            )
        return ChoiceMode.NONE

    def _keep_existing(self, node: YamlMap, under: str) -> bool:
        hint = "write existing: keep, or leave the key out"
        word = self._complaints.text(node, "existing", under=under, hint=hint, required=False)
        if word and word != "keep":
            self._complaints.add(
                node.lines["existing"], dotted(under, "existing"), f"{word!r} is not known", hint
            )
        return word == "keep"

    def _term(self, node: YamlNode, key: str, what: str, known: Collection[str]) -> str:
        """An id of the taxonomy; empty after a complaint."""
        word = plain(node)
        if word is None:
            self._complaints.add(
                node.line, key, f"a {what} is one word", "write its id, such as user.contact.email"
            )
            return ""
        if word in known:
            return word
        hint = did_you_mean(
            word, known, "use an id of the taxonomy, or add it under [taxonomy] in policyctl.toml"
        )
        self._complaints.add(node.line, key, f"unknown {what} {word!r}", hint)
        return ""
