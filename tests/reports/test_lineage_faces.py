# SPDX-License-Identifier: Apache-2.0
"""The history of clauses as text, chart, picture, page and JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from policyctl.core.diff.clause_history import Lineage, State, follow
from policyctl.core.text.parse import parse
from policyctl.reports.lineage.chart import chart_of
from policyctl.reports.lineage.lineage_v1 import blame_json, log_json
from policyctl.reports.lineage.svg import chart_html, chart_svg
from policyctl.reports.lineage.text import blame_text, chart_text, clause_text, log_text
from tests.cli.run import schema

SVG = "{http://www.w3.org/2000/svg}"
BEGIN = datetime(2027, 1, 1, 12, tzinfo=UTC)
KEEP = "# Keeping\n\nWe keep your name for one year. Then we delete it."
SHARE = "# Sharing\n\nWe share your name with our processors, and with nobody else at all."
COOKIES = "# Cookies\n\nOur pages set one cookie that keeps you signed in until you leave."


def history_of(*texts: str, days: tuple[int, ...] = (), words: bool = False) -> Lineage:
    when = days or tuple(range(len(texts)))
    return follow(
        (
            State(f"v{n + 1}", BEGIN + timedelta(days=day), "policy.md", text, parse(text))
            for n, (text, day) in enumerate(zip(texts, when, strict=True))
        ),
        words=words,
    )


@pytest.fixture
def lineage() -> Lineage:
    """Keeping is renamed and then reworded, Sharing goes, Cookies come."""
    renamed = KEEP.replace("# Keeping", "# How long")
    return history_of(
        f"{KEEP}\n\n{SHARE}\n",
        f"{renamed}\n\n{SHARE}\n",
        f"{renamed.replace('one year', 'two years')}\n\n{COOKIES}\n",
        days=(0, 10, 100),
        words=True,
    )


def row(text: str, name: str) -> str:
    (found,) = [line for line in text.splitlines() if line.startswith(name)]
    return found


def test_the_log_says_since_when_how_often_and_when_last(lineage: Lineage) -> None:
    text = log_text("privacy.md", lineage, width=100)
    assert text.startswith("privacy.md: 2 revisions, 2027-01-01 to 2027-04-11\n")
    assert row(text, "How long").split() == ["How", "long", "2027-01-01", "2", "2027-04-11", "reworded"]
    assert row(text, "Cookies").split() == ["Cookies", "2027-04-11", "0", "2027-04-11", "added"]
    assert row(text, "Sharing").split() == ["Sharing", "2027-01-01", "1", "2027-04-11", "removed"]


def test_a_clause_without_a_heading_is_called_by_its_first_words() -> None:
    lineage = history_of(f"We keep our word to you.\n\n{KEEP}\n")
    assert "“We keep our word to you.”" in log_text("privacy.md", lineage, width=100)
    assert "“We keep our word to you.”" in blame_text("privacy.md", lineage, width=100)


def test_one_clause_is_told_step_by_step(lineage: Lineage) -> None:
    text = clause_text(lineage, lineage.clauses[0], width=100)
    assert text.splitlines() == [
        "How long #keeping",
        "  2027-01-01  v1  added",
        "  2027-01-11  v2  renamed: Keeping -> How long",
        "  2027-04-11  v3  reworded",
    ]


def test_the_chart_has_a_row_for_a_clause_and_a_digit_for_its_changes(lineage: Lineage) -> None:
    text = chart_text("privacy.md", lineage, width=80)
    cells = {name: row(text, name)[28:].rstrip() for name in ("How long", "Sharing", "Cookies")}
    assert cells == {"How long": "1.1", "Sharing": "..1", "Cookies": "  ."}


def test_a_chart_counts_every_change_once() -> None:
    texts = [KEEP.replace("one year", f"{number} years") + "\n" for number in range(2, 30)]
    lineage = history_of(*texts)
    for columns in (1, 5, 28, 400):
        (only,) = chart_of(lineage, columns=columns).rows
        assert sum(count or 0 for count in only.cells) == 27
        assert len(only.cells) == min(columns, 28)
    assert row(chart_text("x", lineage, width=40), "Keeping")


def test_states_of_one_moment_make_one_column_of_changes() -> None:
    texts = [KEEP.replace("one year", f"{number} years") + "\n" for number in range(2, 16)]
    lineage = history_of(*texts, days=(0,) * 14)
    assert row(chart_text("x", lineage, width=60), "Keeping").endswith("+")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(lineage: Lineage, width: int) -> None:
    for text in (
        log_text("privacy.md", lineage, width=width),
        chart_text("privacy.md", lineage, width=width),
        blame_text("privacy.md", lineage, width=width),
        blame_text("privacy.md", lineage, words=True, width=width),
    ):
        assert max(map(len, text.splitlines())) <= width


def test_blame_names_the_version_of_every_clause_that_stands(lineage: Lineage) -> None:
    rows = [line.split() for line in blame_text("privacy.md", lineage, width=100).splitlines()[3:]]
    assert rows == [
        ["v3", "2027-04-11", "reworded", "1-3", "How", "long"],
        ["v3", "2027-04-11", "added", "5-7", "Cookies"],
    ]


def test_blame_by_words_names_the_version_of_every_sentence(lineage: Lineage) -> None:
    lines = blame_text("privacy.md", lineage, words=True, width=100).splitlines()
    assert "v3 2027-04-11    3  We keep your name for two years." in lines
    assert "v1 2027-01-01    3  Then we delete it." in lines


def test_both_json_formats_fit_their_schemas(lineage: Lineage) -> None:
    log = log_json("privacy.md", lineage)
    schema("log").validate(log)
    assert [clause["id"] for clause in log["clauses"]] == ["keeping", "cookies", "sharing"]
    assert [clause["stands"] for clause in log["clauses"]] == [True, True, False]
    for words in (False, True):
        schema("blame").validate(blame_json("privacy.md", lineage, words=words))
    sentences = blame_json("privacy.md", lineage, words=True)["clauses"][0]["sentences"]
    assert [(each["text"], each["state"]) for each in sentences] == [
        ("We keep your name for two years.", 2),
        ("Then we delete it.", 0),
    ]
    assert blame_json("privacy.md", lineage)["clauses"][0]["sentences"] is None


def test_the_picture_is_an_image_with_a_name_and_its_numbers_as_text(lineage: Lineage) -> None:
    picture = ET.fromstring(chart_svg("privacy.md", lineage))  # noqa: S314 - we wrote it ourselves
    named = {element.attrib.get("id") for element in picture.iter()}
    assert picture.attrib["role"] == "img"
    assert set(picture.attrib["aria-labelledby"].split()) <= named
    groups = [[text.text for text in group.iter(f"{SVG}text")] for group in picture.iter(f"{SVG}g")]
    assert groups == [["How long", "1", "1"], ["Cookies"], ["Sharing", "1"]]


def test_letters_in_the_picture_can_be_read_on_their_ground() -> None:
    texts = [KEEP.replace("one year", f"{number} years") + "\n" for number in range(2, 12)]
    for changes in range(2, 11):
        lineage = history_of(*texts[:changes], days=(0,) * changes)
        (group,) = ET.fromstring(chart_svg("x", lineage)).iter(f"{SVG}g")  # noqa: S314 - the same
        ground = next(group.iter(f"{SVG}rect")).attrib["fill"]
        ink = list(group.iter(f"{SVG}text"))[-1].attrib["fill"]
        assert contrast(ground, ink) >= 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_page_stands_alone_and_repeats_the_chart_as_a_table(lineage: Lineage) -> None:
    page = chart_html("privacy.md", lineage)
    assert "<svg " in page
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=", page)
    assert re.sub(r"<[^>]+>", "|", page).count("|How long |since 2027-01-01||") == 1
    cells = re.sub(r"<[^>]+>", " ", page[page.index("since 2027-01-01") :]).split()
    assert cells[2:5] == ["2", "2027-04-11", "reworded"]


def test_a_hostile_heading_stays_text_in_every_face() -> None:
    hostile = "# <script>alert(1)</script> \x1b[31mred\u202e & more\n\nWords of a clause.\n"
    lineage = history_of(hostile, hostile + "\nMore.\n", words=True)
    name = '"><script>\x1b[2J'
    for text in (
        log_text(name, lineage), clause_text(lineage, lineage.clauses[0]), chart_text(name, lineage),
        blame_text(name, lineage), blame_text(name, lineage, words=True),
        chart_svg(name, lineage), chart_html(name, lineage),
    ):  # fmt: skip
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script" not in chart_svg(name, lineage) + chart_html(name, lineage)
    ET.fromstring(chart_svg(name, lineage))  # noqa: S314 - we wrote it ourselves


def test_colours_add_nothing_to_the_words(lineage: Lineage) -> None:
    for face in (log_text, chart_text, blame_text):
        coloured = face("x", lineage, width=80, colour=True)
        plain = re.sub(r"\x1b\[[\d;]*m", "", coloured)
        assert [line.rstrip() for line in plain.splitlines()] == face("x", lineage, width=80).splitlines()
