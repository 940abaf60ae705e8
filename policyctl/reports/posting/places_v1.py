# SPDX-License-Identifier: Apache-2.0
"""``policyctl.places/1``: what is at each place now, held against what was posted there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from policyctl.core.policy import VersionKey
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import one_line

SCHEMA = "policyctl.places/1"


class Looked(Protocol):
    """One policy at one place."""

    @property
    def place(self) -> str:
        """Its name."""
        ...

    @property
    def version(self) -> VersionKey:
        """The newest version."""
        ...

    @property
    def target(self) -> str:
        """Where it was looked."""
        ...

    @property
    def state(self) -> str:
        """``same``, ``differs``, ``unknown`` or ``missing``."""
        ...

    @property
    def detail(self) -> str:
        """Why."""
        ...


def places_json(found: Sequence[Looked]) -> Json:
    """As plain dicts and lists."""
    rows = [
        {
            "place": each.place,
            "version": str(each.version),
            "target": each.target,
            "state": each.state,
            "detail": each.detail,
        }
        for each in found
    ]
    return {"schema": SCHEMA, "places": rows}


def places_text(found: Sequence[Looked]) -> str:
    """For a person."""
    if not found:
        return "no place that could be looked at: write [[places]] into policyctl.toml\n"
    return "".join(f"{_line(each)}\n" for each in found)


def _line(each: Looked) -> str:
    why = f" ({one_line(each.detail)})" if each.detail else ""
    return f"{each.state}: {each.version} at {each.place} {one_line(each.target)}{why}"
