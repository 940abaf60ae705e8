# SPDX-License-Identifier: Apache-2.0
"""What is on record, for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from policyctl.cli import evidence
from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.people import group_of
from policyctl.cli.printing import emit
from policyctl.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group = group_of("Write what is on record for other programs.", "policyctl export cedar example-fax")
    command(
        group,
        "cedar",
        "policyctl export cedar example-fax > fax.cedar",
        "policyctl export cedar --entities > terms.json",
    )(cedar)
    evidence.register(group)
    app.add_typer(group, name="export")


def cedar(
    policy: Annotated[str | None, typer.Argument(metavar="[POLICY]", help="The policy's short name.")] = None,
    *,
    entities: Annotated[
        bool, typer.Option("--entities", help="The purposes and categories instead, as entities (JSON).")
    ] = False,
) -> None:
    """Write the practices of a policy's published versions in Cedar: for audit, or to ask another engine
    the same questions. Each permit names its version, clause, practice and rule.
    """
    if (policy is None) != entities:
        raise UsageError("name a policy, or --entities", hint="policyctl export cedar example-fax")
    with repository() as opened:
        if policy is None:
            from policyctl.reports.deciding.cedar import cedar_entities
            from policyctl.wiring import catalogue

            emit(cedar_entities(catalogue(opened.settings).taxonomy) + "\n")
        else:
            from policyctl.actions.deciding.export import export_cedar

            emit(export_cedar(policy, ledger=opened.ledger(upgrade=False)))
