# SPDX-License-Identifier: Apache-2.0
"""The ledger itself: bring its tables up to date, and see what is in it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.keeping import adopt
from policyctl.cli.opened import repository
from policyctl.cli.people import group_of
from policyctl.cli.printing import Format, FormatOption, emit, emit_json, in_colour, now, width
from policyctl.cli.setup import print_receipt
from policyctl.cli.upkeep import add_commands


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group = group_of("The ledger itself.", "policyctl ledger stats")
    command(group, "upgrade", "policyctl ledger upgrade")(upgrade)
    command(
        group,
        "stats",
        "policyctl ledger stats",
        "policyctl ledger stats --customer harbour-clinic --format csv",
    )(stats)
    command(group, "adopt", "policyctl ledger adopt", "policyctl ledger adopt --yes")(adopt)
    command(group, "scrub", "policyctl ledger scrub")(scrub)
    add_commands(group)
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


def scrub(*, output_format: FormatOption = Format.TEXT) -> None:
    """Lay the ledger's file anew, so that no old page holds what was erased; on PostgreSQL vacuum the tables
    of people. `policyctl erase` does it where it must, unless others were reading.
    """
    from policyctl.reports.receipt_v1 import Receipt

    with repository() as opened:
        done = [part.custody.scrub() for part in opened.ledger(upgrade=False).parts]
    waits = any(each.waits for each in done)
    remarks = ("others still read old pages: run it again when they have ended",) if waits else ()
    print_receipt(Receipt("ledger scrub", counts=(("ledgers", len(done)),), remarks=remarks), output_format)


class Counts(StrEnum):
    """How the counts are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def stats(
    context: typer.Context,
    *,
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Count only this customer's part.")
    ] = None,
    output_format: Annotated[
        Counts, typer.Option("--format", help="For a person, a machine, or a spreadsheet.")
    ] = Counts.TEXT,
) -> None:
    """Count what is in the ledger: tags by version, category and month, choices, and for each purpose how
    much of the data may be used and why the rest may not. Looks at every tag.
    """
    from policyctl.actions.deciding.count import count_ledger
    from policyctl.reports.ledger import ledger_v1
    from policyctl.reports.ledger import text as ledger_text

    with repository() as opened:
        found = count_ledger(at=now(), ledger=opened.ledger(upgrade=False), customer=customer)
    if output_format is Counts.JSON:
        emit_json(ledger_v1.ledger_json(found))
    elif output_format is Counts.CSV:
        emit(ledger_v1.ledger_csv(found))
    else:
        emit(ledger_text.ledger_text(found, width=width(), colour=in_colour(context)))
