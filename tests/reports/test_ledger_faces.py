# SPDX-License-Identifier: Apache-2.0
"""The counts of a ledger: the same for a person, a machine and a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.core import use
from policyctl.reports.ledger import view as ledger_view
from policyctl.reports.ledger.ledger_v1 import ledger_csv, ledger_json
from policyctl.reports.ledger.text import ledger_text, lengths_of
from policyctl.reports.ledger.view import REASONS, Bar, by_category, by_version, percent
from tests.reports.ledger_report import EMPTY, report
from tests.reports.test_machine_formats import valid


def test_a_machine_is_told_all_of_it() -> None:
    said = valid("ledger", ledger_json(report()))
    assert [each["version"] for each in said["tags"]] == [None, 1, 2]
    assert said["uses"][1]["counts"][1] == {"answer": "permitted", "reason": "consented", "count": 2}
    assert sum(each["count"] for each in said["months"]) == sum(each["count"] for each in said["tags"])
    assert valid("ledger", ledger_json(EMPTY))["tags"] == []
    own = valid("ledger", ledger_json(report(customer="acme")))
    assert (own["customer"], own["sequence"], own["batches"], own["epochs"]) == ("acme", None, None, None)


def test_a_spreadsheet_has_the_same_counts() -> None:
    rows = list(csv.DictReader(io.StringIO(ledger_csv(report()), newline="")))
    said = ledger_json(report())
    for what, expected in (("tags", said["months"]), ("choices", said["choices"])):
        assert [int(row["count"]) for row in rows if row["what"] == what] == [e["count"] for e in expected]
    used = [(row["purpose"], row["reason"], int(row["count"])) for row in rows if row["what"] == "uses"]
    assert used == [(u["purpose"], c["reason"], c["count"]) for u in said["uses"] for c in u["counts"]]


@pytest.mark.parametrize("width", [1, 40, 71, 80, 200])
@pytest.mark.parametrize("months", [1, 30])
def test_no_line_is_wider_than_the_terminal(width: int, months: int) -> None:
    text = ledger_text(report(months), width=width)
    assert max(map(len, text.splitlines())) <= max(40, width)
    assert "\x1b" not in text
    coloured = ledger_text(report(months), width=width, colour=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert coloured != plain
    assert [line.rstrip() for line in plain.splitlines()] == text.splitlines()


def test_a_person_sees_counts_shares_and_reasons() -> None:
    text = ledger_text(report(), width=100)
    assert "3 customers, 1,234 subjects, 454 tags (5 corrections), 60 entries" in text
    assert re.search(r"fax no version user\.name +1  #\n", text)
    assert "marketing.advertising  <1 % of 454 permitted" in text
    assert "451 refused: no version in force states this use of such data (not_stated)" in text
    assert "essential.service  100 % of 454 permitted" in text
    assert "0 tags" in ledger_text(EMPTY)
    assert "Data that may be used" not in ledger_text(EMPTY)


def test_months_that_are_long_ago_stand_together() -> None:
    for months in (by_version(report(40).stats.months), by_category(report(40).stats.months)):
        assert len(months.bars) == ledger_view.MONTHS + 1
        assert months.bars[0].name == "before 2021-05"
        assert lengths_of(months.bars[0], 40) == [0] * len(months.names)
        assert sum(bar.count for bar in months.bars) == sum(each.count for each in report(40).stats.months)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "-"), (0, 9, "0 %"), (1, 1000, "<1 %"), (999, 1000, ">99 %"), (1, 3, "33 %"), (7, 7, "100 %")],
)
def test_a_share_is_never_rounded_to_none_or_to_all(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=3), st.integers(3, 60))
def test_a_bar_keeps_to_its_room_and_shows_whatever_is_not_nothing(parts: list[int], room: int) -> None:
    lengths = lengths_of(Bar("x", sum(parts), tuple(parts), sum(parts)), room)
    assert sum(lengths) <= room
    assert [bool(length) for length in lengths] == [bool(part) for part in parts]


def test_every_reason_of_a_decision_has_plain_words() -> None:
    source = "".join(file.read_text("utf-8") for file in Path(use.__file__).parent.glob("*.py"))
    codes = set(re.findall(r'code="([a-z_]+)"', source))
    codes |= set(re.findall(r'(?:undecided|_reason)\(\s*"([a-z_]+)"', source))
    assert len(codes) > 15
    # These two are never the finding that decides, and an export asks no policy or recipient by name.
    assert codes - set(REASONS) <= {"collected", "kept", "no_tag", "unknown_recipient"}
