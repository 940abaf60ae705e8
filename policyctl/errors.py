# SPDX-License-Identifier: Apache-2.0
"""One tree of errors; each knows its message, its place, its hint and its exit code.

Exit codes are an interface (docs/reference/exit-codes.md) and are never reused:

====  =======================================================================
0     fine
1     findings at or above ``--fail-on``, or a decision is owed
2     bad arguments
3     could not look or compare (nothing there, no base, unparsable text)
4     refused by state (already published, locked)
5     integrity failure (signature, ledger, history)
11    use refused
12    use undecided
70    a bug of ours
130   interrupted
====  =======================================================================
"""

from __future__ import annotations

from dataclasses import dataclass

FINE = 0
FINDINGS = 1
USE_REFUSED = 11
USE_UNDECIDED = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where the trouble is: a file as the user named it, a 1-based line and column, a dotted key."""

    file: str
    line: int | None = None
    column: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        spot = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{spot} ({self.key})" if self.key else spot


class PolicyctlError(Exception):
    """Base of every error a user may see. ``hint`` is the mend: what to do next, one sentence."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str = "", place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class UsageError(PolicyctlError):
    """An argument or a setting that cannot be meant."""

    exit_code = 2


class CannotCompareError(PolicyctlError):
    """We could not look: nothing there, no base, a shallow clone. Never to be read as "no change"."""

    exit_code = 3


class UnreachableError(CannotCompareError):
    """The ledger is not there, or does not answer. Never to be read as any answer."""


class InputError(CannotCompareError):
    """A file whose content cannot be understood; ``place`` names file, line and key."""


class RefusedError(PolicyctlError):
    """The state forbids it: already published, locked, frozen."""

    exit_code = 4


class BusyError(RefusedError):
    """The ledger takes nothing in just now: others write, its disk is full, its tables are old."""


class OtherContentError(RefusedError):
    """What came under an id before had other content."""


class IntegrityError(PolicyctlError):
    """Something that must not change has changed, or is not what its name says."""

    exit_code = 5


class InputErrors(InputError):  # noqa: N818 - a plural reads better than ErrorsError
    """Several complaints about one input, so that all can be mended in one go."""

    def __init__(self, errors: tuple[PolicyctlError, ...]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors
