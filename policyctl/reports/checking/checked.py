# SPDX-License-Identifier: Apache-2.0
"""What every face of ``policyctl check`` shows: the policies looked at, and what kept us from looking.

"Could not compare" is a state of its own, never "no change": each face has its own words for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from policyctl.core.judge.findings import Confidence, Finding, Severity
from policyctl.core.policy import ChangeClass
from policyctl.core.revision import ClauseChange
from policyctl.errors import PolicyctlError
from policyctl.reports.comparing.comparison import Comparison, loud_changes

LEVELS = (Severity.ERROR, Severity.WARNING, Severity.INFO)


class State(StrEnum):
    """What became of one policy. ``new``: never published, so there is no version to compare with;
    ``added``: the revision it was to be compared with does not have it.
    """

    NOT_COMPARED = "could-not-compare"
    NEW = "new"
    ADDED = "added"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    FORMAT_ONLY = "format-only"
    CHANGED = "changed"


STATE_WORDS: Mapping[State, str] = {
    State.NOT_COMPARED: "could not be compared",
    State.NEW: "new, no version to compare it with",
    State.ADDED: "added: the base does not have it",
    State.REMOVED: "removed: readers lose the whole policy",
    State.UNCHANGED: "not changed",
    State.FORMAT_ONLY: "changed in form only, not in words",
    State.CHANGED: "changed",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """One policy (or plain file) that was checked.

    ``slug`` is its name, ``file`` its text as a path from the top of the repository. ``base`` is what it was
    compared with (``SLUG@v2`` or ``REV:path``), None for one that is new. ``errors`` kept us from looking:
    then ``comparison`` is None and the exit code is theirs. ``removed``: the base has it, the work tree has
    not; ``added``: the other way round. ``title`` and ``declared``
    (legal's class) are those of the front matter. ``practice_lines``: where practices.yaml names
    each practice.
    """

    slug: str
    base: str | None
    comparison: Comparison | None
    findings: tuple[Finding, ...]
    errors: tuple[PolicyctlError, ...] = ()
    file: str = ""
    removed: bool = False
    added: bool = False
    declared: ChangeClass | None = None
    title: str = ""
    practice_file: str = ""
    practice_lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """What became of it."""
        if self.errors:
            return State.NOT_COMPARED
        if self.removed:
            return State.REMOVED
        if self.comparison is None:
            return State.ADDED if self.added else State.NEW
        if self.comparison.old.sha256 == self.comparison.new.sha256:
            # The practices may have changed all the same.
            return State.CHANGED if self.comparison.revision.practices else State.UNCHANGED
        revision = self.comparison.revision
        loud = loud_changes(revision) or revision.practices or revision.front
        return State.CHANGED if loud else State.FORMAT_ONLY


@dataclass(frozen=True, slots=True)
class Report:
    """One run of ``check``. ``errors`` kept us from looking at anything; ``exit_code`` is how it ends."""

    policies: tuple[Checked, ...]
    fail_on: str
    exit_code: int
    errors: tuple[PolicyctlError, ...] = ()

    @property
    def result(self) -> str:
        """``could-not-compare``, ``findings`` (the check fails) or ``passed``."""
        if self.errors or any(policy.errors for policy in self.policies):
            return State.NOT_COMPARED.value
        return "findings" if self.exit_code else "passed"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the work tree: a path from the top of the repository, a line where one is known."""

    file: str
    line: int | None = None


def open_findings(policy: Checked) -> tuple[Finding, ...]:
    """Findings that no waiver covers, the gravest first, else in document order."""
    found = [finding for finding in policy.findings if not finding.waived]
    return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.severity)))


def undecided(findings: Sequence[Finding]) -> int:
    """How many a person must decide; they count as material, and are counted apart."""
    return sum(each.confidence is Confidence.UNDECIDED and not each.waived for each in findings)


def all_errors(report: Report) -> Iterator[tuple[Checked | None, PolicyctlError]]:
    """What kept us from looking, with the policy it concerns."""
    yield from ((None, error) for error in report.errors)
    for policy in report.policies:
        yield from ((policy, error) for error in policy.errors)


def spot_of_error(policy: Checked | None, error: PolicyctlError) -> Spot:
    """Where a complaint is to be shown."""
    if error.place is not None:
        return Spot(error.place.file, error.place.line)
    return Spot(policy.file if policy else "")


def spot_of(policy: Checked, finding: Finding) -> Spot:
    """Where in the work tree a finding is to be shown. Words that are gone stand on a line of the old
    text; they are shown where they stood, seen from the new one.
    """
    if finding.practice is not None and finding.practice in policy.practice_lines:
        return Spot(policy.practice_file, policy.practice_lines[finding.practice])
    if policy.removed:
        return Spot(policy.file)
    if finding.after is None and finding.before is not None and policy.comparison is not None:
        return Spot(policy.file, _line_after(policy.comparison.revision.clauses, finding.clause))
    return Spot(policy.file, finding.line)


def _line_after(changes: Sequence[ClauseChange], clause: str | None) -> int:
    """The heading of what the clause became; where it is gone, the end of what came before it."""
    line = 1
    for change in changes:
        if any(each.id == clause for each in change.old):
            return change.new[0].line if change.new else line
        if change.new:
            line = change.new[-1].end_line
    return line
