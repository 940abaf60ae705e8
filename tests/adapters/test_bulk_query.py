# SPDX-License-Identifier: Apache-2.0
"""One tree for every engine: what is rendered for each is the same question."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlglot

from policyctl.adapters.bulk.epoch_query import (
    Beside,
    how_many_beside,
    tags_beside,
    tags_of_exports,
    tags_that_hold,
)
from policyctl.adapters.bulk.query import Query, decided, not_permitted, permitted

AT = datetime(2026, 11, 1, tzinfo=UTC)
SHOWN = (("tag", "subject", "subject"), ("tag", "kept in", "kept in"))


@pytest.mark.parametrize("one_tag", [True, False])
@pytest.mark.parametrize("build", [permitted, not_permitted, decided])
@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_each_engine_reads_its_rendering_back_as_the_same_tree(
    dialect: str, build: object, *, one_tag: bool
) -> None:
    tree = build(Query(SHOWN, AT, timed=True, one_tag=one_tag, versions=(1, 2)))  # type: ignore[operator]
    text = tree.sql(dialect=dialect)
    again = sqlglot.parse_one(text, dialect=dialect)
    assert again.sql(dialect=dialect) == text
    assert {table.name for table in again.find_all(sqlglot.exp.Table)} == {"tag", "standing", "cell"}


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
@pytest.mark.parametrize("some", [True, False])
def test_the_tags_of_exported_epochs_are_read_back_as_the_same_tree(dialect: str, *, some: bool) -> None:
    beside = Beside(names=some, corrected=some, rest=some)
    trees = (tags_of_exports(beside), tags_beside(), tags_that_hold([1, 2], beside), how_many_beside())
    for tree in trees:
        text = tree.sql(dialect=dialect)
        assert sqlglot.parse_one(text, dialect=dialect).sql(dialect=dialect) == text
    used = {table.name for tree in trees for table in tree.find_all(sqlglot.exp.Table)}
    assert ({"record_name", "corrected"} <= used) is some


def test_versions_that_permit_nothing_are_left_out_of_the_scan() -> None:
    pruned = permitted(Query(SHOWN, AT, timed=False, one_tag=True, versions=(3, 4))).sql(dialect="duckdb")
    assert "IN (3, 4)" in pruned.replace('"', "")
    nothing = permitted(Query(SHOWN, AT, timed=False, one_tag=True, versions=())).sql(dialect="duckdb")
    assert "WHERE FALSE" in nothing


def test_a_denied_tag_of_a_version_that_is_left_out_would_still_count_for_its_record() -> None:
    whole = permitted(Query(SHOWN, AT, timed=False, one_tag=False, versions=(3,))).sql(dialect="duckdb")
    assert "IN (3)" not in whole
