# SPDX-License-Identifier: Apache-2.0
"""Mails as their reader has them: what the law asks for in both parts, redlines without colour, limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from email.utils import parseaddr
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.core.notices.notice import Addressee, ClausePart, Notice, NoticeKind, Occasion, Sender
from policyctl.core.policy import ChangeClass
from policyctl.core.practice import ChoiceMode
from policyctl.core.revision import Kind, Op, Run
from policyctl.reports.mails.mail import Letter, render
from tests.core.notice_samples import NEW_TEXT, SENDER, notice_of, offer, planned

SENT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ADA = Addressee("n0123abc", "ada@example.org", "Ada Example", "en", "acme")
POSTED = replace(SENDER, base_url="https://example.com/privacy")
VOID = {"meta", "br", "hr", "img", "link", "input"}


def letter(
    notice: Notice,
    *,
    sender: Sender = SENDER,
    at: datetime = SENT,
    test: bool = False,
    attached: str = "",
    **who: Any,
) -> Letter:
    occasion = Occasion(at, test)
    return render(notice, addressee=replace(ADA, **who), sender=sender, occasion=occasion, attached=attached)


class Reader(HTMLParser):
    """Reads a page as a person without colour or pictures does, and complains of tags left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.marked: dict[str, list[str]] = {"del": [], "ins": []}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)
        for tag, kept in self.marked.items():
            if tag in self.open:
                kept.append(data)

    @property
    def text(self) -> str:
        return flat("".join(self.words))

    def attributes(self, tag: str) -> list[dict[str, str]]:
        return [found for name, found in self.tags if name == tag]


def flat(text: str) -> str:
    return " ".join(text.split())


def both(sent: Letter) -> tuple[str, str]:
    """What a reader of the plain text and a reader of the HTML see, line ends aside."""
    return flat(sent.text), Reader(sent.html).text


@pytest.mark.parametrize("kind", [NoticeKind.CHOICE, NoticeKind.REVISION])
@pytest.mark.parametrize("mode", [ChoiceMode.OPT_IN, ChoiceMode.OPT_OUT])
def test_every_offer_of_a_choice_says_all_that_the_law_asks_in_both_parts(
    kind: NoticeKind, mode: ChoiceMode
) -> None:
    until = date(2027, 1, 14) if mode is ChoiceMode.OPT_OUT else None
    silent = {
        (NoticeKind.CHOICE, ChoiceMode.OPT_OUT): "Your data will be used in this way after 14 January 2027.",
        (
            NoticeKind.CHOICE,
            ChoiceMode.OPT_IN,
        ): "Your data is not used in this way. Only a yes from you changes that.",
        (
            NoticeKind.REVISION,
            ChoiceMode.OPT_OUT,
        ): "The data of those who do not say no will be used in this way after",
        (
            NoticeKind.REVISION,
            ChoiceMode.OPT_IN,
        ): "Without a yes of their own their data is not used in this way.",
    }
    for part in both(letter(notice_of(kind, choices=(offer(mode=mode, until=until),)))):
        for said in (
            "What data", "your email address",
            "Collected for", "answering your request for a quote",
            "New use", "sending you offers",
            "Who gets it", "Example Ads (a business partner)",
            "What follows from it", "You may get mail with offers from us.",
            "Until when", "by the end of 14 January 2027" if until else "There is no time limit.",
            "If you do not answer", silent[kind, mode],
            "Yes, use it in this way", "No, do not use it in this way",
            "example-fax@v3#quote-marketing",
            "Sent by Example Fax, 1 Example Street",
            "A person answers at answers@example.com, complaints too.",
            "This is a service announcement, not advertising.",
            "There is no tracking in this mail: no pictures, no counted links.",
        ):  # fmt: skip
            assert said in part, said


def test_a_use_that_nobody_else_learns_of_says_so() -> None:
    for part in both(letter(notice_of(NoticeKind.CHOICE, choices=(offer(recipients=()),)))):
        assert "Nobody but Example Fax" in part


def test_both_answers_weigh_the_same_and_reach_whoever_answers_with_the_name_of_the_change() -> None:
    page = Reader(letter(notice_of(NoticeKind.CHOICE)).html)
    yes, no = (found for found in page.attributes("a") if found["href"].startswith("mailto:"))
    assert {**yes, "href": ""} == {**no, "href": ""}, "the same look"
    for link, word in ((yes, "YES"), (no, "NO")):
        parts = urlsplit(link["href"])
        asked = parse_qs(parts.query)
        assert parseaddr(unquote(parts.path))[1] == "answers@example.com"
        assert asked["subject"] == [f"{word}: example-fax@v3#quote-marketing"]
        assert "Reference: n0123abc" in asked["body"][0]
        assert asked["subject"][0] in letter(notice_of(NoticeKind.CHOICE)).text


