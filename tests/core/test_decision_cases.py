# SPDX-License-Identifier: Apache-2.0
"""May this be used? One line a case: what is known, what is asked, what is answered and by which rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Recipient
from policyctl.core.records import Admission, Delivery
from policyctl.core.use.decision import UseAnswer, UseRequest, decide
from tests.adapters.ledger_samples import (
    ADS,
    CONTACT,
    EMAIL,
    MARKETING,
    PHONE,
    SERVICE,
    day,
    practice,
    version,
)
from tests.core.use_samples import (
    ACCOUNT,
    ADS_OUT,
    KNOWN,
    NEWS,
    POLL,
    TAG,
    V1,
    V2,
    ask,
    delivered,
    facts,
    says,
)

SHARE, POLLS = "essential.share", "essential.poll"
YES, NO, GAP = UseAnswer.PERMITTED, UseAnswer.REFUSED, UseAnswer.UNDECIDED
BEFORE_V2, AFTER_V2 = "2026-05-01", "2026-08-01"

# what is known beyond the tag under v1; purpose; at; answer; the rule that settles it
CASES = {
    "a stated use is permitted": ((), SERVICE, BEFORE_V2, YES, 2),
    "a use that nobody stated is refused": ((), ADS, BEFORE_V2, NO, 3),
    "opt-out is permitted while nobody objects": ((), MARKETING, BEFORE_V2, YES, 2),
    "an objection refuses": ((says("refuse", "fax@v1#news", "2026-03-01"),), MARKETING, BEFORE_V2, NO, 2),
    "an objection does not reach back": (
        (says("refuse", "fax@v1#news", "2026-03-01"),), MARKETING, "2026-02-20", YES, 2),
    "a withdrawal objects like a refusal": (
        (says("withdraw", "fax@v1#news", "2026-03-01"),), MARKETING, BEFORE_V2, NO, 2),
    "a later consent lifts an objection": (
        (says("refuse", "fax@v1#news", "2026-03-01"), says("consent", "fax@v1#news", "2026-04-01")),
        MARKETING, BEFORE_V2, YES, 2),
    "an objection under a later name reaches the practice wherever it stands": (
        (says("refuse", "fax@v2#news", "2026-07-01"),), MARKETING, AFTER_V2, NO, 2),
    "an objection to another practice changes nothing": (
        (says("refuse", "fax@v2#ads", "2026-07-01"),), MARKETING, AFTER_V2, YES, 4),
    "opt-in is refused while nobody consents": ((), POLLS, BEFORE_V2, NO, 2),
    "a consent permits": ((says("consent", "fax@v1#poll", "2026-03-01"),), POLLS, BEFORE_V2, YES, 2),
    "a consent does not reach back": (
        (says("consent", "fax@v1#poll", "2026-03-01"),), POLLS, "2026-02-20", NO, 2),
    "a withdrawn consent is none": (
        (says("consent", "fax@v1#poll", "2026-03-01"), says("withdraw", "fax@v1#poll", "2026-04-01")),
        POLLS, BEFORE_V2, NO, 2),
    "a consent to the unchanged practice of a later version counts": (
        (says("consent", "fax@v2#poll", "2026-07-01"),), POLLS, AFTER_V2, YES, 4),
    "a consent named after a version that is not in force yet does not count": (
        (says("consent", "fax@v2#poll", "2026-04-20"),), POLLS, BEFORE_V2, NO, 2),
    "a customer's refusal binds its subject": (
        (says("refuse", "fax@v1#news", "2026-03-01", "customer"),), MARKETING, BEFORE_V2, NO, 5),
    "a subject's consent does not undo its customer's refusal": (
        (says("refuse", "fax@v1#poll", "2026-03-01", "customer"),
         says("consent", "fax@v1#poll", "2026-04-01")), POLLS, BEFORE_V2, NO, 5),
    "a customer's consent is not its subject's": (
        (says("consent", "fax@v1#poll", "2026-03-01", "customer"),), POLLS, BEFORE_V2, NO, 2),
    "a customer's later consent lifts its refusal": (
        (says("refuse", "fax@v1#news", "2026-03-01", "customer"),
         says("consent", "fax@v1#news", "2026-04-01", "customer")), MARKETING, BEFORE_V2, YES, 2),
    "a new use waits for its notice": ((), ADS, AFTER_V2, NO, 3),
    "a new use waits for the time to answer": ((delivered("2026-07-10"),), ADS, AFTER_V2, NO, 3),
    "a new use begins when the time to answer is over": (
        (delivered("2026-06-10"),), ADS, "2026-07-10", YES, 4),
    "and not an instant before": ((delivered("2026-06-10"),), ADS, "2026-07-09", NO, 3),
    "a notice delivered early does not bring the effective date forward": (
        (delivered("2026-04-25"), Admission("s", day("2026-01-15")),
         Admission("s", day("2026-05-01"), VersionKey("fax", 2))), ADS, "2026-05-31", NO, 3),
    "silence after a bounced notice is not heard": (
        (delivered("2026-06-10", undone="2026-06-11"),), ADS, AFTER_V2, NO, 3),
    "a bounce is not known before it happens": (
        (delivered("2026-06-10", undone="2026-07-20"),), ADS, "2026-07-15", YES, 4),
    "a bounce reported before the delivery stands": (
        (delivered("2026-06-10", undone="2026-06-09"),), ADS, AFTER_V2, NO, 3),
    "a notice that did not tell of this change does not count": (
        (delivered("2026-06-10", changes=("fax@v2#share",)),), ADS, AFTER_V2, NO, 3),
    "an objection in time refuses the new use": (
        (delivered("2026-06-10"), says("refuse", "fax@v2#ads", "2026-06-20")), ADS, AFTER_V2, NO, 3),
    "an objection after the time refuses from then on": (
        (delivered("2026-06-10"), says("refuse", "fax@v2#ads", "2026-07-25")), ADS, AFTER_V2, NO, 3),
    "a consent to the change need not wait": (
        (says("consent", "fax@v2#ads", "2026-06-20"),), ADS, AFTER_V2, YES, 4),
    "a customer's refusal of the change binds": (
        (delivered("2026-06-10"), says("consent", "fax@v2#ads", "2026-06-20"),
         says("refuse", "fax@v2#ads", "2026-06-15", "customer")), ADS, AFTER_V2, NO, 5),
    "silence never binds under opt-in": (
        (delivered("2026-06-10", changes=("fax@v2#share",)),), SHARE, "2027-06-01", NO, 3),
    "a consent to the change permits it": (
        (says("consent", "fax@v2#share", "2026-06-20"),), SHARE, AFTER_V2, YES, 4),
    "and its withdrawal ends that": (
        (says("consent", "fax@v2#share", "2026-06-20"), says("withdraw", "fax@v2#share", "2026-07-20")),
        SHARE, AFTER_V2, NO, 3),
    "a subject that only accepted the first version stays under it until the next takes effect": (
        (Admission("s", day("2026-01-15"), VersionKey("fax", 1)),), ADS, BEFORE_V2, NO, 3),
    "a subject not yet under the policy is undecided": (
        (Admission("s", day("2026-09-01")),), SERVICE, AFTER_V2, GAP, 1),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_use_is_answered(case: tuple[tuple[object, ...], str, str, UseAnswer, int]) -> None:
    known, purpose, at, answer, rule = case
    decision = ask(facts(*known), purpose, at)
    assert decision.answer is answer, decision
    assert decision.reasons[-1].rule == rule, decision
    assert [reason.number for reason in decision.reasons] == list(range(1, len(decision.reasons) + 1))
    assert bool(decision.missing) is (answer is not YES)


GAPS = {
    "an unknown subject": (replace(facts(), known_subject=False, tags=()), {}, "subject"),
    "an unknown category": (facts(), {"category": "user.shoe_size"}, "user.shoe_size"),
    "an unknown purpose": (facts(), {"purpose": "essential.typo"}, "essential.typo"),
    "an unknown recipient": (facts(), {"recipient": "Nobody Known"}, "Nobody Known"),
    "an unknown policy": (facts(), {"slug": "phone"}, "'phone'"),
    "data that is not tagged": (facts(tags=()), {}, "tagged"),
    "a tag of another category": (facts(), {"category": PHONE}, PHONE),
    "data collected later than asked about": (facts(), {"at": day("2026-01-20")}, "tagged"),
    "a tag without a version": (facts(tags=(replace(TAG, version=None),)), {}, "no version was in force"),
    "a tag whose version is not on record": (
        facts(tags=(replace(TAG, version=VersionKey("fax", 9)),)), {}, "no version was in force"),
    "a tag that claims a version not in force yet": (
        facts(tags=(replace(TAG, version=VersionKey("fax", 2)),)), {}, "fax@v2"),
}  # fmt: skip


@pytest.mark.parametrize("case", GAPS.values(), ids=GAPS)
def test_what_is_not_known_leaves_the_question_undecided_and_is_named(case) -> None:
    known, changes, named = case
    request = replace(UseRequest("s", EMAIL, SERVICE, day(BEFORE_V2)), **changes)
    decision = decide(request, known)
    assert decision.answer is GAP
    assert decision.reasons[-1].rule == 1
    assert any(named in reason.text for reason in decision.reasons)
    assert decision.missing


def test_every_gap_is_named_at_once() -> None:
    request = UseRequest("s", "user.shoe_size", "essential.typo", day(BEFORE_V2), recipient="Nobody Known")
    texts = " ".join(reason.text for reason in decide(request, facts()).reasons)
    assert all(word in texts for word in ("user.shoe_size", "essential.typo", "Nobody Known"))


def test_a_slip_of_the_pen_gets_the_term_that_was_meant() -> None:
    decision = ask(facts(), "essential.servce", BEFORE_V2, category="user.contact.emial")
    assert EMAIL in decision.missing[0]
    assert SERVICE in decision.missing[1]


def test_a_yes_names_version_clause_and_practice() -> None:
    reason = ask(facts(), SERVICE, BEFORE_V2).reasons[-1]
    assert (reason.version, reason.clause, reason.practice) == (
        VersionKey("fax", 1),
        "about-account",
        "account",
    )


def test_a_no_says_what_would_make_it_a_yes() -> None:
    assert "fax@v2#share" in ask(facts(), SHARE, AFTER_V2).missing[0]
    assert "delivered" in ask(facts(), ADS, AFTER_V2).missing[0]
    assert "2026-08-09" in ask(facts(delivered("2026-07-10")), ADS, AFTER_V2).missing[0]


# Rule 4: what a later version withdraws or narrows.

WITHDRAWN = version(3, "2026-09-01", ACCOUNT)
LATER = "2026-10-01"


def test_a_use_that_the_version_in_force_withdrew_is_refused_for_old_data_too() -> None:
    decision = ask(facts(versions=(V1, V2, WITHDRAWN)), MARKETING, LATER)
    assert (decision.answer, decision.reasons[-1].rule) == (NO, 4)


def test_it_was_permitted_until_then() -> None:
    assert ask(facts(versions=(V1, V2, WITHDRAWN)), MARKETING, "2026-08-31").answer is YES


def test_existing_keep_where_it_was_last_stated_leaves_old_data_under_its_version() -> None:
    kept = replace(V2, practices=(ACCOUNT, replace(NEWS, keep_existing=True)))
    decision = ask(facts(versions=(V1, kept, WITHDRAWN)), MARKETING, LATER)
    assert (decision.answer, decision.reasons[-1].rule) == (YES, 4)
    assert decision.reasons[-1].version == VersionKey("fax", 2)


def test_a_later_statement_without_keep_ends_an_earlier_keep() -> None:
    kept = replace(V1, practices=(ACCOUNT, replace(NEWS, keep_existing=True)))
    assert ask(facts(versions=(kept, V2, WITHDRAWN)), MARKETING, LATER).answer is NO


def test_a_kept_practice_still_hears_an_objection() -> None:
    kept = replace(V2, practices=(ACCOUNT, replace(NEWS, keep_existing=True)))
    known = facts(says("refuse", "fax@v2#news", "2026-09-15"), versions=(V1, kept, WITHDRAWN))
    assert ask(known, MARKETING, LATER).answer is NO


def test_a_choice_that_a_later_version_asks_for_is_asked_for_old_data_too() -> None:
    stricter = version(3, "2026-09-01", replace(ACCOUNT, choice=ChoiceMode.OPT_IN))
    versions = (V1, V2, stricter)
    assert ask(facts(versions=versions), SERVICE, LATER).answer is NO
    consent = says("consent", "fax@v3#account", "2026-09-10")
    assert ask(facts(consent, versions=versions), SERVICE, LATER).answer is YES


def test_a_looser_version_does_not_loosen_old_data() -> None:
    looser = version(3, "2026-09-01", replace(POLL, choice=ChoiceMode.NONE))
    assert ask(facts(versions=(V1, V2, looser)), POLLS, LATER).answer is NO


def test_widening_a_practice_does_not_undo_the_consent_to_the_narrower_one() -> None:
    wider = version(3, "2026-09-01", replace(POLL, recipients=(Recipient("partner"),)))
    consent = says("consent", "fax@v1#poll", "2026-03-01")
    known = facts(consent, versions=(V1, V2, wider))
    assert ask(known, POLLS, LATER).answer is YES
    assert ask(known, POLLS, LATER, recipient="partner").answer is NO


def test_a_use_withdrawn_and_brought_again_is_judged_by_the_later_change() -> None:
    again = version(4, "2026-12-01", ACCOUNT, ADS_OUT, asks={"ads": ChoiceMode.OPT_OUT})
    versions = (V1, V2, WITHDRAWN, again)
    old_notice, new_notice = (
        delivered("2026-06-10"),
        delivered("2026-12-02", number=4, changes=("fax@v4#ads",)),
    )
    assert ask(facts(old_notice, versions=versions), ADS, "2027-03-01").answer is NO
    assert ask(facts(old_notice, new_notice, versions=versions), ADS, "2027-03-01").answer is YES


def test_a_later_version_that_asked_nobody_reaches_no_old_data() -> None:
    silent = replace(V2, changes=())
    decision = ask(facts(delivered("2026-06-10"), versions=(V1, silent)), ADS, AFTER_V2)
    assert (decision.answer, decision.reasons[-1].rule) == (NO, 3)


# Rule 6: several tags, several categories.


def test_every_matching_tag_must_permit() -> None:
    newer = replace(TAG, record="form", collected_at=day("2026-06-20"), version=VersionKey("fax", 2))
    assert ask(facts(tags=(newer,)), ADS, AFTER_V2).answer is YES
    decision = ask(facts(tags=(newer, TAG)), ADS, AFTER_V2)
    assert decision.answer is NO
    assert {tag.record for tag in decision.tags} == {"form", "account"}


def test_a_refusal_outweighs_a_gap() -> None:
    unknown = replace(TAG, record="old", version=None)
    assert ask(facts(tags=(unknown, TAG)), ADS, AFTER_V2).answer is NO
    assert ask(facts(tags=(unknown, TAG)), SERVICE, AFTER_V2).answer is GAP


def test_asking_for_a_category_asks_for_the_tags_below_it() -> None:
    assert ask(facts(), SERVICE, BEFORE_V2, category=CONTACT).answer is YES


def test_a_tag_on_a_broader_category_answers_for_the_narrower_one() -> None:
    broad = replace(TAG, category=CONTACT)
    assert ask(facts(tags=(broad,)), SERVICE, BEFORE_V2).answer is YES
    assert ask(facts(tags=(broad,)), SERVICE, BEFORE_V2, category=CONTACT).answer is NO


def test_a_practice_on_an_ancestor_covers_its_descendants_only_downwards() -> None:
    wide = version(1, "2026-01-01", practice("all", "marketing", data=("user",)))
    assert ask(facts(versions=(wide,)), MARKETING, BEFORE_V2).answer is YES
    narrow = version(1, "2026-01-01", practice("some", MARKETING))
    assert ask(facts(versions=(narrow,)), "marketing", BEFORE_V2).answer is NO


def test_a_wide_use_needs_every_choice_that_stands_below_it() -> None:
    both = version(1, "2026-01-01", practice("all", "marketing"), NEWS)
    known = facts(says("refuse", "fax@v1#news", "2026-03-01"), versions=(both,))
    assert ask(known, "marketing", BEFORE_V2).answer is NO
    assert ask(known, MARKETING, BEFORE_V2).answer is NO
    assert ask(known, ADS, BEFORE_V2).answer is YES


def test_two_policies_must_both_permit_unless_one_is_named() -> None:
    other = version(1, "2026-01-01", practice("phone-account", "marketing"), slug="phone")
    second = replace(TAG, slug="phone", version=VersionKey("phone", 1))
    known = facts(versions=(V1, other), tags=(TAG, second))
    assert ask(known, SERVICE, BEFORE_V2).answer is NO
    named = UseRequest("s", EMAIL, SERVICE, day(BEFORE_V2), slug="fax")
    assert decide(named, known).answer is YES


# Recipients.

RECIPIENTS = {
    "the class that is stated": ("processor.mail", YES),
    "a class above it": ("processor", NO),
    "a class that is not stated": ("partner", NO),
    "a named member of the class": ("processor.mail:Example Post", YES),
}


@pytest.mark.parametrize(("recipient", "answer"), RECIPIENTS.values(), ids=RECIPIENTS)
def test_a_recipient_must_be_covered(recipient: str, answer: UseAnswer) -> None:
    assert ask(facts(), MARKETING, BEFORE_V2, recipient=recipient).answer is answer


def test_where_one_party_is_named_its_class_is_not_meant() -> None:
    tag = replace(TAG, collected_at=day("2026-06-20"), version=VersionKey("fax", 2))
    known = facts(tags=(tag,))
    assert ask(known, ADS, AFTER_V2, recipient="Example Ads").answer is YES
    assert ask(known, ADS, AFTER_V2, recipient="partner:example ads").answer is YES
    assert ask(known, ADS, AFTER_V2, recipient="partner").answer is NO
    assert ask(known, ADS, AFTER_V2, recipient="partner:Other Ads").answer is NO


def test_a_practice_about_disclosing_to_somebody_else_does_not_stand_in_the_way_of_own_use() -> None:
    sold = practice("sold", SERVICE, choice=ChoiceMode.OPT_IN, to=(Recipient("partner"),))
    known = facts(versions=(version(1, "2026-01-01", ACCOUNT, sold),))
    assert ask(known, SERVICE, BEFORE_V2).answer is YES
    assert ask(known, SERVICE, BEFORE_V2, recipient="partner").answer is NO


def test_nothing_goes_to_an_acquirer_before_the_subject_was_told() -> None:
    takeover = practice("takeover", SERVICE, to=(Recipient("acquirer"),))
    first = version(1, "2026-01-01", takeover)
    sale = version(2, "2026-06-01", takeover, change_class=ChangeClass.TRANSITION)
    told = Delivery(sale.key, "transition", day("2026-06-10"))
    untold = ask(facts(versions=(first, sale)), SERVICE, AFTER_V2, recipient="acquirer")
    assert (untold.answer, untold.reasons[-1].rule) == (NO, 3)
    assert ask(facts(told, versions=(first, sale)), SERVICE, AFTER_V2, recipient="acquirer").answer is YES
    assert ask(facts(told, versions=(first, sale)), SERVICE, "2026-06-09", recipient="acquirer").answer is NO


SALE = version(2, "2026-06-01", ACCOUNT, change_class=ChangeClass.TRANSITION)
SOLD = (replace(V1, practices=(ACCOUNT,)), SALE)
NEW_TAG = replace(TAG, record="new", collected_at=day("2026-06-20"), version=SALE.key)
TOLD = Delivery(SALE.key, "transition", day("2026-05-10"))

TAKEN_OVER = {
    "told before": ([TOLD], YES),
    "told afterwards": ([replace(TOLD, at=day("2026-06-20"))], YES),
    "not told": ([], NO),
    "told, and the mail came back": ([replace(TOLD, undone_at=day("2026-05-12"))], NO),
    "told of a choice only, which names no owner": ([replace(TOLD, kind="choice")], NO),
    "told of another policy's": ([replace(TOLD, version=VersionKey("phone", 2))], NO),
    "accepted under the new owner": ([KNOWN, Admission("s", day("2026-06-15"), SALE.key)], YES),
    "accepted the version of the old one": ([KNOWN, Admission("s", day("2026-06-15"), V1.key)], NO),
}


@pytest.mark.parametrize(("known", "answer"), TAKEN_OVER.values(), ids=TAKEN_OVER)
def test_who_takes_over_uses_old_data_only_of_those_who_were_told(
    known: list[object], answer: UseAnswer
) -> None:
    found = ask(facts(*known, versions=SOLD), SERVICE, AFTER_V2)
    assert found.answer is answer
    assert (found.finding.code == "transfer_not_told") is (answer is NO)


def test_before_a_takeover_and_for_data_collected_after_it_nobody_needs_to_be_told() -> None:
    assert ask(facts(versions=SOLD), SERVICE, BEFORE_V2).answer is YES
    assert ask(facts(versions=SOLD, tags=(NEW_TAG,)), SERVICE, AFTER_V2).answer is YES
    assert ask(facts(versions=SOLD, tags=(TAG, NEW_TAG)), SERVICE, AFTER_V2).answer is NO


def test_being_told_of_one_takeover_is_not_being_told_of_the_next() -> None:
    takeover = practice("takeover", SERVICE, to=(Recipient("acquirer"),))
    again = version(3, "2026-09-01", takeover, change_class=ChangeClass.TRANSITION)
    versions = (replace(V1, practices=(takeover,)), replace(SALE, practices=(takeover,)), again)
    next_told = Delivery(again.key, "transition", day("2026-10-01"))
    late = "2026-12-01"
    assert ask(facts(TOLD, versions=versions), SERVICE, late).answer is NO
    assert ask(facts(TOLD, next_told, versions=versions), SERVICE, late).answer is YES
    collected_after_it = replace(NEW_TAG, collected_at=day("2026-10-01"), version=again.key)
    sold_again = facts(TOLD, next_told, versions=versions, tags=(collected_after_it,))
    assert ask(sold_again, SERVICE, late, recipient="acquirer").answer is NO


# Doubt about the order of answers protects.


def test_an_older_consent_that_was_learnt_of_later_does_not_lift_an_objection() -> None:
    refusal = says("refuse", "fax@v1#news", "2026-04-01")
    older = says("consent", "fax@v1#news", "2026-03-01")
    assert ask(facts(refusal, older), MARKETING, BEFORE_V2).answer is NO


def test_an_older_refusal_that_was_learnt_of_later_is_heard() -> None:
    consent = says("consent", "fax@v1#poll", "2026-04-01")
    older = says("refuse", "fax@v1#poll", "2026-03-01")
    assert ask(facts(consent, older), POLLS, BEFORE_V2).answer is NO


def test_the_facts_carry_the_ledger_sequence_into_the_decision() -> None:
    assert ask(replace(facts(), sequence=41), SERVICE, BEFORE_V2).sequence == 41


def test_a_subject_known_before_and_after_sees_the_effective_date_as_the_border() -> None:
    tag = replace(TAG, version=VersionKey("fax", 1))
    known = facts(KNOWN, tags=(tag,), versions=(V1, replace(V2, practices=(ACCOUNT,))))
    assert ask(known, MARKETING, "2026-05-31").answer is YES
    assert ask(known, MARKETING, "2026-06-01").answer is NO


def test_refusing_one_practice_makes_no_yes_of_another_that_keeps_old_data() -> None:
    to_partner = practice("a", ADS, to=(Recipient("partner", "Example Ads"),))
    keeps = practice("b", ADS, keep=True)
    first, second = version(1, "2026-01-01", to_partner, keeps), version(2, "2026-06-01", ACCOUNT)
    refused = says("refuse", "fax@v1#a", "2026-03-01")
    both = [
        ask(facts(*more, versions=(first, second)), ADS, "2026-07-01").answer for more in ((), (refused,))
    ]
    assert both == [UseAnswer.PERMITTED] * 2
