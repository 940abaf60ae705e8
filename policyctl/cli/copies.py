# SPDX-License-Identifier: Apache-2.0
"""Copies of the ledger: back it up, and put a backup back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl import __version__
from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.printing import Format, FormatOption, YesOption, confirm, now
from policyctl.cli.setup import print_receipt

if TYPE_CHECKING:
    from policyctl.core.backup import Manifest


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(app, "backup", "policyctl backup --output /mnt/backups")(backup)
    command(
        app,
        "restore",
        "policyctl restore /mnt/backups/ledger-20270115T031500Z --yes",
        "policyctl restore BACKUP --to sqlite:////srv/staging/ledger.db --yes",
    )(restore)


def backup(
    *,
    output: Annotated[
        Path,
        typer.Option("--output", metavar="DIR", help="The backup, or a folder for backups that is there."),
    ],
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Back up the ledger while others write: a folder with a copy of one moment and a manifest. The pseudonym
    key is not in it, nor are the list of erasures and git: keep those too.
    """
    from policyctl.actions.custody.runs import noted
    from policyctl.reports.receipt_v1 import Receipt

    with repository() as opened:
        ledger = opened.ledger(upgrade=False)
        with noted("backup", ledger, now) as counts:
            written, manifest = ledger.custody.back_up(output, now=now(), version=__version__)
            counts |= dict(_counts(manifest))
    print_receipt(
        Receipt("backup", counts=_counts(manifest), written=(str(written),), remarks=(_head(manifest),)),
        output_format,
    )


def restore(
    folder: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder that `backup` wrote.")],
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="Another ledger than that of the settings.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a ledger that is there.")] = False,
    yes: YesOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Make a backup the ledger again. It is verified before and after, is there whole or not at all, has
    nobody in it who was erased since, and sends nothing until `policyctl ledger adopt` is said.
    """
    from policyctl.reports.receipt_v1 import Receipt
    from policyctl.wiring import open_restoring, restore_url

    with repository() as opened:
        url = restore_url(opened.settings, to)
        confirm("Replace the ledger by the backup?" if force else "Restore the backup?", yes=yes)
        done = open_restoring(opened.settings, folder, now(), force=force).to(url)
    counts = (*_counts(done.manifest), ("rows verified", done.rows), ("people erased again", done.erased))
    remarks = (_head(done.manifest), "nothing is sent from it until `policyctl ledger adopt` is said")
    print_receipt(Receipt("restore", counts=counts, remarks=remarks, next="policyctl verify"), output_format)


def _counts(manifest: Manifest) -> tuple[tuple[str, int], ...]:
    rows = sum(count for _, count in manifest.counts)
    return (("entries", manifest.head.entry), ("rows", rows), ("bytes", manifest.bytes))


def _head(manifest: Manifest) -> str:
    return f"ledger {manifest.instance} of {manifest.made_at:%Y-%m-%d %H:%M} UTC, head {manifest.head}"
