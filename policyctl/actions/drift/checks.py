# SPDX-License-Identifier: Apache-2.0
"""One thing that was looked at, and how a look that fails is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from policyctl.errors import PolicyctlError

OK, WARNING, ERROR = "ok", "warning", "error"
_FEW = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: ``state`` is ok, warning or error; what was seen; how to mend it."""

    name: str
    state: str
    seen: str
    mend: str = ""


def looked(name: str, look: Callable[[], Sequence[Check]]) -> list[Check]:
    """What a look gives. One that fails is an error of this name, and keeps no other from being taken."""
    try:
        return list(look())
    except PolicyctlError as error:
        return [Check(name, ERROR, str(error), error.hint)]


def few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - _FEW
    return ", ".join(names[:_FEW]) + (f" and {rest} more" if rest > 0 else "")
