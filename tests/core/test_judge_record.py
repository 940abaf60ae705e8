# SPDX-License-Identifier: Apache-2.0
"""What the front matter owes: class, lead time, summary, waivers; and the text's own letters and links."""

from datetime import date, timedelta

import pytest

from policyctl.core.diff.compare import compare
from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.judge.findings import Finding, Judgement, Severity
from policyctl.core.judge.verdict import RULES, JudgeContext, judge
from policyctl.core.policy import ChangeClass
from tests.core.judging import CATALOGUE, judged, judged_texts, policy

TODAY = date(2027, 1, 4)
LEAD = {each: 0 if each is ChangeClass.EDITORIAL else 30 for each in ChangeClass}
QUIET, LOUD = "We count pages.", "We count pages and we sell your fax number to data brokers."
PURPOSE = "We count pages and we use your fax number for targeted advertising."


def front(effective: str = "2027-03-01", change: str = "") -> str:
    return f"---\ntitle: Example Fax\neffective: {effective}\n{change}---\n\n"


def change(
    cls: str = "choice", *, summary: str = "More is sold.", impact: str = "Calls.", waivers: str = ""
) -> str:
    lines = [f"  class: {cls}", "  decided_by: legal@example.com"]
    lines += [f"  summary: {summary}"] if summary else []
    lines += [f"  impact: {impact}"] if impact else []
    if cls == "transition":
        lines.append(
            "  transition: {old_controller: Example Fax, new_controller: Sample Paper, on: 2027-03-01}"
        )
    return "change:\n" + "\n".join(lines) + f"\n{waivers}"


def published(words: str, head: str, *, was: str = QUIET, today: date = TODAY) -> Judgement:
    old = read_policy(front("2026-06-01") + policy(was), file="policy.md")
    new = read_policy(head + policy(words), file="policy.md")
    context = JudgeContext(old, new, LEAD, today)
    return judge(compare(old.document, new.document), catalogue=CATALOGUE, context=context)


def blocking(judgement: Judgement) -> set[str]:
    return {finding.rule for finding in judgement.findings if finding.severity is Severity.ERROR}


@pytest.mark.parametrize("cls", ["editorial", "notice"])
def test_a_class_below_the_floor_blocks(cls: str) -> None:
    judgement = published(LOUD, front(change=change(cls)))
    assert judgement.verdict.change_class is ChangeClass.CHOICE
    found = next(finding for finding in judgement.findings if finding.rule == "PC211")
    assert "class: choice" in found.mend
    assert "PC121" in found.message


@pytest.mark.parametrize("cls", ["choice", "transition"])
def test_a_class_at_or_above_the_floor_is_fine(cls: str) -> None:
    assert blocking(published(LOUD, front(change=change(cls)))) == set()


def test_no_decision_at_all_blocks_when_something_changed() -> None:
    assert {"PC211", "PC213"} <= blocking(published(LOUD, front()))


@pytest.mark.parametrize(
    ("effective", "today", "rules"),
    [
        ("2027-03-01", TODAY, set()),
        ("2027-02-03", TODAY, set()),
        ("2027-02-02", TODAY, {"PC212"}),
        ("2026-06-01", date(2026, 1, 1), {"PC212"}),
    ],
)
def test_the_effective_date_leaves_time_and_follows_the_last_one(
    effective: str, today: date, rules: set[str]
) -> None:
    assert blocking(published(LOUD, front(effective, change()), today=today)) == rules


def test_a_missing_effective_date_is_told() -> None:
    head = front(change=change()).replace("effective: 2027-03-01\n", "")
    assert "PC212" in blocking(published(LOUD, head))


@pytest.mark.parametrize(("summary", "impact"), [("", "Calls."), ("Sold.", ""), ("", "")])
def test_a_choice_needs_a_summary_and_an_impact(summary: str, impact: str) -> None:
    try:
        judgement = published(LOUD, front(change=change(summary=summary, impact=impact)))
    except Exception as error:  # noqa: BLE001 - the reader of front matter may refuse it first
        assert "summary" in str(error) or "impact" in str(error)  # noqa: PT017
        return
    assert "PC213" in blocking(judgement)


def test_plain_markdown_owes_no_front_matter() -> None:
    assert blocking(judged(QUIET, LOUD)) == set()


def waiver(rule: str, clause: str, expires: str = "2027-06-01") -> str:
    return (
        f"  waivers:\n    - {{rule: {rule}, clause: {clause}, reason: told by mail, "
        f"approved_by: legal@example.com, expires: {expires}}}\n"
    )


def test_a_waiver_lowers_the_floor_of_a_rule_that_is_not_forced() -> None:
    words = "We count pages. You have the right to object to profiling by us."
    clause = next(f.clause for f in judged(QUIET, words).findings if f.rule == "PC142")
    judgement = published(words, front(change=change("editorial", waivers=waiver("PC142", str(clause)))))
    assert [finding.waived for finding in judgement.findings if finding.rule == "PC142"] == [True]
    assert judgement.verdict.change_class is ChangeClass.EDITORIAL
    assert judgement.verdict.material
    assert blocking(judgement) == set()


