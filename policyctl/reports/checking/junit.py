# SPDX-License-Identifier: Apache-2.0
"""A check as JUnit XML: a suite for each policy, a case for each finding.

``failure``: a finding from ``--fail-on`` upwards. ``error``: could not be compared. A finding below that is
a passing case with its words in ``system-out``, a waived one is ``skipped``. A suite is never empty.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from policyctl.core.judge.findings import Finding, Severity
from policyctl.errors import PolicyctlError
from policyctl.reports.checking.checked import LEVELS, STATE_WORDS, Checked, Report, spot_of, spot_of_error
from policyctl.reports.checking.text import excerpt, shown_spot, summary_of
from policyctl.reports.words import one_line


def check_junit(report: Report) -> str:
    """The report as XML text."""
    root = Element("testsuites", name="policyctl check")
    if report.errors:
        suite = SubElement(root, "testsuite", name="policyctl")
        for error in report.errors:
            _error(suite, None, error)
    for policy in report.policies:
        _suite(root, policy, report.fail_on)
    for suite in root:
        _count(suite)
    _count(root)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, policy: Checked, fail_on: str) -> None:
    suite = SubElement(root, "testsuite", name=one_line(policy.slug))
    for error in policy.errors:
        _error(suite, policy, error)
    if policy.errors:
        return
    case = SubElement(suite, "testcase", classname=one_line(policy.slug), name="compared")
    SubElement(case, "system-out").text = summary_of(policy)
    if policy.removed and fail_on != "never":
        SubElement(case, "failure", message=STATE_WORDS[policy.state], type="policy-removed")
    for finding in policy.findings:
        _finding(suite, policy, finding, fails=not finding.waived and _counts(finding.severity, fail_on))


def _counts(severity: Severity, fail_on: str) -> bool:
    names = [level.value for level in LEVELS]
    return fail_on in names and names.index(severity.value) <= names.index(fail_on)


def _finding(suite: Element, policy: Checked, finding: Finding, *, fails: bool) -> None:
    name = one_line(f"{finding.rule} {finding.name} {finding.fingerprint}")
    spot = spot_of(policy, finding)
    case = SubElement(suite, "testcase", classname=one_line(policy.slug), name=name, file=one_line(spot.file))
    if spot.line:
        case.set("line", str(spot.line))
    sides = (("before", finding.before), ("after", finding.after))
    lines = [one_line(finding.message), *(f"{side}: {excerpt(words)}" for side, words in sides if words)]
    lines += [one_line(finding.mend)] if finding.mend else []
    lines += [shown_spot(spot)]
    if fails:
        message, kind = one_line(finding.message), finding.severity.value
        SubElement(case, "failure", message=message, type=kind).text = "\n".join(lines)
        return
    if finding.waived:
        SubElement(case, "skipped", message="waived on record")
    SubElement(case, "system-out").text = "\n".join(lines)


def _error(suite: Element, policy: Checked | None, error: PolicyctlError) -> None:
    spot = spot_of_error(policy, error)
    case = SubElement(suite, "testcase", classname=suite.get("name", ""), name="compared")
    message = f"could not be compared: {one_line(str(error))}"
    body = "\n".join(filter(None, (message, one_line(error.hint), shown_spot(spot))))
    SubElement(case, "error", message=message, type="could-not-compare").text = body


def _count(element: Element) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for kind in ("failure", "error", "skipped"):
        number = sum(case.find(kind) is not None for case in cases)
        element.set({"failure": "failures", "error": "errors", "skipped": "skipped"}[kind], str(number))
