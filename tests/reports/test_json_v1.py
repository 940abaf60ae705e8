# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from policyctl.errors import IntegrityError
from policyctl.reports.comparing.json_v1 import rebuild_new, rebuild_old, render_json, revision_json
from tests.reports import samples


def schema(name: str) -> Draft202012Validator:
    text = (files("policyctl") / "schemas" / f"{name}.schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text))


LINES = st.sampled_from(
    [
        "# Sharing", "# Cookies", "## Cookies", "**Cookies**", "", "", "We share your name.",
        "We keep it for two years.",
        "- one item", "- another item, which is longer", "| a | b |", "| - | - |", "```", "Sharing\n=====",
        "これはクッキーです。", "a\u00a0b\u200bc", "---", "title: x", "\r",
        "1. numbered", "> quoted", "<!-- note -->",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(LINES, max_size=14).map("\n".join),
    st.lists(LINES, max_size=8).map(lambda lines: samples.FRONT + "\n".join(lines)),
    st.text(max_size=60),
)


@given(old=TEXTS, new=TEXTS)
def test_either_text_can_be_rebuilt_from_the_other_and_the_json_alone(old: str, new: str) -> None:
    said = json.loads(render_json(samples.comparison(old, new)))
    assert rebuild_new(old, said) == new
    assert rebuild_old(new, said) == old


@given(old=TEXTS, new=TEXTS)
def test_every_comparison_keeps_to_the_published_schema(old: str, new: str) -> None:
    schema("revision").validate(json.loads(render_json(samples.comparison(old, new, samples.FINDING))))


def test_a_text_that_is_not_the_old_side_is_told_apart_instead_of_rebuilt() -> None:
    said = revision_json(samples.comparison())
    with pytest.raises(IntegrityError, match="not the old side"):
        rebuild_new(samples.OLD.replace("email address", "postal address"), said)


def test_the_sides_are_named_with_the_hash_of_their_bytes() -> None:
    said = revision_json(samples.comparison("", "x"))
    # SHA-256 of no bytes, FIPS 180-4.
    assert said["old"]["sha256"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert said["new"]["version"] == "example-notes@v2"


def test_lines_are_those_of_the_given_file_and_count_from_one() -> None:
    said = revision_json(samples.comparison())
    for link in said["clauses"]:
        for side, text in (("old", samples.OLD), ("new", samples.NEW)):
            for clause in link[side]:
                assert clause["heading"] in text.split("\n")[clause["line"] - 1]


def test_kinds_are_sorted_and_the_moved_clause_says_so() -> None:
    said = revision_json(samples.comparison())
    assert all(link["kinds"] == sorted(link["kinds"]) for link in said["clauses"])
    cookies = next(link for link in said["clauses"] if link["new"] and link["new"][0]["heading"] == "Cookies")
    sharing = next(link for link in said["clauses"] if link["old"] and link["old"][0]["heading"] == "Sharing")
    assert "renamed" in sharing["kinds"]
    assert "moved" in {*cookies["kinds"], *sharing["kinds"]}


def test_a_finding_keeps_its_words_and_its_class_floor() -> None:
    [said] = revision_json(samples.comparison(samples.OLD, samples.NEW, samples.FINDING))["findings"]
    assert said["before"] == samples.FINDING.before
    assert said["floor"] == "choice"
    assert said["waived"] is False


@pytest.mark.parametrize("field", ["verdict", "clauses", "findings", "schema"])
def test_the_schema_refuses_a_comparison_without(field: str) -> None:
    said = revision_json(samples.comparison())
    del said[field]
    assert not schema("revision").is_valid(said)


def test_the_schema_refuses_a_field_it_does_not_know() -> None:
    assert not schema("revision").is_valid(revision_json(samples.comparison()) | {"extra": 1})


@pytest.mark.parametrize(
    "path", sorted((files("policyctl") / "schemas").iterdir(), key=lambda p: p.name), ids=lambda p: p.name
)
def test_every_published_schema_is_itself_valid_strict_and_versioned(path: Path) -> None:
    said = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(said)
    assert said["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    name = path.name.removesuffix(".schema.json")
    assert said["properties"]["schema"] == {"const": f"policyctl.{name}/1"}
    assert all(strict(part.get("additionalProperties")) for part in objects(said))


def strict(others: object) -> bool:
    """No key but those that are named; or, in a map, values of one kind."""
    return others is False or (isinstance(others, dict) and "type" in others)


def objects(part: object) -> list[dict[str, object]]:
    if isinstance(part, list):
        return [found for item in part for found in objects(item)]
    if not isinstance(part, dict):
        return []
    own = [part] if part.get("type") == "object" else []
    return own + [found for item in part.values() for found in objects(item)]
