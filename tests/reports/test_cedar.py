# SPDX-License-Identifier: Apache-2.0
"""The exported practices, asked of a real engine of Cedar, answer as the rules do."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from typing import Any

import pytest

from policyctl.core.use.decision import UseAnswer, decide
from policyctl.reports.deciding.cedar import cedar_entities, cedar_policies
from tests.adapters.ledger_samples import TAXONOMY
from tests.core.use_samples import V1, V2
from tests.reports.cedar_cases import cases, some_versions

POLICIES, CASES = 25, 400


@pytest.fixture
def cedar() -> Any:
    """The engine; missing, the test is skipped, or fails where every peer must be there."""
    if os.environ.get("POLICYCTL_REQUIRE") == "all":
        import cedarpy

        return cedarpy
    return pytest.importorskip("cedarpy")


def test_ten_thousand_random_questions_are_answered_alike(cedar: Any) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for seed in range(POLICIES):
        dice = random.Random(seed)  # noqa: S311 - made-up cases
        versions = some_versions(dice)
        policies = cedar_policies(versions)
        asked = list(cases(versions, CASES, dice))
        said = cedar.is_authorized_batch([one.cedar for one in asked], policies, cedar_entities(TAXONOMY))
        for one, answer in zip(asked, said, strict=True):
            expected = decide(one.request, one.facts)
            assert not answer.diagnostics.errors
            assert answer.allowed == (expected.answer is UseAnswer.PERMITTED), (seed, one, expected.finding)
            seen[expected.answer.value, expected.finding.code] += 1
    assert sum(seen.values()) == POLICIES * CASES
    # The draw reaches every way to a yes and most to a no.
    codes = {code for _, code in seen}
    assert {"stated", "consented", "nobody_objected", "not_told", "may_still_object"} <= codes
    assert {"objected", "customer_objected", "no_consent", "withdrawn_since", "not_stated"} <= codes


def test_a_permit_names_the_clause_it_rests_on(cedar: Any) -> None:
    policies = json.loads(cedar.policies_to_json_str(cedar_policies((V1, V2))))
    notes = [policy["annotations"] for policy in policies["staticPolicies"].values()]
    assert {"id", "rule", "version", "clause", "practice"} == set(notes[0])
    silent = next(note for note in notes if note["id"] == "fax@v2#ads/fax@v1/fax@v2")
    assert silent["rule"] == "3"
    assert silent["clause"] == "about-ads"
    ids = [note["id"] for note in notes]
    assert len(ids) == len(set(ids))


def test_the_same_versions_give_the_same_text() -> None:
    assert cedar_policies((V1, V2)) == cedar_policies((V1, V2))
    assert cedar_policies((V1, V2)).startswith("// fax@v1, in effect from 2026-01-01\n// fax@v2")
    assert json.loads(cedar_entities(TAXONOMY))[0]["uid"] == {"type": "Purpose", "id": "essential"}
