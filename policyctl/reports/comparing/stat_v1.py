# SPDX-License-Identifier: Apache-2.0
"""``policyctl.stat/1``: a comparison in numbers, as JSON (schemas/stat.schema.json)."""

from __future__ import annotations

from typing import Any

from policyctl.core.revision import ClauseChange, Revision
from policyctl.reports.comparing.comparison import (
    Comparison,
    Words,
    loud_changes,
    moves_of,
    statistics,
    words_of,
    words_of_clause,
)
from policyctl.reports.comparing.json_v1 import clause_json, side_json

SCHEMA = "policyctl.stat/1"


def stat_json(comparison: Comparison) -> dict[str, Any]:
    """The numbers ``diff --stat`` shows: totals, and one row for every clause that changed."""
    revision = comparison.revision
    counts = statistics(revision)
    return {
        "schema": SCHEMA,
        "old": side_json(comparison.old),
        "new": side_json(comparison.new),
        "only": list(comparison.only),
        "words": _words(Words(counts.deleted, counts.inserted)),
        "moves": counts.moves,
        "format_only_blocks": counts.cosmetic,
        "kinds": {kind.value: number for kind, number in counts.kinds},
        "front": _words(words_of(revision.front)),
        "clauses": [_clause(revision, change) for change in loud_changes(revision)],
    }


def _clause(revision: Revision, change: ClauseChange) -> dict[str, Any]:
    return {
        "kinds": sorted(kind.value for kind in change.kinds),
        "old": [clause_json(clause) for clause in change.old],
        "new": [clause_json(clause) for clause in change.new],
        "words": _words(words_of_clause(revision, change)),
        "moves": moves_of(change),
    }


def _words(words: Words) -> dict[str, int]:
    return {"deleted": words.deleted, "inserted": words.inserted}