def test_a_notice_that_leaves_late_gives_as_many_days_and_says_that_it_is_late() -> None:
    late = letter(notice_of(NoticeKind.CHOICE), at=datetime(2027, 2, 1, tzinfo=UTC))
    for part in both(late):
        assert "by the end of 2 March 2027" in part
        assert "We are sorry that it is late." in part
        assert "14 January" not in part
    assert "We are sorry" not in letter(notice_of(NoticeKind.CHOICE)).text


def test_a_transition_names_both_controllers_and_the_day_and_needs_no_answer() -> None:
    sent = letter(notice_of(NoticeKind.TRANSITION, ChangeClass.TRANSITION))
    assert sent.subject == "Example Fax Privacy Policy: change of ownership or control on 1 March 2027"
    for part in both(sent):
        for said in (
            "Responsible until then", "Example Fax, Inc.",
            "Responsible from then on", "Example Group GmbH",
            "Control passes on", "1 March 2027",
            "Data collected before that day stays under the policy it was collected under.",
            "You may get mail with offers from us.",
        ):  # fmt: skip
            assert said in part, said
        assert "What data" not in part


@pytest.mark.parametrize(
    ("kind", "change_class", "subject"),
    [
        (NoticeKind.REVISION, ChangeClass.NOTICE, "changes effective 15 January 2027"),
        (NoticeKind.REVISION, ChangeClass.CHOICE, "changes effective 15 January 2027, with a choice to make"),
        (
            NoticeKind.CHOICE,
            ChangeClass.CHOICE,
            "your choice about a new use of your data, answer by 14 January 2027",
        ),
    ],
)
def test_a_subject_names_the_policy_what_follows_and_when(
    kind: NoticeKind, change_class: ChangeClass, subject: str
) -> None:
    notice = notice_of(kind, change_class)
    if change_class is ChangeClass.NOTICE:
        notice = replace(notice, choices=())
    assert letter(notice).subject == f"Example Fax Privacy Policy: {subject}"


def test_an_administrator_is_told_why_him_and_what_to_do() -> None:
    for part in both(letter(notice_of(NoticeKind.REVISION))):
        assert "Hello Ada Example," in part
        assert "you are the administrator of the account acme" in part
        assert "confirm by a reply that this has reached you" in part
        assert "A refusal by you holds for all of them" in part


def test_the_copy_of_the_revised_policy_is_whole_in_both_parts() -> None:
    body = NEW_TEXT.split("---\n", 2)[2].strip("\n")
    sent = letter(notice_of(NoticeKind.REVISION))
    assert body in sent.text
    assert flat(body) in Reader(sent.html).text
    assert "5d" * 32 in sent.text


def test_an_administrator_gets_the_head_of_the_ledger_to_keep() -> None:
    head = "812:" + "9f" * 32
    for kind, wanted in ((NoticeKind.REVISION, True), (NoticeKind.CHOICE, False)):
        for part in both(letter(replace(notice_of(kind), ledger_head=head))):
            assert (head in part) is wanted
    for part in both(letter(notice_of(NoticeKind.REVISION))):
        assert "head of our ledger" not in part


def test_a_user_gets_the_link_where_there_is_one_and_the_copy_where_there_is_none() -> None:
    notice = notice_of(NoticeKind.CHOICE)
    assert notice.full_text in letter(notice).text
    posted = letter(notice, sender=POSTED)
    assert notice.full_text not in posted.text
    assert "https://example.com/privacy/example-fax/v3/" in {
        found["href"] for found in Reader(posted.html).attributes("a")
    }


def test_a_redline_reads_without_colour_and_copies_with_a_space() -> None:
    sent = letter(notice_of(NoticeKind.REVISION, clauses=(swapped("ten", "thirty"),)))
    page = Reader(sent.html)
    assert page.marked == {"del": ["ten"], "ins": ["thirty"]}
    assert "We wait ten thirty days." in page.text
    assert "text-decoration:line-through" in page.attributes("del")[0]["style"]
    assert "text-decoration:underline" in page.attributes("ins")[0]["style"]
    assert "Changed:" in page.text
    assert "- We wait ten days.\n+ We wait thirty days.\n" in sent.text


def swapped(before: str, after: str) -> ClausePart:
    runs = (Run(Op.EQUAL, "We wait "), Run(Op.DELETE, before), Run(Op.INSERT, after), Run(Op.EQUAL, " days."))
    return ClausePart("Waiting", (Kind.REWORDED,), (runs,))


def test_every_kind_of_change_is_named_in_words() -> None:
    page, text = (both(letter(notice_of(NoticeKind.REVISION)))[side] for side in (1, 0))
    for part in (page, text):
        assert "Quotes (changed)" in part
        assert "Cookies (removed)" in part
        assert "Surveys (added)" in part
        assert "our partners (https://example.com/partners)" in part


