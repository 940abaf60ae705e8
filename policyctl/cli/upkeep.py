# SPDX-License-Identifier: Apache-2.0
"""The upkeep of a large ledger: seal, compact, export, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.printing import Format, FormatOption, now
from policyctl.cli.setup import print_receipt


def add_commands(group: typer.Typer) -> None:
    """Add this file's commands to ``policyctl ledger``."""
    command(group, "seal", "policyctl ledger seal")(seal)
    command(group, "compact", "policyctl ledger compact", "policyctl ledger compact --epoch 1")(compact)
    command(group, "export", "policyctl ledger export --epoch 1 --to epoch-1.parquet")(export)
    command(group, "check-export", "policyctl ledger check-export epoch-1.parquet")(check_export)


def seal(*, output_format: FormatOption = Format.TEXT) -> None:
    """Give the batches of large imports the roots that proofs lead to. Others can write meanwhile; run
    it every night, or after an import.
    """
    from policyctl.actions.custody.runs import noted
    from policyctl.reports.receipt_v1 import Receipt

    with repository() as opened:
        ledger = opened.ledger(upgrade=False)
        with noted("seal", ledger, now) as noted_counts:
            done = ledger.upkeep.seal(now=now())
            noted_counts |= {"batches": done.batches, "tags": done.tags}
    remarks = () if done.batches else ("every batch is sealed",)
    counts = (("batches sealed", done.batches), ("tags", done.tags))
    print_receipt(Receipt("ledger seal", counts=counts, remarks=remarks), output_format)


def compact(
    *,
    epoch: Annotated[
        int | None, typer.Option(metavar="N", help="Only this one; default every closed epoch.")
    ] = None,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Lay the tags of closed epochs anew in the order of their key: less room, quicker scans. Nobody can
    write meanwhile, and on PostgreSQL not read the epoch. What is on record stays as it is.
    """
    from policyctl.reports.receipt_v1 import Receipt

    with repository() as opened:
        done = opened.ledger(upgrade=False).upkeep.compact(epoch)
    remarks = tuple(
        f"epoch {each.epoch}: {each.before:,} bytes before, {each.after:,} after" for each in done
    )
    counts = (("epochs compacted", len(done)), ("tags", sum(each.tags for each in done)))
    print_receipt(
        Receipt("ledger compact", counts=counts, remarks=remarks or ("no epoch is closed yet",)),
        output_format,
    )


def export(
    *,
    epoch: Annotated[int, typer.Option(metavar="N", help="A closed epoch; the first is 1.")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Write the tags there (Parquet).")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Write the tags of a closed epoch as Parquet, under the ledger's numbers, for other programs. The
    file says which ledger and which entry it was written from.
    """
    from policyctl.actions.deciding.epochs import export_epoch
    from policyctl.reports.receipt_v1 import Receipt

    with repository() as opened:
        note, size = export_epoch(epoch, to, ledger=opened.ledger(upgrade=False), over=force)
    remarks = (f"as of entry {note.sequence} of the ledger",)
    counts = (("tags", note.tags), ("bytes", size))
    print_receipt(Receipt("ledger export", counts=counts, written=(str(to),), remarks=remarks), output_format)


def check_export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `ledger export` wrote.")],
    *,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Check that an exported epoch is of this ledger, unaltered, and up to date: refused where tags were
    corrected or erased since, or more entered.
    """
    from policyctl.actions.deciding.epochs import check_epoch_file
    from policyctl.reports.receipt_v1 import Receipt

    with repository() as opened:
        note = check_epoch_file(file, ledger=opened.ledger(upgrade=False))
    remarks = (f"epoch {note.epoch} as of entry {note.sequence}, and nothing of it has changed since",)
    print_receipt(
        Receipt("ledger check-export", counts=(("tags hold", note.tags),), remarks=remarks), output_format
    )
