# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with the record, in words that are kept apart (docs/explanation/what-verify-says.md).

1. *Broken*: something is not what it was when it was written, or is not what its name says. Exit code 5.
2. *Unproven*: nothing is known to be wrong, but what would prove it is not there. Exit code 1.
3. *Notes* say what a proof does not reach. They change no exit code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policyctl.errors import FINDINGS, FINE, IntegrityError


class FlawKind(StrEnum):
    """The kinds of flaws, one word each."""

    ALTERED = "altered"
    MISSING = "missing"
    REORDERED = "reordered"
    ROLLED_BACK = "rolled-back"
    MOVED = "moved"
    OTHER_NAME = "other-name"
    BAD_SIGNATURE = "bad-signature"
    STRANGER = "stranger"
    NO_LIST = "no-list"
    UNSIGNED = "unsigned"
    UNRECORDED = "unrecorded"
    TIME_UNPROVEN = "time-unproven"
    NOT_PROVEN = "not-proven"


UNPROVEN = frozenset({FlawKind.UNSIGNED, FlawKind.NO_LIST, FlawKind.UNRECORDED})
NOTES = frozenset({FlawKind.TIME_UNPROVEN, FlawKind.NOT_PROVEN})


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong: ``where`` it is in words (a version ref, an entry), ``message`` what it is,
    ``hint`` what to do.

    For the ledger ``table`` names the table, ``entry`` the number of the entry that the row belongs to,
    ``server`` which server (from 0).
    """

    kind: FlawKind
    where: str
    message: str
    hint: str = ""
    table: str = ""
    entry: int | None = None
    server: int = 0

    @property
    def broken(self) -> bool:
        """True for what no honest record can be."""
        return self.kind not in UNPROVEN | NOTES

    @property
    def counts(self) -> bool:
        """True for what changes the exit code."""
        return self.kind not in NOTES


def exit_code_of(flaws: tuple[Flaw, ...]) -> int:
    """0 where everything holds, 1 where something is unproven, 5 where something is broken."""
    if any(flaw.broken for flaw in flaws):
        return IntegrityError.exit_code
    return FINDINGS if any(flaw.counts for flaw in flaws) else FINE
