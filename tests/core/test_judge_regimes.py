# SPDX-License-Identifier: Apache-2.0
"""The table of regimes, cell by cell: which act each kind of change needs, and the class that follows."""

from dataclasses import replace
from datetime import date

import pytest

from policyctl.core.diff.compare import compare
from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.judge.findings import Finding
from policyctl.core.judge.regimes import REGIMES, Act, changes_asked, strictest
from policyctl.core.judge.verdict import JudgeContext, judge
from policyctl.core.policy import ChangeClass, PolicyText
from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.errors import PolicyctlError
from tests.core.judging import CATALOGUE, policy

TODAY = date(2027, 1, 4)
LAWS = ("ftc", "dpf", "gdpr", "california", "colorado", "minnesota")
NO, TELL, OUT, IN = Act.NONE, Act.NOTICE, Act.OPT_OUT, Act.OPT_IN

# One row a kind of change, the columns in the order of LAWS.
TABLE = {
    "contact": (TELL, TELL, TELL, TELL, TELL, TELL),
    "compatible": (TELL, OUT, TELL, TELL, TELL, OUT),
    "new_use": (IN, OUT, IN, IN, IN, OUT),
    "sensitive": (IN, IN, IN, IN, IN, IN),
    "child": (IN, IN, IN, IN, IN, IN),
    "narrower": (NO, NO, NO, TELL, TELL, TELL),
    "narrower_rights": (NO, NO, TELL, TELL, TELL, TELL),
}
CELLS = [(kind, law, act) for kind, row in TABLE.items() for law, act in zip(LAWS, row, strict=True)]


@pytest.mark.parametrize(("kind", "law", "act"), CELLS)
def test_each_cell_of_the_table(kind: str, law: str, act: Act) -> None:
    assert strictest(kind, (law,)) is act


@pytest.mark.parametrize("kind", TABLE)
def test_the_strictest_regime_that_applies_wins_and_none_named_means_all(kind: str) -> None:
    everywhere = max(*TABLE[kind], strictest(kind, ("founding",)))
    assert strictest(kind, ()) is everywhere
    assert strictest(kind, (*LAWS, "founding")) is everywhere
    for law in LAWS:
        assert strictest(kind, (law, "founding")) is max(
            strictest(kind, (law,)), strictest(kind, ("founding",))
        )


def test_the_founding_promise_asks_by_an_opt_out_and_a_name_nobody_knows_is_the_strictest() -> None:
    assert {strictest(kind, ("founding",)) for kind in ("compatible", "new_use", "sensitive", "child")} == {
        OUT
    }
    assert strictest("compatible", ("no-such-law",)) is IN
    assert set(REGIMES) == {*LAWS, "founding"}


DELIVER = Practice("deliver", "faxes", ("user.contact.fax_number",), "essential.service")
STATISTICS = Practice("statistics", "faxes", ("user.contact.fax_number",), "analytics")
VOICE = Practice("voice", "faxes", ("user.biometric.voice",), "essential.service")
CHILD = Practice("child", "faxes", ("user.childrens",), "essential.service")
ASSESSED = """change:
  class: {cls}
  decided_by: legal@example.com
  summary: Faxes are counted.
  impact: None.
  assessments:
    - practice: {practice}
      link: Counting faxes keeps the lines free for which the number was given.
      context: Customers expect a bill by number of faxes.
      nature: A business number, no sensitive kind.
      consequences: None for the reader.
      safeguards: Counts are kept without the number.
      author: dpo@example.com
      date: {day}
"""


def front(change: str = "", effective: str = "2027-03-01") -> str:
    return f"---\ntitle: Example Fax\neffective: {effective}\n{change}---\n\n"


def assessed(practice: str = "statistics", cls: str = "notice", day: str = "2027-01-02") -> str:
    return front(ASSESSED.format(practice=practice, cls=cls, day=day))


def text(head: str, words: str = "We handle faxes.") -> PolicyText:
    return read_policy(head + policy(words, heading="Faxes"), file="policy.md")


def findings(
    old: list[Practice],
    new: list[Practice],
    regimes: tuple[str, ...],
    head: str = "",
    words: str = "We handle faxes.",
) -> tuple[Finding, ...]:
    before, after = text(front(effective="2026-01-01")), text(head or front(), words)
    context = JudgeContext(before, after, {}, TODAY, regimes, practices=tuple(new), old_practices=tuple(old))
    return judge(
        compare(before.document, after.document, old, new), catalogue=CATALOGUE, context=context
    ).findings


def floor(rule: str, *args: object, **more: object) -> ChangeClass:
    return next(f.floor for f in findings(*args, **more) if f.rule == rule)  # type: ignore[arg-type]


def mode(old: list[Practice], new: list[Practice], *regimes: str, compatible: str = "") -> list[ChoiceMode]:
    before, after = text(front(effective="2026-01-01")), text(front())
    revision = compare(before.document, after.document, old, new)
    judgement = judge(revision, catalogue=CATALOGUE, context=JudgeContext(before, after, {}, TODAY))
    asked = changes_asked(
        revision, judgement, slug="fax", number=2, regimes=regimes, catalogue=CATALOGUE, practices=new,
        old_practices=old, compatible=frozenset({compatible} - {""}),
    )  # fmt: skip
    return [change.mode for change in asked]


