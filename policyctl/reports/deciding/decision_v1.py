# SPDX-License-Identifier: Apache-2.0
"""``policyctl.decision/1``: an answer, its numbered reasons, and what would make it a yes.

The caller's own id of the subject is not repeated: tags name the subject by pseudonym.
"""

from __future__ import annotations

from policyctl.core.policy import VersionKey
from policyctl.core.records import Tag
from policyctl.core.use.decision import Decision, Finding, Reason, UseRequest
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import one_line

SCHEMA = "policyctl.decision/1"


def decision_json(request: UseRequest, decision: Decision, *, whole: bool = True) -> Json:
    """The decision as plain dicts and lists. ``whole``: for somebody who may see the whole ledger; how far
    that has come tells what other customers do.
    """
    return {
        **request_json(request),
        **finding_json(decision.finding),
        "reasons": [reason_json(reason) for reason in decision.reasons],
        "tags": [tag_json(tag) for tag in decision.tags],
        "missing": list(decision.missing),
        "ledger": ledger_json(decision.sequence, decision.root) if whole else None,
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


def request_json(request: UseRequest) -> Json:
    """What was asked, in which form it is answered."""
    asked = {
        "category": request.category,
        "purpose": request.purpose,
        "recipient": request.recipient,
        "policy": request.slug,
        "at": request.at.isoformat(),
    }
    return {"schema": SCHEMA, "request": asked}


def finding_json(finding: Finding) -> Json:
    """The answer, and what decides it."""
    return {
        "answer": finding.answer.value,
        "code": finding.code,
        "in_force": _version(finding.in_force),
    }


def reason_json(reason: Reason) -> Json:
    """One step."""
    return {
        "number": reason.number,
        "rule": reason.rule,
        "text": reason.text,
        "version": _version(reason.version),
        "clause": reason.clause,
        "practice": reason.practice,
        "code": reason.code,
    }


def ledger_json(sequence: int, root: str) -> Json:
    """The head that the ledger was read at."""
    return {"entry": sequence, "root": root or None}


def tag_json(tag: Tag) -> Json:
    """A tag that was asked about."""
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
