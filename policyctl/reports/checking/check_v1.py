# SPDX-License-Identifier: Apache-2.0
"""``policyctl.check/1``: what checking policies found, for machines (schemas/check.schema.json)."""

from __future__ import annotations

from policyctl.core.judge.findings import Finding
from policyctl.errors import PolicyctlError
from policyctl.reports.checking.checked import Checked, Report, spot_of
from policyctl.reports.comparing.json_v1 import Json, finding_json, verdict_json

SCHEMA = "policyctl.check/1"


def check_json(report: Report) -> Json:
    """The check as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "result": report.result,
        "fail_on": report.fail_on,
        "exit_code": report.exit_code,
        "policies": [_policy(policy) for policy in report.policies],
        "errors": [error_json(error) for error in report.errors],
    }


def error_json(error: PolicyctlError) -> Json:
    """One complaint: what, where, and the mend."""
    place = error.place
    return {
        "message": error.message,
        "hint": error.hint,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "key": place.key if place else None,
    }


def _policy(policy: Checked) -> Json:
    comparison = policy.comparison
    return {
        "policy": policy.slug,
        "file": policy.file,
        "base": policy.base,
        "state": policy.state.value,
        "verdict": None if comparison is None else verdict_json(comparison.judgement.verdict),
        "findings": [
            {**finding_json(finding), "place": _place(policy, finding)} for finding in policy.findings
        ],
        "errors": [error_json(error) for error in policy.errors],
    }


def _place(policy: Checked, finding: Finding) -> Json:
    """Where to show it in the work tree; ``line`` of the finding is one of the side that holds the words."""
    spot = spot_of(policy, finding)
    return {"file": spot.file, "line": spot.line}
