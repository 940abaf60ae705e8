# SPDX-License-Identifier: Apache-2.0
"""Mails before the programs that others judge them by, and read without pictures, styles or colour."""

from __future__ import annotations

import re

import pytest

from policyctl.adapters.mail.message import message_bytes
from policyctl.reports.phrases import LANGUAGES, Phrases
from tests.peers.mail_checkers import NodeTools, SpamAssassin, TextBrowser
from tests.reports.mail_set import LARGE, every_mail

READERS = "gmail.*,apple-mail.*,outlook.*,yahoo.*,thunderbird.*"

BEARABLE = {
    "@media": "brings the dark colours only; where it is not known the mail stays light",
    "<body> element": "no style that matters stands on it: the wrapper within carries them",
    "role attribute": "without it a layout table is read out as a table, in the order of the page",
}
"""What some mail programs do not know, and why nothing is lost by it."""

MOST_POINTS = 2.0


@pytest.mark.peer("html-validate")
def test_every_mail_is_html_that_everybody_can_be_read_out(node_tools: NodeTools) -> None:
    pages = {name: mail.html for name, mail in every_mail().items()}
    assert node_tools.complaints(pages) == []
    spoilt = pages["choice-en"].replace("</h1>", '</h1><img src="x.png">')
    assert any("wcag/h37" in found for found in node_tools.complaints({"spoilt": spoilt})), "it does look"


@pytest.mark.peer("doiuse-email")
@pytest.mark.parametrize(
    "name", ["revision-en", "choice-de", "transition-fr", "reminder-fr", "receipt-de", LARGE]
)
def test_a_mail_uses_nothing_that_the_common_mail_programs_lack(node_tools: NodeTools, name: str) -> None:
    assert node_tools.unsupported(every_mail()[name].html, READERS) <= set(BEARABLE)


@pytest.mark.peer("doiuse-email")
def test_what_mail_programs_lack_would_be_seen(node_tools: NodeTools) -> None:
    page = '<html lang="en"><body><div style="display:grid"><form action="/"></form></div></body></html>'
    assert not node_tools.unsupported(page, READERS) <= set(BEARABLE)


@pytest.mark.peer("spamassassin")
def test_no_mail_looks_like_spam(spamassassin: SpamAssassin) -> None:
    mails = every_mail()
    spam = b"Subject: XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n\n"
    spam += b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n"
    *scores, of_spam = spamassassin.scores([*map(message_bytes, mails.values()), spam])
    assert {name: score for name, score in zip(mails, scores, strict=True) if score >= MOST_POINTS} == {}
    assert of_spam > MOST_POINTS, "it does look"


@pytest.mark.peer("w3m")
def test_a_redline_can_be_told_in_a_browser_that_has_only_words(text_browser: TextBrowser) -> None:
    words = text_browser.words(every_mail()["revision-en"].html)
    assert "Removed: [DEL:We use cookies to keep you signed in.:DEL]" in words
    assert "Added: [INS:We may invite you to a survey.:INS]" in words
    assert "quote[INS: and to send you offers." in words


@pytest.mark.peer("w3m")
@pytest.mark.parametrize("language", LANGUAGES)
def test_both_answers_and_all_facts_can_be_read_without_pictures_styles_or_colour(
    text_browser: TextBrowser, language: str
) -> None:
    say, words = Phrases(language), text_browser.words(every_mail()[f"choice-{language}"].html)
    labels = ("data", "collected", "new", "who", "consequence", "until", "silent", "answer")
    places = [words.index(say(f"offer.{label}")) for label in labels]
    assert places == sorted(places)
    yes, no = (words.index(say(f"answer.{answer}")) for answer in ("yes", "no"))
    assert places[-1] < yes < no


@pytest.mark.parametrize("name", sorted(every_mail()))
def test_nothing_in_a_mail_is_a_picture_a_script_or_hidden(name: str) -> None:
    page = every_mail()[name].html
    assert not re.search(r"<(img|script|iframe|object|form|link|svg|video)\b|url\(|@import", page)
    assert not re.search(r"display: ?none|visibility: ?hidden|font-size: ?[0-9]px|opacity", page)


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2, definition)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_colour_stands_out_from_its_ground_light_and_dark() -> None:
    page = every_mail()["revision-en"].html
    dark = re.search(r"@media \(prefers-color-scheme: dark\) \{(.*?)</style>", page, re.DOTALL)
    assert dark
    for part, ground in ((page.replace(dark[0], ""), "#ffffff"), (dark[1], "#12161b")):
        colours = set(re.findall(r"(?<![-\w])color: ?(#[0-9a-f]{6})", part))
        assert f"background: {ground}" in part or f"background:{ground}" in part
        assert len(colours) >= 5
        assert {
            colour: contrast(colour, ground) for colour in colours if contrast(colour, ground) < 4.5
        } == {}
