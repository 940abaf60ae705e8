# SPDX-License-Identifier: Apache-2.0
"""How large a mail grows: every change in the text, the HTML under the size at which readers cut it off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policyctl.adapters.mail.message import message_bytes
from policyctl.core.notices.notice import ClausePart, NoticeKind
from policyctl.core.revision import Kind, Op, Run
from policyctl.reports.mails.mail import COPY_LIMIT, HTML_LIMIT, Letter
from tests.adapters.mail_samples import mail, part, read_back
from tests.core.notice_samples import SENDER, notice_of
from tests.reports.test_mail import POSTED, Reader, flat, letter

WHOLE_MAIL = 100_000


@pytest.mark.parametrize(
    ("size", "page", "in_text", "in_html"),
    [
        (50_000, "", True, True),
        (HTML_LIMIT, "", True, False),
        (COPY_LIMIT, "", True, False),
        (COPY_LIMIT + 1, "", False, False),
        (COPY_LIMIT + 1, "https://example.com/privacy", False, False),
    ],
)
def test_a_copy_that_does_not_fit_is_said_to_stand_elsewhere(
    size: int,
    page: str,
    in_text: bool,  # noqa: FBT001 - a column of the table
    in_html: bool,  # noqa: FBT001 - a column of the table
) -> None:
    notice = notice_of(NoticeKind.REVISION, full_text="w" * size)
    sent = letter(notice, sender=replace(SENDER, base_url=page))
    assert ("w" * size in sent.text) is in_text
    assert ("w" * size in sent.html) is in_html
    if not in_html and in_text:
        assert "in the plain-text part of this mail" in sent.html
    if not in_text and page:
        assert "https://example.com/privacy/example-fax/v3/" in sent.text
    if not in_text and not page:
        assert "Write to answers@example.com and you will get it." in flat(sent.text)


def many(number: int, words: int, material: range = range(0), filler: str = "word") -> tuple[ClausePart, ...]:
    """So many clauses of so many words on each side of one change."""
    unchanged = f"{filler} " * words
    return tuple(
        ClausePart(
            f"Clause {n}",
            (Kind.REWORDED,),
            (
                (
                    Run(Op.EQUAL, unchanged),
                    Run(Op.DELETE, f"old{n}."),
                    Run(Op.INSERT, f"new{n}."),
                    Run(Op.EQUAL, f" {unchanged}"),
                ),
            ),
            material=n in material,
        )
        for n in range(number)
    )


@pytest.mark.parametrize(("number", "words"), [(200, 200), (200, 20), (2000, 1), (3, 20_000), (60, 300)])
def test_the_html_of_a_large_revision_stays_small_and_the_text_has_every_change(
    number: int, words: int
) -> None:
    material = range(number - 3, number)
    notice = notice_of(
        NoticeKind.REVISION, clauses=many(number, words, material), full_text="policy " * 20_000
    )
    sent = letter(notice, sender=POSTED)
    page, told = Reader(sent.html), flat(sent.text)
    assert len(sent.html.encode()) <= HTML_LIMIT
    for n in range(number):
        assert f"old{n}." in told
        assert f"new{n}." in told
    for n in material:
        assert f"new{n}." in page.marked["ins"], "material changes come first"
    assert "Clause 0" in page.text
    assert "https://example.com/privacy/example-fax/v3/" in page.text


def as_sent(sent: Letter) -> bytes:
    return message_bytes(mail(subject=sent.subject, text=sent.text, html=sent.html))


@pytest.mark.parametrize(
    ("words", "filler", "language"),
    [
        (10, "words", "en"),
        (60, "words", "en"),
        (200, "größer", "de"),
        (60, "élevé", "fr"),
        (60, "個人情報", "en"),
    ],
)
def test_the_whole_mail_of_two_hundred_changes_stays_under_a_hundred_kilobytes(
    words: int, filler: str, language: str
) -> None:
    notice = notice_of(
        NoticeKind.REVISION,
        clauses=many(200, words, range(20), filler),
        full_text=f"{filler} " * 20_000,
    )
    sent = letter(notice, sender=POSTED, locale=language)
    data = as_sent(sent)
    assert len(data) < WHOLE_MAIL
    for reader in (data.decode("ascii"), sent.text, sent.html):
        assert "answers@example.com" in reader[:20_000], "where to answer stands before the changes"
    assert "mailto:" in sent.html[:20_000]
    told = part(read_back(data), "plain")
    assert [n for n in range(200) if f"old{n}." not in told or f"new{n}." not in told] == []
    assert "[...]" in told or words == 10


def test_what_is_left_out_of_the_html_is_named() -> None:
    notice = notice_of(NoticeKind.REVISION, clauses=many(300, 300))
    page = Reader(letter(notice).html)
    shown = {n for n in range(300) if f"new{n}." in page.marked["ins"]}
    assert 0 < len(shown) < 300
    named = sum(f"Clause {n} (changed)" in page.text for n in set(range(300)) - shown)
    assert named == 100, "so many are listed by title"
    assert f"and {300 - len(shown) - 100} more clauses" in page.text


def test_a_gap_in_a_redline_is_explained_and_hides_no_word_of_a_change() -> None:
    long = "before " * 9000
    clause = ClausePart(
        "Waiting",
        (Kind.REWORDED,),
        ((Run(Op.EQUAL, long), Run(Op.DELETE, "gone " * 50), Run(Op.INSERT, "come " * 50)),),
    )
    sent = letter(notice_of(NoticeKind.REVISION, clauses=(clause,)), sender=POSTED)
    for told in (flat(sent.text), Reader(sent.html).text):
        assert "[...] stands for words that did not change." in told
        assert told.count("gone") == 50
        assert told.count("come ") >= 50
        assert "[...] before before" in told
    short = letter(notice_of(NoticeKind.REVISION), sender=POSTED)
    assert "[...]" not in short.text + short.html


def test_an_attached_policy_is_named_in_both_parts_and_not_repeated_in_the_html() -> None:
    sent = letter(notice_of(NoticeKind.REVISION), attached="example-fax-v3.pdf")
    copied = flat(notice_of(NoticeKind.REVISION).full_text)
    for told in (flat(sent.text), Reader(sent.html).text):
        assert "The revised policy in full is attached as a PDF: example-fax-v3.pdf" in told
    assert copied in flat(sent.text)
    assert copied not in Reader(sent.html).text
