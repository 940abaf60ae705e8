# SPDX-License-Identifier: Apache-2.0
"""Plain text and Markdown brought in: no word is lost, headings are the text's own."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.formats.importer import SourceKind, draft, import_markdown, import_plain, kind_of
from policyctl.core.text.day_in_words import effective_day
from policyctl.core.text.escape import escape_line
from policyctl.core.text.parse import parse
from policyctl.core.text.plaintext import from_plain

WEB_PAGE = """\
Call us: (555) 012-3456

home Sign In

Sample Notes Privacy Policy

This policy is effective on March 3, 2021 for everybody who has an account with Sample Notes.

We tell you:

  1. What we learn about you.
  2. Who else learns it, and why we think that they
     should.
  3. How you can say no.

\u00a0

What We Learn

When You Register

You give us a name and an address. We keep both.

When You Write

Notes are yours, and nobody but you can read them.

How We Write To You

News

We send a letter now and then.

o o o
"""


def outline(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in from_plain(text).headings]


def shown(markdown: str) -> str:
    """The words of Markdown as CommonMark shows them, list numbers and bullets left out."""
    words = {"text", "code_inline", "html_inline"}
    parts: list[str] = []
    for token in MarkdownIt("commonmark").parse(markdown):
        parts.extend(child.content if child.type in words else " " for child in token.children or [])
        parts.append(" " if token.type == "inline" else token.content)
    return " ".join("".join(parts).split())


def test_the_headings_are_those_of_the_text_and_the_first_of_two_is_the_parent() -> None:
    found = from_plain(WEB_PAGE)
    assert found.title == "Sample Notes Privacy Policy"
    assert outline(WEB_PAGE) == [
        (2, "What We Learn"),
        (3, "When You Register"),
        (3, "When You Write"),
        (2, "How We Write To You"),
        (3, "News"),
    ]


def test_an_import_keeps_furniture_as_text_lists_as_lists_and_every_word() -> None:
    found = import_plain(WEB_PAGE, fallback_title="unused")
    assert (found.title, found.effective) == ("Sample Notes Privacy Policy", date(2021, 3, 3))
    policy = read_policy(found.text, file="policy.md")
    assert (policy.title, policy.effective) == (found.title, found.effective)
    headed = [clause for clause in policy.document.clauses if clause.heading]
    assert [clause.id for clause in headed] == [
        "what-we-learn", "when-you-register", "when-you-write", "how-we-write-to-you", "news",
    ]  # fmt: skip
    assert all(clause.explicit_id for clause in headed)
    assert (
        "1. What we learn about you.\n2. Who else learns it, and why we think that they\n   should.\n3. "
        in found.text
    )
    for furniture in ("Call us: (555) 012-3456", "home Sign In", "o o o"):
        assert f"\n\n{furniture}\n" in found.text
    words = re.findall(r"\S+", found.text)
    assert all(words.count(word) >= WEB_PAGE.split().count(word) for word in WEB_PAGE.split())


@pytest.mark.parametrize(
    ("line", "is_heading"),
    [
        ("Cookies", True),
        ("Clear Gifs and Log Files", True),
        ("OUR USE OF DATA", True),
        ("eNotes and You", True),
        ("How we share information", True),
        ("What do we keep?", True),
        ("3. Security", True),
        ("Section 4: Security", True),
        ("We keep it.", False),
        ("Dear reader,", False),
        ("home Sign In", False),
        ("Last updated: 3 March 2021", False),
        ("March 3, 2021", False),
        ("Write to us@example.com", False),
        ("See https://example.com/privacy", False),
        ("Call 555-0123", False),
        ("© 2021 Sample Notes", False),
        ("o o o", False),
        ("12345", False),
    ],
)
def test_a_short_line_is_a_heading_only_when_it_is_written_like_one(line: str, *, is_heading: bool) -> None:
    before = "Sample Policy\n\nWe wrote this down so that you can read what we do."
    text = f"{before}\n\n{line}\n\nIt says what follows.\n"
    assert [words for _, words in outline(text)] == ([line] if is_heading else [])


def test_a_line_with_nothing_below_it_is_no_heading() -> None:
    assert outline("Sample Policy\n\nWe keep nothing of what you send to us here.\n\nBack To Top\n") == []


def test_section_numbers_say_the_level() -> None:
    parts = [
        "Terms",
        "1. Data",
        "It is.",
        "1.1 Names",
        "They are.",
        "1.1.2 First Names",
        "Too.",
        "2. Rest",
        "No.",
    ]
    text = "\n\n".join(parts)
    assert outline(text) == [(2, "1. Data"), (3, "1.1 Names"), (4, "1.1.2 First Names"), (2, "2. Rest")]


def test_a_menu_above_the_title_is_text() -> None:
    text = (
        "Home\n\nProducts\n\nPrices\n\nPrivacy Policy\n\nScope\n\nThis is about the notes that you write.\n"
    )
    found = from_plain(text)
    assert found.title == "Privacy Policy"
    assert outline(text) == [(2, "Scope")]
    assert found.body.startswith("Home\n\nProducts\n\nPrices\n\n## Scope")


def test_a_text_without_blank_lines_is_parted_at_its_lines() -> None:
    text = (
        "Privacy Policy\nCookies\nWe set one cookie, and it ends with your visit.\nLog Files\nWe keep none.\n"
    )
    assert outline(text) == [(2, "Cookies"), (2, "Log Files")]


def test_a_list_may_follow_its_paragraph_without_a_blank_line() -> None:
    text = (
        "Sample Policy\n\nWe keep these things for as long as you like:\n- names\n- notes\n\nThat is all.\n"
    )
    assert "like:\n\n- names\n- notes\n\nThat is all." in from_plain(text).body


def test_equal_headings_get_anchors_of_their_own() -> None:
    body = from_plain("Some Policy\n\nNews\n\nWe write to you.\n\nNews\n\nWe write again.\n").body
    assert [clause.id for clause in parse(body).clauses] == ["news", "news-2"]


TRICKY = st.text(alphabet=st.sampled_from(list("ab1 .-*_#>+=~`<>[](){}!|\\&;:/'\"\u00e9\u4e2d")), max_size=40)


@given(TRICKY)
def test_an_escaped_line_shows_exactly_its_characters(line: str) -> None:
    line = " ".join(line.split())
    assert shown(escape_line(line)) == line


@given(st.lists(TRICKY | st.just(""), max_size=12))
def test_no_character_of_a_plain_text_is_lost_or_turned_into_markup(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = from_plain(text)
    kept = re.sub(r" \{#[^}]*\}$", "", found.body, flags=re.MULTILINE)
    # a row of low lines may underline a title, which is then a heading without it
    words = sorted(re.findall(r"[^\W_]", text))
    assert sorted(re.findall(r"[^\W_]", found.title + shown_with_numbers(kept))) == words


def test_a_mark_below_a_line_is_no_underline_unless_there_are_three() -> None:
    assert "_" in shown(from_plain("\u00e9\n_").body)


def shown_with_numbers(markdown: str) -> str:
    """``shown``, with the numbers that open list items."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return shown(markdown) + "".join(t.info for t in tokens if t.type == "list_item_open")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("This policy is effective on July 4, 2023 for all.", date(2023, 7, 4)),
        ("Effective Date: 4 July 2023", date(2023, 7, 4)),
        ("Effective as of the 4th of July, 2023.", date(2023, 7, 4)),
        ("Last updated: 2023-07-04", date(2023, 7, 4)),
        ("Last Updated Jul. 4th, 2023", date(2023, 7, 4)),
        ("(Revised 04 Sept 2023)", date(2023, 9, 4)),
        ("Stand: 4. Juli 2023", date(2023, 7, 4)),
        ("Diese Erklärung gilt ab 04.07.2023.", date(2023, 7, 4)),
        ("effective 25/07/2023", date(2023, 7, 25)),
        ("effective 07/25/2023", date(2023, 7, 25)),
        ("Last updated 1 May 2020. Effective on 1 June 2020.", date(2020, 6, 1)),
        ("effective 04/07/2023", None),
        ("effective on February 31, 2023", None),
        ("We were founded on July 4, 1999 in a garage.", None),
        ("Nothing is said.", None),
    ],
)
def test_the_effective_day_is_found_in_words(text: str, day: date | None) -> None:
    assert effective_day(text) == day


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.md", "text", SourceKind.MARKDOWN),
        ("a.html", "text", SourceKind.HTML),
        ("a.TXT", "# no heading", SourceKind.PLAIN),
        ("saved", "<!-- x -->\n<!DOCTYPE html><html>", SourceKind.HTML),
        ("saved", "Intro\n\n## Cookies\n", SourceKind.MARKDOWN),
        ("saved", "Intro\n\nCookies\n", SourceKind.PLAIN),
    ],
)
def test_the_kind_of_a_source_is_told_by_name_or_content(name: str, text: str, kind: SourceKind) -> None:
    assert kind_of(name, text) is kind