def test_a_forced_rule_is_never_waived() -> None:
    clause = next(f.clause for f in judged(QUIET, LOUD).findings if f.rule == "PC121")
    judgement = published(LOUD, front(change=change("editorial", waivers=waiver("PC121", str(clause)))))
    assert not any(finding.waived for finding in judgement.findings)
    assert "PC211" in blocking(judgement)


@pytest.mark.parametrize(
    "row", [waiver("PC142", "nowhere"), waiver("PC142", "how-we-handle-data", "2026-12-31")]
)
def test_a_waiver_that_waives_nothing_or_has_expired_blocks(row: str) -> None:
    assert "PC203" in blocking(published(LOUD, front(change=change(waivers=row))))


def by_rule(judgement: Judgement) -> dict[str, Finding]:
    return {finding.rule: finding for finding in judgement.findings}


def test_a_fingerprint_stays_the_same_when_other_lines_change_and_differs_with_the_words() -> None:
    before, after = policy(QUIET), policy(PURPOSE)
    first = by_rule(judged_texts(before, after))["PC111"]
    more = "# Example Fax privacy policy\n\nA word of welcome.\n\nAnother one.\n"
    shifted = [text.replace("# Example Fax privacy policy\n", more, 1) for text in (before, after)]
    second = by_rule(judged_texts(*shifted))["PC111"]
    assert first.fingerprint == second.fingerprint
    assert first.line != second.line
    assert len(first.fingerprint) == 12
    other = by_rule(judged_texts(before, policy(PURPOSE.replace("targeted", "location based"))))["PC111"]
    assert other.fingerprint != first.fingerprint


@pytest.mark.parametrize(
    "hidden", ["We count \u202epages\u202c.", "We co\u200bunt pages.", "We c\u043eunt pages."]
)
def test_letters_that_deceive_block(hidden: str) -> None:
    assert "PC241" in blocking(judged(QUIET, hidden))


@pytest.mark.parametrize("honest", ["Мы считаем страницы.", "Σελίδες.", "We count pages \u2014 naïvely."])
def test_other_alphabets_are_no_deception(honest: str) -> None:
    assert "PC241" not in blocking(judged(QUIET, honest))


def test_broken_links_and_empty_clauses_are_told_in_a_policy() -> None:
    judgement = published(f"{QUIET} See [there](#nowhere).\n\n## Hollow", front(change=change("notice")))
    messages = [finding.message for finding in judgement.findings if finding.rule == "PC251"]
    assert any("#nowhere" in message for message in messages)
    assert any("Hollow" in message for message in messages)


def test_every_rule_says_what_why_and_how_to_mend() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES) == len({rule.name for rule in RULES})
    for rule in RULES:
        assert rule.what.endswith(".")
        assert rule.why.endswith(".")
        assert rule.mend.endswith(".")


def test_waiting_longer_than_the_lead_time_is_always_fine() -> None:
    head = front(str(TODAY + timedelta(days=400)), change())
    assert "PC212" not in blocking(published(LOUD, head))


DATED = "Last updated: {day}\n\n## Faxes\n\n{words}\n"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (("1 June 2026", QUIET), ("1 June 2026", QUIET), False),
        (("1 June 2026", QUIET), ("1 June 2026", "We count sheets."), True),
        (("1 June 2026", QUIET), ("4 January 2027", "We count sheets."), False),
        (("1 June 2026", QUIET), ("4 January 2027", QUIET), True),
        (("1 June 2026", QUIET), ("1 June 2026", "We **count** pages."), False),
        (("soon", QUIET), ("soon", "We count sheets."), False),
        (("2026-06-01", QUIET), ("1 June 2026", "We count sheets."), True),
    ],
)
def test_the_date_shown_moves_with_the_words_and_only_with_them(
    before: tuple[str, str],
    after: tuple[str, str],
    told: bool,  # noqa: FBT001
) -> None:
    old, new = (DATED.format(day=day, words=words) for day, words in (before, after))
    judgement = judged_texts(old, new)
    found = [finding for finding in judgement.findings if finding.rule == "PC223"]
    assert bool(found) is told
    assert not any(finding.material for finding in found)
    assert judgement.verdict.change_class is ChangeClass.EDITORIAL
    if told:
        assert found[0].line == 1
        assert found[0].severity is Severity.WARNING


def test_a_date_that_was_not_moved_asks_for_no_decision_of_its_own() -> None:
    old = read_policy(front("2026-06-01") + policy(QUIET), file="policy.md")
    new = read_policy(front() + policy("We count sheets."), file="policy.md")
    context = JudgeContext(old, new, LEAD, TODAY)
    findings = judge(compare(old.document, new.document), catalogue=CATALOGUE, context=context).findings
    assert {finding.rule for finding in findings} == {"PC223"}


def test_another_mail_address_is_told_and_is_not_material() -> None:
    old, new = (policy(QUIET).replace("privacy@", f"{name}@") for name in ("privacy", "data"))
    judgement = judged_texts(old, new)
    (found,) = [finding for finding in judgement.findings if finding.rule == "PC191"]
    assert "privacy@example.com becomes data@example.com" in found.message
    assert found.line == new[: new.index("data@")].count("\n") + 1
    assert not judgement.verdict.material
