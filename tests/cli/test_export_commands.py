# SPDX-License-Identifier: Apache-2.0
"""What is on record, written for other programs from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.run import inside, said


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
    answer = cedar.is_authorized(asked, policies, entities)
    assert answer.allowed
    assert not answer.diagnostics.errors
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


def test_evidence_is_written_and_verified_from_anywhere(demo: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "clara.zip"
    words = ("export", "evidence", "--subject", "u-clara", "--to", "2026-10-01", "--output", bundle)
    assert inside(*words, cwd=demo).returncode == 0
    run = inside("verify", "--bundle", bundle, "--allow-unsigned", "--format", "json", cwd=tmp_path)
    found = said(run, "bundle")
    assert (run.returncode, found["verdict"], found["rows"]) == (0, "holds", found["proven"])
    assert found["about"] == {"kind": "subject", "name": "u-clara", "customer": None}
    unsigned = inside("verify", "--bundle", bundle, cwd=tmp_path)
    assert unsigned.returncode == 1
    assert "unsigned: policy/example-fax/v1: nobody has signed it" in unsigned.stdout
    bundle.write_bytes(bundle.read_bytes()[:-1])
    broken = inside("verify", "--bundle", bundle, cwd=tmp_path)
    assert broken.returncode == 5
    assert broken.stdout.endswith("BROKEN, and first: altered, clara.zip\n")


def test_consent_records_are_printed(demo: Path) -> None:
    found = said(inside("export", "consents", "--subject", "u-clara", cwd=demo), "consents")
    assert [record["event"][0]["event_state"] for record in found["records"]] == ["dpv:ConsentGiven"]


@pytest.mark.parametrize(
    "words",
    [
        ("evidence",),
        ("evidence", "--subject", "u-clara", "--publication", "example-fax@v3"),
        ("evidence", "--publication", "v3"),
        ("consents", "--customer", "muster-druck"),
    ],
)
def test_evidence_of_nothing_or_of_two_things_is_refused(
    words: tuple[str, ...], demo: Path, tmp_path: Path
) -> None:
    more = ("--output", tmp_path / "x.zip") if words[0] == "evidence" else ()
    run = inside("export", *words, *more, cwd=demo)
    assert run.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_verified_by_itself_and_has_to_be_there(tmp_path: Path) -> None:
    assert inside("verify", "example-fax", "--bundle", "x.zip", cwd=tmp_path).returncode == 2
    assert inside("verify", "--bundle", "x.zip", cwd=tmp_path).returncode == 3
