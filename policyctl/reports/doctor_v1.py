# SPDX-License-Identifier: Apache-2.0
"""``policyctl.doctor/1``: what was looked at in the set-up, what was seen, how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import one_line

SCHEMA = "policyctl.doctor/1"


class Looked(Protocol):
    """One thing that was looked at; ``state`` is ok, warning or error."""

    @property
    def name(self) -> str:
        """What was looked at."""
        ...

    @property
    def state(self) -> str:
        """How it is: ok, warning or error."""
        ...

    @property
    def seen(self) -> str:
        """What was seen."""
        ...

    @property
    def mend(self) -> str:
        """What to do; empty where nothing is to be done."""
        ...


def doctor_json(checks: Sequence[Looked]) -> Json:
    """The examination as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "checks": [{"name": c.name, "state": c.state, "seen": c.seen, "mend": c.mend} for c in checks],
    }


def doctor_text(checks: Sequence[Looked]) -> str:
    """The examination for a person."""
    lines: list[str] = []
    for check in checks:
        lines.append(f"{check.state:<8}{one_line(check.name)}: {one_line(check.seen)}")
        if check.mend:
            lines.append(f"        mend: {one_line(check.mend)}")
    return "\n".join(lines) + "\n"
