# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from tests.cli.run import inside, said


def test_every_listed_schema_can_be_printed_and_is_a_schema() -> None:
    names = inside("schema", cwd=Path()).stdout.split()
    assert {"revision", "decision", "clauses", "check", "plan", "status", "receipt", "ledger"} <= set(names)
    for name in names:
        Draft202012Validator.check_schema(json.loads(inside("schema", name, cwd=Path()).stdout))


def test_an_unknown_schema_is_answered_with_the_known_ones() -> None:
    run = inside("schema", "../../etc/passwd", cwd=Path())
    assert run.returncode == 2
    assert "revision" in run.stderr


def test_the_rules_are_the_same_for_a_person_and_for_a_machine() -> None:
    rules = said(inside("rules", "--format", "json", cwd=Path()), "rules")["rules"]
    text = inside("rules", cwd=Path()).stdout
    assert rules
    assert all(f"{rule['id']} {rule['name']}" in text for rule in rules)
    assert len({rule["id"] for rule in rules}) == len(rules)
