# SPDX-License-Identifier: Apache-2.0
"""A comparison as one page that stands alone: no script, nothing remote, readable without colour.

``<ins>`` and ``<del>`` carry a sign and words for a screen reader; a moved clause and the place it
left are linked both ways. Policy text goes in as text: it is escaped, never rendered.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from policyctl.core.policy import Clause
from policyctl.core.revision import BlockChange, ClauseChange, Kind, Op, Revision, Run
from policyctl.reports.comparison import (
    Comparison,
    headline,
    is_changed,
    name_of,
    says_something,
    shown_only,
    sorted_kinds,
    statistics,
    visible_runs,
)
from policyctl.reports.words import KIND_WORDS, day, html_without_commands, mark_space, one_line, shown


@dataclass(frozen=True, slots=True)
class Part:
    """A run as it is shown: ``=``, ``-`` or ``+``, and its text with hidden characters written out."""

    op: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """One block of the redline."""

    parts: tuple[Part, ...]
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One end of a move: a sign, words, and a link to the other end."""

    sign: str
    text: str
    target: str
    link: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One clause link on the page, or the place that a moved clause left."""

    anchor: str
    heading: str
    label: str
    old_lines: str
    new_lines: str
    quiet: bool
    blocks: tuple[ShownBlock, ...]
    moves: tuple[Move, ...] = ()


def render_html(comparison: Comparison, *, title: str = "What changed") -> str:
    """The standalone page."""
    return html_without_commands(render("report.html.j2", title=title, view=redline_view(comparison)))


def render(template: str, **values: Any) -> str:
    """Fill one of our templates; everything that is not ``Markup`` is escaped."""
    style = _environment().get_template("style.css.j2").render()
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # Our own constant text, which has no "</"; escaping it would break its hash.
    return (
        _environment()
        .get_template(template)
        .render(style=Markup(style), style_hash=f"sha256-{digest}", **values)  # noqa: S704
    )


def redline_view(comparison: Comparison) -> dict[str, Any]:
    """What the redline macros need, ready to print."""
    revision, judgement = comparison.revision, comparison.judgement
    entries = tuple(_entries(revision))
    counts = statistics(revision)
    return {
        "old": comparison.old,
        "new": comparison.new,
        "only": shown_only(comparison),
        "verdict": judgement.verdict,
        "findings": judgement.findings,
        "practices": revision.practices,
        "front": _front(revision),
        "entries": entries,
        "loud": [entry for entry in entries if not entry.quiet and (entry.old_lines or entry.new_lines)],
        "counts": counts,
        "kinds": [(KIND_WORDS[kind], number) for kind, number in counts.kinds],
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("policyctl.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["written"] = lambda text: shown(str(text))
    environment.filters["day"] = day
    return environment


def _entries(revision: Revision) -> Iterator[Entry]:
    """The links in order, each followed by the places that moved clauses left there."""
    left = _places_left(revision)
    yield from left.get(None, ())
    for change in revision.clauses:
        yield _entry(revision, change)
        for clause in change.old:
            yield from left.get(clause.id, ())


def _places_left(revision: Revision) -> dict[str | None, list[Entry]]:
    """By the id of the old clause that stayed and stood before it: what moved away from there."""
    moved = {clause.id: change for change in revision.clauses if _moved(change) for clause in change.old}
    present = {clause.id for change in revision.clauses for clause in change.old}
    places: dict[str | None, list[Entry]] = {}
    before: str | None = None
    for clause in revision.old.clauses:
        if clause.id in moved:
            places.setdefault(before, []).append(_place_left(clause, moved[clause.id]))
        elif clause.id in present:
            before = clause.id
    return places


def _moved(change: ClauseChange) -> bool:
    return Kind.MOVED in change.kinds and bool(change.old) and bool(change.new)


def _place_left(clause: Clause, change: ClauseChange) -> Entry:
    heading = one_line(name_of(clause))
    move = Move("→", "moved to", _anchor(change), one_line(headline(change)))
    return Entry(f"left-{clause.id}", heading, "moved away", "", "", quiet=False, blocks=(), moves=(move,))


def _entry(revision: Revision, change: ClauseChange) -> Entry:
    entry = Entry(
        _anchor(change),
        one_line(headline(change)),
        ", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change)),
        _lines(change.old),
        _lines(change.new),
        quiet=not says_something(change),
        blocks=tuple(_shown(revision, block) for block in change.blocks if not _is_heading(change, block)),
    )
    if not _moved(change):
        return entry
    moves = (Move("←", "moved from", f"left-{c.id}", f"where it stood (line {c.line})") for c in change.old)
    return replace(entry, moves=tuple(moves))


def _anchor(change: ClauseChange) -> str:
    return f"clause-{change.new[0].id}" if change.new else f"removed-{change.old[0].id}"


def _lines(clauses: Sequence[Clause]) -> str:
    return ", ".join(f"{clause.line}-{clause.end_line}" for clause in clauses)


def _is_heading(change: ClauseChange, block: BlockChange) -> bool:
    """The heading stands above the blocks already, unless it is itself what changed."""
    if is_changed(block) or block.new is None:
        return False
    return any(clause.level and clause.line == block.new.line for clause in change.new)


def _shown(revision: Revision, block: BlockChange) -> ShownBlock:
    runs = visible_runs(revision, block)
    if block.cosmetic and block.new is not None:
        runs = (Run(Op.EQUAL, revision.new.text[block.new.start : block.new.end]),)
    return ShownBlock(_parts(runs), block.moved)


def _front(revision: Revision) -> tuple[Part, ...]:
    if all(run.op is Op.EQUAL for run in revision.front):
        return ()
    return _parts(revision.front)


def _parts(runs: Sequence[Run]) -> tuple[Part, ...]:
    """Runs without the empty lines that open and close a block."""
    parts = [Part(run.op.value, _text(run)) for run in runs]
    if parts and parts[0].op == Op.EQUAL.value:
        parts[0] = Part(parts[0].op, parts[0].text.lstrip("\n"))
    if parts:
        parts[-1] = Part(parts[-1].op, parts[-1].text.rstrip("\n"))
    return tuple(part for part in parts if part.text)


def _text(run: Run) -> str:
    return shown(run.text if run.op is Op.EQUAL else mark_space(run.text))