def test_a_renamed_clause_says_its_old_heading() -> None:
    clause = ClausePart("New", (Kind.RENAMED, Kind.MOVED), (), was="Old")
    for part in both(letter(notice_of(NoticeKind.REVISION, clauses=(clause,)))):
        assert "New (moved, heading changed)" in part or "New (heading changed, moved)" in part
        assert "Heading before: Old" in part


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_a_page_is_fit_for_every_reader(kind: NoticeKind) -> None:
    change_class = ChangeClass.TRANSITION if kind is NoticeKind.TRANSITION else ChangeClass.CHOICE
    sent = letter(notice_of(kind, change_class), sender=POSTED)
    page = Reader(sent.html)
    assert page.attributes("html") == [{"lang": "en"}]
    assert len(page.attributes("h1")) == 1
    assert all(found["role"] == "presentation" for found in page.attributes("table"))
    assert {"name": "color-scheme", "content": "light dark"} in page.attributes("meta")
    assert "prefers-color-scheme: dark" in sent.html
    assert not {"script", "img", "link", "iframe", "form", "object"} & {tag for tag, _ in page.tags}
    hosts = {urlsplit(found["href"]).netloc for found in page.attributes("a")}
    assert hosts <= {"", "example.com"}, "nothing remote, nothing that tracks"
    assert "url(" not in sent.html


HOSTILE = '<script>alert(1)</script>"><b onload=x>{{ 7*7 }}{% raw %}</title>\x1b[31m\u202e'


def test_hostile_words_are_inert_wherever_they_stand() -> None:
    clause = ClausePart(HOSTILE, (Kind.REWORDED,), ((Run(Op.INSERT, HOSTILE),),), was=HOSTILE + "x")
    choice = offer(
        data=(HOSTILE,), new_use=HOSTILE, recipients=(HOSTILE,), consequence=HOSTILE, change=HOSTILE
    )
    notice = notice_of(
        NoticeKind.REVISION,
        title=HOSTILE,
        summary=HOSTILE,
        impact=HOSTILE,
        clauses=(clause,),
        choices=(choice,),
        full_text=HOSTILE,
    )
    sender = Sender("privacy@example.com", HOSTILE, 'a"><b>@example.com', HOSTILE)
    sent = letter(notice, sender=sender, name=HOSTILE, account=HOSTILE)
    page = Reader(sent.html)
    ours = "html head meta title style body div h1 h2 h3 p table tr td b br a span ins hr"
    assert {tag for tag, _ in page.tags} <= set(ours.split())
    assert all("onload" not in found for _, found in page.tags)
    assert "{{ 7*7 }}" in sent.html
    assert "{{ 7*7 }}" in sent.text
    assert "49" not in sent.text
    assert "\x1b" not in sent.html
    assert "\u202e" not in sent.html


@settings(max_examples=40, deadline=None)
@given(words=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_no_words_of_a_notice_can_break_the_page(words: str) -> None:
    clause = ClausePart(words, (Kind.REWORDED,), ((Run(Op.DELETE, words), Run(Op.INSERT, "x")),))
    sent = letter(
        notice_of(NoticeKind.REVISION, summary=words, full_text=words, clauses=(clause,)), name=words
    )
    Reader(sent.html)


def test_a_test_mail_says_so_in_its_subject_and_its_text() -> None:
    sent = letter(notice_of(NoticeKind.REVISION), test=True)
    assert sent.subject.startswith("[TEST] Example Fax Privacy Policy")
    for part in both(sent):
        assert "This is a test. Nobody else got it, and nothing is recorded." in part


def test_an_editorial_mail_needs_no_summary() -> None:
    notice = replace(planned(ChangeClass.EDITORIAL, ())[0].notice, summary="", impact="")
    assert (
        letter(notice).subject == "Example Fax Privacy Policy: corrected wording, effective 15 January 2027"
    )
    assert "What is done with data does not change." in flat(letter(notice).text)


def test_lines_are_short_enough_to_read_and_no_link_is_cut() -> None:
    url = "https://example.com/" + "x" * 100
    notice = notice_of(NoticeKind.REVISION, summary="many words " * 50 + url, full_text="copy")
    text = letter(notice).text
    assert url in text
    assert all(len(line) <= 78 or url in line or "SHA-256" in line for line in text.splitlines()[2:])


def test_the_policys_own_words_are_marked_where_their_language_is_another() -> None:
    notice = replace(notice_of(NoticeKind.REVISION), language="de-AT")
    assert 'lang="de-AT"' not in letter(notice, locale="de").html
    page = letter(notice, locale="fr").html
    copied = notice.full_text.strip().split("\n")[0]
    for words in ("<del", "<ins", copied):
        before = page[: page.index(words)]
        assert before.rfind('<span lang="de-AT">') > before.rfind("</span>"), words
    assert 'lang="de' not in letter(notice_of(NoticeKind.REVISION), locale="fr").html
    hostile = letter(replace(notice, language='x"><script>'), locale="fr").html
    assert "<script" not in hostile
