# SPDX-License-Identifier: Apache-2.0
"""The published schemas of the machine formats."""

from __future__ import annotations

from policyctl.adapters.schemas import load_schema, schema_names


def schema(name: str | None) -> str:
    """The JSON Schema of format ``name``; without a name, the names, one a line."""
    return "\n".join(schema_names()) + "\n" if name is None else load_schema(name)
