# SPDX-License-Identifier: Apache-2.0
"""People erased, and data said to be deleted, over HTTP: by whose key, how often, and what the log tells."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyctl.api import open_ledger
from policyctl.client import AsyncClient
from policyctl.core.custody import Erasure
from policyctl.core.use.question import UseAnswer
from tests.adapters.ledger_samples import KEY
from tests.cli.run import CLEAN
from tests.web.service import ALL, EMAIL, SERVICE, Running, make_repository, new_key, problem, serving

GONE = {"erased": True, "addresses": 0, "records": 1, "withheld": 0, "under_way": 0}
NOBODY = {"erased": False, "addresses": 0, "records": 0, "withheld": 0, "under_way": 0}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "policies")


@pytest.fixture
def service(root: Path) -> Iterator[Running]:
    with serving(root) as running:
        yield running


def verified(root: Path) -> int:
    command = [sys.executable, "-m", "policyctl", "verify", "--allow-unsigned"]
    env = {**CLEAN, "POLICYCTL_PSEUDONYM_KEY": KEY.hex()}
    return subprocess.run(command, cwd=root, env=env, capture_output=True, check=False).returncode


def test_a_customer_erases_its_own_and_the_namesake_stays(root: Path, service: Running) -> None:
    acme, bolt = (service.client(new_key(root, *ALL, "erase", customer=name)) for name in ("acme", "bolt"))
    with acme, bolt:
        for caller in (acme, bolt):
            caller.post("/v1/tags", {"subject": "u1", "category": EMAIL, "record": "secret-record"})
            assert caller.answer("u1", SERVICE) == "permitted"
        first, again = (acme.post("/v1/erasures", {"subject": "u1"}) for _ in range(2))
        assert (first.status_code, first.json()) == (200, GONE)
        assert (again.status_code, again.json()) == (200, NOBODY)
        assert bolt.post("/v1/erasures", {"subject": "u2"}).json() == NOBODY, "u2 is acme's"
        problem(bolt.post("/v1/erasures", {"subject": "u1", "customer": "acme"}), 403, "not-allowed")
        assert (acme.answer("u1", SERVICE), bolt.answer("u1", SERVICE)) == ("undecided", "permitted")
        assert acme.post("/v1/tags", {"subject": "u2", "category": EMAIL, "record": "r"}).status_code == 201
    service.stop()
    log = "".join(service.log)
    assert '"/v1/erasures"' in log
    assert not [word for word in ("u1", "u2", "secret-record", "acme") if word in log]
    assert len((root / ".policyctl/erasures").read_text("ascii").splitlines()) == 1
    assert verified(root) in {0, 3}  # 3: there is no git repository beside it


def test_who_may_erase_and_who_is_meant_must_be_said(root: Path, service: Running) -> None:
    with service.client(new_key(root)) as caller:
        problem(caller.post("/v1/erasures", {"subject": "u2"}), 403, "not-allowed")
        assert (
            "no_tag"
            in caller.post("/v1/decisions", {"subject": "u2", "category": EMAIL, "purpose": SERVICE}).text
        )  # so it is still known
    with service.client(new_key(root, "erase")) as caller:
        problem(caller.post("/v1/erasures", {"subject": "u1"}), 422, "invalid-request")  # acme's, or bolt's?
        problem(caller.post("/v1/erasures", {"subject": "u1", "why": "x"}), 422, "invalid-request")
        assert caller.post("/v1/erasures", {"subject": "u1", "customer": "bolt"}).json()["erased"] is True
    service.stop()


def test_data_that_was_deleted_is_told_over_http_and_listed(root: Path, service: Running) -> None:
    acme, bolt = (service.client(new_key(root, customer=name)) for name in ("acme", "bolt"))
    one = {"subject": "u1", "category": EMAIL, "record": "crm-1"}
    with acme, bolt:
        for caller in (acme, bolt):
            caller.post("/v1/tags", {**one, "collected_at": "2026-04-01T00:00:00Z"})
        ends = {"ends": [{**one, "ended_at": "2026-05-01T00:00:00Z"}]}
        for _ in range(2):
            found = acme.post("/v1/tags/ends", ends, once="e-1")
            assert found.json() == {"added": 1, "repeated": 0}
        assert acme.post("/v1/tags/ends", one).json() == {"added": 0, "repeated": 1}
        assert (acme.answer("u1", SERVICE), bolt.answer("u1", SERVICE)) == ("undecided", "permitted")
        (tag,) = acme.get("/v1/tags?subject=u1").json()["tags"]
        assert tag["ended_at"] == "2026-05-01T00:00:00Z"
        (tag,) = bolt.get("/v1/tags?subject=u1").json()["tags"]
        assert tag["ended_at"] is None
        wrong = problem(
            acme.post("/v1/tags/ends", {"ends": [one, {**one, "record": "no"}]}), 422, "invalid-request"
        )
        assert wrong["errors"][0]["pointer"] == "/ends/1/record"
    service.stop()


def test_both_from_python(root: Path, service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(key: str) -> list[bool]:
        async with AsyncClient(service.url, key) as client:
            await client.tag("u2", EMAIL, "crm-1")
            return [
                await client.end_tag("u2", EMAIL, "crm-1"),
                await client.end_tag("u2", EMAIL, "crm-1"),
                await client.erase("u2"),
                await client.erase("u2"),
            ]

    assert asyncio.run(ask(new_key(root, *ALL, "erase", customer="acme"))) == [True, False, True, False]
    service.stop()
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
    with open_ledger(root) as ledger:
        ledger.tag("u1", EMAIL, "crm-1", customer="acme")
        assert ledger.end_tag("u1", EMAIL, "crm-1", customer="acme")
        assert not ledger.end_tag("u1", EMAIL, "crm-1", customer="acme")
        asked = ledger.may_use("u1", EMAIL, SERVICE, customer="acme")
        assert (asked.answer, asked.finding.code) == (UseAnswer.UNDECIDED, "ended")
        assert ledger.erase("u1", customer="acme") == Erasure(known=True, names=1)
        assert ledger.erase("u1", customer="acme") == Erasure(known=False)
