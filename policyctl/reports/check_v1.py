# SPDX-License-Identifier: Apache-2.0
"""``policyctl.check/1``: what checking the policies of a work tree found, for machines and for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from policyctl.core.judge.findings import Finding
from policyctl.errors import PolicyctlError
from policyctl.reports.comparison import Comparison
from policyctl.reports.json_v1 import Json, finding_json, verdict_json
from policyctl.reports.words import counted, one_line

SCHEMA = "policyctl.check/1"


class CheckedPolicy(Protocol):
    """One policy that was checked; ``errors`` kept us from looking."""

    @property
    def slug(self) -> str:
        """Which policy."""
        ...

    @property
    def base(self) -> str | None:
        """What it was compared with; None for one that was never published."""
        ...

    @property
    def comparison(self) -> Comparison | None:
        """None where there was nothing to compare with."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """All of them, waived ones included."""
        ...

    @property
    def errors(self) -> Sequence[PolicyctlError]:
        """Complaints about its files."""
        ...


def check_json(checked: Sequence[CheckedPolicy], *, fail_on: str, exit_code: int) -> Json:
    """The check as plain dicts and lists; ``exit_code`` is the one the command leaves by."""
    return {
        "schema": SCHEMA,
        "fail_on": fail_on,
        "exit_code": exit_code,
        "policies": [_policy(policy) for policy in checked],
    }


def check_text(checked: Sequence[CheckedPolicy], *, width: int, colour: bool) -> str:
    """The check for a person: message first in plain words, rule and place last."""
    return "".join(_shown(policy, width=width, colour=colour) for policy in checked)


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


def _policy(policy: CheckedPolicy) -> Json:
    comparison = policy.comparison
    return {
        "policy": policy.slug,
        "base": policy.base,
        "verdict": None if comparison is None else verdict_json(comparison.judgement.verdict),
        "findings": [finding_json(finding) for finding in policy.findings],
        "errors": [error_json(error) for error in policy.errors],
    }


def _shown(policy: CheckedPolicy, *, width: int, colour: bool) -> str:
    from policyctl.reports.terminal import render_findings

    lines = [f"{policy.slug}: {_summary(policy)}\n"]
    for error in policy.errors:
        lines.append(f"  error: {one_line(str(error))}\n")
        if error.hint:
            lines.append(f"  hint: {one_line(error.hint)}\n")
    if policy.findings:
        lines.append(render_findings(policy.findings, width=width, colour=colour))
    return "".join(lines)


def _summary(policy: CheckedPolicy) -> str:
    if policy.errors:
        return f"could not be checked, {counted(len(policy.errors), 'error')}"
    base = f"compared with {policy.base}" if policy.base else "not published yet"
    if policy.comparison is None:
        return base
    verdict = policy.comparison.judgement.verdict
    material = "material" if verdict.material else "not material"
    return f"{base}: {material}, class {verdict.change_class.value} at least, {verdict.direction.value}"
