# SPDX-License-Identifier: Apache-2.0
"""The changed clauses of a mail: headings, labels in words, redlines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policyctl.core.notices.notice import ClausePart
from policyctl.core.revision import Kind, Op, Run
from policyctl.reports.mails.scene import readable
from policyctl.reports.phrases import Phrases
from policyctl.reports.words import one_line

GAP = "[...]"
"""Stands for words that did not change, where a mail has no room for them."""


@dataclass(frozen=True, slots=True)
class BlockView:
    """One changed block: a label in words, its runs, and the old and the new wording."""

    label: str
    runs: tuple[Run, ...]
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One changed clause."""

    heading: str
    label: str
    was: str
    blocks: tuple[BlockView, ...]
    material: bool


def change_view(say: Phrases, part: ClausePart, *, beside: int | None = None) -> ChangeView:
    """One changed clause as the reader sees it.

    ``beside``: how many characters of unchanged words stay on each side of a change, None for all.
    What was added or removed is never shortened.
    """
    blocks = (_without_heading(runs, part.heading) for runs in part.blocks)
    return ChangeView(
        heading=one_line(readable(part.heading)) or say("opening"),
        label=", ".join(say(f"kind.{kind}") for kind in part.kinds if kind is not Kind.UNCHANGED),
        was=say("change.was", was=one_line(readable(part.was))) if part.was else "",
        blocks=tuple(
            _block(say, _shortened(runs, beside) if beside is not None else runs)
            for runs in blocks
            if any(run.text.strip() for run in runs)
        ),
        material=part.material,
    )


def _without_heading(runs: tuple[Run, ...], heading: str) -> tuple[Run, ...]:
    """A block that came or went whole, without the heading that stands above it already."""
    if len(runs) != 1 or not heading:
        return runs
    first, _, rest = runs[0].text.lstrip().partition("\n")
    return (Run(runs[0].op, rest),) if readable(first).strip() == readable(heading).strip() else runs


def _shortened(runs: tuple[Run, ...], beside: int) -> tuple[Run, ...]:
    """The runs with a gap in every long stretch that did not change; no word is cut in two."""
    last = len(runs) - 1
    return tuple(
        Run(run.op, _with_gap(run.text, beside if number else 0, beside if number < last else 0))
        if run.op is Op.EQUAL
        else run
        for number, run in enumerate(runs)
    )


def _with_gap(text: str, before: int, after: int) -> str:
    if len(text) <= before + after + 2 * len(GAP):
        return text
    head = text[: before + 1].rpartition(" ")[0] if before else ""
    tail = text[len(text) - after - 1 :].partition(" ")[2] if after else ""
    return f"{head} {GAP} {tail}".removeprefix(" ") if after else f"{head} {GAP}"


def _block(say: Phrases, runs: tuple[Run, ...]) -> BlockView:
    ops = {run.op for run in runs if run.text.strip()}
    word = {frozenset({Op.INSERT}): "added", frozenset({Op.DELETE}): "removed"}.get(frozenset(ops), "changed")
    return BlockView(
        label=say(f"block.{word}"),
        runs=_trimmed(tuple(_spaced(runs))),
        old=_wording(runs, Op.DELETE),
        new=_wording(runs, Op.INSERT),
    )


def _trimmed(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """The runs without the empty lines around a block."""
    if not runs:
        return ()
    runs = (Run(runs[0].op, runs[0].text.lstrip("\r\n")), *runs[1:])
    return (*runs[:-1], Run(runs[-1].op, runs[-1].text.rstrip()))


def _wording(runs: tuple[Run, ...], side: Op) -> str:
    return readable("".join(run.text for run in runs if run.op in {Op.EQUAL, side})).strip()


def _spaced(runs: tuple[Run, ...]) -> Iterator[Run]:
    """The runs as shown, with a space where a deletion meets an insertion: copied out of a mail
    without its marks the two would else be one word.
    """
    before = None
    for run in runs:
        text = readable(run.text)
        changed = run.op is not Op.EQUAL
        if before is not None and changed and before.op is not Op.EQUAL and not _parted(before.text, text):
            yield Run(Op.EQUAL, " ")
        before = Run(run.op, text)
        yield before


def _parted(left: str, right: str) -> bool:
    return left[-1:].isspace() or right[:1].isspace()