def test_markdown_keeps_its_body_to_the_byte() -> None:
    body = "# Sample Policy\n\nLast updated: 3 May 2022\n\n## *Cookies*\n\nWe  use\tthem.  \n"
    found = import_markdown(body, file="a.md", fallback_title="Fallback")
    assert found.text.endswith("---\n\n" + body)
    assert (found.title, found.effective) == ("Sample Policy", date(2022, 5, 3))


def test_foreign_front_matter_is_left_out_and_said_to_be() -> None:
    text = "---\nlayout: page\ntitle: 'Our: Policy'\npermalink: /x\n---\n\n## Cookies\n\nNone.\n"
    found = import_markdown(text, file="a.md", fallback_title="Fallback")
    assert read_policy(found.text, file="policy.md").title == "Our: Policy"
    assert any("layout, permalink" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    "title", ["no", "A: B", "#1 Policy", "'Quoted' \"Policy\"", "Richtlinie für Daten", "100", "- x", "日本"]
)
def test_any_title_survives_its_front_matter(title: str) -> None:
    assert read_policy(draft(title), file="policy.md").title == title


def test_what_was_not_found_is_said() -> None:
    found = import_plain(
        "we keep what you send to us until you take it away again.\n", fallback_title="Fallback"
    )
    assert (found.title, found.effective, found.clauses) == ("Fallback", None, ())
    assert len(found.remarks) == 2
