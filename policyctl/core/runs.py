# SPDX-License-Identifier: Apache-2.0
"""Runs of commands that a timer starts, or that stay up: when, and what came of them. No word of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class RunOutcome(StrEnum):
    """What came of a run. ``open``: it is still at work, or was ended by force."""

    OPEN = ""
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command. ``counts``: what it did, in numbers; empty while it is open."""

    command: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: RunOutcome = RunOutcome.OPEN
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LastRuns:
    """Of one command the newest run, and the newest that was done; None where none was."""

    command: str
    newest: Run
    done: Run | None = None
