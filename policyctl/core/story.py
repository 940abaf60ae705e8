# SPDX-License-Identifier: Apache-2.0
"""What the demo did, as a value: chapters with what happened, what to open, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from policyctl.core.use.decision import Decision


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Something to open: what it is, in a few words, and its path from the demo's folder."""

    what: str
    path: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question that was asked about a person's data, and the answer to it."""

    text: str
    asked: date
    decision: Decision


@dataclass(frozen=True, slots=True)
class Chapter:
    """One step of the story: its day, what happened in plain sentences, what to open."""

    day: date
    title: str
    told: tuple[str, ...]
    exhibits: tuple[Exhibit, ...] = ()


@dataclass(frozen=True, slots=True)
class DemoStory:
    """The whole story. ``folder`` is where it took place, as the user named it."""

    folder: str
    chapters: tuple[Chapter, ...]
    questions: tuple[Question, ...]
