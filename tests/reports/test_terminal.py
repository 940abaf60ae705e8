# SPDX-License-Identifier: Apache-2.0
"""The redline on a terminal: both layouts, every width, with and without colour."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from policyctl.reports.comparing.stat import stat_text
from policyctl.reports.comparing.terminal import render_terminal
from tests.reports import samples

FULL = samples.comparison(samples.OLD, samples.NEW, samples.FINDING)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
LONG = (
    "# Help\n\n"
    + "We answer every letter that reaches us by post. " * 8
    + "We call outside of office ours.\n"
)
CJK_OLD = "# 収集\n\n当社は、お客様がアカウントを開設する際に、氏名とメールアドレスを収集します。\n\n" * 3
CJK_NEW = CJK_OLD.replace("氏名と", "氏名、電話番号と")


def columns_of(text: str) -> int:
    """Columns the longest line takes: an ideograph takes two."""
    return max(cell_len(line) for line in text.split("\n"))


@pytest.mark.parametrize("side_by_side", [False, True])
@pytest.mark.parametrize("width", [10, 40, 63, 80, 120, 200, 400])
@pytest.mark.parametrize(
    "comparison",
    [
        FULL,
        samples.comparison(CJK_OLD, CJK_NEW),
        samples.comparison("# A\n\n" + "x" * 300, "# A\n\n" + "y" * 300),
    ],
    ids=["latin", "cjk", "one long word"],
)
def test_no_line_takes_more_columns_than_the_terminal_has(
    comparison: samples.Comparison, width: int, *, side_by_side: bool
) -> None:
    text = render_terminal(comparison, width=width, side_by_side=side_by_side)
    assert columns_of(text) <= max(40, min(200, width))
    assert columns_of(stat_text(comparison, width=width)) <= max(40, min(200, width))


def test_side_by_side_the_old_words_stand_left_and_the_new_right() -> None:
    text = render_terminal(FULL, width=160, side_by_side=True)
    rows = [line.split("│") for line in text.split("\n") if "│" in line]
    left, right = (" ".join(" ".join(row[side] for row in rows).split()) for side in (0, 1))
    assert "your name[- and-] your email address when" in left
    assert "telephone" in right
    assert "telephone" not in left
    assert "{+" not in left
    assert "[-" not in right
    assert text.index("Sharing -> Sharing with others") < text.index("│"), "the table of clauses comes first"


@pytest.mark.parametrize("side_by_side", [False, True])
def test_colours_add_nothing_but_colours(*, side_by_side: bool) -> None:
    plain = render_terminal(FULL, side_by_side=side_by_side)
    coloured = render_terminal(FULL, colour=True, side_by_side=side_by_side)
    assert coloured != plain
    assert [line.rstrip() for line in ANSI.sub("", coloured).split("\n")] == plain.split("\n")


def test_words_beside_a_left_out_stretch_keep_their_distance() -> None:
    text = render_terminal(
        samples.comparison(LONG, LONG.replace("of office ours", "office hours")), width=200
    )
    assert "outside [-of -]office [-ours-]{+hours+}." in text


_WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "漢字", "30"]), min_size=1, max_size=60).map(
    " ".join
)


@settings(max_examples=40)
@given(_WORDS, _WORDS, st.integers(40, 200))
def test_every_changed_word_can_be_read_in_both_layouts(old: str, new: str, width: int) -> None:
    comparison = samples.comparison(f"# Use\n\n{old}.\n", f"# Use\n\n{new}.\n")
    deleted, inserted = (
        sum(len(run.text.split()) for change in comparison.revision.clauses for block in change.blocks
            for run in block.runs if run.op.value == op)
        for op in "-+"
    )  # fmt: skip
    for side_by_side in (False, True):
        text = render_terminal(comparison, width=width, side_by_side=side_by_side)
        text = text[text.rfind("Use (") :] if "Use (" in text else ""
        assert bool(deleted) <= ("[-" in text)
        assert bool(inserted) <= ("{+" in text)
