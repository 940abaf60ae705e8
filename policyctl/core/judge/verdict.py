# SPDX-License-Identifier: Apache-2.0
"""Findings and verdict of a revision.

1. The changed words are read as shifts of practices (wording.py, signals.py, shifts.py).
2. Each rule of ``RULES`` looks at the shifts, the declared practices and the front matter.
3. The class a finding demands is lowered where the regimes that apply ask for less (regimes.py).
4. Waivers are laid over the findings; a forced finding is never waived.
5. The verdict adds the findings up. A finding a person must decide counts as material.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from policyctl.core.judge.catalogue import Catalogue, language_of
from policyctl.core.judge.findings import (
    CATEGORIES,
    Confidence,
    Direction,
    Finding,
    Judgement,
    Severity,
    Verdict,
)
from policyctl.core.judge.reading import Reader
from policyctl.core.judge.regimes import floor_under, standing_assessments
from policyctl.core.judge.rules import RULES
from policyctl.core.judge.rules.record import floor_of
from policyctl.core.judge.rules.rule import Draft, JudgeContext, Rule, View
from policyctl.core.judge.shifts import Shift
from policyctl.core.judge.weighing import categories_of, direction_of
from policyctl.core.judge.wording import Wording, wording_of
from policyctl.core.policy import ChangeClass, Waiver
from policyctl.core.revision import Revision
from policyctl.core.text.words import folded

__all__ = ["RULES", "JudgeContext", "judge"]


def judge(revision: Revision, *, catalogue: Catalogue, context: JudgeContext) -> Judgement:
    """Findings in document order, and what they add up to. Never raises for any text."""
    view = _view(revision, catalogue, context)
    found: tuple[Finding, ...] = ()
    for rule in RULES:
        fresh = (_finding(rule, draft) for draft in rule.find(view, found))
        lowered = (_under_regimes(finding, view) for finding in _once(fresh))
        found += tuple(_waived(finding, context) for finding in lowered)
    ordered = tuple(sorted(found, key=lambda f: (f.line or 0, f.rule)))
    return Judgement(ordered, _verdict(ordered))


def _view(revision: Revision, catalogue: Catalogue, context: JudgeContext) -> View:
    wording = wording_of(revision)
    old = language_of([w for s in wording.old for w in s.words], catalogue.lexicons)
    new = language_of([w for s in wording.new for w in s.words], catalogue.lexicons)
    shifts = _shifts(wording, catalogue, old, new)
    return View(revision, context, catalogue, shifts, old, new, wording.old, wording.new)


def _shifts(wording: Wording, catalogue: Catalogue, old: str, new: str) -> tuple[Shift, ...]:
    if not wording.changes or old != new or new not in catalogue.lexicons:
        return ()
    return Reader(wording, catalogue.lexicons[new]).shifts()


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """One finding a rule and change of words, however many reasons there are."""
    seen: dict[str, Finding] = {}
    for finding in findings:
        seen.setdefault(finding.fingerprint, finding)
    yield from seen.values()


def _finding(rule: Rule, draft: Draft) -> Finding:
    restricts = draft.direction is Direction.RESTRICTS
    return Finding(
        rule=rule.id,
        name=rule.name,
        severity=draft.severity
        or (Severity.INFO if restricts and rule.severity is Severity.WARNING else rule.severity),
        material=rule.material if draft.material is None else draft.material,
        direction=draft.direction,
        confidence=draft.confidence,
        categories=tuple(c for c in CATEGORIES if c in draft.categories),
        clause=draft.clause,
        line=draft.line,
        before=draft.before,
        after=draft.after,
        message=draft.message,
        grounds=rule.grounds,
        floor=draft.floor or rule.floor or ChangeClass.NOTICE,
        forced=rule.forced,
        practice=draft.practice,
        mend=draft.mend or rule.mend,
        fingerprint=_fingerprint(rule, draft),
    )


def _fingerprint(rule: Rule, draft: Draft) -> str:
    """12 hex digits of rule, clause, practice and the words on both sides; lines do not enter."""
    words = (" ".join(folded(side)) if side else "" for side in (draft.before, draft.after))
    told = draft.message if draft.before is None and draft.after is None else ""
    parts = (rule.id, draft.clause or "", draft.practice or "", *words, told)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def _under_regimes(finding: Finding, view: View) -> Finding:
    decision = view.context.new.change if view.context.new else None
    made = decision.assessments if decision else ()
    floor = floor_under(
        finding,
        view.context.regimes,
        compatible=standing_assessments(made, view.context.today),
        rights=_rights_change(view),
    )
    return finding if floor is finding.floor else replace(finding, floor=floor)


def _rights_change(view: View) -> bool:
    """What people may do about their data changes: a choice, a right, or the route to it."""
    declared = any(c.old and c.new and c.old.choice is not c.new.choice for c in view.revision.practices)
    return declared or any(shift.aspect in {"choice", "contact"} for shift in view.shifts)


def _waived(finding: Finding, context: JudgeContext) -> Finding:
    if finding.forced or not any(_applies(waiver, finding, context) for waiver in context.waivers):
        return finding
    return replace(finding, waived=True)


def _applies(waiver: Waiver, finding: Finding, context: JudgeContext) -> bool:
    place = waiver.clause in {None, finding.clause}
    return waiver.rule == finding.rule and place and waiver.expires >= context.today


def _verdict(found: tuple[Finding, ...]) -> Verdict:
    material = [finding for finding in found if finding.material]
    told = {category for finding in found if not finding.material for category in finding.categories}
    judged = set(categories_of(material))
    return Verdict(
        material=bool(material),
        change_class=floor_of(found),
        direction=direction_of(material),
        categories=tuple(category for category in CATEGORIES if category in told | judged),
        undecided=sum(finding.confidence is Confidence.UNDECIDED for finding in found),
    )
