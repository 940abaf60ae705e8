# SPDX-License-Identifier: Apache-2.0
"""Old epochs of the ledger as files for other programs, and whether such a file still holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.adapters.bulk import check_target, epoch_files, epoch_rows
from policyctl.core.epochs import EpochNote

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger


def export_epoch(number: int, path: Path, *, ledger: Ledger, over: bool = False) -> tuple[EpochNote, int]:
    """Write the tags of a closed epoch as Parquet; what the file says of itself, and its bytes.

    RefusedError for the newest epoch, or where there is a file already and not ``over``.
    """
    epoch_files.require_parquet()
    check_target(path, over=over)
    with ledger.upkeep.epoch(number) as look:
        note = look.note
        size = epoch_files.write_epoch(path, note, look.names, look.portions(), over=over)
    return note, size


def check_epoch_file(path: Path, *, ledger: Ledger) -> EpochNote:
    """What a file says of itself, when it is of this ledger and up to date.

    RefusedError for a file of another ledger, or where its tags were corrected or erased since, or more
    entered; IntegrityError where it does not hold what entered; InputError where it is no export.
    """
    epoch_files.require_parquet()
    note = epoch_files.read_note(path)
    with epoch_files.about(path), ledger.upkeep.epoch(note.epoch) as look:
        look.check(note, epoch_rows.read_portions(path, look.names, look.changes()))
    return note
