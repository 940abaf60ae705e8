# SPDX-License-Identifier: Apache-2.0
"""Arguments of plain types, read without the validation library that Typer loads for the first of them: it
takes longer to load than most commands take to run.

1. ``str``, ``bool``, ``Path``, a ``StrEnum`` and a list of these are read here.
2. Whatever is not plainly of its type goes to Typer, which says what is wrong with it.
3. This rests on one attribute of Typer's parameters; where a version of Typer lacks it, Typer reads all.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin

_SLOT = "_runtime_param"
_UNSURE = object()


def read_plainly(parameters: Sequence[Any]) -> None:
    """Have these parameters of a command read by us first."""
    for parameter in parameters:
        descriptor = getattr(parameter, "type_descriptor", None)
        if descriptor is not None and getattr(parameter, _SLOT, _UNSURE) is None:
            setattr(parameter, _SLOT, _Plain(descriptor))


class _Plain:
    """Stands where Typer keeps what reads the values of one parameter."""

    def __init__(self, descriptor: Any) -> None:
        self._descriptor = descriptor
        self._typers: Any = None

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command takes it."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        found = _plain(self._descriptor.annotation, value)
        return self._by_typer(value, param, ctx) if found is _UNSURE else found

    def _by_typer(self, value: Any, param: Any, ctx: Any) -> Any:
        if self._typers is None:
            from typer._coercion import build_runtime_param

            self._typers = build_runtime_param(self._descriptor)
        return self._typers.coerce(value, param=param, ctx=ctx)


def _plain(kind: Any, value: Any) -> Any:
    if get_origin(kind) is list and isinstance(value, list | tuple):
        (inner,) = get_args(kind)
        found = [_plain(inner, each) for each in value]
        return _UNSURE if any(each is _UNSURE for each in found) else found
    if not isinstance(kind, type):
        return _UNSURE
    if kind in {str, bool} or isinstance(value, kind):
        return value if type(value) is kind or issubclass(kind, Path | StrEnum) else _UNSURE
    if not isinstance(value, str):
        return _UNSURE
    if kind is Path:
        return Path(value)
    return _UNSURE if not issubclass(kind, StrEnum) or value not in set(kind) else kind(value)
