# SPDX-License-Identifier: Apache-2.0
"""Who is told what about a revision, and what a notice may not leave out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.core.diff.compare import compare
from policyctl.core.judge.findings import ChangeAsked, Direction, Judgement, Verdict
from policyctl.core.notices.notice import ChoiceOffer, ClausePart, Notice, NoticeKind, Sender
from policyctl.core.notices.outbox import Audience
from policyctl.core.notices.planning import (
    Publication,
    missing_content,
    missing_sender,
    notice_from_json,
    notice_to_json,
    require_content,
    write_notices,
)
from policyctl.core.policy import ChangeClass, PolicyText, Transition, VersionKey
from policyctl.core.practice import ChoiceMode
from policyctl.core.revision import Kind, Op, Run
from policyctl.core.text.parse import parse
from policyctl.errors import IntegrityError, RefusedError
from tests.core.notice_samples import (
    ASKED,
    NEW_TEXT,
    PUBLISHED,
    SENDER,
    SHA256,
    TAXONOMY,
    TRANSITION,
    V3,
    decided,
    notice_of,
    offer,
    planned,
)

EVERYONE = Audience("administrators")
ALL_SUBJECTS = Audience("subjects")
REACHED = Audience("subjects", ("user.contact.email",))


@pytest.mark.parametrize(
    ("change_class", "asked", "told"),
    [
        (ChangeClass.EDITORIAL, (), [("revision", EVERYONE)]),
        (ChangeClass.NOTICE, (), [("revision", EVERYONE)]),
        (ChangeClass.CHOICE, (ASKED,), [("revision", EVERYONE), ("choice", REACHED)]),
        (ChangeClass.CHOICE, (), [("revision", EVERYONE)]),
        (ChangeClass.NOTICE, (ASKED,), [("revision", EVERYONE), ("choice", REACHED)]),
        (ChangeClass.NOTICE, (replace(ASKED, mode=ChoiceMode.NONE),), [("revision", EVERYONE)]),
        (ChangeClass.TRANSITION, (), [("revision", EVERYONE), ("transition", ALL_SUBJECTS)]),
        (
            ChangeClass.TRANSITION,
            (ASKED,),
            [("revision", EVERYONE), ("transition", ALL_SUBJECTS), ("choice", REACHED)],
        ),
    ],
)
def test_each_class_is_told_to_those_it_concerns(
    change_class: ChangeClass, asked: tuple[ChangeAsked, ...], told: list[tuple[str, Audience]]
) -> None:
    assert [(one.notice.kind.value, one.audience) for one in planned(change_class, asked)] == told


def test_a_first_version_changes_nothing_for_anybody() -> None:
    text = PolicyText("Title", date(2027, 1, 1), None, parse(NEW_TEXT))
    notices = write_notices(
        Publication(VersionKey("example-fax", 1), text, PUBLISHED, SHA256),
        revision=None,
        judgement=None,
        asked=(),
        collected_under=(),
        taxonomy=TAXONOMY,
    )
    assert notices == ()


def test_several_changes_are_asked_in_one_notice_to_all_whom_any_of_them_reaches() -> None:
    other = replace(ASKED, name="example-fax@v3#logs", categories=("user.device", "user.contact.email"))
    choice = planned(asked=(ASKED, other))[1]
    assert [one.change for one in choice.notice.choices] == [ASKED.name, other.name]
    assert choice.audience.categories == ("user.contact.email", "user.device")


def test_a_choice_says_in_words_what_data_was_collected_for_what_and_would_be_used_for_what() -> None:
    assert offer() == ChoiceOffer(
        change="example-fax@v3#quote-marketing",
        data=("your email address",),
        collected_for=("answering your request for a quote",),
        new_use="sending you offers",
        recipients=("Example Ads (a business partner)",),
        consequence="You may get mail with offers from us.",
        mode=ChoiceMode.OPT_OUT,
        until=date(2027, 1, 14),
        answer_days=30,
    )


@pytest.mark.parametrize(
    ("published", "days", "until"),
    [
        (date(2026, 12, 1), 30, date(2027, 1, 14)),  # the day before it takes effect
        (date(2027, 1, 10), 30, date(2027, 2, 8)),  # thirty whole days, the day of publication counted
        (date(2027, 1, 10), 1, date(2027, 1, 14)),
    ],
)
def test_an_objection_is_waited_for_until_the_new_use_may_begin(
    published: date, days: int, until: date
) -> None:
    choice = planned(published=published, answer_days=days)[1].notice.choices[0]
    assert choice.until == until


def test_a_consent_has_no_last_day() -> None:
    asked = replace(ASKED, mode=ChoiceMode.OPT_IN)
    assert planned(asked=(asked,))[1].notice.choices[0].until is None


def test_a_change_without_a_declared_practice_still_names_its_recipients() -> None:
    asked = replace(ASKED, practice="gone")
    assert planned(asked=(asked,))[1].notice.choices[0].recipients == ("a business partner",)


def test_the_changed_clauses_stand_in_the_notice_and_the_others_do_not() -> None:
    clauses = notice_of(NoticeKind.REVISION).clauses
    assert {(part.heading, part.kinds, part.material) for part in clauses} == {
        ("Quotes", (Kind.REWORDED,), True),
        ("Cookies", (Kind.REMOVED,), False),
        ("Surveys", (Kind.ADDED,), False),
    }


@pytest.mark.parametrize(
    ("heading", "old", "new"),
    [
        (
            "Quotes",
            "We use your email address to answer your request for a quote.",
            NEW_TEXT.splitlines()[9],
        ),
        ("Cookies", "## Cookies\n\nWe use cookies to keep you signed in.", ""),
        ("Surveys", "", "## Surveys\n\nWe may invite you to a survey."),
    ],
)
def test_a_redline_in_a_notice_gives_both_wordings_back(heading: str, old: str, new: str) -> None:
    (part,) = [one for one in notice_of(NoticeKind.REVISION).clauses if one.heading == heading]
    runs = [run for block in part.blocks for run in block]
    assert "".join(run.text for run in runs if run.op is not Op.INSERT).strip() == old
    assert "".join(run.text for run in runs if run.op is not Op.DELETE).strip() == new


def test_the_copy_is_the_revised_policy_without_its_front_matter() -> None:
    notice = notice_of(NoticeKind.REVISION)
    assert notice.full_text == NEW_TEXT.split("---\n", 2)[2].strip("\n")
    assert notice.text_sha256 == SHA256


@pytest.mark.parametrize("missing", ["effective", "change"])
def test_nothing_is_written_without_a_date_or_a_decision(missing: str) -> None:
    document = parse(NEW_TEXT)
    text = PolicyText("Title", date(2027, 1, 15), decided(ChangeClass.NOTICE), document)
    verdict = Verdict(
        material=False, change_class=ChangeClass.EDITORIAL, direction=Direction.NEUTRAL, categories=()
    )
    with pytest.raises(RefusedError, match=missing.replace("change", "decision")):
        write_notices(
            Publication(V3, replace(text, **{missing: None}), PUBLISHED, SHA256),
            revision=compare(document, document),
            judgement=Judgement((), verdict),
            asked=(),
            collected_under=(),
            taxonomy=TAXONOMY,
        )


# --- what must be there


@pytest.mark.parametrize("change_class", list(ChangeClass))
def test_what_is_planned_from_a_whole_decision_lacks_nothing(change_class: ChangeClass) -> None:
    asked = (ASKED,) if change_class.rank >= ChangeClass.CHOICE.rank else ()
    for one in planned(change_class, asked):
        require_content(one.notice, SENDER)


@pytest.mark.parametrize(
    ("left_out", "named"),
    [
        ({"change": ""}, "the name to answer to"),
        ({"data": ()}, "what data"),
        ({"collected_for": ()}, "what it was collected for"),
        ({"new_use": " "}, "what it would newly be used for"),
        ({"recipients": ("",)}, "who would get it"),
        ({"consequence": ""}, "what follows for the reader"),
        ({"until": None}, "until when to answer"),
        ({"mode": ChoiceMode.NONE}, "what happens with no answer"),
    ],
)
def test_a_choice_that_lacks_a_field_of_the_law_is_not_sent(left_out: dict[str, Any], named: str) -> None:
    notice = notice_of(NoticeKind.CHOICE, choices=(offer(**left_out),))
    with pytest.raises(RefusedError, match=named):
        require_content(notice, SENDER)


@pytest.mark.parametrize(
    ("kind", "change_class", "left_out", "named"),
    [
        (NoticeKind.REVISION, ChangeClass.NOTICE, {"title": ""}, "the title of the policy"),
        (NoticeKind.REVISION, ChangeClass.EDITORIAL, {"full_text": "\n"}, "the revised policy"),
        (NoticeKind.REVISION, ChangeClass.NOTICE, {"summary": ""}, "a summary of the change"),
        (NoticeKind.REVISION, ChangeClass.CHOICE, {"impact": ""}, "what follows for the reader"),
        (NoticeKind.CHOICE, ChangeClass.CHOICE, {"choices": ()}, "a change to answer to"),
        (NoticeKind.CHOICE, ChangeClass.CHOICE, {"summary": ""}, "a summary of the change"),
        (
            NoticeKind.REVISION,
            ChangeClass.TRANSITION,
            {"transition": None},
            "old and new controller and the date",
        ),
        (
            NoticeKind.TRANSITION,
            ChangeClass.TRANSITION,
            {"transition": None},
            "old and new controller and the date",
        ),
        (
            NoticeKind.TRANSITION,
            ChangeClass.TRANSITION,
            {"transition": Transition("", "New GmbH", TRANSITION.on)},
            "the old controller",
        ),
        (
            NoticeKind.TRANSITION,
            ChangeClass.TRANSITION,
            {"transition": Transition("Old, Inc.", " ", TRANSITION.on)},
            "the new controller",
        ),
    ],
)
def test_a_notice_that_lacks_what_it_owes_is_not_sent(
    kind: NoticeKind, change_class: ChangeClass, left_out: dict[str, Any], named: str
) -> None:
    notice = notice_of(kind, change_class, **left_out)
    with pytest.raises(RefusedError, match=named):
        require_content(notice, SENDER)


def test_an_editorial_notice_needs_no_summary() -> None:
    assert missing_content(notice_of(NoticeKind.REVISION, ChangeClass.NOTICE, summary="")) != ()
    editorial = planned(ChangeClass.EDITORIAL, ())[0].notice
    assert missing_content(replace(editorial, summary="", impact="")) == ()


@pytest.mark.parametrize("field", ["from_address", "reply_to", "postal_address"])
def test_a_sender_who_cannot_be_answered_sends_nothing(field: str) -> None:
    sender: Sender = replace(SENDER, **{field: ""})
    assert len(missing_sender(sender)) == 1
    with pytest.raises(RefusedError, match=r"\[mail\]"):
        require_content(notice_of(NoticeKind.REVISION), sender)


@pytest.mark.parametrize("forged", ["a\r\nBcc: eve@example.org", "a\nb", "a\0b", "a\u2028b", "a\x85b"])
def test_a_title_that_could_forge_a_header_stops_the_notice(forged: str) -> None:
    with pytest.raises(RefusedError, match="title"):
        require_content(notice_of(NoticeKind.REVISION, title=forged), SENDER)


@pytest.mark.parametrize("field", ["from_name", "from_address", "reply_to"])
def test_a_sender_that_could_forge_a_header_stops_the_notice(field: str) -> None:
    with pytest.raises(RefusedError, match="line break"):
        require_content(notice_of(NoticeKind.REVISION), replace(SENDER, **{field: "a@example.com\r\nX: y"}))


# --- kept in the ledger

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
DAYS = st.dates()
NOTICES = st.builds(
    Notice,
    version=st.builds(VersionKey, st.from_regex(r"[a-z0-9-]{1,9}", fullmatch=True), st.integers(1, 99)),
    kind=st.sampled_from(NoticeKind),
    title=TEXT,
    change_class=st.sampled_from(ChangeClass),
    effective=DAYS,
    published=DAYS,
    summary=TEXT,
    impact=TEXT,
    clauses=st.tuples(
        st.builds(
            ClausePart,
            heading=TEXT,
            kinds=st.lists(st.sampled_from(Kind)).map(tuple),
            blocks=st.lists(st.lists(st.builds(Run, st.sampled_from(Op), TEXT)).map(tuple)).map(tuple),
            anchor=TEXT,
            was=TEXT,
            material=st.booleans(),
        )
    ),
    choices=st.tuples(
        st.builds(
            ChoiceOffer,
            change=TEXT,
            data=st.lists(TEXT).map(tuple),
            collected_for=st.lists(TEXT).map(tuple),
            new_use=TEXT,
            recipients=st.lists(TEXT).map(tuple),
            consequence=TEXT,
            mode=st.sampled_from(ChoiceMode),
            until=st.none() | DAYS,
            answer_days=st.integers(0, 400),
        )
    ),
    transition=st.none() | st.builds(Transition, TEXT, TEXT, DAYS),
    full_text=TEXT,
    text_sha256=TEXT,
    ledger_head=TEXT,
)


@given(notice=NOTICES)
def test_a_notice_comes_back_from_the_ledger_as_it_went_in(notice: Notice) -> None:
    kept = notice_to_json(notice)
    assert "\n" not in kept
    assert notice_from_json(kept) == notice
    assert notice_to_json(notice_from_json(kept)) == kept


def damaged(change: dict[str, Any]) -> str:
    return json.dumps(json.loads(notice_to_json(notice_of(NoticeKind.CHOICE))) | change)


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "[]",
        "null",
        "{}",
        damaged({"format": "policyctl.notice/2"}),
        damaged({"kind": "advert"}),
        damaged({"effective": "2027-02-31"}),
        damaged({"clauses": [{}]}),
        damaged({"choices": 7}),
        damaged({"transition": []}),
    ],
)
def test_a_notice_that_was_tampered_with_is_an_integrity_error(kept: str) -> None:
    with pytest.raises(IntegrityError):
        notice_from_json(kept)
