# SPDX-License-Identifier: Apache-2.0
"""YAML text -> strings, lists and mappings that remember their lines.

Only the plain part of YAML 1.2 is read, event by event, and nothing is ever constructed:

1. Text over ``MAX_CHARACTERS`` is refused before it is looked at.
2. Anchors, aliases, tags and directives are refused where they stand.
3. Nesting deeper than ``MAX_DEPTH`` and more than one document are refused.
4. A key that is not plain text, is empty, or stands twice in one mapping is refused.
5. Every scalar is the text as written: ``no``, ``1.10`` and ``12:30`` stay these strings.

Decision record: docs/decisions/0002-yaml-in-the-core.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from policyctl.errors import InputError, Place

if TYPE_CHECKING:
    from ruamel.yaml.error import YAMLError

MAX_CHARACTERS = 32 * 1024
MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class YamlText:
    """A scalar, exactly as written; ``line`` is 1-based in the file."""

    value: str
    line: int


@dataclass(frozen=True, slots=True)
class YamlList:
    """A sequence."""

    items: tuple[YamlNode, ...]
    line: int


@dataclass(frozen=True, slots=True)
class YamlMap:
    """A mapping in the order of the text; ``lines`` holds the line of every key."""

    items: Mapping[str, YamlNode]
    lines: Mapping[str, int]
    line: int


YamlNode = YamlText | YamlList | YamlMap


@dataclass(slots=True)
class _Open:
    """A list or mapping that has been opened and not yet closed."""

    line: int
    is_map: bool
    nodes: list[YamlNode] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    waiting: str | None = None


def read_yaml(text: str, *, file: str, first_line: int = 1) -> YamlNode | None:
    """Read one YAML document; ``None`` when there is nothing in it.

    ``first_line`` is the line of ``file`` on which ``text`` starts. Raises ``InputError`` with the
    file, line and, where there is one, the key.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"{len(text)} characters of YAML; at most {MAX_CHARACTERS} are read"
        hint = "move long text out of the YAML: the policy's words belong below the closing ---"
        raise InputError(message, hint=hint, place=Place(file, first_line))
    return _Reader(file, first_line).read(text)


class _Reader:
    """Turns the events of one document into nodes."""

    def __init__(self, file: str, first_line: int) -> None:
        self._file = file
        self._first = first_line
        self._stack: list[_Open] = []
        self._root: YamlNode | None = None

    def read(self, text: str) -> YamlNode | None:
        documents = 0
        for event in self._events(text):
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                self._check_document(event, documents)
            else:
                self._take(kind, event)
        return None if self._root == YamlText("", self._first) else self._root

    def _events(self, text: str) -> Iterator[Any]:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except YAMLError as error:
            raise self._syntax_error(error, text) from error

    def _take(self, kind: str, event: Any) -> None:
        line = event.start_mark.line + self._first
        if kind == "AliasEvent":
            self._refuse_sharing(line, "an alias (*)")
        if kind in {"ScalarEvent", "SequenceStartEvent", "MappingStartEvent"}:
            self._check_plain(event, line)
        if kind == "ScalarEvent":
            self._scalar(event.value, line)
        elif kind in {"SequenceStartEvent", "MappingStartEvent"}:
            self._open(line, is_map=kind == "MappingStartEvent")
        elif kind in {"SequenceEndEvent", "MappingEndEvent"}:
            self._close()

    def _scalar(self, value: str, line: int) -> None:
        top = self._stack[-1] if self._stack else None
        if top is not None and top.is_map and top.waiting is None:
            self._key(top, value, line)
        else:
            self._add(YamlText(value, line))

    def _key(self, top: _Open, key: str, line: int) -> None:
        if not key:
            raise self._error(line, "a key without a name", "write the name before the colon")
        if key in top.keys:
            message = f"the key {key!r} stands twice, first on line {top.keys[key]}"
            raise self._error(line, message, "keep one of the two", key=key)
        top.keys[key] = line
        top.waiting = key

    def _open(self, line: int, *, is_map: bool) -> None:
        if len(self._stack) >= MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} levels deep"
            raise self._error(line, message, "nothing policyctl reads is nested that deep")
        if self._stack and self._stack[-1].is_map and self._stack[-1].waiting is None:
            raise self._error(line, "a list or a mapping as a key", "write a plain word before the colon")
        self._stack.append(_Open(line, is_map))

    def _close(self) -> None:
        top = self._stack.pop()
        nodes = tuple(top.nodes)
        if top.is_map:
            self._add(YamlMap(dict(zip(top.keys, nodes, strict=True)), top.keys, top.line))
        else:
            self._add(YamlList(nodes, top.line))

    def _add(self, node: YamlNode) -> None:
        if not self._stack:
            self._root = node
            return
        self._stack[-1].nodes.append(node)
        self._stack[-1].waiting = None

    def _check_document(self, event: Any, documents: int) -> None:
        line = event.start_mark.line + self._first
        if documents > 1:
            raise self._error(line, "a second YAML document", "remove the --- in the middle")
        if event.version is not None or event.tags:
            raise self._error(line, "a YAML directive (%)", "remove the line that starts with %")

    def _check_plain(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            self._refuse_sharing(line, "an anchor (&)")
        if event.tag is not None:
            hint = "remove the tag; every value is read as the text that is written"
            raise self._error(line, f"a tag ({event.tag})", hint)

    def _refuse_sharing(self, line: int, what: str) -> None:
        hint = "write the value out where it is needed; put text that starts with & or * in quotes"
        raise self._error(line, what, hint)

    def _error(self, line: int, message: str, hint: str, *, key: str | None = None) -> InputError:
        return InputError(message, hint=hint, place=Place(self._file, line, key=key))

    def _syntax_error(self, error: YAMLError, text: str) -> InputError:
        """Our error for the parser's own: its problem in words, and the place it points at."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is not None:
            place = Place(self._file, mark.line + self._first, mark.column + 1)
            problem = getattr(error, "problem", None) or "not YAML"
            return InputError(f"not YAML: {problem}", hint=_MEND, place=place)
        at = getattr(error, "position", None)
        before = text[:at] if isinstance(at, int) else ""
        place = Place(self._file, before.count("\n") + self._first)
        return InputError("not YAML: a control character", hint="remove the invisible character", place=place)


_MEND = "check indentation, colons and quotes; put text that holds ': ' or ' #' in quotes"
