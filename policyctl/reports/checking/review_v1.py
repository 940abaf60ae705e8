# SPDX-License-Identifier: Apache-2.0
"""``policyctl.review/1``: a check as the job of a pull request hands it on (schemas/review.schema.json).

The job that reads a pull request may write nothing, and the job that writes the comment must trust
nothing: this file passes between them. ``read_review`` takes it as hostile: a cap on its size, no unknown
key, no other type than the one written here, no number beyond its bounds. The comment is then rendered
anew from the values; no Markdown of the file is ever posted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

from policyctl.core.judge.findings import Confidence, Finding
from policyctl.core.revision import ClauseChange, Op, Revision, Run
from policyctl.errors import InputError, PolicyctlError
from policyctl.reports.checking.checked import Checked, Report, State, open_findings, spot_of
from policyctl.reports.checking.paste import paste_of
from policyctl.reports.checking.text import excerpt, shown_spot
from policyctl.reports.comparing.comparison import (
    headline,
    is_changed,
    loud_changes,
    name_of,
    sorted_kinds,
    statistics,
    visible_runs,
)
from policyctl.reports.comparing.json_v1 import dumps
from policyctl.reports.words import KIND_WORDS, one_line

SCHEMA = "policyctl.review/1"
LARGEST = 4_000_000
"""Bytes of the file at most."""
FRONT_MATTER = "Front matter"
_LONGEST = 20_000
_MOST = 5000
_CONTEXT = 120
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of a redline: ``op`` is ``=``, ``-`` or ``+``."""

    op: str
    text: str


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """One changed clause: what happened to it, its name, its lines on both sides, its changed blocks."""

    change: str
    name: str
    old_lines: str
    new_lines: str
    redline: tuple[tuple[Words, ...], ...]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding that no waiver covers; ``undecided``: a person must decide."""

    severity: str
    undecided: bool
    message: str
    before: str
    after: str
    mend: str
    paste: str
    place: str
    rule: str


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What kept us from looking."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class AudienceRow:
    """Who would be told, and how many."""

    notice: str
    audience: str
    addressees: int


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy. ``needed`` and ``declared`` are classes, empty where there is none; ``kept``: a policy
    with front matter of ours, not a plain file.
    """

    name: str
    title: str
    file: str
    base: str
    state: str
    kept: bool
    material: bool
    needed: str
    declared: str
    direction: str
    inserted: int
    deleted: int
    waived: int
    clauses: tuple[ClauseRow, ...]
    findings: tuple[FindingRow, ...]
    errors: tuple[ErrorRow, ...]
    audience: tuple[AudienceRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """The whole check, for people who read it in a browser."""

    schema: str
    result: str
    fail_on: str
    policies: tuple[PolicyRow, ...]
    errors: tuple[ErrorRow, ...]

    @property
    def says_something(self) -> bool:
        """False when no policy changed in any way and nothing was found: then there is no comment."""
        quiet = {State.UNCHANGED.value, State.NEW.value}
        return bool(self.errors) or any(
            policy.state not in quiet or policy.findings or policy.errors for policy in self.policies
        )


def review_of(report: Report, audience: dict[str, tuple[AudienceRow, ...]] | None = None) -> Review:
    """What a reviewer is shown; ``audience`` by slug, where a ledger could be asked."""
    told = audience or {}
    return Review(
        SCHEMA,
        report.result,
        report.fail_on,
        tuple(_policy(policy, told.get(policy.slug, ())) for policy in report.policies),
        tuple(_error(error) for error in report.errors),
    )


def render_review_json(review: Review) -> str:
    """The review as JSON text."""
    return dumps(asdict(review))


def _policy(policy: Checked, audience: tuple[AudienceRow, ...]) -> PolicyRow:
    comparison = policy.comparison
    verdict = comparison.judgement.verdict if comparison else None
    counts = statistics(comparison.revision) if comparison else None
    found = open_findings(policy)
    return PolicyRow(
        name=one_line(policy.slug),
        title=one_line(policy.title)[:_LONGEST],
        file=one_line(policy.file),
        base=one_line(policy.base or ""),
        state=policy.state.value,
        kept=bool(policy.practice_file) or policy.removed,
        material=bool(verdict and verdict.material),
        needed=verdict.change_class.value if verdict else "",
        declared=policy.declared.value if policy.declared else "",
        direction=verdict.direction.value if verdict else "",
        inserted=counts.inserted if counts else 0,
        deleted=counts.deleted if counts else 0,
        waived=len(policy.findings) - len(found),
        clauses=tuple(_clauses(comparison.revision)) if comparison else (),
        findings=tuple(_finding(policy, finding) for finding in found[:_MOST]),
        errors=tuple(_error(error) for error in policy.errors),
        audience=audience,
    )


def _error(error: PolicyctlError) -> ErrorRow:
    return ErrorRow(one_line(str(error))[:_LONGEST], one_line(error.hint)[:_LONGEST])


def _finding(policy: Checked, finding: Finding) -> FindingRow:
    verdict = policy.comparison.judgement.verdict if policy.comparison else None
    return FindingRow(
        severity=finding.severity.value,
        undecided=finding.confidence is Confidence.UNDECIDED,
        message=excerpt(finding.message, 1000),
        before=excerpt(finding.before or ""),
        after=excerpt(finding.after or ""),
        mend=excerpt(finding.mend, 1000),
        paste=paste_of(finding, verdict)[:1000],
        place=shown_spot(spot_of(policy, finding)),
        rule=f"{finding.rule} {finding.name}",
    )


def _clauses(revision: Revision) -> Iterator[ClauseRow]:
    if any(run.op is not Op.EQUAL for run in revision.front):
        yield ClauseRow("reworded", FRONT_MATTER, "", "", (_words(revision.front),))
    for change in loud_changes(revision)[:_MOST]:
        yield _clause(revision, change)


def _clause(revision: Revision, change: ClauseChange) -> ClauseRow:
    name = one_line(headline(change))
    was = " + ".join(one_line(name_of(clause)) for clause in change.old)
    blocks = [block for block in change.blocks if is_changed(block) or block.moved]
    return ClauseRow(
        change=", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change)),
        name=f"{was} → {name}" if was and was != name else name,
        old_lines=", ".join(f"{clause.line}-{clause.end_line}" for clause in change.old),
        new_lines=", ".join(f"{clause.line}-{clause.end_line}" for clause in change.new),
        redline=tuple(_words(visible_runs(revision, block)) for block in blocks[:_MOST]),
    )


def _words(runs: tuple[Run, ...]) -> tuple[Words, ...]:
    last = len(runs) - 1
    return tuple(
        Words(run.op.value, _near(run, first=number == 0, last=number == last))
        for number, run in enumerate(runs[:_MOST])
    )


def _near(run: Run, *, first: bool, last: bool) -> str:
    """Changed words whole (within reason), kept words only so far as they stand near them."""
    text = run.text
    if run.op is not Op.EQUAL:
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
    head, tail = ("" if first else text[:_CONTEXT]), ("" if last else text[-_CONTEXT:])
    if len(text) <= len(head) + len(tail) + 5:
        return text
    return f"{head.rsplit(' ', 1)[0]} ... {tail.split(' ', 1)[-1]}" if head or tail else text[:_LONGEST]


# --- reading it back, as hostile data


def read_review(data: bytes) -> Review:
    """The review in ``data``. InputError for anything but what ``render_review_json`` writes."""
    if len(data) > LARGEST:
        raise _unfit(f"it has {len(data):,} bytes, the limit is {LARGEST:,}")
    try:
        raw = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _unfit("it is not the JSON of a review") from error
    review = _value(Review, raw, "review", 0)
    assert isinstance(review, Review)  # noqa: S101 - for the type checker: _value made one
    if review.schema != SCHEMA:
        raise _unfit(f"its schema is not {SCHEMA}")
    return review


def _unfit(why: str) -> InputError:
    return InputError(f"the report of the check is not used: {why}", hint="run the check again")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _value(kind: Any, raw: Any, where: str, depth: int) -> Any:
    if depth > _DEEPEST:
        raise _unfit(f"{where} lies too deep")
    if is_dataclass(kind) and isinstance(kind, type):
        return _record(kind, raw, where, depth)
    if get_origin(kind) is tuple:
        return _items(kind, raw, where, depth)
    # A bool is an int to Python, and not to a reader of the schema.
    if type(raw) is not kind:
        raise _unfit(f"{where} is of another kind")
    if kind is str and len(raw) > _LONGEST:
        raise _unfit(f"{where} is too long")
    if kind is int and not 0 <= raw <= 10**9:
        raise _unfit(f"{where} is out of bounds")
    return raw


def _record(kind: type[Any], raw: Any, where: str, depth: int) -> Any:
    hints = get_type_hints(kind)
    names = [each.name for each in fields(kind)]
    if not isinstance(raw, dict) or set(raw) != set(names):
        raise _unfit(f"{where} has other keys than it should")
    return kind(**{name: _value(hints[name], raw[name], f"{where}.{name}", depth + 1) for name in names})


def _items(kind: GenericAlias, raw: Any, where: str, depth: int) -> tuple[Any, ...]:
    if not isinstance(raw, list) or len(raw) > _MOST:
        raise _unfit(f"{where} is not a list of at most {_MOST}")
    inner = get_args(kind)[0]
    return tuple(_value(inner, each, f"{where}[]", depth + 1) for each in raw)
