# SPDX-License-Identifier: Apache-2.0
"""PC201 to PC213: does the record (practices, waivers, front matter) match the text?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from policyctl.core.judge.findings import Direction, Finding, Severity
from policyctl.core.judge.rules.rule import DECLARABLE, Draft, Rule, View, from_words
from policyctl.core.policy import ChangeClass, ChangeDecision, Waiver

Found = tuple[Finding, ...]
_COUNTERPARTS = {
    "collection": {"PC101"},
    "use": {"PC111", "PC113"},
    "training": {"PC113", "PC111"},
    "sharing": {"PC121", "PC122"},
    "retention": {"PC131"},
    "transfer": {"PC121"},
}
_FLOOR = {"collection": ChangeClass.NOTICE, "retention": ChangeClass.NOTICE, "transfer": ChangeClass.NOTICE}
_NEEDS_IMPACT = frozenset({ChangeClass.CHOICE, ChangeClass.TRANSITION})


def floor_of(found: Found) -> ChangeClass:
    """The highest class that a finding demands; a waiver lowers only what is not forced."""
    owed = (f.floor for f in found if not f.waived)
    return max(owed, key=lambda cls: cls.rank, default=ChangeClass.EDITORIAL)


def undeclared(view: View, found: Found) -> Iterator[Draft]:
    """The text says more than practices.yaml declares."""
    if not view.declares:
        return
    told = {f.rule for f in found if f.practice}
    for shift in view.shifts:
        expands = shift.direction in {Direction.EXPANDS, Direction.MIXED}
        if shift.aspect in DECLARABLE and expands and not told & _COUNTERPARTS[shift.aspect]:
            floor = _FLOOR.get(shift.aspect, ChangeClass.CHOICE)
            yield from_words(shift, "The text says more than practices.yaml declares", floor=floor)


def unclaused(view: View, _: Found) -> Iterator[Draft]:
    """A practice names a clause that the text does not have."""
    ids = {clause.id for clause in view.revision.new.clauses}
    for practice in view.context.practices or ():
        if practice.clause not in ids:
            yield Draft(
                f"Practice \u201c{practice.id}\u201d names the clause \u201c{practice.clause}\u201d, "
                "which the text does not have.",
                Direction.NEUTRAL,
                ("structure",),
                clause=practice.clause,
                practice=practice.id,
                mend="Write the id of a clause (policyctl clauses lists them), or give it this anchor.",
            )


def stale_waiver(view: View, found: Found) -> Iterator[Draft]:
    """A waiver has expired, or nothing is there for it to waive."""
    for waiver in _waivers(view):
        used = any(_covers(waiver, finding) for finding in found)
        if waiver.expires < view.context.today or not used:
            why = "matches no finding" if not used else f"expired on {waiver.expires.isoformat()}"
            yield Draft(
                f"The waiver of {waiver.rule} at {waiver.clause or 'the whole text'} {why}.",
                Direction.NEUTRAL,
                ("structure",),
                clause=waiver.clause,
                line=waiver.line,
            )


def _waivers(view: View) -> tuple[Waiver, ...]:
    new = view.context.new
    return new.change.waivers if new and new.change else ()


def _covers(waiver: Waiver, finding: Finding) -> bool:
    return waiver.rule == finding.rule and waiver.clause in {None, finding.clause}


def _decision(view: View) -> ChangeDecision | None:
    new = view.context.new
    return new.change if new and view.context.old else None


def class_too_low(view: View, found: Found) -> Iterator[Draft]:
    """The class in the front matter is below the floor, or there is none though one is owed."""
    if view.context.new is None or view.context.old is None:
        return
    decision, floor = _decision(view), floor_of(found)
    given = decision.change_class if decision else None
    if given is not None and given.rank >= floor.rank:
        return
    if given is None and floor is ChangeClass.EDITORIAL and not found:
        return
    reasons = ", ".join(dict.fromkeys(f.rule for f in found if f.floor is floor and not f.waived))
    yield Draft(
        f"The class is \u201c{given or 'not decided'}\u201d; the findings need at least "
        f"\u201c{floor}\u201d{f' ({reasons})' if reasons else ''}.",
        Direction.NEUTRAL,
        ("structure",),
        line=decision.line if decision else 1,
        mend=f"Write in the front matter, under change:  class: {floor}",
    )


def lead_time(view: View, found: Found) -> Iterator[Draft]:
    """The effective date is missing, too soon for the class, or not after the last version's."""
    new, old = view.context.new, view.context.old
    if new is None:
        return
    if new.effective is None:
        yield _dated("There is no effective date.", "Write in the front matter:  effective: YYYY-MM-DD")
        return
    if old is None:
        return
    if old.effective and new.effective <= old.effective:
        yield _dated(
            f"The effective date {new.effective} is not after that of the version before ({old.effective}).",
            "Give the new version a later effective date.",
        )
    decision = _decision(view)
    days = view.context.lead_days.get(decision.change_class if decision else floor_of(found), 0)
    soonest = view.context.today + timedelta(days=days)
    if new.effective < soonest:
        yield _dated(
            f"The effective date {new.effective} leaves fewer than {days} days.",
            f"Write in the front matter:  effective: {soonest.isoformat()}  (or later)",
        )


