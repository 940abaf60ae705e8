# SPDX-License-Identifier: Apache-2.0
"""Pages of answers and receipts as text: in every language, with hostile words, before a checker of HTML."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from policyctl.core.notices.inquiry import Inquiry, Newer, Standing, newer_than, word_for
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Answer, PendingChange, VersionRecord
from policyctl.reports.answers.page import (
    PROBLEMS,
    Shown,
    answer_page,
    language_of,
    problem_page,
    reminders_page,
)
from policyctl.reports.answers.receipt import answer_receipt
from policyctl.reports.phrases import LANGUAGES
from tests.core.notice_samples import ASKED, OFFERS, QUOTE, SENDER, V3, notice_of
from tests.peers.mail_checkers import NodeTools

AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
LATER = datetime(2026, 12, 24, 18, 30, tzinfo=UTC)
LOOK = Shown(AT, date(2026, 12, 24))
HOSTILE = "</p><script>alert(1)</script><img src=x onerror=1>\"'\u202eevil\u202c\x07"


def inquiry(**changed: object) -> Inquiry:
    found = Inquiry("ab" * 16, notice_of(NoticeKind.CHOICE), "", "", "en", 3)
    return replace(found, **changed)  # type: ignore[arg-type]


def organisation(**changed: object) -> Inquiry:
    return inquiry(notice=notice_of(NoticeKind.REVISION), customer="acme", organisation="Acme", **changed)


def every_page() -> dict[str, str]:
    no = {ASKED.name: Standing(Answer.REFUSE, LATER)}
    closed = {ASKED.name: Newer(VersionKey("example-fax", 4), LATER, asks=True, nid="cd" * 16)}
    pages = {f"{name}-{lang}": problem_page(name, SENDER, lang) for name in PROBLEMS for lang in LANGUAGES}
    for lang in LANGUAGES:
        shown = {
            "open": (inquiry(), LOOK),
            "no": (inquiry(answers=no, bound=frozenset(no), organisation="Acme"), LOOK),
            "done": (inquiry(answers=no), replace(LOOK, done=ASKED.name)),
            "closed": (
                inquiry(newer=closed),
                replace(LOOK, stale=True, newer_pages=((ASKED.name, "https://x.example/"),)),
            ),
            "picked": (inquiry(), replace(LOOK, picked=(ASKED.name, "consent"))),
            "organisation": (organisation(answers=no, objected_at=LATER, acknowledged_at=LATER), LOOK),
        }
        pages |= {
            f"{name}-{lang}": answer_page(replace(about, locale=lang), SENDER, look)
            for name, (about, look) in shown.items()
        }
        pages[f"stop-{lang}"] = reminders_page(inquiry(locale=lang), SENDER)
        pages[f"stopped-{lang}"] = reminders_page(inquiry(locale=lang, stopped_at=LATER), SENDER)
        receipt = answer_receipt(
            organisation(locale=lang, answers=no), name="Ada", sender=SENDER, page="https://x.example/a"
        )
        pages[f"receipt-{lang}"] = receipt.html
    return pages


@pytest.mark.peer("html-validate")
def test_every_page_is_html_that_everybody_can_be_read_out(node_tools: NodeTools) -> None:
    assert node_tools.complaints(every_page()) == []


def test_no_two_languages_of_a_page_say_the_same() -> None:
    pages = every_page()
    assert len(set(pages.values())) == len(pages)


def test_words_of_others_are_words() -> None:
    notice = notice_of(NoticeKind.REVISION)
    offer = replace(
        notice.choices[0], new_use=HOSTILE, data=(HOSTILE,), recipients=(HOSTILE,), consequence=HOSTILE
    )
    notice = replace(notice, title=HOSTILE, summary=HOSTILE, impact=HOSTILE, choices=(offer,))
    sender = replace(SENDER, from_name=HOSTILE, postal_address=HOSTILE)
    about = organisation(answers={offer.change: Standing(Answer.CONSENT, LATER)})
    about = replace(about, notice=notice, organisation=HOSTILE)
    pages = [
        answer_page(about, sender, replace(LOOK, done=offer.change, picked=(HOSTILE, HOSTILE))),
        reminders_page(about, sender),
        problem_page("missing", sender, HOSTILE),
        answer_receipt(about, name=HOSTILE, sender=sender, page="https://x.example/a").html,
    ]
    for page in pages:
        assert "<script" not in page
        assert "<img" not in page
        assert "\u202e" not in page
        assert "\x07" not in page
    text = answer_receipt(about, name=HOSTILE, sender=sender, page="https://x.example/a").text
    assert "\u202e" not in text


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("el, fr;q=0.5", "fr"),
        ("*", "en"),
        ("zh", "en"),
        ("FR", "fr"),
        ("," * 9_999 + "de", "en"),
    ],
)
def test_a_page_for_nobody_known_speaks_what_the_browser_asks_for(accepted: str, lang: str) -> None:
    assert language_of(accepted) == lang


@pytest.mark.parametrize(
    ("before", "yes", "word"),
    [
        (None, True, Answer.CONSENT),
        (None, False, Answer.REFUSE),
        (Answer.CONSENT, True, None),
        (Answer.CONSENT, False, Answer.WITHDRAW),
        (Answer.REFUSE, False, None),
        (Answer.REFUSE, True, Answer.CONSENT),
        (Answer.WITHDRAW, False, None),
        (Answer.WITHDRAW, True, Answer.CONSENT),
    ],
)
def test_what_is_recorded_for_a_yes_or_a_no(before: Answer | None, word: Answer | None, *, yes: bool) -> None:
    assert word_for(Standing(before, AT) if before else None, yes=yes) is word


def version(number: int, *practices: object, asks: bool = False) -> VersionRecord:
    key = VersionKey("example-fax", number)
    changes = (PendingChange(f"{key}#{OFFERS.id}", key, OFFERS.id, ChoiceMode.OPT_OUT, 30),) if asks else ()
    return VersionRecord(key, "", ChangeClass.NOTICE, AT, AT, "", "", practices, changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("later", "closed"),
    [
        ((), None),
        ((version(4, QUOTE, OFFERS),), None),
        ((version(4, QUOTE, OFFERS, asks=True),), (4, True)),
        ((version(4, QUOTE),), (4, False)),
        ((version(4, QUOTE), version(5, QUOTE, OFFERS)), (4, False)),
        ((version(4, QUOTE), version(5, QUOTE, OFFERS, asks=True)), (5, True)),
        ((version(4, QUOTE, OFFERS, asks=True), version(5, QUOTE, OFFERS)), (4, True)),
    ],
)
def test_a_question_is_open_until_a_version_asks_it_anew_or_drops_it(
    later: tuple[VersionRecord, ...], closed: tuple[int, bool] | None
) -> None:
    found = newer_than(ASKED.name, (version(V3.number, QUOTE, OFFERS, asks=True), *later))
    assert (found and (found.version.number, found.asks)) == closed


def test_a_day_that_is_past_is_told_where_silence_would_have_meant_yes() -> None:
    words = "The day named for an answer is past."
    until = notice_of(NoticeKind.CHOICE).choices[0].until
    assert until
    assert words not in answer_page(inquiry(), SENDER, replace(LOOK, today=until))
    assert words in answer_page(inquiry(), SENDER, replace(LOOK, today=date(2027, 6, 1)))
