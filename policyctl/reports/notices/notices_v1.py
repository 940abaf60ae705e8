# SPDX-License-Identifier: Apache-2.0
"""``policyctl.notices/1``: the notices that would be sent, to how many and why; no names, no addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.reach import Groups, Timing
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.notices.reach import reach_json, reach_lines, timing_json, timing_line
from policyctl.reports.words import counted, day, one_line

SCHEMA = "policyctl.notices/1"


class PlannedKind(Protocol):
    """One kind of notice about one version."""

    @property
    def version(self) -> VersionKey:
        """About what."""
        ...

    @property
    def kind(self) -> NoticeKind:
        """Of which kind."""
        ...

    @property
    def title(self) -> str:
        """The title of the policy."""
        ...

    @property
    def change_class(self) -> ChangeClass:
        """Legal's decision."""
        ...

    @property
    def timing(self) -> Timing:
        """Whether it is in time, if it leaves now."""
        ...

    @property
    def states(self) -> Mapping[str, int]:
        """Addressees by how they stand."""
        ...

    @property
    def to_send(self) -> int:
        """Addressees whose mail is not handed over yet."""
        ...

    @property
    def newcomers(self) -> int:
        """Addressees who came since it was published."""
        ...

    @property
    def categories(self) -> Sequence[str]:
        """The data that the change touches; none named: any."""
        ...

    @property
    def groups(self) -> Groups:
        """Why it reaches whom it reaches."""
        ...

    @property
    def withheld(self) -> str:
        """Why it must not be sent as it is; empty when it may."""
        ...


def notices_json(plans: Sequence[PlannedKind]) -> Json:
    """The plans as plain dicts and lists."""
    return {"schema": SCHEMA, "notices": [_json(plan) for plan in plans]}


def _json(plan: PlannedKind) -> Json:
    return {
        "version": str(plan.version),
        "notice": plan.kind.value,
        "title": plan.title,
        "class": plan.change_class.value,
        "timing": timing_json(plan.timing),
        "states": [{"state": state, "count": count} for state, count in plan.states.items()],
        "to_send": plan.to_send,
        "newcomers": plan.newcomers,
        "categories": list(plan.categories),
        "groups": reach_json(plan.groups),
        "withheld": plan.withheld,
    }


def notices_text(plans: Sequence[PlannedKind]) -> str:
    """The plans for a person."""
    lines = [line for plan in plans for line in _lines(plan)] or ["no notice is to be sent"]
    return "\n".join([*lines, "nothing was done (--plan)"]) + "\n"


def _lines(plan: PlannedKind) -> list[str]:
    effective = f"class {plan.change_class.value}, effective {day(plan.timing.effective)}"
    stands = ", ".join(f"{count:,} {state}" for state, count in plan.states.items())
    lines = [
        f"{plan.version} {plan.kind.value} notice: {one_line(plan.title)}",
        f"  {effective}; {timing_line(plan.timing)}",
        f"  {plan.to_send:,} to send" + (f" (all addressees: {stands})" if stands else ""),
    ]
    if plan.newcomers:
        lines.append(f"  and {counted(plan.newcomers, 'addressee')} who came since it was published")
    lines += [f"    {line}" for line in reach_lines(plan.groups, plan.categories)]
    return [*lines, f"  WITHHELD: {one_line(plan.withheld)}"] if plan.withheld else lines
