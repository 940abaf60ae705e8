# SPDX-License-Identifier: Apache-2.0
"""The blocks of linked clauses -> aligned block pairs with their word-level runs."""

from __future__ import annotations

from policyctl.core.policy import Clause, Document
from policyctl.core.redline import redline
from policyctl.core.revision import BlockChange, Span


def _span(clauses: tuple[Clause, ...]) -> Span:
    return Span(clauses[0].start, clauses[-1].end, clauses[0].line, clauses[-1].end_line)


def block_changes(
    old: Document, new: Document, before: tuple[Clause, ...], after: tuple[Clause, ...]
) -> tuple[BlockChange, ...]:
    """The blocks of a link; they cover its clauses completely."""
    changes = []
    for index in range(max(len(before), len(after))):
        a, b = before[index : index + 1], after[index : index + 1]
        runs = redline(
            "".join(old.text[c.start : c.end] for c in a), "".join(new.text[c.start : c.end] for c in b)
        )
        changes.append(BlockChange(_span(a) if a else None, _span(b) if b else None, runs))
    return tuple(changes)
