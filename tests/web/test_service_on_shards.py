# SPDX-License-Identifier: Apache-2.0
"""Two services on a ledger that is cut over three PostgreSQL servers, of which one goes away."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl.adapters.ledger.base.common import pseudonym
from policyctl.adapters.ledger.sharding.shard import server_of
from tests.adapters.ledger_samples import KEY
from tests.peers.postgres import Server
from tests.web.service import EMAIL, SERVICE, make_repository, new_key, problem, serving

pytestmark = pytest.mark.peer("postgres")


def on(who: str) -> int:
    return server_of(pseudonym(KEY, who), 3)


def test_only_the_subjects_of_a_dead_server_are_unavailable(
    three_servers: tuple[Server, ...], tmp_path: Path
) -> None:
    urls = [server.new_ledger() for server in three_servers]
    root = make_repository(tmp_path / "policies", shards=urls)
    people = [f"p{number}" for number in range(20)]
    lost = [who for who in people if on(who) == 1]
    kept = [who for who in people if on(who) != 1]
    token = new_key(root, customer="acme")
    with serving(root) as one, serving(root) as two, one.client(token) as first, two.client(token) as second:
        for who in people:
            body = {"subject": who, "version": "fax@v1", "at": "2026-02-01T00:00:00Z"}
            assert first.post("/v1/acceptances", body, once=who).status_code == 201
            assert second.post("/v1/acceptances", body, once=who).json() == {"added": 1, "repeated": 0}
        tags = [
            {"subject": who, "category": EMAIL, "record": "r", "collected_at": "2026-02-02T00:00:00Z"}
            for who in people
        ]
        assert second.post("/v1/tags", {"tags": tags}, once="all").json() == {"added": 20, "repeated": 0}
        assert {first.answer(who, SERVICE) for who in people} == {"permitted"}
        three_servers[1].stop()
        try:
            for caller in (first, second):
                assert {caller.answer(who, SERVICE) for who in kept} == {"permitted"}
                for who in lost:
                    body = {"subject": who, "category": EMAIL, "purpose": SERVICE}
                    problem(caller.post("/v1/decisions", body), 503, "unavailable")
                assert caller.get("/readyz").status_code == 200
                assert caller.get("/v1/versions").status_code == 200
            for tag in tags:
                again = first.post("/v1/tags", {**tag, "record": "s"}, once=f"s-{tag['subject']}")
                assert again.status_code == (503 if tag["subject"] in lost else 201), again.text
        finally:
            three_servers[1].restart()
        assert {second.answer(who, SERVICE) for who in people} == {"permitted"}
        again = second.post("/v1/tags", {"tags": tags}, once="all")
        assert again.json() == {"added": 20, "repeated": 0}
