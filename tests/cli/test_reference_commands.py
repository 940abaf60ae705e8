# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from tests.cli.run import policyctl, said


def test_every_listed_schema_can_be_printed_and_is_a_schema() -> None:
    names = policyctl("schema").stdout.split()
    assert {"revision", "decision", "clauses", "check", "plan", "status", "receipt"} <= set(names)
    for name in names:
        Draft202012Validator.check_schema(json.loads(policyctl("schema", name).stdout))


def test_an_unknown_schema_is_answered_with_the_known_ones() -> None:
    run = policyctl("schema", "../../etc/passwd")
    assert run.returncode == 2
    assert "revision" in run.stderr


def test_the_rules_are_the_same_for_a_person_and_for_a_machine() -> None:
    rules = said(policyctl("rules", "--format", "json"), "rules")["rules"]
    text = policyctl("rules").stdout
    assert rules
    assert all(f"{rule['id']} {rule['name']}" in text for rule in rules)
    assert len({rule["id"] for rule in rules}) == len(rules)