CHOICES = {OUT: ChoiceMode.OPT_OUT, IN: ChoiceMode.OPT_IN, TELL: ChoiceMode.NONE, NO: ChoiceMode.NONE}
CLASSES = {
    NO: ChangeClass.EDITORIAL, TELL: ChangeClass.NOTICE, OUT: ChangeClass.CHOICE, IN: ChangeClass.CHOICE,
}  # fmt: skip
ADDED = [DELIVER, STATISTICS]


@pytest.mark.parametrize("law", LAWS)
def test_a_new_purpose_of_a_practice(law: str) -> None:
    act = TABLE["new_use"][LAWS.index(law)]
    assert mode([DELIVER], ADDED, law) == [CHOICES[act]]
    assert floor("PC111", [DELIVER], ADDED, (law,)) is CLASSES[act]


@pytest.mark.parametrize("law", LAWS)
def test_a_new_purpose_recorded_as_compatible(law: str) -> None:
    act = TABLE["compatible"][LAWS.index(law)]
    assert mode([DELIVER], ADDED, law, compatible="statistics") == [CHOICES[act]]
    found = findings([DELIVER], ADDED, (law,), assessed())
    assert {f.floor for f in found if f.rule == "PC111"} == {CLASSES[act]}
    assert ("PC211" in {f.rule for f in found}) is (act is OUT), (
        "class notice is enough where no choice is owed"
    )


@pytest.mark.parametrize("law", LAWS)
def test_a_compatible_purpose_does_not_cover_new_recipients_sensitive_data_or_children(law: str) -> None:
    shared = replace(STATISTICS, recipients=(Recipient("advertiser"),))
    usual = CHOICES[TABLE["new_use"][LAWS.index(law)]]
    assert mode([DELIVER], [DELIVER, shared], law, compatible="statistics") == [usual]
    for first in (VOICE, CHILD):
        more = replace(first, id="statistics", purpose="analytics")
        assert mode([first], [first, more], law, compatible="statistics") == [ChoiceMode.OPT_IN]


@pytest.mark.parametrize("law", LAWS)
def test_a_narrower_use(law: str) -> None:
    act = TABLE["narrower"][LAWS.index(law)]
    assert floor("PC112", ADDED, [DELIVER], (law,)) is CLASSES[act]
    assert mode(ADDED, [DELIVER], law) == []


@pytest.mark.parametrize("law", LAWS)
def test_a_narrower_use_where_a_right_changes_too(law: str) -> None:
    act = TABLE["narrower_rights"][LAWS.index(law)]
    words = "We handle faxes. You have the right to object to profiling by us."
    assert floor("PC112", ADDED, [DELIVER], (law,), words=words) is CLASSES[act]


def test_a_narrower_use_owes_a_notice_under_the_default() -> None:
    assert floor("PC112", ADDED, [DELIVER], ()) is ChangeClass.NOTICE


@pytest.mark.parametrize("law", LAWS)
def test_sensitive_data_and_children_need_a_choice_under_every_law(law: str) -> None:
    more = replace(VOICE, id="study", purpose="analytics")
    assert floor("PC182", [VOICE], [VOICE, more], (law,)) is ChangeClass.CHOICE


def test_no_regime_lowers_what_the_table_does_not_speak_of() -> None:
    longer = replace(DELIVER, retention="P3Y")
    for law in LAWS:
        assert floor("PC131", [replace(DELIVER, retention="P2Y")], [longer], (law,)) is ChangeClass.NOTICE


def test_the_default_regimes_still_ask_about_a_compatible_purpose() -> None:
    found = findings([DELIVER], ADDED, (), assessed())
    assert {f.floor for f in found if f.rule == "PC111"} == {ChangeClass.CHOICE}
    assert "PC211" in {f.rule for f in found}


@pytest.mark.parametrize(
    ("practice", "day", "why"),
    [("statistic", "2027-01-02", "no new purpose"), ("statistics", "2027-02-01", "to come")],
)
def test_an_assessment_of_another_practice_or_of_a_day_to_come_does_not_count(
    practice: str, day: str, why: str
) -> None:
    found = findings([DELIVER], ADDED, ("gdpr",), assessed(practice, day=day))
    assert {f.floor for f in found if f.rule == "PC111"} == {ChangeClass.CHOICE}
    assert any(f.rule == "PC203" and why in f.message for f in found)


@pytest.mark.parametrize(
    "key", ["practice", "link", "context", "nature", "consequences", "safeguards", "author", "date"]
)
def test_an_assessment_answers_every_question_or_is_refused(key: str) -> None:
    lines = assessed().splitlines(keepends=True)
    without = "".join(line for line in lines if f" {key}: " not in line)
    if key == "practice":
        without = without.replace("      link:", "    - link:", 1)
    with pytest.raises(PolicyctlError, match=f"{key}"):
        text(without)
