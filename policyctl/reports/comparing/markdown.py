# SPDX-License-Identifier: Apache-2.0
"""A comparison as Markdown: a table of clauses, then the redline in CriticMarkup.

``{--deleted--}`` and ``{++inserted++}`` read without any tool and are understood by several. Policy
text is shown as its own source: every character that means something in Markdown or HTML is
escaped, so that a policy can neither run anything nor break the page it is quoted on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from policyctl.core.judge.findings import Finding, Verdict
from policyctl.core.policy import Clause
from policyctl.core.revision import BlockChange, ClauseChange, Kind, Op, Revision, Run
from policyctl.reports.comparing.comparison import (
    Comparison,
    headline,
    is_changed,
    loud_changes,
    name_of,
    reshaped,
    shown_only,
    sorted_kinds,
    statistics,
    visible_runs,
)
from policyctl.reports.words import KIND_WORDS, counted, mark_space, one_line, shown

_SIGNS = {Op.DELETE: ("{--", "--}"), Op.INSERT: ("{++", "++}"), Op.EQUAL: ("", "")}
_SPECIAL = re.compile(r"[\\`*_{}\[\]!|~]")
# What opens a block only at the start of a line.
_OPENERS = re.compile(r"^([ \t]*\d*)(?=[#+=-]|::|(?<=\d)[.)][ \t\n])", re.MULTILINE)
# Space that makes code of a line after an empty one, or at the start; as an entity it does not.
_INDENTS = re.compile(r"(\A\n?|\n[^\S\n]*\n)( (?= {3}| {0,2}\t)|\t)")


def render_markdown(comparison: Comparison) -> str:
    """The comparison as a Markdown document, a newline at its end."""
    return "\n\n".join(_parts(comparison)) + "\n"


def escaped(text: str) -> str:
    """``text`` as Markdown that shows exactly these characters."""
    plain = shown(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    inline = _OPENERS.sub(r"\1\\", _SPECIAL.sub(r"\\\g<0>", plain))
    return _INDENTS.sub(lambda match: f"{match[1]}&#{ord(match[2])};", inline)


def _parts(comparison: Comparison) -> Iterator[str]:
    revision, judgement = comparison.revision, comparison.judgement
    yield f"# {_inline(comparison.old.source)} to {_inline(comparison.new.source)}"
    yield _verdict(judgement.verdict)
    if comparison.only:
        yield escaped(shown_only(comparison))
    yield _counts(revision)
    loud = loud_changes(revision)
    if loud:
        yield _table(loud)
    if judgement.findings:
        yield "## Findings"
        yield "\n".join(_finding(finding) for finding in judgement.findings)
    if loud or revision.front:
        yield "## Redline"
        yield "Deleted words stand in `{--` `--}`, inserted words in `{++` `++}`."
    yield from _front(revision)
    for change in loud:
        yield from _clause(revision, change)


def _inline(text: str) -> str:
    return escaped(one_line(text))


def _verdict(verdict: Verdict) -> str:
    said = "Material" if verdict.material else "Not material"
    parts = [f"class {verdict.change_class.value}", verdict.direction.value, *verdict.categories]
    parts += [verdict.left_open] if verdict.left_open else []
    return f"**{said}**: {_inline(', '.join(parts))}."


def _counts(revision: Revision) -> str:
    counts = statistics(revision)
    kinds = ", ".join(f"{number} {KIND_WORDS[kind]}" for kind, number in counts.kinds) or "none"
    words = f"{counted(counts.inserted, 'word')} inserted, {counted(counts.deleted, 'word')} deleted"
    return f"Clauses: {kinds}. {words}."


def _table(changes: Sequence[ClauseChange]) -> str:
    rows = ["| Change | Clause | Old lines | New lines |", "| --- | --- | --- | --- |"]
    rows += [
        f"| {_kinds(change)} | {_heading(change)} | {_lines(change.old)} | {_lines(change.new)} |"
        for change in changes
    ]
    return "\n".join(rows)


def _kinds(change: ClauseChange) -> str:
    return ", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change))


def _heading(change: ClauseChange) -> str:
    name = _inline(headline(change))
    if Kind.RENAMED in change.kinds and change.old:
        return f"{' + '.join(_inline(name_of(clause)) for clause in change.old)} → {name}"
    return name


def _lines(clauses: Sequence[Clause]) -> str:
    return ", ".join(f"{clause.line}-{clause.end_line}" for clause in clauses)


def _finding(finding: Finding) -> str:
    words = f"- **{finding.severity.value}** {_inline(finding.message)}"
    known = [finding.rule, f"line {finding.line}" if finding.line else "", finding.direction.value]
    known += ["waived" if finding.waived else ""]
    mend = f" Mend: {_inline(finding.mend)}" if finding.mend else ""
    return f"{words} ({_inline(', '.join(part for part in known if part))}){mend}"


def _front(revision: Revision) -> Iterator[str]:
    if any(run.op is not Op.EQUAL for run in revision.front):
        yield "### Front matter"
        yield _redline(revision.front)


def _clause(revision: Revision, change: ClauseChange) -> Iterator[str]:
    yield f"### {_heading(change)} ({_kinds(change)})"
    silent = 0
    for block in change.blocks:
        if is_changed(block) or block.moved:
            yield from _kept(silent)
            silent = 0
            yield _block(revision, change, block)
        else:
            silent += 1
    yield from _kept(silent)


def _kept(silent: int) -> Iterator[str]:
    if silent:
        yield f"*{counted(silent, 'block')} unchanged*"


def _block(revision: Revision, change: ClauseChange, block: BlockChange) -> str:
    shape = reshaped(change, block)
    moved, formed = "*moved here:* " if block.moved else "", f"*{KIND_WORDS[shape]} here:* " if shape else ""
    return f"{moved}{formed}{_redline(visible_runs(revision, block))}"


def _redline(runs: Sequence[Run]) -> str:
    """Runs as one paragraph; lines of the source end in a hard break."""
    text = "".join(_run(run) for run in runs)
    return "\\\n".join(line.lstrip() for line in text.split("\n") if line.strip())


def _run(run: Run) -> str:
    opened, closed = _SIGNS[run.op]
    return f"{opened}{escaped(run.text if run.op is Op.EQUAL else mark_space(run.text))}{closed}"
