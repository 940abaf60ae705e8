# SPDX-License-Identifier: Apache-2.0
"""``policyctl.clauses/1``: the clauses of one text, as JSON and as lines for a person."""

from __future__ import annotations

from policyctl.core.policy import Clause, Document
from policyctl.reports.comparing.comparison import Side, name_of
from policyctl.reports.comparing.json_v1 import Json, clause_json
from policyctl.reports.words import counted, one_line

SCHEMA = "policyctl.clauses/1"


def clauses_json(side: Side, document: Document) -> Json:
    """The clauses of ``document`` as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "source": side.source,
        "version": side.version,
        "sha256": side.sha256,
        "clauses": [clause_json(clause) for clause in document.clauses],
    }


def clauses_text(side: Side, document: Document) -> str:
    """One line a clause: lines, indented heading, id."""
    width = len(str(max((clause.end_line for clause in document.clauses), default=1)))
    lines = [_line(clause, width) for clause in document.clauses]
    return "\n".join([f"{one_line(side.source)}: {counted(len(lines), 'clause')}", *lines]) + "\n"


def _line(clause: Clause, width: int) -> str:
    heading = one_line(name_of(clause))
    indent = "  " * max(0, len(clause.path) - 1)
    return f"{clause.line:>{width}}-{clause.end_line:<{width}}  {indent}{heading}  #{one_line(clause.id)}"