def _dated(message: str, mend: str) -> Draft:
    return Draft(message, Direction.NEUTRAL, ("effective_date",), line=1, mend=mend)


def summary_missing(view: View, found: Found) -> Iterator[Draft]:
    """There is no summary, or no impact where the class needs one."""
    decision = _decision(view)
    if view.context.new is None or view.context.old is None or not (decision or found):
        return
    line = decision.line if decision else 1
    if decision is None or not decision.summary.strip():
        yield Draft("There is no summary for the reader.", Direction.NEUTRAL, ("structure",), line=line)
    if decision and decision.change_class in _NEEDS_IMPACT and not decision.impact.strip():
        yield Draft(
            f"A change of the class \u201c{decision.change_class}\u201d needs an impact: what "
            f"follows for the reader.",
            Direction.NEUTRAL, ("structure",), line=line,
            mend="Write in the front matter, under change:  impact: |  and one or two plain sentences.",
        )  # fmt: skip


RULES = (
    Rule(
        "PC201",
        "undeclared",
        "The text says more than practices.yaml declares.",
        "Decisions rest on the declared practices; a text that goes further permits in words "
        "what the record refuses.",
        "",
        "Declare the practice in practices.yaml, or undo the wording.",
        undeclared,
        None,
    ),
    Rule(
        "PC202",
        "unclaused",
        "A practice names a clause that does not exist.",
        "A practice nobody can read about was never told.",
        "",
        "Tie the practice to a clause of the text.",
        unclaused,
        ChangeClass.EDITORIAL,
        material=False,
        severity=Severity.ERROR,
    ),
    Rule(
        "PC203",
        "stale-waiver",
        "A waiver has expired or matches nothing.",
        "An exception outlives its reason when nobody looks.",
        "",
        "Remove the waiver, or renew it with a reason.",
        stale_waiver,
        ChangeClass.EDITORIAL,
        material=False,
        severity=Severity.ERROR,
    ),
    Rule(
        "PC211",
        "class-too-low",
        "The class in the front matter is below what the findings need.",
        "The class decides who is told and who is asked.",
        "",
        "Raise the class.",
        class_too_low,
        ChangeClass.EDITORIAL,
        forced=True,
        material=False,
        severity=Severity.ERROR,
    ),
    Rule(
        "PC212",
        "lead-time",
        "The effective date is missing, too soon for the class, or not after the last version's.",
        "People need time to read, to object and to leave.",
        "CalOPPA 22575(b)(4); WP260 para 30",
        "Move the effective date.",
        lead_time,
        ChangeClass.EDITORIAL,
        material=False,
        severity=Severity.ERROR,
    ),
    Rule(
        "PC213",
        "summary-missing",
        "There is no summary, or no impact where the class needs one.",
        "A reader who gets only the full text does not learn what changed.",
        "WP260 para 31; FTC Facebook order",
        "Write in the front matter, under change:  summary: |  and what changes, in plain words.",
        summary_missing,
        ChangeClass.EDITORIAL,
        material=False,
        severity=Severity.ERROR,
    ),
)
