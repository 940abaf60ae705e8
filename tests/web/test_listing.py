# SPDX-License-Identifier: Apache-2.0
"""What is on record, page by page, and to whom: cursors, ETags, one customer and another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl import wiring
from policyctl.settings import load_settings
from policyctl.web.cursors import Cursors, question_of
from policyctl.web.problems import ProblemError
from tests.web.service import CHANGE, EMAIL, NOW, Caller, Running, make_repository, new_key, problem, serving

HOSTILE = ["a/b", "a%2Fb", "..", "caf\u00e9", "' OR 1=1 --", "?x=1&y", "u\u202ex", "#", "null", "7"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("listing") / "policies")


@pytest.fixture(scope="module")
def service(root: Path) -> Iterator[Running]:
    with serving(root) as running:
        yield running


@pytest.fixture(scope="module")
def acme(root: Path, service: Running) -> Iterator[Caller]:
    """With 25 tags of u1, of which one was corrected, and three answers."""
    with service.client(new_key(root, customer="acme")) as caller:
        tags = [
            {"subject": "u1", "category": EMAIL, "record": name, "collected_at": "2026-02-01T00:00:00Z"}
            for name in [*map(str, range(20)), *"abcde"]
        ]
        assert caller.post("/v1/tags", {"tags": tags}, once="first").json()["added"] == 25
        claim = {**tags[3], "version": "fax@v2", "provenance": "the paper form"}
        assert caller.post("/v1/tags", claim).status_code == 201
        for month in (4, 5, 6):
            said = {
                "subject": "u1",
                "change": CHANGE,
                "answer": "consent",
                "at": f"2026-0{month}-01T00:00:00Z",
            }
            assert caller.post("/v1/choices", said, once=f"said-{month}").status_code == 201
        caller.post("/v1/choices", {"scope": "customer", "change": CHANGE, "answer": "refuse"})
        yield caller


@pytest.fixture
def bolt(root: Path, service: Running) -> Iterator[Caller]:
    with service.client(new_key(root, customer="bolt")) as caller:
        yield caller


def pages(caller: Caller, path: str, what: str) -> list[list[Any]]:
    """Every page of a listing."""
    found, joiner = [], "&" if "?" in path else "?"
    said = caller.get(path).json()
    found.append(said[what])
    while "next" in said:
        said = caller.get(f"{path}{joiner}cursor={said['next']}").json()
        found.append(said[what])
    return found


@pytest.mark.parametrize("limit", [1, 7, 25, 100])
def test_every_tag_comes_once_whatever_the_size_of_a_page(acme: Caller, limit: int) -> None:
    found = pages(acme, f"/v1/tags?subject=u1&limit={limit}", "tags")
    assert all(len(page) <= limit for page in found)
    records = [tag["record"] for page in found for tag in page]
    assert sorted(records) == sorted([*map(str, range(20)), *"abcde"])
    corrected = next(tag for page in found for tag in page if tag["record"] == "3")
    assert (corrected["version"], corrected["provenance"]) == ("fax@v2", "the paper form")
    assert {tag["version"] for page in found for tag in page if tag["record"] != "3"} == {"fax@v1"}


def test_answers_come_oldest_first_and_those_of_the_customer_by_themselves(acme: Caller) -> None:
    (one, two, three) = pages(acme, "/v1/choices?subject=u1&limit=1", "choices")
    assert [said["at"][:7] for said in one + two + three] == ["2026-04", "2026-05", "2026-06"]
    (own,) = pages(acme, "/v1/choices", "choices")
    assert [(said["scope"], said["answer"]) for said in own] == [("customer", "refuse")]


def test_receipts_tell_what_came_of_a_write(acme: Caller) -> None:
    found = [row for page in pages(acme, "/v1/receipts?limit=2", "receipts") for row in page]
    assert [row["idempotency_key"] for row in found] == ["first", "said-4", "said-5", "said-6"]
    assert (found[0]["added"], found[0]["repeated"]) == (25, 0)


def test_versions_too_come_in_pages(acme: Caller) -> None:
    found = pages(acme, "/v1/versions?limit=1", "versions")
    assert [[each["version"] for each in page] for page in found] == [["fax@v1"], ["fax@v2"]]


def test_what_is_not_known_has_nothing(acme: Caller, root: Path, service: Running) -> None:
    assert acme.get("/v1/tags?subject=nobody").json() == {"tags": []}
    assert acme.get("/v1/choices?subject=nobody").json() == {"choices": []}
    with service.client(new_key(root)) as whole:
        problem(whole.get("/v1/choices"), 422, "invalid-request")
        problem(whole.get("/v1/tags?subject=u1"), 422, "invalid-request")  # acme's, or bolt's?
        assert len(whole.get("/v1/tags?subject=u1&customer=acme").json()["tags"]) == 25


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_come_back_as_they_went_in(acme: Caller, name: str) -> None:
    accepted = {"subject": name, "version": "fax@v1", "at": "2026-02-01T00:00:00Z"}
    assert acme.post("/v1/acceptances", accepted).status_code in {200, 201}
    acme.post("/v1/tags", {"subject": name, "category": EMAIL, "record": name})
    (tag,) = acme.get(f"/v1/tags?subject={quote(name, safe='')}").json()["tags"]
    assert tag["record"] == name


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "x=1", "subject=%00"]
)
def test_parameters_that_cannot_be_meant_are_refused(acme: Caller, query: str) -> None:
    problem(acme.get(f"/v1/tags?subject=u1&{query}"), 422, "invalid-request")


# Cursors


def test_a_cursor_serves_only_who_got_it_and_only_for_that_question(
    acme: Caller, bolt: Caller, root: Path, service: Running
) -> None:
    cursor = acme.get("/v1/tags?subject=u1&limit=2").json()["next"]
    assert acme.get(f"/v1/tags?subject=u1&limit=5&cursor={cursor}").status_code == 200
    # Another key of the same customer may go on with it.
    with service.client(new_key(root, customer="acme")) as other:
        assert other.get(f"/v1/tags?subject=u1&cursor={cursor}").status_code == 200
    problem(bolt.get(f"/v1/tags?subject=u1&cursor={cursor}"), 400, "bad-cursor")
    problem(acme.get(f"/v1/tags?subject=u2&cursor={cursor}"), 400, "bad-cursor")
    problem(acme.get(f"/v1/choices?subject=u1&cursor={cursor}"), 400, "bad-cursor")
    for broken in (cursor[:-1], cursor[1:], f"A{cursor}", "x", f"{cursor}.", cursor.swapcase()):
        problem(acme.get(f"/v1/tags?subject=u1&cursor={broken}"), 400, "bad-cursor")


def test_a_cursor_outlives_a_restart_but_not_a_day(acme: Caller, root: Path) -> None:
    cursor = acme.get("/v1/tags?subject=u1&limit=2").json()["next"]
    with serving(root) as again, again.client(new_key(root, customer="acme")) as caller:
        assert caller.get(f"/v1/tags?subject=u1&cursor={cursor}").status_code == 200
    secret = wiring.open_keys(load_settings(root)).secret()
    asked = {"whose": "acme", "question": question_of("/v1/tags", {"subject": "u1"})}
    old = Cursors(secret).write([1, 1, 5], now=NOW, **asked)
    problem(acme.get(f"/v1/tags?subject=u1&cursor={old}"), 400, "bad-cursor")


def test_a_cursor_holds_for_a_day() -> None:
    signed, asked = Cursors(b"s" * 32), {"whose": None, "question": "q"}
    cursor = signed.write([1], now=NOW, **asked)
    assert signed.read(cursor, now=NOW + timedelta(hours=23), **asked) == [1]
    with pytest.raises(ProblemError, match="bad-cursor"):
        signed.read(cursor, now=NOW + timedelta(hours=24), **asked)
    with pytest.raises(ProblemError, match="bad-cursor"):
        Cursors(b"t" * 32).read(cursor, now=NOW, **asked)


@given(st.text(max_size=60))
def test_what_is_made_up_is_no_cursor(text: str) -> None:
    with pytest.raises(ProblemError, match="bad-cursor"):
        Cursors(b"s" * 32).read(text, whose=None, question="q", now=NOW)


def test_the_secret_is_its_owners(root: Path) -> None:
    file = wiring.open_keys(load_settings(root))
    file.secret()
    (secret,) = file.path.parent.glob("*.secret")
    assert secret.stat().st_mode & 0o077 == 0


# ETags


def test_a_listing_that_has_not_changed_is_not_sent_again(acme: Caller) -> None:
    for path in (
        "/v1/versions?limit=1", "/v1/tags?subject=u1&limit=3", "/v1/choices?subject=u1", "/v1/receipts",
    ):  # fmt: skip
        first = acme.get(path)
        again = acme.get(path, if_none_match=f'"other", W/{first.headers["etag"]}')
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == first.headers["etag"]
        assert "private" in first.headers["cache-control"]
    before = acme.get("/v1/choices?subject=u2").headers["etag"]
    acme.post("/v1/choices", {"subject": "u2", "change": CHANGE, "answer": "consent"})
    assert acme.get("/v1/choices?subject=u2", if_none_match=before).status_code == 200


# Of one customer nothing is seen by another


def test_one_customer_sees_nothing_of_another(acme: Caller, bolt: Caller) -> None:
    assert bolt.get("/v1/tags?subject=u1").json() == {"tags": []}
    assert bolt.get("/v1/choices?subject=u1").json() == {"choices": []}
    assert bolt.get("/v1/choices").json() == {"choices": []}
    assert bolt.get("/v1/receipts").json() == {"receipts": []}
    for path in ("/v1/tags?subject=u1&", "/v1/choices?", "/v1/receipts?", "/v1/stats?", "/stats?"):
        problem(bolt.get(f"{path}customer=acme"), 403, "not-allowed")
    assert acme.get("/v1/stats").json()["tags"] != []
    assert bolt.get("/v1/stats").json()["tags"] == []


def test_who_may_not_read_sees_no_listing(root: Path, service: Running) -> None:
    with service.client(new_key(root, "tag", "decide", "choose", customer="acme")) as caller:
        for path in (
            "/v1/tags?subject=u1",
            "/v1/choices",
            "/v1/receipts",
            "/v1/stats",
            "/stats",
            "/v1/versions",
        ):
            problem(caller.get(path), 403, "not-allowed")
