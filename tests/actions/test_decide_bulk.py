# SPDX-License-Identifier: Apache-2.0
"""Deciding by the million gives what deciding one by one gives, on real ledgers and real files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings

from policyctl.actions.decide_bulk import BulkOutput, BulkSource, decide_in_bulk
from policyctl.core.use.matrix import BulkQuestion
from tests.actions.bulk_scene import World, filled, one_by_one, questions, read, worlds


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds, questions)
def test_the_records_of_a_ledger_are_decided_as_each_would_be(world: World, question: BulkQuestion) -> None:
    with TemporaryDirectory() as folder, filled(world, Path(folder) / "ledger.db") as ledger:
        expected = one_by_one(ledger, question)
        yes, no, only = (Path(folder) / f"{name}.parquet" for name in ("yes", "no", "only"))
        done = decide_in_bulk(question, BulkSource(), BulkOutput(yes, no), ledger=ledger)
        brief = decide_in_bulk(question, BulkSource(), BulkOutput(only), ledger=ledger)
        known = {key: value for key, value in (read(yes) | read(no)).items() if key[0] is not None}
        assert known == expected
        assert read(only) == read(yes)
        assert {answer for answer, _ in read(yes).values()} <= {"permitted"}
        assert all(subject is not None for subject, *_ in read(yes))
        counted = Counter(value for path in (yes, no) for value in read(path).values())
        assert sum(each.records for each in done.counts) == done.asked == brief.asked
        assert {(each.answer, each.code) for each in done.counts} == set(counted)
