# SPDX-License-Identifier: Apache-2.0
"""The table that records are joined with by the million says what the rules say of one request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings

from policyctl.core.policy import VersionKey
from policyctl.core.practice import ChoiceMode
from policyctl.core.use.decision import Facts, UseAnswer, UseRequest, decide
from policyctl.core.use.matrix import UNKNOWN, BulkQuestion, Matrix, Standings
from tests.adapters.ledger_samples import ADS, EMAIL, day
from tests.core.test_decision_properties import requests, worlds
from tests.core.use_samples import KNOWN, TERMS, V1, V2, delivered, facts, says


def question_of(request: UseRequest) -> BulkQuestion:
    return BulkQuestion(request.purpose, request.at, request.category, request.recipient, request.slug)


@settings(max_examples=400)
@given(worlds, requests)
def test_a_cell_says_what_the_rules_say_of_the_record_alone(world: Facts, request: UseRequest) -> None:
    standing = Standings(world.versions, request.at).of(world.admissions, world.choices, world.deliveries)
    matrix = Matrix(question_of(request), world.versions, world.taxonomy)
    for tag in world.tags:
        decision = decide(request, replace(world, tags=(tag,)))
        if matrix.question.asks(tag.slug, tag.category):
            cell = matrix.cell(tag.slug, tag.category, tag.version, standing)
            assert (cell.answer, cell.code) == (decision.answer, decision.finding.code)


@given(worlds, requests)
def test_a_subject_that_is_not_known_is_undecided_everywhere(world: Facts, request: UseRequest) -> None:
    matrix = Matrix(question_of(request), world.versions, world.taxonomy)
    for tag in world.tags:
        if matrix.question.asks(tag.slug, tag.category):
            cell = matrix.cell(tag.slug, tag.category, tag.version, UNKNOWN)
            assert (cell.answer, cell.code) == (UseAnswer.UNDECIDED, "unknown_subject")


def test_subjects_that_differ_only_in_dates_stand_alike() -> None:
    at = day("2026-12-01")
    standings = Standings((V1, V2), at)
    early = facts(KNOWN, delivered("2026-07-01"), says("consent", "fax@v2#share", "2026-07-02"))
    late = facts(KNOWN, delivered("2026-08-01"), says("consent", "fax@v2#share", "2026-09-02"))
    one, other = (standings.of(each.admissions, each.choices, each.deliveries) for each in (early, late))
    assert one == other
    assert one.in_force == (VersionKey("fax", 2),)


def test_silence_permits_once_the_time_to_object_is_over() -> None:
    told = day("2026-07-01")
    window = timedelta(days=next(c.window_days for c in V2.changes if c.mode is ChoiceMode.OPT_OUT))
    found = {}
    for name, at in (("before", told + window - timedelta(seconds=1)), ("after", told + window)):
        standing = Standings((V1, V2), at).of((KNOWN,), (), (delivered("2026-07-01"),))
        cell = Matrix(BulkQuestion(ADS, at), (V1, V2), TERMS).cell("fax", EMAIL, V1.key, standing)
        found[name] = (cell.answer.value, cell.code)
    assert found == {
        "before": ("refused", "may_still_object"),
        "after": ("permitted", "nobody_objected"),
    }
