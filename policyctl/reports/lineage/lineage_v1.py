# SPDX-License-Identifier: Apache-2.0
"""``policyctl.log/1`` and ``policyctl.blame/1``: the history of clauses as JSON (schemas/log.schema.json,
schemas/blame.schema.json).

The types of these formats are their own: they do not follow when a core value grows a field.
"""

from __future__ import annotations

from policyctl.core.diff.clause_history import ClauseHistory, Lineage, Point, Step
from policyctl.reports.comparing.comparison import KIND_ORDER
from policyctl.reports.comparing.json_v1 import Json, clause_json

LOG, BLAME = "policyctl.log/1", "policyctl.blame/1"


def log_json(source: str, lineage: Lineage) -> Json:
    """Every clause with its steps."""
    return {
        "schema": LOG,
        "source": source,
        "states": [_state(point) for point in lineage.points],
        "clauses": [_clause(lineage, each) for each in lineage.clauses],
    }


def blame_json(source: str, lineage: Lineage, *, words: bool = False) -> Json:
    """The clauses that stand, each with the state that last changed it; with ``words`` also every
    sentence with the state it is from (else ``sentences`` is null).
    """
    return {
        "schema": BLAME,
        "source": source,
        "states": [_state(point) for point in lineage.points],
        "clauses": [_blamed(each, words=words) for each in lineage.clauses if lineage.is_there(each)],
    }


def _state(point: Point) -> Json:
    return {"label": point.label, "at": point.at.isoformat(), "path": point.source}


def _clause(lineage: Lineage, history: ClauseHistory) -> Json:
    return {
        **clause_json(history.clause),
        "id": history.id,
        "former_ids": list(history.names[:-1]),
        "stands": lineage.is_there(history),
        "last_seen": history.last,
        "steps": [_step(step) for step in history.steps],
    }


def _step(step: Step) -> Json:
    return {
        "state": step.point,
        "kinds": [kind.value for kind in KIND_ORDER if kind in step.kinds],
        "heading": step.heading,
        "format": list(step.format),
        "others": list(step.others),
        "ends": step.ends,
    }


def _blamed(history: ClauseHistory, *, words: bool) -> Json:
    return {
        **clause_json(history.clause),
        "id": history.id,
        "since": history.steps[0].point,
        "changed": _step(history.changed),
        "sentences": [
            {"text": each.text, "line": each.line, "state": each.point} for each in history.sentences
        ]
        if words
        else None,
    }
