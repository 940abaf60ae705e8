# SPDX-License-Identifier: Apache-2.0
"""Proof that has been kept long enough."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.printing import Format, FormatOption, YesOption, confirm, now
from policyctl.cli.setup import print_receipt
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.core.custody import Pruned
    from policyctl.reports.receipt_v1 import Receipt


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    command(app, "prune", "policyctl prune --plan", "policyctl prune --yes")(prune)


def prune(
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would go, and do nothing.")] = False,
    yes: YesOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Take out tags of data that was deleted longer ago than [retention] proof_after_data, and all that was
    proven about people erased before. Cut records say what went and by which rule; the rest still verifies.
    """
    from policyctl.actions.custody.prune import prune as action
    from policyctl.actions.custody.runs import noted

    if plan and yes:
        raise UsageError("--plan and --yes exclude each other", hint="leave one of them out")
    with repository() as opened:
        period = opened.settings.proof_after_data
        if not plan and period:
            confirm(f"Take out what was proven about data that was deleted more than {period} ago?", yes=yes)
        ledger = opened.ledger(upgrade=False)
        with nullcontext(dict[str, int]()) if plan else noted("prune", ledger, now) as counts:
            done = action(period, now=now(), ledger=ledger, plan=plan)
            counts |= {name: count for name, count in (("people", done.people), *done.rows) if count}
    print_receipt(_receipt(done, plan=plan), output_format)


def _receipt(done: Pruned, *, plan: bool) -> Receipt:
    from policyctl.reports.receipt_v1 import Receipt

    rows = tuple((f"{table.replace('_', ' ')} rows", count) for table, count in done.rows if count)
    counts = (("people", done.people), *rows, ("cut records", done.cuts))
    remarks = () if rows else ("nothing has been kept for longer than it may be",)
    return Receipt("prune", dry_run=plan, counts=counts, remarks=remarks)
