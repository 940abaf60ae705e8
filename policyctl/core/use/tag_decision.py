# SPDX-License-Identifier: Apache-2.0
"""The rules of "may this be used?" for one tag; their numbers are those of core/use/decision.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, covers
from policyctl.core.records import Admission, Choice, Delivery, PendingChange, Tag, VersionRecord
from policyctl.core.use.in_force import version_in_force
from policyctl.core.use.question import Facts, Outcome, Reason, UseAnswer, UseRequest, undecided
from policyctl.core.use.stance import (
    Stance,
    Use,
    bears_on,
    find_party,
    granting,
    grants,
    meant_for,
    needs_consent,
    stance,
)
from policyctl.core.use.wording import ANSWERED, OVER, RECORD, TOLD, slot

# A change of ownership discloses to these; product.md promises that people are told before.
_ACQUIRER = "acquirer"
TRANSITION_NOTICE = "transition"
"""The kind of notice that names the old and the new controller (core/notices/notice.py)."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One tag under question. ``known``: the versions of its policy up to the one in force."""

    tag: Tag
    use: Use
    at: datetime
    collected: VersionRecord
    current: VersionRecord
    known: tuple[VersionRecord, ...]
    facts: Facts


def judge_tag(tag: Tag, request: UseRequest, facts: Facts) -> Outcome:
    """What the rules say of ``tag``; ``facts`` hold nothing later than the moment asked about. Its texts
    have slots (core/use/wording.py).
    """
    own = sorted((r for r in facts.versions if r.key.slug == tag.slug), key=lambda record: record.key)
    collected = next((record for record in own if record.key == tag.version), None)
    current = version_in_force(tag.slug, request.at, versions=own, admissions=facts.admissions)
    if collected is None:
        return undecided(
            "no_version",
            f"no version was in force for the subject when {_data(tag)} was collected",
            f"the version under which {_data(tag)} was collected",
        )
    if current is None or collected.key > current.key:
        return undecided(
            "not_in_force",
            f"{_data(tag)} has the tag of {collected.key}, which is not in force for the subject then",
            f"an acceptance of {tag.slug}, or a date since when the subject is known",
        )
    known = tuple(record for record in own if record.key <= current.key)
    case = _Case(tag, _use(tag, request, facts), request.at, collected, current, known, facts)
    found = _join(_opening(case), _untold_transfer(case), _stated(case))
    return replace(found, collected=collected.key, in_force=current.key)


def _use(tag: Tag, request: UseRequest, facts: Facts) -> Use:
    narrower = tag.category if covers(request.category, tag.category) else request.category
    party = request.recipient and find_party(request.recipient, facts.taxonomy.recipients, facts.versions)
    return Use(narrower, request.purpose, party or None)


def _opening(case: _Case) -> Outcome:
    text = f"{_data(case.tag)} was collected under {case.collected.key}"
    if case.current.key != case.collected.key:
        text += f"; {case.current.key} is now in force for the subject"
    return _permitted(Reason(0, 7, text, version=case.collected.key, code="collected"))


def _data(tag: Tag) -> str:
    return f"record {slot(RECORD, repr(tag.record))} ({tag.category})"


def _join(*steps: Outcome) -> Outcome:
    """The steps up to the first that does not permit."""
    reasons: tuple[Reason, ...] = ()
    for step in steps:
        reasons += step.reasons
        if step.answer is not UseAnswer.PERMITTED:
            return replace(step, reasons=reasons)
    return Outcome(UseAnswer.PERMITTED, reasons)


def _permitted(*reasons: Reason) -> Outcome:
    return Outcome(UseAnswer.PERMITTED, reasons)


def _refused(reason: Reason, *missing: str) -> Outcome:
    return Outcome(UseAnswer.REFUSED, (reason,), missing)


def _stated(case: _Case) -> Outcome:
    if granting(case.collected, case.use):
        return _stated_at_collection(case)
    return _through_a_change(case)


# Rules 2 and 4: stated in the tag's own version, and not withdrawn since.


def _stated_at_collection(case: _Case) -> Outcome:
    then = _allowed_by(case.collected, case, rule=2)
    if then.answer is not UseAnswer.PERMITTED or case.collected.key == case.current.key:
        return then
    if kept := _kept_by_any(case):
        return kept
    if not granting(case.current, case.use):
        text = f"{case.current.key} no longer states this use, and does not keep it for data collected before"
        return _join(
            then,
            _refused(
                Reason(0, 4, text, version=case.current.key, code="withdrawn_since"),
                f"a version after {case.current.key} that states it",
            ),
        )
    return _join(then, _allowed_by(case.current, case, rule=4))


