# SPDX-License-Identifier: Apache-2.0
"""A comparison on a terminal: verdict, clause table, findings, then the redline of each clause.

Nothing rests on colour: a deletion stands in ``[-...-]``, an insertion in ``{+...+}``, and every
kind of change is a word. Policy text is printed with its control characters written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from policyctl.core.judge.findings import Confidence, Finding, Severity, Verdict
from policyctl.core.policy import Clause
from policyctl.core.revision import ClauseChange, Kind, Op, Revision
from policyctl.reports.comparing.comparison import (
    Comparison,
    headline,
    loud_changes,
    name_of,
    shown_only,
    sorted_kinds,
    statistics,
)
from policyctl.reports.comparing.terminal_redline import (
    front_side_by_side,
    inline,
    redline_text,
    side_by_side,
)
from policyctl.reports.words import KIND_WORDS, counted, one_line, without_commands

NARROWEST, WIDEST = 40, 200
EXCERPT = 300
"""Characters of a finding's words, before and after, that are shown."""

_SEVERITIES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold"}


def render_terminal(
    comparison: Comparison, *, width: int = 80, colour: bool = False, side_by_side: bool = False
) -> str:
    """The comparison as lines of at most ``width`` columns (held between 40 and 200)."""
    return printed(Group(*_parts(comparison, beside=side_by_side)), width=width, colour=colour)


def render_findings(findings: Sequence[Finding], *, width: int = 80, colour: bool = False) -> str:
    """Findings alone, as ``check`` prints them."""
    return printed(Group(*_findings(findings)), width=width, colour=colour)


def printed(part: RenderableType, *, width: int, colour: bool) -> str:
    """What ``part`` looks like on a terminal, as text; no line ends in white space."""
    console = Console(
        width=max(NARROWEST, min(WIDEST, width)),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    with console.capture() as capture:
        console.print(part)
    return without_commands("\n".join(line.rstrip() for line in capture.get().split("\n")))


def _parts(comparison: Comparison, *, beside: bool) -> Iterator[RenderableType]:
    revision, judgement = comparison.revision, comparison.judgement
    yield Text(f"{one_line(comparison.old.source)} -> {one_line(comparison.new.source)}", "bold")
    yield _verdict(judgement.verdict)
    if comparison.only:
        yield Text(shown_only(comparison))
    yield _summary(revision)
    loud = loud_changes(revision)
    if loud:
        yield _table(loud)
    yield from _findings(judgement.findings)
    yield from _front(revision, beside=beside)
    for change in loud:
        yield from _clause(revision, change, beside=beside)


def _verdict(verdict: Verdict) -> Text:
    said = "material" if verdict.material else "not material"
    parts = [f"class {verdict.change_class.value}", verdict.direction.value, *verdict.categories]
    parts += [verdict.left_open] if verdict.left_open else []
    return Text(f"{said}: {', '.join(parts)}")


def _summary(revision: Revision) -> Text:
    counts = statistics(revision)
    kinds = [f"{number} {KIND_WORDS[kind]}" for kind, number in counts.kinds]
    words = f"{counted(counts.inserted, 'word')} inserted, {counted(counts.deleted, 'word')} deleted"
    return Text(f"clauses: {', '.join(kinds) or 'none'}; {words}")


def _table(changes: Sequence[ClauseChange]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for name in ("change", "clause", "old", "new"):
        table.add_column(name, overflow="fold", justify="left", ratio=3 if name == "clause" else None)
    for change in changes:
        kinds = ", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change))
        table.add_row(kinds, Text(_heading(change)), _lines(change.old), _lines(change.new))
    return table


def _lines(clauses: Sequence[Clause]) -> str:
    return ", ".join(f"{clause.line}-{clause.end_line}" for clause in clauses)


def _heading(change: ClauseChange) -> str:
    name = one_line(headline(change))
    if Kind.RENAMED in change.kinds and change.old:
        return f"{' + '.join(one_line(name_of(c)) for c in change.old)} -> {name}"
    return name


def _findings(findings: Sequence[Finding]) -> Iterator[RenderableType]:
    if findings:
        yield Text(counted(len(findings), "finding"), "bold")
    for number, finding in enumerate(findings, 1):
        line = Text.assemble((finding.severity.value, _SEVERITIES[finding.severity]), " ")
        line.append(one_line(finding.message))
        line.append(f" ({_known_by(finding)})", "dim")
        yield Padding(line, (0, 0, 0, 2))
        for name, words in (("before", finding.before), ("after", finding.after)):
            if words:
                yield Padding(Text(f"{name}: {_excerpt(words)}"), (0, 0, 0, 4))
        # The same mend for a row of findings is said once, after the last of them.
        if finding.mend and not any(after.mend == finding.mend for after in findings[number : number + 1]):
            yield Padding(Text(f"mend: {one_line(finding.mend)}"), (0, 0, 0, 4))


def _excerpt(words: str) -> str:
    """At most ``EXCERPT`` characters; the whole sentence stands in the redline and in the JSON."""
    line = one_line(words)
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT].rsplit(' ', 1)[0]} ..."


def _known_by(finding: Finding) -> str:
    parts = [
        finding.rule,
        f"clause {one_line(finding.clause)}" if finding.clause else "",
        f"line {finding.line}" if finding.line else "",
        finding.direction.value,
        "" if finding.confidence is Confidence.HIGH else finding.confidence.value,
        "waived" if finding.waived else "",
    ]
    return ", ".join(part for part in parts if part)


def _front(revision: Revision, *, beside: bool) -> Iterator[RenderableType]:
    if any(run.op is not Op.EQUAL for run in revision.front):
        yield Text("\nfront matter", "bold")
        if beside:
            yield front_side_by_side(revision.front)
        else:
            yield Padding(redline_text(revision.front), (0, 0, 0, 2))


def _clause(revision: Revision, change: ClauseChange, *, beside: bool) -> Iterator[RenderableType]:
    kinds = ", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change))
    yield Text.assemble("\n", (_heading(change), "bold"), f" ({kinds})")
    if beside:
        yield side_by_side(revision, change)
    else:
        yield from inline(revision, change)
