# SPDX-License-Identifier: Apache-2.0
"""The history of clauses: what each step says, and that nothing is lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.core.diff.clause_history import ClauseHistory, Lineage, State, follow
from policyctl.core.revision import Kind
from policyctl.core.text.parse import parse

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)

COLLECT = "# What we collect\n\nWe collect your name and your email address when you open an account with us."
SHARE = (
    "# Whom we tell\n\nWe share your email address only with our processors, who help us run the service. "
    "They may not use it for anything else. We have a contract with each of them."
)
COOKIES = (
    "# Cookies\n\nOur pages set one cookie, which keeps you signed in until you close the browser window."
)


def history_of(*texts: str, words: bool = False) -> Lineage:
    return follow(
        (
            State(f"s{n}", BEGIN + timedelta(days=n), "policy.md", text, parse(text))
            for n, text in enumerate(texts)
        ),
        words=words,
    )


def text_of(*clauses: str) -> str:
    return "\n\n".join(clauses) + "\n"


def clause(lineage: Lineage, name: str) -> ClauseHistory:
    (found,) = [each for each in lineage.clauses if each.id == name]
    return found


def steps(history: ClauseHistory) -> list[tuple[int, set[Kind]]]:
    return [(step.point, set(step.kinds)) for step in history.steps]


def test_a_clause_keeps_its_id_when_it_is_renamed_moved_and_reworded() -> None:
    renamed = COLLECT.replace("What we collect", "Data that you give us")
    lineage = history_of(
        text_of(COLLECT, SHARE, COOKIES),
        text_of(renamed, SHARE, COOKIES),
        text_of(SHARE, renamed, COOKIES),
        text_of(SHARE, renamed.replace("your email address", "your telephone number"), COOKIES),
    )
    history = clause(lineage, "what-we-collect")
    assert steps(history) == [(0, {Kind.ADDED}), (1, {Kind.RENAMED}), (2, {Kind.MOVED}), (3, {Kind.REWORDED})]
    assert [step.heading for step in history.steps] == ["What we collect", *["Data that you give us"] * 3]
    assert steps(clause(lineage, "whom-we-tell")) == [(0, {Kind.ADDED})]


def test_a_clause_that_nobody_touched_has_one_step() -> None:
    lineage = history_of(text_of(COLLECT, SHARE), text_of(COLLECT, SHARE.replace("only ", "")))
    assert steps(clause(lineage, "what-we-collect")) == [(0, {Kind.ADDED})]
    assert clause(lineage, "what-we-collect").changed.point == 0
    assert clause(lineage, "whom-we-tell").changed.point == 1


def test_a_change_of_form_is_a_step_but_not_the_last_change() -> None:
    linked = SHARE.replace("our processors", "[our processors](https://example.com/list)")
    moved = SHARE.replace("our processors", "[our processors](https://example.com/list?page=2)")
    history = clause(history_of(text_of(COLLECT, linked), text_of(COLLECT, moved)), "whom-we-tell")
    assert steps(history) == [(0, {Kind.ADDED}), (1, {Kind.FORMAT_ONLY})]
    assert history.changed.point == 0
    assert history.changes == ()


def test_a_clause_that_went_and_came_back_has_one_history() -> None:
    lineage = history_of(text_of(COLLECT, SHARE), text_of(COLLECT), text_of(COLLECT, SHARE))
    history = clause(lineage, "whom-we-tell")
    assert steps(history) == [(0, {Kind.ADDED}), (1, {Kind.REMOVED}), (2, {Kind.ADDED})]
    assert [step.ends for step in history.steps] == [False, True, False]
    assert lineage.is_there(history)


def test_a_clause_that_is_gone_stands_last_and_says_when_it_went() -> None:
    lineage = history_of(text_of(SHARE, COLLECT), text_of(COLLECT), text_of(COLLECT, COOKIES))
    assert [each.id for each in lineage.clauses] == ["what-we-collect", "cookies", "whom-we-tell"]
    gone = lineage.clauses[-1]
    assert not lineage.is_there(gone)
    assert gone.last == 0
    assert gone.latest.ends
    assert gone.latest.point == 1


def test_the_parts_of_a_split_and_of_a_merge_name_each_other() -> None:
    one = "We share your email address only with our processors, who help us run the service."
    two = "You may ask us at any time to whom your data was given, and we answer you within thirty days."
    whole = f"# Sharing\n\n{one}\n\n{two}"
    parts = f"# Sharing\n\n{one}\n\n# Questions\n\n{two}"
    lineage = history_of(text_of(COLLECT, whole), text_of(COLLECT, parts), text_of(COLLECT, whole))
    questions, sharing = clause(lineage, "questions"), clause(lineage, "sharing")
    assert [(step.kinds >= {Kind.SPLIT}, step.others) for step in questions.steps[:1]] == [
        (True, ("sharing",))
    ]
    assert questions.steps[-1].ends
    assert questions.steps[-1].others == ("sharing",)
    assert [step.others for step in sharing.steps[1:]] == [("questions",), ("questions",)]


def test_an_explicit_id_is_taken_on_and_the_former_one_is_remembered() -> None:
    named = SHARE.replace("# Whom we tell", "# Whom we tell {#recipients}")
    history = clause(history_of(text_of(COLLECT, SHARE), text_of(COLLECT, named)), "recipients")
    assert history.names == ("whom-we-tell", "recipients")


def test_states_with_the_same_text_are_one() -> None:
    text = text_of(COLLECT, SHARE)
    lineage = history_of(text, text, text_of(COLLECT), text_of(COLLECT))
    assert [point.label for point in lineage.points] == ["s0", "s2"]


def test_no_states_give_an_empty_lineage() -> None:
    assert follow([]) == Lineage((), ())


def test_a_sentence_is_as_old_as_its_words() -> None:
    second = SHARE.replace("They may not use it for anything else.", "They may use it for what we tell them.")
    lineage = history_of(text_of(COLLECT, SHARE), text_of(COLLECT, second), words=True)
    ages = [(each.text, each.point) for each in clause(lineage, "whom-we-tell").sentences]
    assert ages == [
        ("We share your email address only with our processors, who help us run the service.", 0),
        ("They may use it for what we tell them.", 1),
        ("We have a contract with each of them.", 0),
    ]


def test_moving_a_sentence_or_its_clause_does_not_make_it_new() -> None:
    moved = COOKIES + " We have a contract with each of them."
    shorter = SHARE.replace(" We have a contract with each of them.", "")
    lineage = history_of(text_of(COLLECT, SHARE, COOKIES), text_of(moved, COLLECT, shorter), words=True)
    assert {age.point for each in lineage.clauses for age in each.sentences} == {0}


def test_a_sentence_knows_its_line() -> None:
    lineage = history_of(text_of(COLLECT, SHARE), words=True)
    assert {age.line for age in clause(lineage, "whom-we-tell").sentences} == {7}


def test_an_id_that_another_clause_takes_over_has_one_history() -> None:
    lineage = history_of(
        "# Sharing\n\n\n\n# Sharing\n\nWe share data. We share data.",
        "# Sharing\n\nWe keep it.\n\n# Sharing\n\n",
    )
    assert len({each.id for each in lineage.clauses}) == len(lineage.clauses)


SENTENCES = st.lists(
    st.sampled_from(["We share data.", "We keep it.", "You may object.", "It is safe.", "Ask us."]),
    max_size=4,
).map(" ".join)
CLAUSES = st.builds(
    "{}\n\n{}".format,
    st.sampled_from(["# Sharing", "# Keeping", "## Rights", "**Safety**", "# 2. Asking"]),
    SENTENCES,
)
TEXTS = st.one_of(st.lists(CLAUSES, max_size=5).map("\n\n".join), st.text(max_size=40))


@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_the_clauses_that_stand_are_those_of_the_last_text_each_once(texts: list[str]) -> None:
    lineage = history_of(*texts, words=True)
    there = [each for each in lineage.clauses if lineage.is_there(each)]
    assert (
        "".join(texts[-1][each.clause.start : each.clause.end] for each in there)
        == (texts[-1][parse(texts[-1]).body :])
    )
    assert len({each.id for each in lineage.clauses}) == len(lineage.clauses)
    for each in lineage.clauses:
        assert each.steps
        assert [step.point for step in each.steps] == sorted(step.point for step in each.steps)
        assert each.steps[-1].ends is not lineage.is_there(each)


@given(texts=st.lists(TEXTS, min_size=2, max_size=4), times=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_going_back_and_forth_ends_with_the_same_clauses(texts: list[str], times: int) -> None:
    there = history_of(texts[0], *([texts[1], texts[0]] * times))
    assert len([each for each in there.clauses if there.is_there(each)]) == len(parse(texts[0]).clauses)


@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_no_sentence_is_younger_than_the_last_change_of_its_clause(texts: list[str]) -> None:
    lineage = history_of(*texts, words=True)
    for each in lineage.clauses:
        touched = max(step.point for step in each.steps)
        assert all(age.point <= touched for age in each.sentences)
