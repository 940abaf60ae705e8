# SPDX-License-Identifier: Apache-2.0
"""A check as a GitLab code quality report: one JSON array, each entry with a fingerprint of its own.

What could not be compared is an entry of the highest severity: an empty array would say that all is well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from policyctl.core.judge.findings import Severity
from policyctl.reports.checking.checked import Report, Spot, all_errors, open_findings, spot_of, spot_of_error
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import one_line

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def check_gitlab(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(list(_entries(report)), indent=2, ensure_ascii=False) + "\n"


def _entries(report: Report) -> Iterator[Json]:
    for policy, error in all_errors(report):
        words = one_line(f"Could not be compared: {error.message}. {error.hint}")
        spot = spot_of_error(policy, error)
        yield _entry("could-not-compare", words, "blocker", spot, str(error))
    for policy in report.policies:
        if policy.removed:
            words = f"The policy {policy.slug} is gone: readers lose all of it."
            yield _entry("policy-removed", words, "blocker", Spot(policy.file), policy.slug)
        for finding in open_findings(policy):
            words = one_line(f"{finding.message} {finding.mend}")
            name = f"{finding.rule} {finding.name}"
            spot, key = spot_of(policy, finding), f"{policy.slug}\x1f{finding.fingerprint}"
            yield _entry(name, words, _SEVERITIES[finding.severity], spot, key)


def _entry(name: str, words: str, severity: str, spot: Spot, key: str) -> Json:
    digest = hashlib.sha256(f"{name}\x1f{key}".encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "description": words,
        "check_name": name,
        "fingerprint": digest[:32],
        "severity": severity,
        "location": {"path": spot.file or "policyctl.toml", "lines": {"begin": spot.line or 1}},
    }
