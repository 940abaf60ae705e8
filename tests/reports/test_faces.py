# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from policyctl.reports.comparing.html import render_html
from policyctl.reports.comparing.markdown import escaped, render_markdown
from policyctl.reports.comparing.narrowing import narrowed
from policyctl.reports.comparing.terminal import render_terminal
from policyctl.reports.words import shown
from tests.reports import samples

FULL = samples.comparison(samples.OLD, samples.NEW, samples.FINDING)
HOSTILE = samples.comparison(samples.HOSTILE, samples.HOSTILE.replace("Read", "Look at\x07"), samples.FINDING)


class Page(HTMLParser):
    """Collects what a test asks of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: dict[str, str] = {"ins": "", "del": ""}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in self.words:
            if tag in self._open:
                self.words[tag] += data


def test_the_terminal_shows_the_table_before_the_redlines_and_signs_beside_colours() -> None:
    text = render_terminal(FULL)
    assert text.index("Sharing -> Sharing with others") < text.index("{+")
    assert "[-only" in text
    assert "advertisers" in text
    assert "front matter" in text
    assert "\x1b" not in text


def test_a_finding_shows_the_words_it_rests_on_and_equal_mends_are_said_once() -> None:
    finding = replace(samples.FINDING, mend="Set the class to choice.", after="We share it " + "a b c " * 200)
    text = render_terminal(samples.comparison(samples.OLD, samples.NEW, finding, finding), width=200)
    assert text.count("before: We share it only") == 2
    assert text.count("after: We share it a b c") == 2
    assert "a b c " * 100 not in text
    assert text.count("mend: Set the class") == 1


def test_a_clause_without_a_heading_is_known_by_its_first_words() -> None:
    old = "We write letters to people who asked for them once a year.\n\n# End\n\nBye.\n"
    for text in (
        render_terminal(samples.comparison(old, old.replace("year", "month"))),
        render_markdown(samples.comparison(old, old.replace("year", "month"))),
        render_html(samples.comparison(old, old.replace("year", "month"))),
    ):
        assert "“We write letters to people who ...”" in text


def test_escape_sequences_of_a_policy_are_written_out_on_the_terminal() -> None:
    text = render_terminal(HOSTILE, width=200)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert r"\x07" in text
    assert r"\x1b[31madvertisers" in text


def test_clauses_without_a_change_of_words_are_only_counted() -> None:
    again = samples.comparison(samples.OLD, samples.OLD.replace("# Cookies\n", "Cookies\n=======\n"))
    text = render_terminal(again)
    assert "format only" in text
    assert "{+" not in text


def test_markdown_holds_the_table_and_both_sides_of_the_redline() -> None:
    text = render_markdown(FULL)
    assert "| Change | Clause | Old lines | New lines |" in text
    assert "{--" in text
    assert "{++" in text
    assert text.index("| Change |") < text.index("## Redline")


def test_markdown_of_a_hostile_policy_renders_to_no_tag_link_or_image_of_its_own() -> None:
    html = (
        MarkdownIt("commonmark", {"html": True})
        .enable(["table", "strikethrough"])
        .render(render_markdown(HOSTILE))
    )
    page = Page(html)
    assert not {"script", "img", "a", "s", "blockquote"} & set(page.tags)
    assert "\x1b" not in html


@given(st.text(alphabet=st.sampled_from("ab12 \n#-+=*_`[]()!<>&{}|~\\.)\t:"), max_size=40))
@example("\n\n    a")
@example("a\n \t\n    b\n\n    c")
@example("\n\n  \ta")
@example("\n\n\t- a")
def test_escaped_text_reads_the_same_after_rendering(text: str) -> None:
    html = (
        MarkdownIt("commonmark", {"html": True})
        .enable(["table", "strikethrough"])
        .render("x " + escaped(text))
    )
    page = Page(html)
    assert set(page.tags) <= {"p", "br"}, "two spaces at the end of a line break it, which no one sees"
    words: list[str] = []
    page.handle_data = words.append  # type: ignore[method-assign]
    page.feed(html)
    assert "".join("".join(words).split()) == "x" + "".join(text.split())


def test_the_page_stands_alone() -> None:
    page = Page(render_html(FULL))
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert all(link.startswith("#") for link in page.links)
    assert not [name for name, _ in page.attributes if name in {"src", "style"} or name.startswith("on")]


def test_the_page_says_inserted_and_deleted_in_words_and_signs() -> None:
    page = Page(render_html(FULL))
    assert "inserted: +" in page.words["ins"]
    assert "telephone" in page.words["ins"]
    assert "deleted: −" in page.words["del"]
    assert "only" in page.words["del"]


def test_a_move_is_linked_both_ways_and_every_link_of_the_page_leads_somewhere() -> None:
    page = Page(render_html(FULL))
    assert any(link.startswith("#left-") for link in page.links)
    assert any(name.startswith("left-") for name in page.ids)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def words_of(html: str) -> str:
    """All a reader sees or hears, in order."""
    page, words = Page(""), []
    page.handle_data = words.append  # type: ignore[method-assign]
    page.feed(html.split("<main>")[1])
    return " ".join("".join(words).split())


def test_every_word_of_both_texts_stands_on_the_page_and_headings_stand_once() -> None:
    old = samples.OLD + "\n# Gone\n\nThis goes.\n\nThis too.\n"
    new = samples.NEW + "\n### Fresh words {#fresh}\n\nThis comes.\n\nSo does this.\n"
    said = words_of(render_html(samples.comparison(old, new)))
    for text in (old, new):
        body = text.split("---\n", 2)[2]
        assert [word for word in re.findall(r"\w+", re.sub(r"\{#.*?\}", "", body)) if word not in said] == []
    assert said.count("keeps you signed in until you close") == 1, "moved text is shown where it is"
    redline = said[said.index("Redline") :]
    assert redline.count("deleted: −Gone end of deletion (removed)") == 1
    assert redline.count("inserted: +Fresh words end of insertion (added)") == 1
    assert redline.count("Sharing inserted: + with others end of insertion (renamed, reworded)") == 1
    assert "#" not in redline.replace("{#", "").split("Front matter")[0]


def test_neighbours_without_a_change_are_one_fold_with_their_words_in_it() -> None:
    old = "".join(f"# Part {n}\n\nWords of part {n} stay.\n\n" for n in range(1, 7))
    html = render_html(samples.comparison(old, old.replace("part 3 stay", "part 3 go")))
    assert re.findall(r"<summary>(.*?)</summary>", html) == [
        "2 clauses without a change of words",
        "3 clauses without a change of words",
    ]
    folded = "".join(re.findall(r"<details>.*?</details>", html, re.DOTALL))
    assert [n for n in range(1, 7) if f"Words of part {n} stay." in folded] == [1, 2, 4, 5, 6]


def test_a_paragraph_that_was_split_is_said_to_be_and_a_clause_that_was_says_it_once() -> None:
    whole = (
        "We keep a book of calls, with the hour, a year. We keep a book of letters, with the day, for two."
    )
    parts = whole.replace(". We", ".\n\nWe").replace("a year", "half a year")
    one = samples.comparison(f"# Books\n\n{whole}\n", f"# Books\n\n{parts}\n")
    for side_by_side in (False, True):
        told = render_terminal(one, width=100, side_by_side=side_by_side)
        assert told.count("split here: ") == 1
    assert render_markdown(one).count("*split here:* ") == 1
    assert render_html(one).count(">split here: <") == 1
    back = samples.comparison(f"# Books\n\n{parts}\n", f"# Books\n\n{whole}\n")
    assert render_markdown(back).count("*merged here:* ") == 1
    titled = parts.replace("\n\nWe", "\n\n## Letters\n\nWe")
    two = samples.comparison(f"# Books\n\n{whole}\n", f"# Books\n\n{titled}\n")
    assert "split" in render_markdown(two)
    assert "split here" not in render_markdown(two)


def test_what_is_far_from_a_change_is_folded_and_its_neighbours_are_not() -> None:
    old = "# Use\n\n" + "\n\n".join(f"Paragraph {n} says its thing." for n in range(1, 10)) + "\n"
    html = render_html(samples.comparison(old, old.replace("Paragraph 5 says", "Paragraph 5 tells")))
    folds = re.findall(r"<details>.*?</details>", html, re.DOTALL)
    assert [re.findall(r"Paragraph (\d)", fold) for fold in folds] == [["1", "2", "3"], ["7", "8", "9"]]
    assert [n for n in range(1, 10) if f"Paragraph {n}" not in words_of(html)] == []


def test_a_clause_shown_alone_keeps_the_links_of_its_move() -> None:
    page = Page(render_html(narrowed(FULL, ["cookies"])))
    assert {"#left-cookies", "#clause-cookies"} <= set(page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_policy_text_never_becomes_markup_of_the_page() -> None:
    html = render_html(HOSTILE, title="<script>")
    page = Page(html)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert "&lt;script&gt;alert(2)" in html
    assert "\x1b" not in html
    assert r"\x1b[31m" in html
    assert "{{ 7 * 7 }}" in html


def test_the_style_of_the_page_is_the_one_its_security_policy_admits() -> None:
    import base64
    import hashlib

    html = render_html(FULL)
    style = html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src &#39;sha256-{digest}&#39;" in html or f"style-src 'sha256-{digest}'" in html
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


@given(st.text(max_size=80))
def test_shown_text_holds_no_control_or_direction_character(text: str) -> None:
    said = shown(text)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff]", said
    )


def test_shown_text_keeps_what_readers_of_other_scripts_need() -> None:
    # Persian spells with a zero-width non-joiner; Japanese has no spaces.
    assert shown("می\u200cخواهیم") == "می\u200cخواهیم"
    assert shown("クッキー、これは。") == "クッキー、これは。"
