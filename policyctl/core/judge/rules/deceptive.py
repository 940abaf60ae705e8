# SPDX-License-Identifier: Apache-2.0
"""PC241: what a reviewer sees is not what is stored, or not what a reader will be shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from policyctl.core.judge.findings import Direction, Finding, Severity
from policyctl.core.judge.rules.rule import Draft, Rule, View
from policyctl.core.policy import ChangeClass, Document
from policyctl.core.text.hidden import deep_text, hidden_html
from policyctl.core.text.letters import Trap, letter_traps
from policyctl.core.text.parse import clause_at

_MOST = 20  # findings; a text full of traps needs no list of thousands


def deceptive_text(view: View, _: tuple[Finding, ...]) -> Iterator[Draft]:
    """Letters, tags and nesting that make the text read other than it displays, new with this revision.

    What the old text had on the same line is known; a translation is looked through as a whole.
    """
    fresh = {number for number, _ in view.fresh_lines()}
    found = ((trap, "") for trap in _traps(view.revision.new.text) if trap.line in fresh)
    others = (
        (trap, each.file) for each in view.context.translations for trap in _traps(each.policy.document.text)
    )
    everything = chain(found, others)
    for trap, file in islice(everything, _MOST):
        yield _draft(trap, file, view.revision.new)
    if more := sum(1 for _ in everything):
        yield Draft(f"{more} more places read other than they display.", Direction.NEUTRAL, ("structure",))


def _traps(text: str) -> Iterator[Trap]:
    """In the order of the text, once a place."""
    found = {
        (trap.line, trap.what): trap for trap in (*letter_traps(text), *hidden_html(text), *deep_text(text))
    }
    yield from sorted(found.values(), key=lambda trap: (trap.line, trap.column))


def _draft(trap: Trap, file: str, document: Document) -> Draft:
    clause = None if file else clause_at(document, trap.line)
    place = f"line {trap.line}, column {trap.column}{f' of {file}' if file else ''}"
    return Draft(
        f"{trap.what[:1].upper()}{trap.what[1:]}, on {place}.",
        Direction.NEUTRAL,
        ("structure",),
        clause=clause.id if clause else None,
        line=None if file else trap.line,
        severity=None if trap.grave else Severity.WARNING,
    )


RULES = (
    Rule(
        "PC241",
        "deceptive-text",
        "Letters, tags or nesting make the text read other than it displays.",
        "A reviewer approves what is shown, not what is stored.",
        "",
        "Remove the character or the tag; write the word anew.",
        deceptive_text,
        ChangeClass.EDITORIAL,
        forced=True,
        material=False,
        severity=Severity.ERROR,
    ),
)
