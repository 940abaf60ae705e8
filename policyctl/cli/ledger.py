# SPDX-License-Identifier: Apache-2.0
"""The ledger itself: bring its tables up to date, and see what is in it."""

from __future__ import annotations

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.people import group_of
from policyctl.cli.printing import Format, FormatOption, emit, emit_json
from policyctl.cli.setup import print_receipt


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group = group_of("The ledger itself.", "policyctl ledger stats")
    command(group, "upgrade", "policyctl ledger upgrade")(upgrade)
    command(group, "stats", "policyctl ledger stats", "policyctl ledger stats --format json")(stats)
    app.add_typer(group, name="ledger")


def upgrade(*, output_format: FormatOption = Format.TEXT) -> None:
    """Make the ledger's tables, or bring them up to date after a new release was installed. All steps are
    done or none; run it before the new release serves anybody.
    """
    from policyctl.reports.receipt_v1 import Receipt

    with repository() as opened:
        changed = opened.ledger(upgrade=False).upgrade()
    remarks = () if changed else ("the ledger is up to date",)
    print_receipt(
        Receipt("ledger upgrade", counts=(("ledger upgraded", int(changed)),), remarks=remarks), output_format
    )


def stats(*, output_format: FormatOption = Format.TEXT) -> None:
    """Count what is in the ledger: tags by version and category, choices by change and answer."""
    from policyctl.reports.ledger_v1 import stats_json, stats_text

    with repository() as opened:
        found = opened.ledger(upgrade=False).stats()
    if output_format is Format.JSON:
        emit_json(stats_json(found))
    else:
        emit(stats_text(found))
