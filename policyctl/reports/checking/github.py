# SPDX-License-Identifier: Apache-2.0
"""A check as GitHub workflow commands: annotations on the lines of a pull request.

1. Policy text is somebody else's text, and the runner obeys every line that begins with ``::``. The report
   for people stands between ``::stop-commands::TOKEN`` and ``::TOKEN::``; TOKEN is random and comes in.
2. In a command ``%``, CR and LF are escaped, in its properties ``:`` and ``,`` too.
3. GitHub keeps ten errors and ten warnings of a step and drops the rest without a word; so we count the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policyctl.core.judge.findings import Finding, Severity
from policyctl.reports.checking.checked import (
    LEVELS,
    Checked,
    Report,
    Spot,
    all_errors,
    open_findings,
    spot_of,
    spot_of_error,
)
from policyctl.reports.checking.text import check_text, excerpt
from policyctl.reports.words import counted, one_line

MOST = 10
"""Annotations of one kind that GitHub keeps for a step."""

_KINDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class _Note:
    kind: str
    spot: Spot
    title: str
    words: str


def check_github(report: Report, *, token: str) -> str:
    """The report for the log, inert, then the annotations. ``token``: letters and digits nobody can guess."""
    log = check_text(report, width=_WIDTH)
    lines = [f"::stop-commands::{token}", *log.splitlines(), f"::{token}::", *annotation_lines(report)]
    return "\n".join(lines) + "\n"


def annotation_lines(report: Report) -> Iterator[str]:
    """At most ten commands of each kind, the last notice saying how many more there are."""
    notes = list(_notes(report))
    hidden = 0
    for kind in _KINDS.values():
        own = [note for note in notes if note.kind == kind]
        most = MOST - 1 if kind == "notice" else MOST
        hidden += max(0, len(own) - most)
        yield from (_command(note) for note in own[:most])
    if hidden:
        more = f"{counted(hidden, 'finding')} more: see the log or the summary of this job"
        yield _command(_Note("notice", Spot(""), "and more", f"and {more}"))


def escape_data(text: str) -> str:
    """Text as the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Text as a property of a workflow command."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def _notes(report: Report) -> Iterator[_Note]:
    for policy, error in all_errors(report):
        words = one_line(f"{error.message}. {error.hint}" if error.hint else error.message)
        yield _Note("error", spot_of_error(policy, error), "could not be compared", words)
    for policy in report.policies:
        if policy.removed:
            words = "The policy is gone. Put it back, or publish a last version that says where to turn."
            yield _Note("error", Spot(policy.file), "policy removed", words)
    for policy, finding in _by_gravity(report.policies):
        title = f"{finding.rule} {finding.name}"
        yield _Note(_KINDS[finding.severity], spot_of(policy, finding), title, _words(finding))


def _by_gravity(policies: Sequence[Checked]) -> Iterator[tuple[Checked, Finding]]:
    for level in LEVELS:
        for policy in policies:
            yield from ((policy, each) for each in open_findings(policy) if each.severity is level)


def _words(finding: Finding) -> str:
    lines = [one_line(finding.message)]
    sides = (("before", finding.before), ("after", finding.after))
    lines += [f"{name}: {excerpt(words)}" for name, words in sides if words]
    lines += [one_line(finding.mend)] if finding.mend else []
    return "\n".join(lines)


def _command(note: _Note) -> str:
    places = {"file": note.spot.file, "line": str(note.spot.line or ""), "title": note.title}
    shown = ",".join(f"{name}={escape_property(one_line(value))}" for name, value in places.items() if value)
    return f"::{note.kind} {shown}::{escape_data(note.words)}"
