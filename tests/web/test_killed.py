# SPDX-License-Identifier: Apache-2.0
"""The service killed while it is written to: what it acknowledged is there, and may be sent again."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.web.service import CHANGE, EMAIL, Caller, Running, make_repository, new_key

KILLS, WRITERS = 20, 4
TAG = {"subject": "u2", "category": EMAIL, "collected_at": "2026-02-01T00:00:00Z"}
START = datetime(2026, 4, 1, tzinfo=UTC)
Write = tuple[str, str, dict[str, Any]]


def writes(worker: int, round_number: int) -> Iterator[Write]:
    """Tags and choices in turn, each unlike every other: its Idempotency-Key, path and body."""
    for number in range(1_000):
        name = f"r{round_number}-{worker}-{number}"
        yield name, "/v1/tags", {**TAG, "record": name}
        moment = START + timedelta(microseconds=(round_number * 10 + worker) * 1_000 + number)
        body = {"subject": "u2", "change": CHANGE, "answer": "consent", "at": moment.isoformat()}
        yield f"{name}-choice", "/v1/choices", body


def write_until_it_dies(
    caller: Caller, mine: Iterator[Write], done: list[Write], enough: Callable[[], Any]
) -> None:
    for place, write in enumerate(mine):
        name, path, body = write
        try:
            found = caller.post(path, body, once=name)
        except httpx.TransportError:
            return
        assert found.status_code == 201, found.text
        done.append(write)
        if place == 3:
            enough()


def kill_under_load(running: Running, token: str, round_number: int, done: list[Write]) -> None:
    """Every writer has two tags and two choices acknowledged, and goes on, when the kill comes."""
    enough = threading.Barrier(WRITERS + 1)
    with ThreadPoolExecutor(WRITERS) as pool, running.client(token) as caller:
        writing = [
            pool.submit(
                write_until_it_dies, caller, writes(worker, round_number), done, lambda: enough.wait(60)
            )
            for worker in range(WRITERS)
        ]
        enough.wait(60)
        running.process.kill()
        for each in writing:
            each.result(60)
    running.process.wait()


def test_every_acknowledged_tag_and_choice_outlives_twenty_kills(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies")
    token = new_key(root, customer="acme")
    done: list[Write] = []
    with ThreadPoolExecutor(1) as starting:
        # The next one starts while this one is written to and dies: two processes on one ledger, too.
        following = starting.submit(Running, root)
        for round_number in range(KILLS):
            running, following = following.result(60), starting.submit(Running, root)
            kill_under_load(running, token, round_number, done)
        last = following.result(60)
    try:
        assert len(done) >= 4 * WRITERS * KILLS
        with closing(sqlite3.connect(root / "ledger.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            records = {name for (name,) in database.execute("SELECT name FROM record_name")}
            moments = {at for (at,) in database.execute("SELECT given_at FROM choice")}
        assert {body["record"] for _, path, body in done if path == "/v1/tags"} <= records
        assert {microseconds(body["at"]) for _, path, body in done if path == "/v1/choices"} <= moments
        with last.client(token) as caller:
            # Sent again with its key, each is answered as it was, and none is there twice.
            for name, path, body in (done[0], done[1], *done[-2:]):
                again = caller.post(path, body, once=name)
                assert (again.status_code, again.json()) == (201, {"added": 1, "repeated": 0})
        assert_the_chain_holds(root)
    finally:
        last.process.kill()
        last.process.wait()


def microseconds(moment: str) -> int:
    return (datetime.fromisoformat(moment) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def assert_the_chain_holds(root: Path) -> None:
    from policyctl.adapters.ledger import open_ledger
    from tests.adapters.ledger_samples import KEY, TAXONOMY

    with open_ledger(f"sqlite:///{root / 'ledger.db'}", key=KEY, taxonomy=TAXONOMY) as ledger:
        assert ledger.first_bad_entry() is None
