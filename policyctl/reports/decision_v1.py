# SPDX-License-Identifier: Apache-2.0
"""``policyctl.decision/1``: an answer, its numbered reasons, and what would make it a yes.

The caller's own id of the subject is not repeated: tags name the subject by pseudonym.
"""

from __future__ import annotations

from policyctl.core.policy import VersionKey
from policyctl.core.records import Tag
from policyctl.core.use.decision import Decision, Reason, UseRequest
from policyctl.reports.json_v1 import Json
from policyctl.reports.words import one_line

SCHEMA = "policyctl.decision/1"


def decision_json(request: UseRequest, decision: Decision) -> Json:
    """The decision as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "request": _request(request),
        "answer": decision.answer.value,
        "reasons": [_reason(reason) for reason in decision.reasons],
        "tags": [_tag(tag) for tag in decision.tags],
        "missing": list(decision.missing),
    }


def decision_text(decision: Decision) -> str:
    """The decision for a person: the answer first, then why, then what is missing."""
    lines = [decision.answer.value]
    lines += [f"  {reason.number}. {one_line(reason.text)}{_where(reason)}" for reason in decision.reasons]
    lines += [f"  missing: {one_line(item)}" for item in decision.missing]
    lines += [
        f"  rests on: record {one_line(tag.record)}, known from: {one_line(tag.provenance)}"
        for tag in decision.tags
        if tag.provenance
    ]
    return "\n".join(lines) + "\n"


def _request(request: UseRequest) -> Json:
    return {
        "category": request.category,
        "purpose": request.purpose,
        "recipient": request.recipient,
        "policy": request.slug,
        "at": request.at.isoformat(),
    }


def _reason(reason: Reason) -> Json:
    return {
        "number": reason.number,
        "rule": reason.rule,
        "text": reason.text,
        "version": _version(reason.version),
        "clause": reason.clause,
        "practice": reason.practice,
    }


def _tag(tag: Tag) -> Json:
    return {
        "subject": tag.subject,
        "category": tag.category,
        "record": tag.record,
        "collected_at": tag.collected_at.isoformat(),
        "version": _version(tag.version),
        "provenance": tag.provenance,
    }


def _version(key: VersionKey | None) -> str | None:
    return None if key is None else str(key)


def _where(reason: Reason) -> str:
    named = [_version(reason.version), reason.clause and f"clause {reason.clause}"]
    named.append(reason.practice and f"practice {reason.practice}")
    spots = [one_line(spot) for spot in named if spot]
    return f" ({', '.join(spots)})" if spots else ""
