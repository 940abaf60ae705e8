# SPDX-License-Identifier: Apache-2.0
"""Markdown of every make is cut into clauses and blocks, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.core.text.coverage import unseen
from policyctl.core.text.parse import clause_at, parse, title_of
from policyctl.core.text.visible import visible
from tests.core.markdown_texts import MESSY, policy

LONG = "Words of a paragraph that nobody would take for a title, and enough of them. " * 40


def headings(text: str) -> list[tuple[int, str]]:
    return [(clause.level, clause.heading) for clause in parse(text).clauses]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("# A\n\nx\n\n## B ##\n\ny\n", [(1, "A"), (2, "B")], id="hash marks, closed or not"),
        pytest.param("A\n===\n\nx\n\nB\n---\n\ny\n", [(1, "A"), (2, "B")], id="underlined titles"),
        pytest.param("# A\n\n**B**\n\nx\n", [(1, "A"), (7, "B")], id="a line that is bold as a whole"),
        pytest.param(
            "# A\n\n**B:**\u00a0\n\nx\n", [(1, "A"), (7, "B:")], id="bold with a no-break space behind"
        ),
        pytest.param("# A\n\n**B** and more\n\nx\n", [(1, "A")], id="bold words in a sentence are no title"),
        pytest.param("# A\n\nx\n**B**\n\ny\n", [(1, "A")], id="bold inside a paragraph is no title"),
        pytest.param("# A\n\n```\n# not a title\n```\n", [(1, "A")], id="code is skipped"),
        pytest.param(
            "# A\n\n~~~\n# no\n```\n# no\n~~~\n\n# B\n",
            [(1, "A"), (1, "B")],
            id="a fence ends with its own mark",
        ),
        pytest.param("# A\n\n<!--\n# no\n-->\n\n# B\n", [(1, "A"), (1, "B")], id="comments are skipped"),
        pytest.param("Hello.\n\n# A\n\nx\n", [(0, ""), (1, "A")], id="text before the first title"),
        pytest.param("\ufeff# A\n\nx\n", [(1, "A")], id="a byte order mark"),
        pytest.param("# A\r\n\r\nB\r\n---\r\n\r\nx", [(1, "A"), (2, "B")], id="line ends of Windows"),
        pytest.param("# [A](https://example.com) *b*\n", [(1, "A b")], id="links and marks in a title"),
        pytest.param("# A\n\n* item\n---\n", [(1, "A")], id="a list item is not underlined"),
        pytest.param("# A\n\n| a |\n---\n", [(1, "A")], id="a table row is not underlined"),
        pytest.param("# A\n\n---\n---\n", [(1, "A")], id="a rule is not underlined"),
        pytest.param(
            "# A\n\n1.  Use\n    ---\n    \n    x\n2.  Keep\n    ====\n\ny\n",
            [(1, "A"), (2, "1. Use"), (1, "2. Keep")],
            id="underlined titles inside list items, whose number is theirs",
        ),
        pytest.param(
            "# A\n\n*   ### B\n    x\n*   ### C ###\n\n1) ## D\n",
            [(1, "A"), (3, "B"), (3, "C"), (2, "1) D")],
            id="titles with hash marks inside list items",
        ),
        pytest.param(
            "# A\n\n```\n*   # no\n1.  no\n    ---\n```\n\n<!-- \n*   # no\n-->\n",
            [(1, "A")],
            id="list items in code and in comments hold no titles",
        ),
        pytest.param("# A\n\n*   one\n\n    ---\n\n*   #two\n", [(1, "A")], id="a rule or a tag in an item"),
        pytest.param(
            "# 電話\n\nx\n\nبيانات\n------\n\ny\n\n**\u200b番号\u200b**\n\nz\n",
            [(1, "電話"), (2, "بيانات"), (7, "番号")],
            id="titles in other scripts, with characters of no width",
        ),
        pytest.param(
            "# A\n\nx\n\n## C\n\ny\n\n# A\n\nx\n\n## C\n\nz\n",
            [(1, "A"), (2, "C"), (1, "A"), (2, "C")],
            id="two documents in one file",
        ),
        pytest.param("", [], id="nothing at all"),
    ],
)
def test_titles_are_found_as_a_reader_would(text: str, found: list[tuple[int, str]]) -> None:
    assert headings(text) == found


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        pytest.param(lambda text: text, [1, 5, 11], id="as it is"),
        pytest.param(lambda text: text.rstrip("\n"), [1, 5, 11], id="no line end at the end"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), [1, 5, 11], id="line ends of Windows"),
        pytest.param(lambda text: "\ufeff" + text, [1, 5, 11], id="a byte order mark"),
        pytest.param(
            lambda text: text.replace(" ", "\u00a0").replace("#\u00a0", "# "),
            [1, 5, 11],
            id="no-break spaces",
        ),
        pytest.param(lambda text: text.replace("a", "a\u200b"), [1, 5, 11], id="characters of no width"),
        pytest.param(
            lambda text: text.replace("## Why", "Why").replace("it\n", "it\n---\n", 1),
            [1, 5, 12],
            id="an underlined title",
        ),
        pytest.param(
            lambda text: text.replace("## Why we use it", "**Why we use it**"), [1, 5, 11], id="a bold title"
        ),
        pytest.param(lambda text: text.replace("## Why", "1.  ## Why"), [1, 5, 11], id="a title in a list"),
        pytest.param(lambda text: text.replace("bill you ", "bill you\n"), [1, 5, 12], id="wrapped lines"),
    ],
)
def test_the_same_policy_in_any_form_has_the_same_clauses_and_words(
    change: Callable[[str], str], lines: list[int]
) -> None:
    text = (
        "# Fax policy\n\nThis is what we do.\n\n## Why we use it\n\nTo bill you for 番号 calls.\n\n"
        "*   A second reason.\n\n## Your rights\n\nAsk for a copy, نسخة, at any time.\n"
    )
    document = parse(change(text))
    assert [title_of(clause.heading) for clause in document.clauses] == [
        "Fax policy", "Why we use it", "Your rights",
    ]  # fmt: skip
    assert [clause.line for clause in document.clauses] == lines
    assert [[b.visible for b in clause.blocks[1:]] for clause in document.clauses] == [
        ["This is what we do."],
        ["To bill you for 番号 calls.", "A second reason."],
        ["Ask for a copy, نسخة, at any time."],
    ]
    assert not unseen(document)


def test_titles_in_a_list_do_not_turn_a_text_without_others_into_sections() -> None:
    """They cut what other titles cut too; by themselves they are as often the points of an argument."""
    assert parse("Some words to begin with.\n\n*   # A\n\nAnd some more words.\n").cut_at == "paragraphs"


def test_what_stands_under_a_title_in_a_list_item_is_no_code() -> None:
    (clause,) = parse("*   # A\n\n    x\n\n    y\n", cut_at="headings").clauses
    assert [block.kind for block in clause.blocks] == ["heading", "paragraph", "paragraph"]


def test_in_two_documents_of_one_file_each_clause_stands_below_its_own_title() -> None:
    document = parse("# Calls\n\nx\n\n## Contact\n\ny\n\n# Letters\n\nx\n\n## Contact\n\ny\n")
    assert [clause.path for clause in document.clauses] == [
        ("Calls",), ("Calls", "Contact"), ("Letters",), ("Letters", "Contact"),
    ]  # fmt: skip
    assert len({clause.id for clause in document.clauses}) == len(document.clauses)


def test_front_matter_is_set_apart() -> None:
    document = parse("---\ntitle: Fax\n---\n# A\n\nx\n")
    assert document.text[: document.body] == "---\ntitle: Fax\n---\n"
    assert [(c.heading, c.line) for c in document.clauses] == [("A", 4)]


def test_a_rule_at_the_top_is_not_front_matter() -> None:
    assert parse("---\nHello there.\n\n---\n\n# A\n").body == 0


def test_ids_are_explicit_or_made_of_the_path_without_section_numbers() -> None:
    document = parse("# Fax\n\n## 1. Use\n\n### Calls {#calls}\n\nx\n\n## 2. Use\n\n## Größe & Maß\n")
    assert [c.id for c in document.clauses] == ["fax", "use", "calls", "use-2", "größe-maß"]
    assert [c.explicit_id for c in document.clauses] == [False, False, True, False, False]
    assert document.clauses[2].heading == "Calls"


def test_a_made_id_never_takes_an_explicit_one() -> None:
    document = parse("# Calls\n\nx\n\n# Other {#calls}\n\ny\n")
    assert [c.id for c in document.clauses] == ["calls-2", "calls"]


def test_a_text_without_titles_is_cut_at_its_paragraphs() -> None:
    document = parse(
        "Fax policy of the year\n\nWe keep pages for days.\n\n*   One thing for all.\n\n"
        "*   Another thing to do.\n\n2\n\nThe end of it all.\n"
    )
    assert document.cut_at == "paragraphs"
    assert [document.text[c.start : c.end].split()[0] for c in document.clauses] == ["Fax", "We", "*", "The"]


def test_short_numbered_lines_head_what_follows_in_a_text_without_titles() -> None:
    document = parse(
        "1. What we collect\n\nWe collect the number you call.\n\n"
        "2. Why we use it\n\nTo send a bill to you.\n"
    )
    assert [c.path for c in document.clauses] == [
        ("1. What we collect",),
        ("1. What we collect",),
        ("2. Why we use it",),
        ("2. Why we use it",),
    ]


def test_two_titles_over_a_long_text_do_not_make_it_two_clauses() -> None:
    assert parse(f"# A\n\nFirst of all, a word.\n\n{LONG}\n\n{LONG}\n").cut_at == "paragraphs"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        pytest.param(
            "# A\n\none\ntwo\n\nthree\n", ["heading", "paragraph", "paragraph"], id="hard-wrapped paragraphs"
        ),
        pytest.param(
            "# A\n\n* one\n  two\n* three\n\n  four\n",
            ["heading", "item", "item", "paragraph"],
            id="list items",
        ),
        pytest.param(
            "# A\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n",
            ["heading", "row", "row", "row"],
            id="table rows",
        ),
        pytest.param(
            "# A\n\na | b\n--- | ---\n1 | 2\n", ["heading", "row", "row"], id="a table without outer bars"
        ),
        pytest.param("# A\n\n> one\n> two\n", ["heading", "quote"], id="quotes"),
        pytest.param("# A\n\n* * *\n\nx\n", ["heading", "rule", "paragraph"], id="a rule"),
        pytest.param("# A\n\n    code\n    more\n", ["heading", "code"], id="indented code"),
        pytest.param(
            "# A\n\nin the year\n2027. It was\n",
            ["heading", "paragraph"],
            id="a number that opens a wrapped line",
        ),
    ],
)
def test_blocks_have_their_kinds(text: str, kinds: list[str]) -> None:
    assert [block.kind for block in parse(text).clauses[0].blocks] == kinds


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ('see [our *new* page](https://example.com/x_(y) "t")', "see our new page"),
        ("[![logo](a.png)](https://example.com)", "logo"),
        ("2 \\* 3 = `a*b` &amp; c", "2 * 3 = a*b & c"),
        ("snake_case and _stress_ and __more__", "snake_case and stress and more"),
        ("a\u00a0b\u200b c\u2003d", "a b c d"),
        ("cafe\u0301", "café"),
        ("<https://example.com> <b>bold</b><br>new", "https://example.com bold new"),
        ("[<fax：mail>](https://example.com)", "<fax：mail>"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("[text][ref] ~~gone~~", "text gone"),
        ("電話**番号**です", "電話番号です"),
    ],
)
def test_visible_words_are_those_a_reader_sees(source: str, seen: str) -> None:
    assert visible(source) == seen


@pytest.mark.parametrize("depth", [5, 25, 60])
def test_deeply_nested_text_does_not_vanish(depth: int) -> None:
    text = "# A\n\n" + "".join(f"{'  ' * n}* level{n}x\n" for n in range(depth))
    document = parse(text)
    assert f"level{depth - 1}x" in {
        word for c in document.clauses for b in c.blocks for word in b.visible.split()
    }
    assert not unseen(document)


@pytest.mark.parametrize(
    "text",
    [
        policy(),
        "# A\n\n> * quote **bold** [link](https://example.com)\n> * more\n",
        "# A\n\n| a | [b](c) |\n|--|--|\n| `x` | y |\n",
        "Title\n=====\n\n1.  **One.** text\n    \n    inner\n    \n    * deep\n2.  two\n\n```\ncode\n```\n",
        "# 電話\n\n番号を**集めます**。\n\n# بيانات\n\nنحن نجمع.\n",
    ],
)
def test_every_word_a_browser_shows_stands_in_a_block(text: str) -> None:
    assert not unseen(parse(text))


@given(st.one_of(st.text(), MESSY))
@settings(max_examples=200, deadline=None)
def test_every_character_stands_in_exactly_one_block(text: str) -> None:
    document = parse(text)
    place = document.body
    for clause in document.clauses:
        assert clause.start == place
        assert clause.line == text.count("\n", 0, clause.start) + 1
        for block in clause.blocks:
            assert block.start == place
            place = block.end
        assert clause.end == place
    assert place == len(text)
    assert len({clause.id for clause in document.clauses}) == len(document.clauses)


def test_a_line_finds_its_clause() -> None:
    document = parse("# A\n\nx\n\n# B\n\ny\n")
    assert [(found := clause_at(document, line)) and found.heading for line in (1, 3, 5, 7)] == [
        "A",
        "A",
        "B",
        "B",
    ]
