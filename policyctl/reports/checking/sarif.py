# SPDX-License-Identifier: Apache-2.0
"""A check as SARIF 2.1.0 (OASIS), within the limits of GitHub's code scanning: one run, at most 5,000
results (more are not shown), each with one place. What kept us from looking is a notification of an
invocation that did not succeed: a reader must not take "no results" for "no change".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policyctl.core.judge.findings import Finding, Severity
from policyctl.core.judge.rules.rule import Rule
from policyctl.errors import PolicyctlError
from policyctl.reports.checking.checked import (
    LEVELS,
    Checked,
    Report,
    Spot,
    State,
    all_errors,
    spot_of,
    spot_of_error,
)
from policyctl.reports.checking.text import excerpt
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import one_line

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST = 5000
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def check_sarif(report: Report, *, rules: Sequence[Rule], version: str) -> Json:
    """The check as a SARIF log; ``version`` of the tool."""
    found = [(p, f) for level in LEVELS for p in report.policies for f in p.findings if f.severity is level]
    shown = found[:MOST]
    named = {finding.rule for _, finding in shown}
    used = [rule for rule in rules if rule.id in named]
    index = {rule.id: number for number, rule in enumerate(used)}
    driver = {
        "name": "policyctl",
        "semanticVersion": version,
        "rules": [_rule(rule) for rule in used],
    }
    return {
        "$schema": SCHEMA_URI,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(report, len(found) - len(shown))],
                "results": [
                    *(_removed(policy) for policy in report.policies if policy.removed),
                    *(_result(policy, finding, index) for policy, finding in shown),
                ],
            }
        ],
    }


def _rule(rule: Rule) -> Json:
    grounds = f" Grounds: {rule.grounds}." if rule.grounds else ""
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": f"{rule.why}{grounds}".strip() or rule.what},
        "help": {"text": rule.mend or rule.what},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(policy: Checked, finding: Finding, index: dict[str, int]) -> Json:
    words = [one_line(finding.message)]
    sides = (("Before", finding.before), ("After", finding.after))
    words += [f"{name}: {excerpt(side)}" for name, side in sides if side]
    words += [one_line(finding.mend)] if finding.mend else []
    result: Json = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": "\n".join(words)},
        "locations": [_location(spot_of(policy, finding))],
        "partialFingerprints": {"policyctlFinding/v1": f"{policy.slug}:{finding.fingerprint}"},
        "properties": {
            "material": finding.material,
            "direction": finding.direction.value,
            "confidence": finding.confidence.value,
            "floor": finding.floor.value,
        },
    }
    if finding.rule in index:
        result["ruleIndex"] = index[finding.rule]
    if finding.waived:
        result["suppressions"] = [{"kind": "external", "justification": "waived in the front matter"}]
    return result


def _removed(policy: Checked) -> Json:
    return {
        "ruleId": "policy-removed",
        "level": "error",
        "message": {"text": f"The policy {policy.slug} is gone: readers lose all of it."},
        "locations": [_location(Spot(policy.file))],
        "partialFingerprints": {"policyctlFinding/v1": f"{policy.slug}:removed"},
    }


def _location(spot: Spot) -> Json:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(spot.file)},
            "region": {"startLine": spot.line or 1},
        }
    }


def _uri(path: str) -> str:
    """A path as a relative URI reference (RFC 3986): reserved characters and others as ``%XX``."""
    kept = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")
    raw = path.encode("utf-8", "surrogatepass")
    return "".join(chr(byte) if chr(byte) in kept else f"%{byte:02X}" for byte in raw)


def _invocation(report: Report, hidden: int) -> Json:
    notes = [_notification(policy, error) for policy, error in all_errors(report)]
    notes += list(_more(hidden))
    return {
        "executionSuccessful": report.result != State.NOT_COMPARED.value,
        "exitCode": report.exit_code,
        "toolExecutionNotifications": notes,
    }


def _notification(policy: Checked | None, error: PolicyctlError) -> Json:
    words = f"Could not compare: {one_line(str(error))}. {one_line(error.hint)}".strip()
    note: Json = {"level": "error", "message": {"text": words}}
    spot = spot_of_error(policy, error)
    if spot.file:
        note["locations"] = [_location(spot)]
    return note


def _more(hidden: int) -> Iterator[Json]:
    if hidden:
        yield {"level": "warning", "message": {"text": f"{hidden} findings more are not listed here."}}
