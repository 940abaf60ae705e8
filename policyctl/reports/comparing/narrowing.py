# SPDX-License-Identifier: Apache-2.0
"""A comparison of two whole texts -> the same for some clauses only, for every face alike.

The verdict stays that of the whole revision: a clause looked at alone must not seem to decide it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policyctl.core.judge.findings import Finding
from policyctl.core.policy import Clause
from policyctl.core.revision import ClauseChange, PracticeChange
from policyctl.core.suggest import nearest
from policyctl.errors import UsageError
from policyctl.reports.comparing.comparison import Comparison


def narrowed(comparison: Comparison, names: Sequence[str]) -> Comparison:
    """The links of the named clauses (ids or headings of either side), and what is said about them;
    without names the comparison as it is. UsageError for a name that neither side knows.
    """
    if not names:
        return comparison
    revision = comparison.revision
    for name in names:
        if not any(_is_named(each, name) for each in _clauses(revision.clauses)):
            raise _unknown(comparison, name)
    chosen = tuple(change for change in revision.clauses if _is_chosen(change, names))
    ids = frozenset(clause.id for clause in _clauses(chosen))
    practices = tuple(each for each in revision.practices if _clauses_of(each) & ids)
    known = {each.id for each in practices}
    findings = tuple(each for each in comparison.judgement.findings if _concerns(each, ids, known))
    return replace(
        comparison,
        revision=replace(revision, clauses=chosen, front=(), practices=practices),
        judgement=replace(comparison.judgement, findings=findings),
        only=tuple(dict.fromkeys(clause.id for clause in _clauses(chosen))),
    )


def _clauses(changes: Sequence[ClauseChange]) -> list[Clause]:
    return [clause for change in changes for clause in (*change.new, *change.old)]


def _is_chosen(change: ClauseChange, names: Sequence[str]) -> bool:
    return any(_is_named(clause, name) for clause in _clauses([change]) for name in names)


def _is_named(clause: Clause, name: str) -> bool:
    return clause.id == name.removeprefix("#") or (bool(clause.heading) and _same(clause.heading, name))


def _same(heading: str, name: str) -> bool:
    return " ".join(heading.casefold().split()) == " ".join(name.casefold().split())


def _clauses_of(change: PracticeChange) -> set[str]:
    return {each.clause for each in (change.old, change.new) if each is not None and each.clause}


def _concerns(finding: Finding, ids: frozenset[str], practices: set[str]) -> bool:
    return finding.clause in ids or (finding.clause is None and finding.practice in practices)


def _unknown(comparison: Comparison, name: str) -> UsageError:
    clauses = _clauses(comparison.revision.clauses)
    near = nearest(name, {clause.id for clause in clauses} | {clause.heading for clause in clauses})
    listing = f"list them with `policyctl clauses {comparison.new.source}`"
    return UsageError(
        f"neither {comparison.old.source} nor {comparison.new.source} has a clause {name!r}",
        hint=f"did you mean {near!r}?" if near else listing,
    )
