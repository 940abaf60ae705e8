# SPDX-License-Identifier: Apache-2.0
"""What is on record, written for other programs from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.run import inside


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the demo, with several published versions."""
    place = tmp_path_factory.mktemp("export") / "demo"
    assert inside("demo", str(place), cwd=place.parent).returncode == 0
    return place


def test_the_practices_of_a_policy_are_written_in_cedar(demo: Path) -> None:
    cedar = pytest.importorskip("cedarpy")
    slug = next(path.name for path in (demo / "policies").iterdir() if path.is_dir())
    policies = inside("export", "cedar", slug, cwd=demo).stdout
    entities = inside("export", "cedar", "--entities", cwd=demo).stdout
    context = {"collected": 1, "in_force": 1, "told": [], "over": []}
    context |= {"refused": [], "consents": [], "customer_refused": [], "customer_consents": []}
    asked = {
        "principal": 'Purpose::"essential.service.operations"',
        "action": 'Action::"use"',
        "resource": 'Category::"user.contact.email"',
        "context": context,
    }
    said = cedar.is_authorized(asked, policies, entities)
    assert said.allowed
    assert not said.diagnostics.errors
    assert not cedar.is_authorized(
        {**asked, "principal": 'Purpose::"marketing.advertising"'}, policies, entities
    ).allowed


def test_a_policy_without_a_version_is_refused_with_the_mend(demo: Path) -> None:
    run = inside("export", "cedar", "no-such", cwd=demo)
    assert run.returncode != 0
    assert "no version of a policy 'no-such' is on record" in run.stderr
    assert run.stdout == ""
    assert inside("export", "cedar", cwd=demo).returncode != 0


def test_the_terms_are_entities_below_each_other(demo: Path) -> None:
    entities = json.loads(inside("export", "cedar", "--entities", cwd=demo).stdout)
    email = next(one for one in entities if one["uid"]["id"] == "user.contact.email")
    assert email["parents"] == [{"type": "Category", "id": "user.contact"}]
