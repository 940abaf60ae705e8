# SPDX-License-Identifier: Apache-2.0
"""Declared practices: what is new, wider, narrower or gone, and what that asks of people."""

from dataclasses import replace

import pytest

from policyctl.core.diff.compare import compare
from policyctl.core.judge.findings import Judgement, Severity
from policyctl.core.judge.regimes import REGIMES, changes_asked
from policyctl.core.judge.verdict import JudgeContext, judge
from policyctl.core.policy import ChangeClass
from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.core.revision import Revision
from policyctl.core.text.parse import parse
from tests.core.judging import CATALOGUE, PLAIN, policy, rules

TEXT = parse(policy("We handle faxes.", heading="Faxes"))
FAXES = "faxes"
BASE = Practice(
    "deliver",
    FAXES,
    ("user.contact",),
    "essential.service",
    (Recipient("processor", "Example Telco"),),
    "P2Y",
)


def revised(old: list[Practice], new: list[Practice]) -> Revision:
    return compare(TEXT, TEXT, old, new)


def judged_practices(old: list[Practice], new: list[Practice]) -> Judgement:
    context = replace(PLAIN, practices=tuple(new), old_practices=tuple(old))
    return judge(revised(old, new), catalogue=CATALOGUE, context=context)


def changed(**fields: object) -> list[Practice]:
    return [replace(BASE, **fields)]  # type: ignore[arg-type]


