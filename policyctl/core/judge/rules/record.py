# SPDX-License-Identifier: Apache-2.0
"""PC201 to PC213: does the record (practices, waivers, front matter) match the text?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from policyctl.core.judge.catalogue import Lexicon
from policyctl.core.judge.findings import Direction, Finding, Severity
from policyctl.core.judge.rules.rule import DECLARABLE, Draft, Rule, View, from_words
from policyctl.core.judge.signals import Act, read_sentence
from policyctl.core.policy import Assessment, ChangeClass, ChangeDecision, Waiver
from policyctl.core.text.sentences import Sentence

Found = tuple[Finding, ...]
SETTINGS_CHANGED = "PC204"
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
    """A practice names a clause that the text does not have; or a clause that says what we do with data
    has no practice. The second is read from words, so it is told and does not block.
    """
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
                severity=Severity.ERROR,
                mend="Write the id of a clause (policyctl clauses lists them), or give it this anchor.",
            )
    if view.context.practices:
        yield from _without_practice(view, {practice.clause for practice in view.context.practices})


def _without_practice(view: View, tied: set[str]) -> Iterator[Draft]:
    """Clauses new or reworded (all, of a first version) in which we do something with data."""
    lexicon = view.catalogue.lexicons.get(view.language)
    fresh = {line for line, _ in view.fresh_lines()}
    told: set[str] = set()
    for sentence in view.sentences if lexicon else ():
        if sentence.clause in tied | told or sentence.line not in fresh or sentence.kind == "heading":
            continue
        if lexicon and any(_is_practice(act) for act in _acts(sentence, lexicon)):
            told.add(sentence.clause)
            yield Draft(
                f"The clause \u201c{sentence.clause}\u201d says what is done with data, and no practice is "
                f"tied to it: \u201c{sentence.text[:160]}\u201d",
                Direction.NEUTRAL, ("structure",), clause=sentence.clause, line=sentence.line,
            )  # fmt: skip


def _acts(sentence: Sentence, lexicon: Lexicon) -> tuple[Act, ...]:
    signals = read_sentence(sentence, lexicon)
    return signals.acts if signals.personal else ()


def _is_practice(act: Act) -> bool:
    mine = act.source == "own" and act.actor == "we" and not act.denied
    return mine and act.practice in {"collect", "use", "share", "sell", "transfer"}


def stale_waiver(view: View, found: Found) -> Iterator[Draft]:
    """A waiver or an assessment has expired, or nothing is there that it is about."""
    for waiver in view.context.stated_waivers:
        used = any(_covers(waiver, finding) for finding in found)
        expired = waiver.expires < view.context.today
        # One that is only proposed is approved first and used afterwards (PC205): it may match nothing yet.
        if expired or not (used or view.context.is_proposed(waiver)):
            why = f"expired on {waiver.expires.isoformat()}" if expired else "matches no finding"
            yield _stale(f"The waiver of {waiver.rule} at {waiver.clause or 'the whole text'} {why}.", waiver)
    decision = view.context.new.change if view.context.new else None
    for made in decision.assessments if decision else ():
        if made.day > view.context.today:
            yield _stale(
                f"The assessment of \u201c{made.practice}\u201d is dated {made.day}, which is to come.", made
            )
        elif not any(f.practice == made.practice and f.rule in {"PC111", "PC113"} for f in found):
            yield _stale(f"The assessment of \u201c{made.practice}\u201d matches no new purpose.", made)


def _stale(message: str, about: Waiver | Assessment) -> Draft:
    clause = about.clause if isinstance(about, Waiver) else None
    return Draft(message, Direction.NEUTRAL, ("structure",), clause=clause, line=about.line)


def settings_changed(view: View, _: Found) -> Iterator[Draft]:
    """The proposal changes the settings that policies are judged by; it is judged by those before it."""
    for what in view.context.settings_changed:
        yield Draft(f"policyctl.toml: {what}.", Direction.NEUTRAL, ("structure",))


def waiver_proposed(view: View, _: Found) -> Iterator[Draft]:
    """A waiver that the proposal itself brings: it does not count before it is approved."""
    for waiver in view.context.stated_waivers:
        if view.context.is_proposed(waiver):
            yield Draft(
                f"A waiver of {waiver.rule} at {waiver.clause or 'the whole text'} is proposed, approved by "
                f"{waiver.approved_by} according to the text itself, until {waiver.expires.isoformat()}.",
                Direction.NEUTRAL,
                ("structure",),
                clause=waiver.clause,
                line=waiver.line,
            )


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
    if given is None and floor is ChangeClass.EDITORIAL and not any(f.material for f in found):
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
    owed = decision is not None or any(f.material or f.floor is not ChangeClass.EDITORIAL for f in found)
    if view.context.new is None or view.context.old is None or not owed:
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
        "A practice names a clause that does not exist, or a clause about data has no practice.",
        "A practice nobody can read about was never told; a use nobody declared cannot be decided.",
        "",
        "Declare a practice tied to this clause in practices.yaml.",
        unclaused,
        ChangeClass.EDITORIAL,
        material=False,
    ),
    Rule(
        "PC203",
        "stale-waiver",
        "A waiver or an assessment has expired or matches nothing.",
        "An exception outlives its reason when nobody looks.",
        "",
        "Remove it, or renew it with a reason.",
        stale_waiver,
        ChangeClass.EDITORIAL,
        material=False,
        severity=Severity.ERROR,
    ),
    Rule(
        SETTINGS_CHANGED,
        "settings-changed",
        "The proposal changes the settings it would be judged by.",
        "Nobody sets the measure for their own proposal.",
        "",
        "Let whoever is responsible for the settings review this change; better, propose it apart.",
        settings_changed,
        ChangeClass.EDITORIAL,
        forced=True,
        material=False,
    ),
    Rule(
        "PC205",
        "waiver-proposed",
        "A waiver is new or changed in this proposal.",
        "An exception is approved by somebody other than who wants it, before it is used.",
        "",
        "Let the approver review it; merge it on its own, then propose the change that needs it.",
        waiver_proposed,
        ChangeClass.EDITORIAL,
        forced=True,
        material=False,
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
