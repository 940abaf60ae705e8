# SPDX-License-Identifier: Apache-2.0
"""For the keeper of the ledger: erase a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.printing import Format, FormatOption, YesOption, confirm, now
from policyctl.cli.setup import print_receipt
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.core.custody import Erasure, Scrub
    from policyctl.reports.receipt_v1 import Receipt

_NOBODY = "nobody is known by this id: erased before, or never recorded. Nothing was done"


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(
        app,
        "erase",
        "policyctl erase u-17 --plan",
        "policyctl erase u-17 --yes",
        "policyctl erase u-17 --customer harbour-clinic --yes",
    )(erase)


def erase(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Your own id of the person.")],
    *,
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose person; needed where several have the id.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would go, and do nothing.")] = False,
    yes: YesOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Erase a person: the key of the pseudonym, addresses, names of records. It cannot be undone. What was
    recorded stays under a number that stands for nobody, and still verifies; what is owed is not sent.
    """
    from policyctl.actions.custody.erase import erase as action
    from policyctl.actions.custody.erase import plan_erasure

    if plan and yes:
        raise UsageError("--plan and --yes exclude each other", hint="leave one of them out")
    _require_id(subject)
    with repository() as opened:
        ledger = opened.ledger(upgrade=False)
        if plan:
            found = plan_erasure(subject, now=now(), ledger=ledger, customer=customer)
            print_receipt(_receipt(found, None), output_format)
            return
        confirm("Erase this person? It cannot be undone.", yes=yes)
        done, scrub = action(subject, now=now(), ledger=ledger, customer=customer)
    print_receipt(_receipt(done, scrub), output_format)


def _require_id(subject: str) -> None:
    """What cannot be anybody's id is a slip, as of a variable that is not set: it is not called erased."""
    from policyctl.actions.recording.cells import unfit

    if not subject.strip() or unfit(subject):
        raise UsageError("that can be nobody's id", hint="pass it as it is in your system")


def _receipt(done: Erasure, scrub: Scrub | None) -> Receipt:
    from policyctl.reports.receipt_v1 import Receipt

    counts = (
        ("people erased", int(done.known)),
        ("addresses", done.addresses),
        ("names of records", done.names),
        ("notices withheld", done.withheld),
    )
    remarks = [] if done.known else [_NOBODY]
    if done.under_way:
        remarks.append(f"{done.under_way} mails are with the mail service already, and may arrive")
    if scrub and scrub.rewritten:
        remarks.append("the ledger's file was laid anew: old pages still held some of it")
    if scrub and scrub.waits:
        remarks.append("others read old pages of the file: run `policyctl ledger scrub` when they have ended")
    return Receipt("erase", scrub is None, counts, (), tuple(remarks))
