# SPDX-License-Identifier: Apache-2.0
"""The JSON Schemas of our machine formats, read from the package."""

from __future__ import annotations

from importlib.resources import files

from policyctl.errors import UsageError

_ENDING = ".schema.json"


def schema_names() -> tuple[str, ...]:
    """The names of the formats, sorted: ``revision``, ``decision`` ..."""
    names = (item.name for item in (files("policyctl") / "schemas").iterdir())
    return tuple(sorted(name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING)))


def load_schema(name: str) -> str:
    """The JSON text of one schema; UsageError for a name that is none."""
    if name not in schema_names():
        raise UsageError(f"there is no schema {name!r}", hint=f"one of: {', '.join(schema_names())}")
    return (files("policyctl") / "schemas" / f"{name}{_ENDING}").read_text("utf-8")
