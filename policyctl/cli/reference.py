# SPDX-License-Identifier: Apache-2.0
"""What the tool says about itself: its rules and the schemas of its formats."""

from __future__ import annotations

from typing import Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.printing import emit


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(app, "schema", "policyctl schema", "policyctl schema revision > revision.schema.json")(schema)


def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A format: revision, decision ...")
    ] = None,
) -> None:
    """Print the JSON Schema of a machine format, or the names of all."""
    from policyctl.actions.schema import schema as action

    emit(action(name))
