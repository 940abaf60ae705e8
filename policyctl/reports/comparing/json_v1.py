# SPDX-License-Identifier: Apache-2.0
"""``policyctl.revision/1``: a comparison as JSON, for machines (schemas/revision.schema.json).

The types of this format are its own: it does not follow when a core value grows a field.

The redline is lossless. With the old text and the JSON alone, the new text can be rebuilt
character for character, and the other way round (``rebuild_new``, ``rebuild_old``):

1. Every character of a side lies in exactly one span of that side: in ``front`` (the front matter)
   or in one block of one clause link. Spans are character offsets (Unicode code points), end exclusive.
2. A block without runs holds the same text on both sides.
3. In a block with runs, the ``=`` and ``-`` runs joined are the old span's text, the ``=`` and ``+``
   runs joined the new span's.
4. Put in order of one side's ``start`` and joined, the blocks are that side.

A comparison that was narrowed to some clauses says so (``only``: their ids) and holds these alone; from
it nothing is rebuilt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from policyctl.core.judge.findings import Finding, Verdict
from policyctl.core.policy import Clause
from policyctl.core.practice import Practice
from policyctl.core.revision import BlockChange, ClauseChange, Op, PracticeChange, Revision, Run, Span
from policyctl.errors import IntegrityError
from policyctl.reports.comparing.comparison import Comparison, Side, full_runs

SCHEMA = "policyctl.revision/1"

Json = dict[str, Any]
_Side = Literal["old", "new"]


def revision_json(comparison: Comparison) -> Json:
    """The comparison as plain dicts and lists, keys in the order a person would read them."""
    revision, judgement = comparison.revision, comparison.judgement
    return {
        "schema": SCHEMA,
        "old": side_json(comparison.old),
        "new": side_json(comparison.new),
        **({"only": list(comparison.only)} if comparison.only else {}),
        "verdict": verdict_json(judgement.verdict),
        "front": None if comparison.only else _front(revision),
        "clauses": [_link(revision, change) for change in revision.clauses],
        "practices": practices_json(revision.practices),
        "findings": [finding_json(finding) for finding in judgement.findings],
    }


def dumps(value: Json) -> str:
    """JSON text of any of our formats: indented, characters as they are, a newline at the end."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # A CI runner obeys "##[error]" anywhere in its log; in JSON these signs stand in strings only.
    return text.replace("##[", "##\\u005b")


def render_json(comparison: Comparison) -> str:
    """``policyctl.revision/1`` as text."""
    return dumps(revision_json(comparison))


def rebuild_new(old: str, revision: Mapping[str, Any]) -> str:
    """The new text, from the old text and the JSON; IntegrityError when ``old`` is not that text."""
    return _rebuild(old, revision, have="old", want="new")


def rebuild_old(new: str, revision: Mapping[str, Any]) -> str:
    """The old text, from the new text and the JSON; IntegrityError when ``new`` is not that text."""
    return _rebuild(new, revision, have="new", want="old")


def finding_json(finding: Finding) -> Json:
    """One finding; ``floor`` is the class it demands, ``forced`` that no waiver lowers it."""
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity.value,
        "material": finding.material,
        "direction": finding.direction.value,
        "confidence": finding.confidence.value,
        "categories": list(finding.categories),
        "clause": finding.clause,
        "practice": finding.practice,
        "line": finding.line,
        "before": finding.before,
        "after": finding.after,
        "message": finding.message,
        "mend": finding.mend,
        "grounds": finding.grounds,
        "floor": finding.floor.value,
        "forced": finding.forced,
        "fingerprint": finding.fingerprint,
        "waived": finding.waived,
    }


def verdict_json(verdict: Verdict) -> Json:
    """What the findings add up to."""
    return {
        "material": verdict.material,
        "class": verdict.change_class.value,
        "direction": verdict.direction.value,
        "categories": list(verdict.categories),
        "undecided": verdict.undecided,
    }


def clause_json(clause: Clause) -> Json:
    """A clause by name and place: 1-based inclusive lines of the file as given."""
    return {
        "id": clause.id,
        "heading": clause.heading,
        "path": list(clause.path),
        "level": clause.level,
        "line": clause.line,
        "end_line": clause.end_line,
    }


