# SPDX-License-Identifier: Apache-2.0
"""The service killed while it is written to: what it acknowledged is there, and may be sent again."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx

from tests.web.service import EMAIL, Running, make_repository, new_key, serving

KILLS, WRITERS = 5, 4
TAG = {"subject": "u2", "category": EMAIL, "collected_at": "2026-02-01T00:00:00Z"}


def write_until_it_dies(
    running: Running, token: str, prefix: str, done: list[str], enough: threading.Event
) -> None:
    with running.client(token) as caller:
        for number in range(1_000):
            record = f"{prefix}-{number}"
            try:
                found = caller.post("/v1/tags", {**TAG, "record": record}, once=record)
            except httpx.TransportError:
                return
            assert found.status_code == 201, found.text
            done.append(record)
            if number == 2:
                enough.set()


def test_every_acknowledged_tag_outlives_the_kill(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies")
    token = new_key(root, customer="acme")
    done: list[str] = []
    for round_number in range(KILLS):
        with serving(root) as running:
            enough = threading.Event()
            writers = [
                threading.Thread(
                    target=write_until_it_dies,
                    args=(running, token, f"r{round_number}-{number}", done, enough),
                )
                for number in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            assert enough.wait(30)
            running.process.kill()
            for writer in writers:
                writer.join()
    assert len(done) >= 3 * KILLS
    with serving(root) as running, running.client(token) as caller:
        question = {"subject": "u2", "category": EMAIL, "purpose": "essential.service"}
        there = {each["record"] for each in caller.post("/v1/decisions", question).json()["tags"]}
        assert set(done) <= there
        # Sent again with its key, each is answered as it was, and none is there twice.
        again = caller.post("/v1/tags", {**TAG, "record": done[-1]}, once=done[-1])
        assert (again.status_code, again.json()) == (201, {"added": 1, "repeated": 0})
