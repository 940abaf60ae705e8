# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.core.policy import Document
from policyctl.core.text.parse import parse
from policyctl.reports.docx.document import CLOSING, render_docx
from policyctl.reports.words import shown
from tests.peers.office import Office
from tests.reports.samples import HOSTILE, NEW, OLD, comparison
from tests.reports.word_reader import W, body_of, changes, settled

NUMBER = re.compile(r"\s*(\(?(?:\d{1,9}|[a-zA-Z]|[ivxIVX]{1,5})[.)])\s")


def seen(document: Document) -> list[str]:
    """What a reader sees of a text, paragraph by paragraph; numbers of list items are words too."""
    lines = []
    for block in (block for clause in document.clauses for block in clause.blocks):
        number = NUMBER.match(document.text[block.start :]) if block.kind == "item" else None
        words = block.visible.replace(" | ", "\t") if block.kind == "row" else block.visible
        if line := f"{number[1]} {words}" if number else words:
            lines.append(shown(line, keep="\t"))
    return lines


def both(old: str, new: str) -> tuple[list[str], list[str]]:
    docx = render_docx(comparison(old, new))
    return settled(docx, accept=True, until=CLOSING), settled(docx, accept=False, until=CLOSING)


WORDS = "we may share your name address with our processors for two years unless you object and only then"
SENTENCE = st.lists(st.sampled_from(WORDS.split()), min_size=3, max_size=12).map(lambda w: " ".join(w) + ".")
INLINE = st.sampled_from([
    "We use **strong words** and _soft ones_ here.", "See [our list](https://example.com/a_b) of processors.",
    "これは個人情報です。第三者に提供しません。", "نحن نجمع اسمك.", "***Both*** and `code`.",
    "A\u00a0b\u200bc and \u202eturned\u202c.",
    "Bell \x07, escape \x1b[31m, null \x00.", "a &lt;b&gt; &amp; c < d", "\ufffe noncharacter",
])  # fmt: skip
LIST = st.lists(SENTENCE, min_size=1, max_size=4).map(lambda items: "\n".join(f"* {item}" for item in items))
NUMBERED = st.lists(SENTENCE, min_size=1, max_size=3).map(
    lambda items: "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
)
TABLE = st.lists(SENTENCE, min_size=1, max_size=3).map(
    lambda cells: "| What | Why |\n| --- | --- |\n" + "\n".join(f"| name | {cell} |" for cell in cells)
)
BLOCK = st.one_of(
    SENTENCE, INLINE, LIST, NUMBERED, TABLE, st.sampled_from(["> Quoted.", "```\ncode\n```", "---"])
)
CLAUSE = st.builds(
    lambda heading, blocks: "\n\n".join([heading, *blocks]),
    st.sampled_from(["# Sharing", "## Cookies", "**Children**", "Your rights\n---", "### 4. Retention"]),
    st.lists(BLOCK, max_size=4),
)
CLAUSES = st.lists(CLAUSE, max_size=5)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and the same text with clauses dropped, put in, reworded and set in another order."""
    old = draw(CLAUSES)
    kept = [clause for clause in old if draw(st.integers(0, 4))]
    new = draw(st.permutations(kept + draw(st.lists(CLAUSE, max_size=2))))
    edited = [clause.replace("share", "sell") if draw(st.booleans()) else clause for clause in new]
    return "\n\n".join(old), "\n\n".join(edited)


@given(pair=pairs())
@settings(max_examples=150, deadline=None)
def test_accepting_all_gives_the_new_text_and_rejecting_all_the_old(pair: tuple[str, str]) -> None:
    old, new = pair
    shown_pair = comparison(old, new).revision
    assert both(old, new) == (seen(shown_pair.new), seen(shown_pair.old))


@given(old=st.text(max_size=80), new=st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_text_at_all_makes_a_well_formed_document(old: str, new: str) -> None:
    revision = comparison(old, new).revision
    docx = render_docx(comparison(old, new))
    assert settled(docx, accept=True, until=CLOSING) == seen(revision.new)
    assert settled(docx, accept=False, until=CLOSING) == seen(revision.old)


def test_the_same_comparison_gives_the_same_bytes() -> None:
    assert render_docx(comparison()) == render_docx(comparison())


def test_the_same_text_twice_has_no_tracked_change() -> None:
    assert changes(render_docx(comparison(OLD, OLD))) == []
    assert settled(render_docx(comparison(OLD, OLD)), accept=True, until=CLOSING) == seen(parse(OLD))


def test_a_change_of_form_only_is_not_tracked() -> None:
    old = "# Links\n\nRead our [list](https://example.com/a) of *all* processors.\n"
    new = "Links\n=====\n\nRead our [list](https://example.com/b) of all\nprocessors.\n"
    assert changes(render_docx(comparison(old, new))) == []


def test_changes_carry_one_id_each_and_the_author() -> None:
    found = changes(render_docx(comparison(), author="Legal <x>"))
    ids = [element.attrib[f"{W}id"] for element in found]
    assert len(set(ids)) == len(ids) > 0
    assert {element.attrib[f"{W}author"] for element in found} == {"Legal <x>"}


def test_changes_carry_the_given_time_in_utc_and_else_none() -> None:
    at = datetime(2027, 1, 15, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    dated = changes(render_docx(comparison(), at=at))
    assert {element.attrib[f"{W}date"] for element in dated} == {"2027-01-14T23:30:00Z"}
    assert all(f"{W}date" not in element.attrib for element in changes(render_docx(comparison())))
    assert render_docx(comparison(), at=at) == render_docx(comparison(), at=at.astimezone(UTC))


def test_a_moved_clause_stands_at_both_places_under_one_name() -> None:
    body = body_of(render_docx(comparison()))
    starts = {tag: [e.attrib for e in body.iter(f"{W}{tag}RangeStart")] for tag in ("moveFrom", "moveTo")}
    ends = {
        tag: [e.attrib[f"{W}id"] for e in body.iter(f"{W}{tag}RangeEnd")] for tag in ("moveFrom", "moveTo")
    }
    for tag in ("moveFrom", "moveTo"):
        assert [attributes[f"{W}name"] for attributes in starts[tag]] == ["move1"]
        assert [attributes[f"{W}id"] for attributes in starts[tag]] == ends[tag]
    moved = ["".join(t.text or "" for t in element.iter(f"{W}t")) for element in body.iter(f"{W}moveTo")]
    assert next(words for words in moved if words) == "Cookies"


def test_words_changed_in_a_moved_clause_are_tracked_at_its_two_places() -> None:
    cookies = "# Cookies\n\nOur pages set one cookie, which keeps you signed in until you close the browser."
    sharing = "# Sharing\n\nWe share your address with the processors who help us run the service every day."
    more = "# Retention\n\nWe keep what you gave us for two years after you closed your account with us."
    edited = cookies.replace("one cookie", "two cookies")
    docx = render_docx(
        comparison(f"{cookies}\n\n{sharing}\n\n{more}\n", f"{sharing}\n\n{more}\n\n{edited}\n")
    )
    body = body_of(docx)
    struck = [t.text for t in body.iter(f"{W}delText")]
    assert struck == ["one cookie"]
    assert "two cookies" in ["".join(t.text or "" for t in e.iter(f"{W}t")) for e in body.iter(f"{W}ins")]
    assert len(list(body.iter(f"{W}moveFromRangeStart"))) == 1


def test_structure_is_kept_as_word_styles() -> None:
    table = "| a | b |\n| - | - |\n| c | d |\n"
    text = f"# One\n\n### Three\n\n**Bold line**\n\n- item\n\n1. numbered\n\n> quoted\n\n{table}"
    body = body_of(render_docx(comparison(text, text)))
    styles = [style.attrib[f"{W}val"] for style in body.iter(f"{W}pStyle")]
    assert styles[:8] == [
        "Heading1", "Heading3", "Heading4", "ListBullet", "ListNumber", "Quote", "TableRow", "TableRow",
    ]  # fmt: skip


def test_emphasis_becomes_bold_and_italic_and_its_marks_are_gone() -> None:
    text = "We **never** sell _your_ data, 2 * 3 * 4 times, \\*starred\\*.\n"
    body = body_of(render_docx(comparison(text, text)))
    first = next(body.iter(f"{W}p"))
    looks = {
        "".join(t.text or "" for t in run.iter(f"{W}t")): {e.tag for e in run.findall(f"{W}rPr/*")}
        for run in first.iter(f"{W}r")
    }
    assert looks["never"] == {f"{W}b"}
    assert looks["your"] == {f"{W}i"}
    assert "".join(looks) == "We never sell your data, 2 * 3 * 4 times, *starred*."


def test_a_heading_that_changed_its_level_is_tracked_as_a_change_of_style() -> None:
    body = body_of(render_docx(comparison("# A\n\n## Sharing\n\nWords.\n", "# A\n\n### Sharing\n\nWords.\n")))
    (change,) = body.iter(f"{W}pPrChange")
    assert change.find(f"{W}pPr/{W}pStyle").attrib[f"{W}val"] == "Heading2"  # type: ignore[union-attr]


def test_the_closing_part_says_what_was_compared_and_is_not_tracked() -> None:
    body = body_of(render_docx(comparison()))
    texts = ["".join(t.text or "" for t in p.iter(f"{W}t")) for p in body.iter(f"{W}p")]
    closing = texts[texts.index(CLOSING) :]
    assert {"old.md", "new.md", "Words inserted", "Sharing with others", "renamed, reworded"} <= set(closing)
    assert any("2027-03-01" in line for line in closing), "what changed in the front matter"
    after = False
    for paragraph in body.iter(f"{W}p"):
        after = after or "".join(t.text or "" for t in paragraph.iter(f"{W}t")) == CLOSING
        assert not after or not any(f"{W}author" in e.attrib for e in paragraph.iter())


@pytest.mark.peer("libreoffice")
def test_an_office_program_settles_the_changes_as_we_say(office: Office) -> None:
    turned = "\n\n".join(reversed(NEW.partition("---\n# ")[2].split("\n\n")))
    texts = {"plain": (OLD, NEW), "hostile": (OLD, HOSTILE), "emptied": (OLD, ""), "begun": ("", NEW),
             "reordered": (NEW, turned), "tables": TABLES, "ends": ENDS,
             "moved first": MOVED_FIRST}  # fmt: skip
    settled_by_office = office.settle({n: render_docx(comparison(*pair)) for n, pair in texts.items()})
    for name, (old, new) in texts.items():
        revision = comparison(old, new).revision
        accepted, rejected = map(_without_bullets, settled_by_office[name])
        assert accepted == seen(revision.new), name
        assert rejected == seen(revision.old), name


TABLES = (
    """# Data

