# SPDX-License-Identifier: Apache-2.0
"""Several services on one PostgreSQL, and what callers hear while it is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.peers.postgres import Server
from tests.web.service import EMAIL, SERVICE, make_repository, new_key, problem, serving

pytestmark = pytest.mark.peer("postgres")

TAG = {"subject": "u2", "category": EMAIL, "record": "crm-1", "collected_at": "2026-02-01T00:00:00Z"}


def test_two_services_share_one_ledger_and_do_nothing_twice(postgres: Server, tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies", postgres.new_ledger())
    token = new_key(root, customer="acme")
    with (
        serving(root) as first,
        serving(root) as second,
        first.client(token) as one,
        second.client(token) as two,
        ThreadPoolExecutor(8) as pool,
    ):
        asked = [
            pool.submit(caller.post, "/v1/tags", {**TAG, "record": f"r{n}"}, f"key-{n}")
            for n in range(20)
            for caller in (one, two)
        ]
        assert [each.result().json() for each in asked] == [{"added": 1, "repeated": 0}] * 40
        assert one.answer("u2", SERVICE) == two.answer("u2", SERVICE) == "permitted"
        found = two.post("/v1/decisions", {"subject": "u2", "category": EMAIL, "purpose": SERVICE}).json()
        assert len(found["tags"]) == 20


def test_without_its_database_the_service_says_503_and_heals_by_itself(
    own_server: Server, tmp_path: Path
) -> None:
    root = make_repository(tmp_path / "policies", own_server.new_ledger())
    question = {"subject": "u2", "category": EMAIL, "purpose": SERVICE}
    with serving(root) as running, running.client(new_key(root, customer="acme")) as caller:
        assert caller.post("/v1/tags", TAG, once="k-1").status_code == 201
        assert caller.answer("u2", SERVICE) == "permitted"
        own_server.stop()
        for path, body in (("/v1/decisions", question), ("/v1/tags", TAG), ("/v1/decisions", question)):
            found = caller.post(path, body)
            problem(found, 503, "unavailable")
            assert found.headers["retry-after"] == "2"
        problem(caller.get("/readyz"), 503, "unavailable")
        assert caller.get("/healthz").status_code == 200
        own_server.restart()
        assert caller.post("/v1/tags", TAG, once="k-1").json() == {"added": 1, "repeated": 0}
        assert caller.answer("u2", SERVICE) == "permitted"