def _kept_by_any(case: _Case) -> Outcome | None:
    """Any practice that permits may keep: were it the first alone, refusing that would make a yes."""
    record = case.collected
    for practice in granting(record, case.use):
        kept = _kept(case, practice.id)
        if kept and not _obstacles(practice, record, case, rule=2):
            stated = _reason("stated", 2, _as_stated(practice, record, case), record, practice)
            return _permitted(stated, kept)
    return None


def _kept(case: _Case, practice_id: str | None) -> Reason | None:
    """The last word that was said on the practice governs whether old data keeps it."""
    words = [
        (record, practice)
        for record in case.known
        for practice in record.practices
        if practice.id == practice_id and record.key >= case.collected.key
    ]
    record, practice = words[-1]
    if not practice.keep_existing:
        return None
    text = f"existing: keep leaves data collected under {case.collected.key} under that version"
    return _reason("kept", 4, text, record, practice)


def _allowed_by(record: VersionRecord, case: _Case, *, rule: int) -> Outcome:
    """The first practice that states the use and that no choice stands in the way of."""
    refusals: list[Outcome] = []
    for practice in granting(record, case.use):
        obstacles = _obstacles(practice, record, case, rule=rule)
        if not obstacles:
            return _permitted(_reason("stated", rule, _as_stated(practice, record, case), record, practice))
        refusals += obstacles
    return _all(refusals)


def _obstacles(practice: Practice, record: VersionRecord, case: _Case, *, rule: int) -> list[Outcome]:
    bearing = [other for other in record.practices if bears_on(other, case.use, practice)]
    return [found for other in bearing if (found := _obstacle(other, record, case, rule=rule))]


def _all(refusals: Iterable[Outcome]) -> Outcome:
    reasons = dict.fromkeys(reason for refusal in refusals for reason in refusal.reasons)
    missing = dict.fromkeys(item for refusal in refusals for item in refusal.missing)
    return Outcome(UseAnswer.REFUSED, tuple(reasons), tuple(missing))


def _reason(code: str, rule: int, text: str, record: VersionRecord, practice: Practice) -> Reason:
    return Reason(0, rule, text, version=record.key, clause=practice.clause, practice=practice.id, code=code)


def _as_stated(practice: Practice, record: VersionRecord, case: _Case) -> str:
    said = _stance(practice, record, case)
    if said.consent:
        return f"{record.key} states this use, and the subject consented on {_given(said.consent, case)}"
    if practice.choice is ChoiceMode.OPT_OUT:
        return f"{record.key} states this use, and nobody has objected to it"
    return f"{record.key} states this use"


def _stance(practice: Practice, record: VersionRecord, case: _Case) -> Stance:
    """A consent counts where it means the practice as ``record`` has it, or as a version between the
    tag's own and ``record`` had it: widening a practice does not undo the consent to the narrower one.
    """
    counted = meant_for(practice, case.known)
    for earlier in case.known:
        if case.collected.key <= earlier.key < record.key:
            for stated in earlier.practices:
                if stated.id == practice.id and grants(stated, case.use):
                    counted |= meant_for(stated, case.known)
    return stance(case.facts.choices, case.tag.slug, practice.id, counted)


def _obstacle(practice: Practice, record: VersionRecord, case: _Case, *, rule: int) -> Outcome | None:
    said = _stance(practice, record, case)
    if objection := _objection(said, record, practice, case, rule=rule):
        return objection
    if needs_consent(practice) and said.consent is None:
        text = f"{record.key} allows this use only with the subject's consent, and none is on record"
        name = f"{record.key}#{practice.id}"
        return _refused(
            _reason("no_consent", rule, text, record, practice), f"a consent of the subject to {name}"
        )
    return None


def _objection(
    said: Stance, record: VersionRecord, practice: Practice, case: _Case, *, rule: int
) -> Outcome | None:
    if choice := said.customer_objection:  # 5
        when = _given(choice, case)
        text = f"the customer answered {choice.answer} to {choice.change} on {when} for all subjects"
        missing = f"a later consent of the customer to {record.key}#{practice.id}"
        return _refused(_reason("customer_objected", 5, text, record, practice), missing)
    if choice := said.objection:
        text = f"the subject answered {choice.answer} to {choice.change} on {_given(choice, case)}"
        return _refused(
            _reason("objected", rule, text, record, practice),
            f"a later consent of the subject to {record.key}#{practice.id}",
        )
    return None


def _given(choice: Choice, case: _Case) -> str:
    """The day of an answer, which is one of those about this policy in the order of the ledger."""
    own = [one for one in case.facts.choices if one.change.startswith(f"{case.tag.slug}@")]
    place = sorted(own, key=lambda one: one.sequence).index(choice)
    return slot(f"{ANSWERED} {place}", _day(choice.at))


def _day(at: datetime) -> str:
    return at.date().isoformat()


# Rule 3: stated by a later version only.


