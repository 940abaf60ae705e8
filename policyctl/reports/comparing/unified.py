# SPDX-License-Identifier: Apache-2.0
"""A comparison as plain unified text, for mail threads and terminals without colour.

A hunk is a clause. A line is a sentence of the source (or a line, where that is shorter): ``-`` stood
in the old text, ``+`` stands in the new, two spaces before lines of both. Long ones are wrapped, and
every line they take carries the sign. It is for reading: moved clauses make it no patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap

from policyctl.core.policy import Clause
from policyctl.core.revision import BlockChange, ClauseChange, Kind, Op, Revision, Run
from policyctl.reports.comparing.comparison import (
    Comparison,
    full_runs,
    headline,
    is_changed,
    loud_changes,
    shown_only,
    sorted_kinds,
    statistics,
)
from policyctl.reports.words import KIND_WORDS, counted, one_line, shown, without_commands

CONTEXT = 1
"""Unchanged sentences shown on each side of a change."""

_SENTENCE_END = re.compile(r"(?<=[.!?;][\s\"”’)\]])(?<=\s)(?=\S)|(?<=[。！？])|(?<=\n)")
_KEPT, _OLD, _NEW = "  ", "- ", "+ "


def render_unified(comparison: Comparison, *, width: int = 78) -> str:
    """The comparison as lines of at most ``width`` characters, but for longer words."""
    return without_commands("\n".join(_lines(comparison, width)) + "\n")


def _lines(comparison: Comparison, width: int) -> Iterator[str]:
    revision = comparison.revision
    yield f"--- {one_line(comparison.old.source)}"
    yield f"+++ {one_line(comparison.new.source)}"
    if comparison.only:
        yield shown_only(comparison)
    yield _counts(revision)
    if any(run.op is not Op.EQUAL for run in revision.front):
        yield "@@ front matter @@"
        yield from _wrapped(_changes(revision.front), width)
    for change in loud_changes(revision):
        yield _hunk(change)
        yield from _clause(revision, change, width)


def _counts(revision: Revision) -> str:
    counts = statistics(revision)
    words = f"{counted(counts.inserted, 'word')} inserted, {counted(counts.deleted, 'word')} deleted"
    kinds = ", ".join(f"{number} {KIND_WORDS[kind]}" for kind, number in counts.kinds) or "none"
    return f"clauses: {kinds}; {words}"


def _hunk(change: ClauseChange) -> str:
    name = one_line(headline(change))
    if Kind.RENAMED in change.kinds and change.old:
        name = f"{' + '.join(one_line(clause.heading) for clause in change.old)} -> {name}"
    kinds = ", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change))
    return f"@@ -{_places(change.old)} +{_places(change.new)} @@ {name} ({kinds})"


def _places(clauses: Sequence[Clause]) -> str:
    return ",".join(f"{clause.line}-{clause.end_line}" for clause in clauses) or "none"


def _clause(revision: Revision, change: ClauseChange, width: int) -> Iterator[str]:
    silent = 0
    for block in change.blocks:
        if is_changed(block) or block.moved:
            yield from _left_out(silent)
            silent = 0
            yield from _wrapped(_block(revision, block), width)
        else:
            silent += 1
    yield from _left_out(silent)


def _left_out(silent: int) -> Iterator[str]:
    if silent:
        yield f"{_KEPT}... {counted(silent, 'block')} unchanged"


def _block(revision: Revision, block: BlockChange) -> Iterator[tuple[str, str]]:
    if block.moved:
        yield _KEPT, "(moved here)"
    yield from _changes(full_runs(revision, block))


def _changes(runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """Signs and sentences; of unchanged ones only those next to a change."""
    kept: list[str] = []
    opening = True
    for before, after in _steps(runs):
        old, new = _sentences(before), _sentences(after)
        head, tail = _common_ends(old, new)
        kept += old[:head]
        if len(old) == len(new) == head:
            continue
        yield from _context(kept, 0 if opening else CONTEXT, CONTEXT)
        yield from ((_OLD, text) for text in old[head : len(old) - tail])
        yield from ((_NEW, text) for text in new[head : len(new) - tail])
        kept, opening = old[len(old) - tail :], False
    yield from _context(kept, 0 if opening else CONTEXT, 0)


def _common_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many sentences at the beginning and at the end are the same."""
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    rest = shorter - head
    return head, next((n for n in range(rest) if old[-1 - n] != new[-1 - n]), rest)


def _steps(runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """The two texts cut where a sentence ends in both."""
    old = new = ""
    for run in runs:
        if run.op is not Op.EQUAL:
            old += run.text if run.op is Op.DELETE else ""
            new += run.text if run.op is Op.INSERT else ""
            continue
        for piece in _SENTENCE_END.split(run.text):
            if _ended(old) and _ended(new):
                yield old, new
                old = new = ""
            old, new = old + piece, new + piece
    yield old, new


def _ended(text: str) -> bool:
    return not text.strip() or text[-1] == "\n" or text.rstrip()[-1] in ".!?;。！？"


def _context(kept: Sequence[str], head: int, tail: int) -> Iterator[tuple[str, str]]:
    if len(kept) <= head + tail + 1:
        yield from ((_KEPT, text) for text in kept)
        return
    yield from ((_KEPT, text) for text in kept[:head])
    yield _KEPT, f"... {counted(len(kept) - head - tail, 'sentence')} unchanged"
    yield from ((_KEPT, text) for text in kept[len(kept) - tail :])


def _sentences(text: str) -> list[str]:
    found = (piece.strip(" \t\r\n") for piece in _SENTENCE_END.split(text))
    return [piece for piece in found if piece]


def _wrapped(signed: Iterator[tuple[str, str]], width: int) -> Iterator[str]:
    for sign, text in signed:
        lines = wrap(shown(text, keep=""), width - len(sign), break_long_words=False, break_on_hyphens=False)
        yield from (sign + line for line in lines)
