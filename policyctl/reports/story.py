# SPDX-License-Identifier: Apache-2.0
"""The demo's story for a reader: what happened, what to open, what was asked and answered."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from policyctl.core.story import Chapter, DemoStory, Question
from policyctl.reports.words import one_line


def story_text(story: DemoStory, *, width: int = 80) -> str:
    """The story in one screen or two."""
    width = max(40, min(100, width))
    lines: list[str] = []
    for number, chapter in enumerate(story.chapters, start=1):
        lines += [*_chapter(number, chapter, width), ""]
    lines += ["May this be used?", ""]
    for question in story.questions:
        lines += [*_question(question, width), ""]
    lines.append(f"All of it lies in {one_line(story.folder)}; paths above start there.")
    return "\n".join(lines) + "\n"


def _chapter(number: int, chapter: Chapter, width: int) -> Iterator[str]:
    yield f"{number}. {chapter.title} ({chapter.day.isoformat()})"
    for sentence in chapter.told:
        yield from wrap(
            sentence, width, break_on_hyphens=False, initial_indent="   ", subsequent_indent="   "
        )
    for exhibit in chapter.exhibits:
        yield f"   -> {one_line(exhibit.path)}  {one_line(exhibit.what)}"


def _question(question: Question, width: int) -> Iterator[str]:
    decision = question.decision
    yield f"  {decision.answer.value.upper():<10} {question.text} ({question.asked.isoformat()})"
    reason = decision.reasons[-1].text if decision.reasons else ""
    if reason:
        yield from wrap(
            f"because {reason}",
            width,
            break_on_hyphens=False,
            initial_indent=" " * 13,
            subsequent_indent=" " * 13,
        )
    for item in decision.missing[:1]:
        yield from wrap(
            f"missing: {item}",
            width,
            break_on_hyphens=False,
            initial_indent=" " * 13,
            subsequent_indent=" " * 13,
        )