def _through_a_change(case: _Case) -> Outcome:
    brought = _brought_by(case)
    if brought is None:
        where = " or ".join(dict.fromkeys((str(case.collected.key), str(case.current.key))))
        return _refused(
            Reason(0, 3, f"this use is not stated in {where}", version=case.current.key, code="not_stated"),
            "a version in force that states this use, and the choice that it brings",
        )
    asked = [
        (change, practice)
        for practice in granting(brought, case.use)
        for change in brought.changes
        if change.practice == practice.id and change.mode is not ChoiceMode.NONE
    ]
    if not asked:
        text = (
            f"{brought.key} states this use for data collected from then on; for older data it asked nobody"
        )
        return _refused(
            Reason(0, 3, text, version=brought.key, code="nobody_asked"),
            "a choice about data collected before",
        )
    answers = [_by_choice(change, practice, brought, case) for change, practice in asked]
    best = next((found for found in answers if found.answer is UseAnswer.PERMITTED), _all(answers))
    return _join(best, _allowed_by(case.current, case, rule=4))


def _brought_by(case: _Case) -> VersionRecord | None:
    """The version since which every one up to that in force has stated the use."""
    brought = None
    for record in reversed([record for record in case.known if record.key > case.collected.key]):
        if not granting(record, case.use):
            break
        brought = record
    return brought


def _by_choice(change: PendingChange, practice: Practice, brought: VersionRecord, case: _Case) -> Outcome:
    counted = frozenset({brought.key.number})
    said = stance(case.facts.choices, case.tag.slug, practice.id, counted)
    if objection := _objection(said, brought, practice, case, rule=3):
        return objection
    if said.consent:
        text = (
            f"{brought.key} brought this use, and the subject consented to it on {_given(said.consent, case)}"
        )
        return _permitted(_reason("consented", 3, text, brought, practice))
    if change.mode is ChoiceMode.OPT_IN:
        text = f"{brought.key} brought this use for data collected with consent only, and none is on record"
        return _refused(
            _reason("no_consent", 3, text, brought, practice), f"a consent of the subject to {change.name}"
        )
    return _by_silence(change, practice, brought, case)


def _by_silence(change: PendingChange, practice: Practice, brought: VersionRecord, case: _Case) -> Outcome:
    given = [
        told.at
        for told in case.facts.deliveries
        if told.version == brought.key and change.name in told.changes
    ]
    if not given:
        text = f"{brought.key} brought this use, and no notice of it has reached the subject"
        missing = f"the choice notice of {brought.key} delivered, and {change.window_days} days to object"
        return _refused(_reason("not_told", 3, text, brought, practice), missing)
    # The notice promised both: not before the effective date, and this long to answer.
    over = max(min(given) + timedelta(days=change.window_days), brought.effective_at)
    if case.at < over:
        text = f"{brought.key} brought this use, and the subject may still object"
        when = slot(f"{OVER} {change.name}", f"{over:%Y-%m-%d %H:%M}")
        return _refused(
            _reason("may_still_object", 3, text, brought, practice), f"the time to object over, on {when} UTC"
        )
    arrived = slot(f"{TOLD} {change.name}", _day(min(given)))
    text = f"{brought.key} brought this use; the notice arrived on {arrived} and nobody objected"
    return _permitted(_reason("nobody_objected", 3, text, brought, practice))


# Rule 3, the end: a change of ownership.


def _untold_transfer(case: _Case) -> Outcome:
    """What was collected before passes to the new controller only of those who were told."""
    later = [
        record
        for record in case.facts.versions
        if record.change_class is ChangeClass.TRANSITION
        and record.key.slug == case.tag.slug
        and record.key > case.collected.key
    ]
    told = {
        record.key
        for record in later
        if told_of_transfer(record.key, case.facts.admissions, case.facts.deliveries)
    }
    for record in later:
        if record.key <= case.current.key and record.key not in told:
            return _not_told(record)
    party = case.use.party
    discloses = party is not None and any(covers(_ACQUIRER, kind) for kind in party.kinds)
    return _not_told(case.current) if discloses and not told else _permitted()


def told_of_transfer(
    key: VersionKey, admissions: Iterable[Admission], deliveries: Iterable[Delivery]
) -> bool:
    """True when the notice of this change of ownership reached the subject, or it accepted the version or
    a later one. A choice notice of the same version does not say who takes over.
    """
    return any(given.version == key and given.kind == TRANSITION_NOTICE for given in deliveries) or any(
        entry.version is not None
        and not entry.assumed
        and entry.version.slug == key.slug
        and entry.version.number >= key.number
        for entry in admissions
    )


def _not_told(record: VersionRecord) -> Outcome:
    text = f"no notice of a change of ownership has reached the subject; {record.key} is in force"
    return _refused(
        Reason(0, 3, text, version=record.key, code="transfer_not_told"),
        "the transition notice delivered, or the version accepted by the subject",
    )
