# SPDX-License-Identifier: Apache-2.0
"""SendGrid's events into the running service: what is signed counts once, and nothing else counts."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from policyctl import wiring
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.sendgrid_events import MOST_BYTES, MOST_EVENTS
from policyctl.core.policy import VersionKey
from policyctl.settings import load_settings
from policyctl.web.log import clock
from tests.adapters.ledger_samples import KEY, owed, practice, version
from tests.adapters.webhook_signer import Signer, body_of, event
from tests.web.service import NOW, SERVICE, Running, make_repository, new_key, problem, serving

OLD, NEW = Signer(), Signer()
PATH = "/v1/events/sendgrid"
SENT = clock().replace(microsecond=0) - timedelta(hours=1)
V3 = version(3, "2026-12-01", practice("service", SERVICE))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The repository of the service, with a third version that both administrators are owed a notice of."""
    made = make_repository(tmp_path / "policies")
    with (made / "policyctl.toml").open("a") as file:
        file.write(f"[mail.sendgrid]\nwebhook_keys = ['{OLD.public}', '{NEW.public}']\n")
    with opened(made) as ledger:
        ledger.record_version(V3, owed(V3)[:1], now=NOW)
    return made


def opened(root: Path) -> Ledger:
    os.environ["POLICYCTL_PSEUDONYM_KEY"] = KEY.hex()
    try:
        return wiring.open_ledger(load_settings(root))
    finally:
        del os.environ["POLICYCTL_PSEUDONYM_KEY"]


def nids(root: Path) -> list[str]:
    with opened(root) as ledger:
        return sorted(row[0] for row in ledger.nids(VersionKey("fax", 3)))


def states(root: Path) -> dict[str, int]:
    with opened(root) as ledger:
        return {count.state: count.count for count in ledger.outbox_counts("fax")}


def rows(root: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(root / "ledger.db") as connection:
        events = connection.execute("SELECT nid, event, happened_at, attempt, status FROM delivery_event")
        return sorted(events.fetchall())


def entries(root: Path) -> int:
    with sqlite3.connect(root / "ledger.db") as connection:
        return int(connection.execute("SELECT count(*) FROM entry").fetchone()[0])


def set_step(root: Path, step: str) -> str:
    """Make the tables be of another release; which they were of."""
    with sqlite3.connect(root / "ledger.db") as connection:
        (before,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = ?", [step])
    return str(before)


@pytest.fixture
def service(root: Path) -> Iterator[Running]:
    with serving(root) as running:
        yield running


def post(
    service: Running, body: bytes, signer: Signer = NEW, headers: dict[str, str] | None = None
) -> httpx.Response:
    given = signer.headers(body, clock()) if headers is None else headers
    return httpx.post(service.url + PATH, content=body, headers=given, timeout=60, trust_env=False)


def test_a_days_feed_in_any_order_and_doubled_ends_in_the_same_state_and_a_replay_changes_nothing(
    root: Path, service: Running
) -> None:
    first, second = nids(root)
    feed = [
        event(first, "processed", SENT, attempt="0"),
        event(first, "deferred", SENT, attempt="1", status="4.2.2"),
        event(first, "deferred", SENT, attempt="2", status="4.2.2"),
        event(first, "delivered", SENT + timedelta(seconds=9)),
        event(second, "processed", SENT),
        event(second, "delivered", SENT + timedelta(seconds=1)),
        event(second, "bounce", SENT + timedelta(seconds=60), status="5.1.1", type="bounce"),
        event("e" * 32, "delivered", SENT),
        event(first, "open", SENT),
        event("", "bounce", SENT),
    ]
    dice = random.Random(11)  # noqa: S311 - made-up order
    shuffled = dice.sample([*feed, *feed, *feed], 3 * len(feed))
    bodies = [body_of(*shuffled[start : start + 4]) for start in range(0, len(shuffled), 4)]
    for signer, body in zip([OLD, NEW] * len(bodies), bodies, strict=False):
        assert post(service, body, signer).status_code == 204
    found, count = rows(root), entries(root)
    assert len(found) == 8
    assert states(root) == {"delivered": 1, "bounced": 1}
    for body in reversed(bodies):
        assert post(service, body).status_code == 204
    assert (rows(root), entries(root), states(root)) == (found, count, {"delivered": 1, "bounced": 1})
    figures = service.client(new_key(root, "admin")).get("/metrics").text
    assert 'policyctl_delivery_reports_total{outcome="added"} 8' in figures
    assert 'policyctl_delivery_reports_total{outcome="orphan"} 1' in figures
    service.stop()
    assert "ada@example.org" not in "".join(service.log), "no body is logged"
    assert first not in "".join(service.log)


def test_what_is_not_signed_late_or_not_json_leaves_no_trace(root: Path, service: Running) -> None:
    body = body_of(event(nids(root)[0], "delivered", SENT))
    now = clock()
    good = NEW.headers(body, now)
    problem(post(service, body, Signer()), 403, "not-signed")
    problem(post(service, body, headers={}), 403, "not-signed")
    problem(post(service, body + b" ", headers=good), 403, "not-signed")
    problem(post(service, body, headers=NEW.headers(body, now - timedelta(hours=26))), 403, "not-signed")
    problem(post(service, b"[{]"), 400, "not-json")
    problem(post(service, b"\xff"), 403, "not-signed")
    assert rows(root) == []
    assert post(service, body, headers=good).status_code == 204
    assert len(rows(root)) == 1


def test_a_body_too_large_or_with_too_many_events_is_refused_and_one_as_large_as_can_be_is_taken(
    root: Path, service: Running
) -> None:
    nid = nids(root)[0]
    problem(post(service, b" " * (MOST_BYTES + 1)), 413, "body-too-large")
    many = [
        {"nid": nid, "event": "deferred", "timestamp": int(SENT.timestamp()) - n} for n in range(MOST_EVENTS)
    ]
    problem(post(service, body_of(*many, {})), 400, "not-json")
    assert rows(root) == []
    assert post(service, body_of(*many)).status_code == 204
    assert len(rows(root)) == MOST_EVENTS


def test_while_the_ledger_cannot_be_written_sendgrid_is_told_to_come_again(
    root: Path, service: Running
) -> None:
    body = body_of(event(nids(root)[0], "delivered", SENT))
    step = set_step(root, "9999")
    problem(post(service, body), 503, "unavailable")
    problem(post(service, b"[]"), 503, "unavailable")
    set_step(root, step)
    assert post(service, body).status_code == 204
    assert len(rows(root)) == 1


def test_without_a_key_nothing_is_taken(tmp_path: Path) -> None:
    with serving(make_repository(tmp_path / "policies")) as service:
        problem(post(service, body_of(event("e" * 32, "delivered", SENT))), 503, "no-webhook-key")


def test_a_key_that_is_none_stops_the_service_at_its_start(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies")
    with (root / "policyctl.toml").open("a") as file:
        file.write("[mail.sendgrid]\nwebhook_keys = ['nonsense']\n")
    with pytest.raises(AssertionError, match="webhook_keys: key 1"), serving(root):
        pass