def practice_json(practice: Practice) -> Json:
    """A declared practice, in the words of ``practices.yaml``."""
    return {
        "id": practice.id,
        "clause": practice.clause,
        "data": list(practice.categories),
        "purpose": practice.purpose,
        "recipients": [{"class": r.kind, "name": r.name} for r in practice.recipients],
        "retention": practice.retention,
        "choice": practice.choice.value,
        "existing": "keep" if practice.keep_existing else "follow",
    }


def practices_json(changes: Sequence[PracticeChange]) -> Json:
    """Practices added, removed and changed; ``fields`` names what differs."""
    return {
        "added": [practice_json(c.new) for c in changes if c.new is not None and c.old is None],
        "removed": [practice_json(c.old) for c in changes if c.old is not None and c.new is None],
        "changed": [
            {
                "id": c.id,
                "fields": list(c.fields),
                "old": practice_json(c.old),
                "new": practice_json(c.new),
            }
            for c in changes
            if c.old is not None and c.new is not None
        ],
    }


def side_json(side: Side) -> Json:
    """A side by name, version and hash."""
    return {"source": side.source, "version": side.version, "sha256": side.sha256}


def _link(revision: Revision, change: ClauseChange) -> Json:
    return {
        "kinds": sorted(kind.value for kind in change.kinds),
        "old": [clause_json(clause) for clause in change.old],
        "new": [clause_json(clause) for clause in change.new],
        "matched_by": change.matched_by,
        "margin": round(change.margin, 4),
        "format": list(change.format),
        "redline": [_block(revision, block) for block in change.blocks],
    }


def _block(revision: Revision, block: BlockChange) -> Json:
    one_sided = block.old is None or block.new is None
    return {
        "old": _span(block.old),
        "new": _span(block.new),
        "cosmetic": block.cosmetic,
        "moved": block.moved,
        **({"kinds": sorted(kind.value for kind in block.kinds)} if block.kinds else {}),
        "runs": _runs(full_runs(revision, block) if one_sided else block.runs),
    }


def _front(revision: Revision) -> Json | None:
    """The front matter as one block; None where neither side has any."""
    old, new = revision.old, revision.new
    if not old.body and not new.body:
        return None
    return {
        "old": _span(_front_span(old.text, old.body)),
        "new": _span(_front_span(new.text, new.body)),
        "cosmetic": False,
        "moved": False,
        "runs": _runs(revision.front or _front_runs(old.text[: old.body], new.text[: new.body])),
    }


def _front_span(text: str, body: int) -> Span | None:
    return Span(0, body, 1, max(1, text[:body].count("\n"))) if body else None


def _front_runs(old: str, new: str) -> tuple[Run, ...]:
    """No runs where both are the same; else all out, all in."""
    if old == new:
        return ()
    return tuple(run for run in (Run(Op.DELETE, old), Run(Op.INSERT, new)) if run.text)


def _span(span: Span | None) -> Json | None:
    if span is None:
        return None
    return {"start": span.start, "end": span.end, "line": span.line, "end_line": span.end_line}


def _runs(runs: Sequence[Run]) -> list[Json]:
    return [{"op": run.op.value, "text": run.text} for run in runs]


def _blocks(revision: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if revision["front"] is not None:
        yield revision["front"]
    for link in revision["clauses"]:
        yield from link["redline"]


def _rebuild(text: str, revision: Mapping[str, Any], *, have: _Side, want: _Side) -> str:
    if revision.get("only"):
        raise IntegrityError(
            "this JSON holds some clauses only, so no whole text can be rebuilt from it",
            hint="make it without --only",
        )
    ordered = sorted(
        (block for block in _blocks(revision) if block[want] is not None),
        key=lambda block: (block[want]["start"], block[want]["end"]),
    )
    return "".join(_block_text(text, block, have=have, want=want) for block in ordered)


def _block_text(text: str, block: Mapping[str, Any], *, have: _Side, want: _Side) -> str:
    span, runs = block[have], block["runs"]
    given = "" if span is None else text[span["start"] : span["end"]]
    if not runs:
        return given
    if given != _joined(runs, have):
        where = f"characters {span['start']} to {span['end']}" if span else "a block of the other side"
        raise IntegrityError(
            f"the text is not the {have} side of this revision ({where})",
            hint="compare its SHA-256 with the one in the JSON",
        )
    return _joined(runs, want)


def _joined(runs: Sequence[Mapping[str, str]], side: _Side) -> str:
    keep = {Op.EQUAL.value, Op.DELETE.value if side == "old" else Op.INSERT.value}
    return "".join(run["text"] for run in runs if run["op"] in keep)
