# SPDX-License-Identifier: Apache-2.0
"""What the tool says about itself: its rules and the schemas of its formats."""

from __future__ import annotations

from typing import Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.printing import Format, FormatOption, emit, emit_json, in_colour, width


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(app, "rules", "policyctl rules", "policyctl rules --format json")(rules)
    command(app, "explain", "policyctl explain PC121", "policyctl explain recipient-added --format json")(
        explain
    )
    command(app, "schema", "policyctl schema", "policyctl schema revision > revision.schema.json")(schema)


def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A format: revision, decision ...")
    ] = None,
) -> None:
    """Print the JSON Schema of a machine format, or the names of all."""
    from policyctl.actions.schema import schema as action

    emit(action(name))


def explain(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="A rule's id or name: PC121, recipient-added.")],
    *,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Explain a rule: what it sees, why, an example, and how to fix what it finds."""
    from policyctl.actions.versions.explain import explain as action
    from policyctl.reports.checking.rule_page import page_json, page_text

    found, body = action(rule)
    if output_format is Format.JSON:
        emit_json(page_json(found, body))
    else:
        emit(page_text(found, body, width=width(), colour=in_colour(context)))


def rules(*, output_format: FormatOption = Format.TEXT) -> None:
    """List the rules a revision is judged by."""
    from policyctl.core.judge.rules import RULES
    from policyctl.reports.checking.rules_v1 import rules_json, rules_text

    if output_format is Format.JSON:
        emit_json(rules_json(RULES))
    else:
        emit(rules_text(RULES))