MARKETING = Practice("offers", FAXES, ("user.contact.email",), "marketing.communications")
CASES = {
    "a new category": ([BASE], changed(categories=("user.contact", "user.demographic.gender")), {"PC101"}),
    "a wider category": (
        changed(categories=("user.contact.email",)), changed(categories=("user.contact",)), {"PC101"},
    ),
    "a narrower category": (
        changed(categories=("user.contact",)), changed(categories=("user.contact.email",)), {"PC102"},
    ),
    "a purpose for data that is there": ([BASE], [BASE, MARKETING], {"PC111"}),
    "the same purpose for a part of the data": (
        [BASE], [BASE, replace(BASE, id="mail", categories=("user.contact.email",))], set(),
    ),
    "a narrower purpose": (
        changed(purpose="marketing"), changed(purpose="marketing.communications"), {"PC112"},
    ),
    "a wider purpose": (
        changed(purpose="marketing.communications"), changed(purpose="marketing"), {"PC111"},
    ),
    "training": ([BASE], [BASE, replace(MARKETING, purpose="train_ai_system")], {"PC113"}),
    "a purpose gone": ([BASE, MARKETING], [BASE], {"PC112"}),
    "a class of recipients": (
        [BASE], changed(recipients=(Recipient("processor"), Recipient("advertiser"))), {"PC121"},
    ),
    "a recipient named within its class": (
        [BASE],
        changed(recipients=(*BASE.recipients, Recipient("processor.mail", "Example Post"))),
        {"PC122"},
    ),
    "a class of recipients gone": ([BASE], changed(recipients=()), {"PC123"}),
    "longer": ([BASE], changed(retention="P3Y"), {"PC131"}),
    "longer in other units": ([BASE], changed(retention="P800D"), {"PC131"}),
    "no limit any more": ([BASE], changed(retention=""), {"PC131"}),
    "shorter": ([BASE], changed(retention="P6M"), {"PC132"}),
    "a weaker choice": (
        changed(choice=ChoiceMode.OPT_IN), changed(choice=ChoiceMode.OPT_OUT), {"PC141"},
    ),
    "a stronger choice": ([BASE], changed(choice=ChoiceMode.OPT_OUT), {"PC142"}),
    "sensitive": (
        [BASE], changed(categories=("user.contact", "user.biometric.voice")), {"PC101", "PC182"},
    ),
    "a wider class of recipients": (
        changed(recipients=(Recipient("processor.mail"),)),
        changed(recipients=(Recipient("processor"),)),
        {"PC121"},
    ),
    "a narrower class of recipients": (
        changed(recipients=(Recipient("processor"),)),
        changed(recipients=(Recipient("processor.mail"),)),
        {"PC123"},
    ),
    "a class of recipients another practice tells of already": (
        [replace(BASE, id="bills", recipients=(Recipient("partner"),)), BASE],
        [replace(BASE, id="bills", recipients=(Recipient("partner"),)), replace(BASE, recipients=(
            Recipient("processor", "Example Telco"), Recipient("partner.advertising")))],
        set(),
    ),
    "a parent split into its children": (
        changed(categories=("user.contact",)),
        changed(categories=("user.contact.email", "user.contact.phone_number")),
        {"PC102"},
    ),
    "children joined into their parent": (
        changed(categories=("user.contact.email", "user.contact.phone_number")),
        changed(categories=("user.contact",)),
        {"PC101"},
    ),
    "a wider category for a purpose that was narrow": (
        [BASE, MARKETING], [BASE, replace(MARKETING, categories=("user.contact",))], {"PC111"},
    ),
    "a practice under another name": ([BASE], [replace(BASE, id="transport")], set()),
    "one practice cut into two": (
        changed(categories=("user.contact", "user.name")),
        [replace(BASE, id="a", categories=("user.name",)), replace(BASE, id="b")],
        set(),
    ),
    "practices in another order": ([BASE, MARKETING], [MARKETING, BASE], set()),
    "only the order": (
        changed(categories=("user.name", "user.contact")),
        changed(categories=("user.contact", "user.name")),
        set(),
    ),
    "nothing": ([BASE], [BASE], set()),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_a_declared_change_is_found_by_its_rule(case: str) -> None:
    old, new, rules = CASES[case]
    judgement = judged_practices(old, new)
    assert {finding.rule for finding in judgement.findings} == rules
    assert all(finding.practice and finding.clause == FAXES for finding in judgement.findings)


def test_what_did_not_change_is_known_from_either_side() -> None:
    context = replace(PLAIN, practices=(BASE, MARKETING))
    judgement = judge(revised([BASE], [BASE, MARKETING]), catalogue=CATALOGUE, context=context)
    assert {finding.rule for finding in judgement.findings} == {"PC111"}


def test_a_practice_of_an_unknown_clause_blocks() -> None:
    astray = replace(BASE, clause="gone")
    found = [f for f in judged_practices([astray], [astray]).findings if f.rule == "PC202"]
    assert len(found) == 1
    assert "gone" in found[0].message


def undeclared(new: list[Practice]) -> Judgement:
    old, after = (parse(policy(words, heading="Faxes")) for words in (
        "We share your fax number with carriers.",
        "We share your fax number with carriers and with advertisers.",
    ))  # fmt: skip
    context = JudgeContext(None, None, {}, PLAIN.today, practices=tuple(new), old_practices=(BASE,))
    return judge(compare(old, after, [BASE], new), catalogue=CATALOGUE, context=context)


def test_words_that_say_more_than_is_declared_are_told_and_can_be_waived() -> None:
    found = [finding for finding in undeclared([BASE]).findings if finding.material]
    assert {finding.rule for finding in found} == {"PC201"}
    assert {finding.floor for finding in found} == {ChangeClass.CHOICE}
    assert not any(finding.forced for finding in found)


def test_words_with_a_declared_counterpart_are_not_told_twice() -> None:
    widened = replace(BASE, recipients=(*BASE.recipients, Recipient("advertiser")))
    assert rules(undeclared([widened])) == {"PC121"}


def asked(old: list[Practice], new: list[Practice], *regimes: str) -> list[tuple[str, ChoiceMode]]:
    changes = changes_asked(
        revised(old, new), judged_practices(old, new), slug="fax", number=3, regimes=regimes,
        catalogue=CATALOGUE, practices=new, old_practices=old,
    )  # fmt: skip
    return [(change.name, change.mode) for change in changes]


def test_the_strictest_regime_that_applies_wins() -> None:
    assert asked([BASE], [BASE, MARKETING]) == [("fax@v3#offers", ChoiceMode.OPT_IN)]
    assert asked([BASE], [BASE, MARKETING], "founding") == [("fax@v3#offers", ChoiceMode.OPT_OUT)]
    assert asked([BASE], [BASE, MARKETING], "dpf", "minnesota") == [("fax@v3#offers", ChoiceMode.OPT_OUT)]
    assert asked([BASE], [BASE, MARKETING], "founding", "gdpr") == [("fax@v3#offers", ChoiceMode.OPT_IN)]
    assert asked([BASE], [BASE, MARKETING], "no-such-law") == [("fax@v3#offers", ChoiceMode.OPT_IN)]


@pytest.mark.parametrize("regime", sorted(set(REGIMES) - {"founding"}))
def test_a_new_use_of_sensitive_data_needs_a_yes_under_every_law(regime: str) -> None:
    voice = Practice("voice", FAXES, ("user.biometric.voice",), "essential.service")
    new = [voice, replace(voice, id="study", purpose="analytics")]
    assert asked([voice], new, regime) == [("fax@v3#study", ChoiceMode.OPT_IN)]


def test_data_that_nobody_has_given_yet_asks_nobody() -> None:
    gender = Practice("gender", FAXES, ("user.demographic.gender",), "analytics")
    assert asked([BASE], [BASE, gender]) == []


def test_a_category_above_or_below_one_that_is_there_is_asked_about() -> None:
    email = replace(MARKETING, id="email", categories=("user.contact.email",))
    everything = replace(MARKETING, id="all", categories=("user",))
    assert [name for name, _ in asked([BASE], [BASE, email, everything])] == ["fax@v3#all", "fax@v3#email"]


def test_a_new_class_of_recipients_is_asked_about_and_less_of_anything_is_not() -> None:
    wider = changed(recipients=(*BASE.recipients, Recipient("advertiser")))
    assert [name for name, _ in asked([BASE], wider)] == ["fax@v3#deliver"]
    assert asked(wider, [BASE]) == []
    assert asked([BASE, MARKETING], [BASE]) == []


def test_the_practice_own_choice_is_never_lowered() -> None:
    opt_in = replace(MARKETING, choice=ChoiceMode.OPT_IN)
    assert asked([BASE], [BASE, opt_in], "founding") == [("fax@v3#offers", ChoiceMode.OPT_IN)]


UNTIED = "We share your fax number with advertisers."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (UNTIED, True),
        ("We collect your name and your gender.", True),
        ("We never sell your fax number to anybody.", False),
        ("You may share your fax number with whom you like.", False),
        ("Our office is open from nine to five.", False),
    ],
)
def test_a_new_clause_about_data_without_a_practice_is_told_and_does_not_block(
    words: str,
    told: bool,  # noqa: FBT001
) -> None:
    text = policy("We handle faxes.", heading="Faxes")
    old, new = parse(text), parse(f"{text}\n## More\n\n{words}\n")
    context = replace(PLAIN, practices=(BASE,), old_practices=(BASE,))
    judgement = judge(compare(old, new, [BASE], [BASE]), catalogue=CATALOGUE, context=context)
    found = [finding for finding in judgement.findings if finding.rule == "PC202"]
    assert [finding.clause for finding in found] == ["more"] * told
    assert not any(finding.severity is Severity.ERROR for finding in found)


def test_a_clause_that_did_not_change_needs_no_practice_now() -> None:
    text = parse(policy("We handle faxes.", heading="Faxes") + f"\n## More\n\n{UNTIED}\n")
    context = replace(PLAIN, practices=(BASE,), old_practices=(BASE,))
    judgement = judge(compare(text, text, [BASE], [BASE]), catalogue=CATALOGUE, context=context)
    assert judgement.findings == ()
