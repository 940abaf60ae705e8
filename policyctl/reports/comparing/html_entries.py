# SPDX-License-Identifier: Apache-2.0
"""A revision as the parts of a page: clauses with their redline, folds of those that stayed as they
were, and the places that moved clauses left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from policyctl.core.policy import Clause
from policyctl.core.revision import BlockChange, ClauseChange, Kind, Op, Revision, Run
from policyctl.reports.comparing.comparison import (
    Words,
    headline,
    is_changed,
    name_of,
    reshaped,
    says_something,
    slice_of,
    sorted_kinds,
    visible_runs,
    words_of_clause,
)
from policyctl.reports.words import KIND_WORDS, counted, mark_space, one_line, shown


@dataclass(frozen=True, slots=True)
class Part:
    """A run as it is shown: ``=``, ``-`` or ``+``, and its text with hidden characters written out."""

    op: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """One block of the redline; ``whole``: all of it was deleted (``-``) or inserted (``+``). ``reshaped`` is
    the kind that ``shape`` says in English.
    """

    parts: tuple[Part, ...]
    moved: bool = False
    whole: str = ""
    shape: str = ""
    """In a word, how its paragraphs were divided or joined."""
    reshaped: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """Blocks between two changes, or before the first or after the last, behind one line."""

    summary: str
    kept: tuple[ShownBlock, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """One end of a move: a sign, words, and a link to the other end."""

    sign: str
    text: str
    target: str
    link: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One clause link on the page. ``title`` is its heading with what changed in it, ``kinds`` what ``label``
    says in English.
    """

    anchor: str
    heading: str
    title: tuple[Part, ...]
    label: str
    words: Words
    old_lines: str
    new_lines: str
    blocks: tuple[ShownBlock | Kept, ...]
    moves: tuple[Move, ...] = ()
    kinds: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """Neighbours in which no word changed, behind one line."""

    summary: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """The place a moved clause left."""

    anchor: str
    heading: str
    move: Move


Flow = tuple[Entry | Fold | Left, ...]

_WORTH_A_FOLD = 2
_PARAGRAPHS = re.compile(r"(?:[ \t]*\r?\n){2,}")
_BEFORE_HEADING = re.compile(r"\A\s*#{1,6}[ \t]*")
_BEHIND_HEADING = re.compile(r"[ \t]*(?:\{#[^}\s]*\})?\s*\Z")


def flow_of(revision: Revision) -> Flow:
    """The links in order, each followed by the places that moved clauses left there."""
    flow: list[Entry | Fold | Left] = []
    for quiet, group in groupby(_woven(revision), key=lambda item: item[0]):
        items = [item for _, item in group]
        if quiet:
            entries = tuple(item for item in items if isinstance(item, Entry))
            flow.append(Fold(f"{counted(len(entries), 'clause')} without a change of words", entries))
        else:
            flow += items
    return tuple(flow)


def parts_of(runs: Sequence[Run]) -> tuple[Part, ...]:
    """Runs without the empty lines that open and close a block."""
    parts = [Part(run.op.value, _text(run)) for run in runs]
    if parts and parts[0].op == Op.EQUAL.value:
        parts[0] = Part(parts[0].op, parts[0].text.lstrip("\n"))
    if parts:
        parts[-1] = Part(parts[-1].op, parts[-1].text.rstrip("\n"))
    return tuple(part for part in parts if part.text)


def _woven(revision: Revision) -> Iterator[tuple[bool, Entry | Left]]:
    """With each whether it is quiet."""
    left = _places_left(revision)
    yield from ((False, place) for place in left.get(None, ()))
    for change in revision.clauses:
        yield not says_something(change), _entry(revision, change)
        for clause in change.old:
            yield from ((False, place) for place in left.get(clause.id, ()))


def _places_left(revision: Revision) -> dict[str | None, list[Left]]:
    """By the id of the old clause that stayed and stood before it: what moved away from there."""
    moved = {clause.id: change for change in revision.clauses if _moved(change) for clause in change.old}
    present = {clause.id for change in revision.clauses for clause in change.old}
    places: dict[str | None, list[Left]] = {}
    before: str | None = None
    for clause in revision.old.clauses:
        if clause.id in moved:
            places.setdefault(before, []).append(_place_left(clause, moved[clause.id]))
        elif clause.id in present:
            before = clause.id
    return places


def _moved(change: ClauseChange) -> bool:
    return Kind.MOVED in change.kinds and bool(change.old) and bool(change.new)


def _place_left(clause: Clause, change: ClauseChange) -> Left:
    where = f"line {change.new[0].line} of the new text"
    return Left(f"left-{clause.id}", one_line(name_of(clause)), Move("→", "moved to", _anchor(change), where))


