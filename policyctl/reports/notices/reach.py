# SPDX-License-Identifier: Apache-2.0
"""Why a notice reaches whom it reaches, and whether it is in time: for a person and for a machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policyctl.core.notices.reach import HELD, Groups, Reason, Timing
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import counted, day

_WHY = {
    Reason.ADMINISTRATOR: ("customer", "every customer's administrator gets a copy of a revised policy"),
    Reason.NO_ADMINISTRATOR: (
        "customer",
        "held: no administrator's address is on record: policyctl customers import",
    ),
    Reason.DATA: ("person", "data that the change touches was collected under an older version"),
    Reason.BOUND: ("person", "bound by an older version, without data here"),
    Reason.NO_ADDRESS: ("person", "held: reached by the change, and no address is on record"),
}
_PEOPLE = {"person": "people"}


def reach_json(groups: Groups) -> list[Json]:
    """The groups that anybody is in, each with its reason."""
    return [
        {"reason": reason.value, "count": count, "held": reason in HELD, "why": _WHY[reason][1]}
        for reason, count in groups.items()
        if count
    ]


def reach_lines(groups: Groups, categories: Sequence[str]) -> Iterator[str]:
    """The same, a line each; ``categories``: the data that the change touches, none named for all."""
    for reason, count in groups.items():
        if count:
            noun, why = _WHY[reason]
            number = f"{count:,} {_PEOPLE.get(noun, noun + 's') if count != 1 else noun}"
            of = f" ({', '.join(categories)})" if reason is Reason.DATA and categories else ""
            yield f"{number}: {why}{of}"


def timing_json(timing: Timing | None) -> Json | None:
    """Lead time and lateness; None where there is no effective date yet."""
    if timing is None:
        return None
    return {
        "leaves": timing.leaves.isoformat(),
        "effective": timing.effective.isoformat(),
        "lead_days": timing.lead_days,
        "late_days": timing.late_days,
    }


def timing_line(timing: Timing) -> str:
    """Whether it is in time."""
    late = f"LATE by {counted(timing.late_days, 'day')}" if timing.late_days else "in time"
    return f"{late}: to leave by {day(timing.due)}, {counted(timing.lead_days, 'day')} before"
