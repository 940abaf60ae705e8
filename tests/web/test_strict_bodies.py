# SPDX-License-Identifier: Apache-2.0
"""What the service takes in a body, and what it refuses; one service for all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.web.service import EMAIL, SERVICE, Caller, make_repository, new_key, problem, serving

TAG = {"subject": "u2", "category": EMAIL, "record": "crm-1", "collected_at": "2026-02-01T00:00:00Z"}
QUESTION = {"subject": "u2", "category": EMAIL, "purpose": SERVICE}


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    root = make_repository(tmp_path_factory.mktemp("strict") / "policies")
    with serving(root) as running, running.client(new_key(root, customer="acme")) as caller:
        yield caller


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b'{"subject": "a", "subject": "b"}', 400, "not-json"),
        (b'{"subject": NaN}', 400, "not-json"),
        (b"[" * 100_000, 400, "not-json"),
        (b'{"a":' * 50_000, 400, "not-json"),
        (b'{"subject": "\xff"}', 400, "not-json"),
        (b'{"subject": ' + b"9" * 9_000 + b"}", 400, "not-json"),
        (b"", 400, "not-json"),
        (b"[]", 422, "invalid-request"),
        (json.dumps({**QUESTION, "admin": True}).encode(), 422, "invalid-request"),
        (json.dumps({**QUESTION, "subject": 7}).encode(), 422, "invalid-request"),
        (json.dumps({**QUESTION, "subject": "u2\x00"}).encode(), 422, "invalid-request"),
        (json.dumps({**QUESTION, "subject": "\ud800"}).encode(), 422, "invalid-request"),
        (json.dumps({**QUESTION, "subject": " u2"}).encode(), 422, "invalid-request"),
        (json.dumps({**QUESTION, "subject": "u" * 201}).encode(), 422, "invalid-request"),
        (json.dumps({**QUESTION, "at": "2026-02-01"}).encode(), 422, "invalid-request"),
        (json.dumps({**QUESTION, "at": "0001-01-01T00:00:00+14:00"}).encode(), 422, "invalid-request"),
        (json.dumps({**QUESTION, "customer": "\ud800"}).encode(), 422, "invalid-request"),
        (json.dumps({**QUESTION, "\ud800": 1}).encode(), 422, "invalid-request"),
        (b" " * 1_000_001, 413, "body-too-large"),
    ],
)
def test_a_body_that_is_not_strict_is_refused(body: bytes, status: int, name: str, acme: Caller) -> None:
    problem(acme.post("/v1/decisions", body), status, name)


def test_a_body_that_grows_while_it_is_sent_is_cut_off(acme: Caller) -> None:
    parts = (b" " * 100_000 for _ in range(100))
    found = acme.http.post("/v1/decisions", content=parts, headers={"Content-Type": "application/json"})
    problem(found, 413, "body-too-large")


def test_paths_methods_and_types_that_are_not_there_are_problems_too(acme: Caller) -> None:
    problem(acme.get("/v1/nothing"), 404, "not-found")
    problem(acme.get("/v1/decisions"), 405, "method-not-allowed")
    found = acme.http.post("/v1/decisions", content=b"{}", headers={"Content-Type": "text/plain"})
    problem(found, 415, "unsupported-media-type")


def test_ids_that_look_like_something_else_come_back_as_they_are(acme: Caller) -> None:
    records = ("a/b", "a%2Fb", "'; DROP TABLE tag_1; --", "Zo\u00eb", "\U0001f600", "../..", "-x", "NULL")
    for record in records:
        assert acme.post("/v1/tags", {**TAG, "record": record}).json()["added"] == 1
    found = acme.post("/v1/decisions", QUESTION).json()
    assert set(records) <= {each["record"] for each in found["tags"]}


def test_a_letter_written_in_two_ways_is_one_id(acme: Caller) -> None:
    assert acme.post("/v1/tags", {**TAG, "record": "Ren\u00e9"}).json() == {"added": 1, "repeated": 0}
    assert acme.post("/v1/tags", {**TAG, "record": "Rene\u0301"}).json() == {"added": 0, "repeated": 1}