def _entry(revision: Revision, change: ClauseChange) -> Entry:
    title = _title(change)
    heading = one_line(headline(change))
    moves = (Move("←", "moved from", f"left-{c.id}", f"line {c.line} of the old text") for c in change.old)
    return Entry(
        anchor=_anchor(change),
        heading=heading,
        title=title or (Part(Op.EQUAL.value, heading),),
        label=", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change)),
        words=words_of_clause(revision, change),
        old_lines=_lines(change.old),
        new_lines=_lines(change.new),
        blocks=_folded(
            [
                shown
                for block in change.blocks
                for shown in _shown(revision, change, block, titled=bool(title))
            ]
        ),
        moves=tuple(moves) if _moved(change) else (),
        kinds=sorted_kinds(change),
    )


def _title(change: ClauseChange) -> tuple[Part, ...]:
    """The heading with what changed in it, without its marks; nothing where that cannot be shown."""
    if not (change.old and change.new):
        op = Op.INSERT if change.new else Op.DELETE
        if not all(clause.level and clause.heading for clause in (*change.old, *change.new)):
            return ()
        return (Part(op.value, one_line(headline(change))),)
    headings = [block for block in change.blocks if _opened(change, block) and _is_redline(block)]
    if len(headings) != 1:
        return ()
    texts = [(run.op, run.text) for run in headings[0].runs]
    for side in (Op.DELETE, Op.INSERT):
        own = [at for at, (op, _) in enumerate(texts) if op in {Op.EQUAL, side}]
        for at, marks in ((own[0], _BEFORE_HEADING), (own[-1], _BEHIND_HEADING)) if own else ():
            texts[at] = (texts[at][0], marks.sub("", texts[at][1]))
    if any("\n" in text or "{#" in text for _, text in texts):
        return ()
    return parts_of([Run(op, text.replace("**", "")) for op, text in texts])


def _anchor(change: ClauseChange) -> str:
    return f"clause-{change.new[0].id}" if change.new else f"removed-{change.old[0].id}"


def _lines(clauses: Sequence[Clause]) -> str:
    return ", ".join(
        str(clause.line) if clause.line == clause.end_line else f"{clause.line}-{clause.end_line}"
        for clause in clauses
    )


def _opened(change: ClauseChange, block: BlockChange) -> Clause | None:
    """The clause whose heading stands at the beginning of the block."""
    sides = ((block.new, change.new), (block.old, change.old))
    return next(
        (
            clause
            for span, clauses in sides
            for clause in clauses
            if span is not None and clause.level and clause.line == span.line
        ),
        None,
    )


def _is_redline(block: BlockChange) -> bool:
    """True when both sides have it and its words differ."""
    return block.old is not None and block.new is not None and is_changed(block)


def _shown(
    revision: Revision, change: ClauseChange, block: BlockChange, *, titled: bool
) -> Iterator[ShownBlock]:
    """The block a paragraph at a time, without the heading that stands above already."""
    clause = _opened(change, block)
    if _is_redline(block):
        if clause is None or not titled:
            shape = reshaped(change, block)
            said = KIND_WORDS[shape] if shape else ""
            parts = parts_of(visible_runs(revision, block))
            yield ShownBlock(parts, block.moved, shape=said, reshaped=shape or "")
        return
    document, span = (revision.new, block.new) if block.new else (revision.old, block.old)
    op = Op.EQUAL if block.old and block.new else Op.INSERT if block.new else Op.DELETE
    text = slice_of(document.text, span)
    if clause is not None and span is not None and (titled or op is Op.EQUAL):
        text = text[clause.blocks[0].end - span.start :]
    for paragraph in _PARAGRAPHS.split(text):
        if paragraph.strip():
            whole = "" if op is Op.EQUAL else op.value
            yield ShownBlock(parts_of([Run(op, paragraph)]), block.moved, whole)


def _folded(blocks: Sequence[ShownBlock]) -> tuple[ShownBlock | Kept, ...]:
    """Where something changed, what is far from it goes behind a line; its neighbours stay."""
    near = [_is_loud(block) for block in blocks]
    if not any(near):
        return tuple(blocks)
    beside = [any(near[max(0, at - 1) : at + 2]) for at in range(len(blocks))]
    found: list[ShownBlock | Kept] = []
    for shown_here, group in groupby(zip(beside, blocks, strict=True), key=lambda pair: pair[0]):
        kept = tuple(block for _, block in group)
        if shown_here or len(kept) < _WORTH_A_FOLD:
            found += kept
        else:
            found.append(Kept(f"{counted(len(kept), 'paragraph')} unchanged", kept))
    return tuple(found)


def _is_loud(block: ShownBlock) -> bool:
    return block.moved or any(part.op != Op.EQUAL.value for part in block.parts)


def _text(run: Run) -> str:
    return shown(run.text if run.op is Op.EQUAL else mark_space(run.text))
