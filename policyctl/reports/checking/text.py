# SPDX-License-Identifier: Apache-2.0
"""A check for a person at a terminal: plain words first, the place and the rule's number last.

Written without a terminal library, so that the commonest command starts quickly.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from policyctl.core.judge.findings import Confidence, Finding, Severity
from policyctl.errors import PolicyctlError
from policyctl.reports.checking.checked import (
    LEVELS,
    STATE_WORDS,
    Checked,
    Report,
    Spot,
    State,
    spot_of,
    undecided,
)
from policyctl.reports.checking.paste import paste_of
from policyctl.reports.words import counted, one_line, without_commands

NARROWEST, WIDEST = 40, 120
EXCERPT = 300
"""Characters of a finding's words, before and after, that are shown."""

_COLOURS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.INFO: "1"}


def check_text(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """The check as lines; a last one says how it ends."""
    pen = _Pen(max(NARROWEST, min(WIDEST, width)), colour=colour)
    lines = [line for error in report.errors for line in _error(error, pen, "")]
    for policy in report.policies:
        lines += _policy(policy, pen)
    return without_commands("\n".join([*lines, _ending(report)]) + "\n")


def excerpt(words: str, most: int = EXCERPT) -> str:
    """One line of at most ``most`` characters, cut at a word."""
    line = one_line(words)
    return line if len(line) <= most else f"{line[:most].rsplit(' ', 1)[0]} ..."


def summary_of(policy: Checked) -> str:
    """One line: compared with what, how it came out, the class it needs."""
    against = f" since {one_line(policy.base)}" if policy.base else ""
    words = f"{STATE_WORDS[policy.state]}{against}"
    if policy.comparison is None or policy.state in {State.UNCHANGED, State.FORMAT_ONLY}:
        return words
    verdict = policy.comparison.judgement.verdict
    if not verdict.material:
        return f"{words}; nothing that matters to a reader"
    return f"{words}; material, needs at least the class {verdict.change_class.value}"


class _Pen:
    """Wraps and colours."""

    def __init__(self, width: int, *, colour: bool) -> None:
        self.width, self.colour = width, colour

    def styled(self, words: str, style: str) -> str:
        return f"\x1b[{style}m{words}\x1b[0m" if self.colour else words

    def wrapped(self, words: str, indent: str, label: str = "") -> list[str]:
        lines = textwrap.wrap(
            f"{label}{words}",
            self.width,
            initial_indent=indent,
            subsequent_indent=indent + "  ",
            break_on_hyphens=False,
        )
        return lines or [indent]


def _policy(policy: Checked, pen: _Pen) -> Iterator[str]:
    yield f"{pen.styled(one_line(policy.slug), '1')}: {summary_of(policy)}"
    if doubtful := undecided(policy.findings):
        yield f"  {counted(doubtful, 'finding')} a person must decide; until then counted as material"
    for error in policy.errors:
        yield from _error(error, pen, "  ")
    verdict = policy.comparison.judgement.verdict if policy.comparison else None
    for number, finding in enumerate(policy.findings, 1):
        yield from _finding(policy, finding, pen)
        # The same mend for a row of findings is said once, after the last of them.
        if finding.mend and all(later.mend != finding.mend for later in policy.findings[number : number + 1]):
            yield from pen.wrapped(one_line(finding.mend), "    ", "mend: ")
        if lines := paste_of(finding, verdict):
            yield "    paste:"
            yield from (f"      {one_line(line) if line == line.lstrip() else _kept(line)}" for line in
                        lines.split("\n"))  # fmt: skip


def _kept(line: str) -> str:
    """A line with its indentation, which means something in YAML."""
    bare = line.lstrip()
    return line[: len(line) - len(bare)] + one_line(bare)


def _finding(policy: Checked, finding: Finding, pen: _Pen) -> Iterator[str]:
    first, *rest = pen.wrapped(one_line(finding.message), "  ", f"{finding.severity.value}: ")
    label = f"  {finding.severity.value}:"
    yield pen.styled(label, _COLOURS[finding.severity]) + first[len(label) :]
    yield from rest
    for name, words in (("before", finding.before), ("after", finding.after)):
        if words:
            yield from pen.wrapped(excerpt(words), "    ", f"{name}: ")
    yield from pen.wrapped(_known_by(policy, finding), "    ", "at: ")


def _known_by(policy: Checked, finding: Finding) -> str:
    parts = [
        shown_spot(spot_of(policy, finding)),
        "" if finding.confidence is Confidence.HIGH else f"confidence {finding.confidence.value}",
        "waived" if finding.waived else "",
        f"{finding.rule} {finding.name}",
    ]
    return ", ".join(part for part in parts if part)


def shown_spot(spot: Spot) -> str:
    """``policies/example-fax/policy.md:12``."""
    return one_line(f"{spot.file}:{spot.line}" if spot.line else spot.file)


def _error(error: PolicyctlError, pen: _Pen, indent: str) -> Iterator[str]:
    yield from pen.wrapped(one_line(str(error)), indent, "error: ")
    if error.hint:
        yield from pen.wrapped(one_line(error.hint), indent, "hint: ")


def _ending(report: Report) -> str:
    found = [finding for policy in report.policies for finding in policy.findings if not finding.waived]
    counts = [(level, sum(finding.severity is level for finding in found)) for level in LEVELS]
    told = ", ".join(counted(number, level.value) for level, number in counts if number) or "no findings"
    looked = counted(len(report.policies), "text")
    if report.result == State.NOT_COMPARED.value:
        return f"{looked}, {told}. Not everything could be compared: this is not a pass."
    end = "The check fails" if report.exit_code else "Passed"
    return f"{looked}, {told}. {end} (--fail-on {report.fail_on})."
