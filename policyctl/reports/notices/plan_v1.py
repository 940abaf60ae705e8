# SPDX-License-Identifier: Apache-2.0
"""``policyctl.plan/1``: what publishing would do, before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from policyctl.core.judge.findings import ChangeAsked, Finding
from policyctl.core.notices.reach import Groups, Timing
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.reports.comparing.json_v1 import Json, finding_json
from policyctl.reports.notices.reach import reach_json, reach_lines, timing_json, timing_line
from policyctl.reports.words import counted, day, one_line

SCHEMA = "policyctl.plan/1"


@dataclass(frozen=True, slots=True)
class Audience:
    """A notice and how many addressees it would go to, and why; no names, no addresses. ``categories``: the
    data that the change touches, none named for all.
    """

    notice: str
    audience: str
    addressees: int
    categories: tuple[str, ...] = ()
    groups: Groups = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """``blocking``: findings that stop the publication; ``files``: what would be written; ``timing``: whether
    its notices would be in time, None where there is none.
    """

    version: VersionKey
    title: str
    change_class: ChangeClass | None
    published: date
    effective: date | None
    commit: str
    findings: tuple[Finding, ...]
    blocking: int
    asked: tuple[ChangeAsked, ...]
    audiences: tuple[Audience, ...]
    files: tuple[str, ...]
    timing: Timing | None = None


def plan_json(plan: Plan) -> Json:
    """The plan as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "version": str(plan.version),
        "title": plan.title,
        "class": plan.change_class.value if plan.change_class else None,
        "published": plan.published.isoformat(),
        "effective": plan.effective.isoformat() if plan.effective else None,
        "commit": plan.commit,
        "blocking": plan.blocking,
        "findings": [finding_json(finding) for finding in plan.findings],
        "asked": [_asked(change) for change in plan.asked],
        "timing": timing_json(plan.timing),
        "audiences": [
            {
                "notice": a.notice,
                "audience": a.audience,
                "addressees": a.addressees,
                "categories": list(a.categories),
                "groups": reach_json(a.groups),
            }
            for a in plan.audiences
        ],
        "files": list(plan.files),
    }


def plan_text(plan: Plan, *, width: int, colour: bool) -> str:
    """The plan for a person."""
    from policyctl.reports.comparing.terminal import render_findings

    lines = [f"{plan.version}: {one_line(plan.title)}", *_dates(plan), *_told(plan.audiences)]
    lines += [_question(change) for change in plan.asked]
    lines += [f"  writes {one_line(path)}" for path in plan.files]
    findings = render_findings(plan.findings, width=width, colour=colour) if plan.findings else ""
    end = f"blocked by {counted(plan.blocking, 'finding')}" if plan.blocking else "nothing stands in the way"
    return "\n".join(lines) + "\n" + findings + f"{end}; nothing was done (--plan)\n"


def _dates(plan: Plan) -> list[str]:
    effective = f"effective {day(plan.effective)}" if plan.effective else "no effective date yet"
    lines = [f"  published {day(plan.published)}, {effective}"]
    lines += [f"  notices: {timing_line(plan.timing)}"] if plan.timing else []
    return [*lines, f"  {_class(plan)}, commit {plan.commit[:12]}"]


def _class(plan: Plan) -> str:
    if plan.change_class:
        return f"class {plan.change_class.value}"
    return "first version" if plan.version.number == 1 else "class not decided yet"


def _told(audiences: Sequence[Audience]) -> list[str]:
    lines = []
    for told in audiences:
        lines.append(f"  {told.notice} notice to {counted(told.addressees, told.audience.rstrip('s'))}")
        lines += [f"    {line}" for line in reach_lines(told.groups, told.categories)]
    return lines or ["  no notice"]


def _question(change: ChangeAsked) -> str:
    data = ", ".join(change.categories)
    return f"  asks {change.mode.value} for {change.name}: {data} for {change.purpose}"


def _asked(change: ChangeAsked) -> Json:
    return {
        "change": change.name,
        "practice": change.practice,
        "data": list(change.categories),
        "purpose": change.purpose,
        "recipients": list(change.recipients),
        "mode": change.mode.value,
    }
