# SPDX-License-Identifier: Apache-2.0
"""The look-ups behind the hot questions are look-ups: the database goes by a key and reads no large table
through. And docs/explanation/query-plans.md shows what it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyctl.adapters.ledger import Ledger, open_ledger
from tests.adapters.ledger_samples import KEY, TAXONOMY
from tests.adapters.plan_scene import (
    ENDED,
    ONE,
    OTHERS,
    correct,
    end,
    fill,
    page_of,
    plan,
    server,
    statements,
)

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "query-plans.md"
# Tables that are small by nature: read through, they cost a page.
SMALL = {"epoch", "alembic_version", "sqlite_master", "chunk", "notice", "policy", "customer"}
LARGE = {
    "tag_1", "tag_correction", "tag_end", "record_name", "pseudonym", "admission", "choice", "outbox",
    "delivery_event", "batch", "entry", "chain", "version", "category",
}  # fmt: skip
# What is made within the statement itself: the list of the subjects that are asked about, and constants.
OWN = {"CONSTANT", "s", "d", "subquery"}


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        yield opened


def test_no_hot_question_reads_a_large_table_through(ledger: Ledger) -> None:
    seen = set()
    fill(ledger)
    asked = statements(ledger, ONE)
    end(ledger)
    asked |= statements(ledger, ENDED)
    correct(ledger)
    for question in OTHERS:
        asked |= statements(ledger, question)
    for query, values in asked.items():
        for line in plan(ledger, query, values):
            words = set(re.split(r"\W+", line))
            seen |= LARGE & words
            if "SCAN" in words or "Seq" in words:
                assert (SMALL | OWN) & words, f"{query}: {line}"
                assert not LARGE & words, f"{query}: {line}"
    assert seen == LARGE


def test_the_page_of_plans_shows_what_the_database_does(ledger: Ledger) -> None:
    """Where it is of this release; another may go about it otherwise, and is held by the test above."""
    if f"## {server(ledger)}\n" not in PAGE.read_text("utf-8"):
        pytest.skip(f"the page is not about {server(ledger)}")
    assert page_of(ledger) in PAGE.read_text("utf-8"), "run docs/plans.py"
