# SPDX-License-Identifier: Apache-2.0
"""The lines to paste that answer a finding, for people who would rather not look up a format."""

from __future__ import annotations

from policyctl.core.judge.findings import Finding, Severity, Verdict

CLASS_TOO_LOW, LEAD_TIME, NO_SUMMARY, UNDECLARED = "PC211", "PC212", "PC213", "PC201"


def paste_of(finding: Finding, verdict: Verdict | None) -> str:
    """Lines for the front matter or for practices.yaml; empty where the text itself must change."""
    if finding.waived:
        return ""
    if finding.rule == CLASS_TOO_LOW and verdict is not None:
        return f"change:\n  class: {verdict.change_class.value}"
    if finding.rule == NO_SUMMARY:
        return "change:\n  summary: |\n    What changes for the reader, in plain words."
    if finding.rule == UNDECLARED:
        return _practice(finding)
    if finding.severity is Severity.ERROR and not finding.forced and finding.rule != LEAD_TIME:
        return _waiver(finding)
    return ""


def _practice(finding: Finding) -> str:
    """A row for practices.yaml; the capitals are to be replaced."""
    return (
        f"- id: NAME-OF-THE-PRACTICE\n  clause: {finding.clause or 'CLAUSE-ID'}\n  data: [DATA-CATEGORY]\n"
        "  purpose: PURPOSE\n  recipients: []"
    )


def _waiver(finding: Finding) -> str:
    clause = f", clause: {finding.clause}" if finding.clause else ""
    return (
        f"change:\n  waivers:\n    - {{rule: {finding.rule}{clause}, reason: WHY, approved_by: WHO, "
        "expires: YYYY-MM-DD}"
    )