| What | Why |
| --- | --- |
| Name | To greet you |
| Address | To write to you |

- First item of the list
- Second item of the list

A closing sentence for this clause.
""",
    """# Data

A new opening.

| What | Why |
| --- | --- |
| Address | To write and to call |
| Number | To call |

- Second item of the list
- First item of the list
  - Third, deeper

## Added

Words at the end.
""",
)


# Two insertions on the two sides of the end of a paragraph; LibreOffice joined them.
ENDS = (
    "# Use\n\nWe keep your name.\n\nYou may object.\n\nWe share it.\n",
    "# Use\n\nWe keep your name. And more.\n\nNow you may object. At any time.\n\nNew words.\n\n> Quoted.\n",
)
# A clause that moved to the beginning with words added at its end; LibreOffice left an empty paragraph.
USE = "# Use\n\nWe use your name and address for the service that you asked us for.\n"
ADS = "# Ads\n\nOur partners show you advertisements that fit what you read here.\n"
MOVED_FIRST = (f"{USE}\n{ADS}", f"{ADS[:-1]} Every day.\n\n{USE}")


def _without_bullets(lines: list[str]) -> list[str]:
    return [re.sub(r"^\s*[•◦▪]\s*", "", line) for line in lines[: lines.index(CLOSING)]]
