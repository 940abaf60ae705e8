# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.reports.comparing.unified import render_unified
from tests.reports.samples import HOSTILE, NEW, OLD, comparison

LONG = "# Use\n\n" + " ".join(f"We use item {n} for what you asked." for n in range(1, 21)) + "\n"


def test_a_clause_is_a_hunk_with_its_lines_its_heading_and_how_it_changed() -> None:
    hunks = [line for line in render_unified(comparison()).split("\n") if line.startswith("@@ -")]
    assert hunks[0] == "@@ -5-9 +5-9 @@ Collection (reworded)"
    assert hunks[1].startswith("@@ -15-17 +11-13 @@ Cookies (moved")
    assert hunks[2] == "@@ -11-13 +15-17 @@ Sharing -> Sharing with others (renamed, reworded)"
    assert len(hunks) == 3


def test_a_changed_sentence_stands_whole_old_before_new() -> None:
    new = LONG.replace("item 7 for", "item 7 and its price for")
    lines = render_unified(comparison(LONG, new)).split("\n")
    at = lines.index("- We use item 7 for what you asked.")
    assert lines[at + 1] == "+ We use item 7 and its price for what you asked."
    assert lines[at - 1] == "  We use item 6 for what you asked."
    assert lines[at + 2] == "  We use item 8 for what you asked."
    assert not any("item 3 for" in line for line in lines), "far from the change nothing is repeated"


def test_a_dropped_sentence_does_not_take_its_neighbours_along() -> None:
    new = LONG.replace("We use item 7 for what you asked. ", "")
    signed = [
        line for line in render_unified(comparison(LONG, new)).split("\n")[3:] if line[:1] in {"-", "+"}
    ]
    assert signed == ["- We use item 7 for what you asked."]


def test_front_matter_is_shown_line_by_line() -> None:
    text = render_unified(comparison())
    assert "@@ front matter @@\n" in text
    assert "- effective: 2027-01-15\n+ effective: 2027-03-01\n" in text


def test_nothing_changed_leaves_the_names_and_the_counts() -> None:
    assert render_unified(comparison(OLD, OLD)).split("\n")[:2] == ["--- old.md", "+++ new.md"]
    assert len(render_unified(comparison(OLD, OLD)).splitlines()) == 3


def test_hidden_characters_are_written_out() -> None:
    text = render_unified(comparison(OLD, HOSTILE))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31mthis" in text


@given(width=st.integers(30, 120))
@settings(max_examples=25, deadline=None)
def test_lines_keep_to_the_width_and_carry_their_sign(width: int) -> None:
    lines = render_unified(comparison(OLD, NEW), width=width).splitlines()
    body = [line for line in lines[3:] if not line.startswith("@@")]
    assert all(len(line) <= width for line in body)
    assert {line[:2] for line in body} <= {"- ", "+ ", "  "}
