# SPDX-License-Identifier: Apache-2.0
"""How many events of SendGrid's webhook a second are verified and in the ledger for good, on SQLite.

Each body is signed, verified, read and entered in a transaction of its own. The floor of the same run:
the same rows by sqlite3.executemany, a durable transaction a body, nothing verified, looked up or chained;
a body of each in turn, and each by its best round.

    python bench/webhook_events.py [--bodies 60] [--rounds 3]
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import figure
from policyctl.actions.mailing.events import take_sendgrid_events
from policyctl.adapters.ledger import open_ledger
from policyctl.adapters.mail.sendgrid_events import SendGridWebhook
from tests.adapters.ledger_samples import KEY, TAXONOMY
from tests.adapters.webhook_signer import Signer, body_of, event

NOW = datetime(2026, 11, 20, tzinfo=UTC)
WANTED = 5_000  # events a second
ARRIVALS = ("processed", "delivered")
TABLE = (
    "CREATE TABLE event (nid TEXT, event TEXT, happened_at INTEGER, attempt INTEGER, status TEXT, "
    "PRIMARY KEY (nid, event, happened_at, attempt)) STRICT, WITHOUT ROWID"
)


def feed(bodies: int, size: int, first: int) -> list[list[dict[str, Any]]]:
    """Two events a notice, as SendGrid sends them."""
    return [
        [
            event(f"{first + (body * size + n) // 2:032x}", ARRIVALS[n % 2], NOW - timedelta(seconds=n))
            for n in range(size)
        ]
        for body in range(bodies)
    ]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def one_round(bodies: int, size: int, first: int) -> tuple[float, float]:
    """Seconds of the ledger and of the floor for the same events."""
    signer, events = Signer(), feed(bodies, size, first)
    webhook = SendGridWebhook([signer.public])
    ready = [(signer.headers(body, NOW), body) for body in (body_of(*each) for each in events)]
    with tempfile.TemporaryDirectory() as folder:
        floor = sqlite3.connect(f"{folder}/floor.db", isolation_level=None)
        floor.execute("PRAGMA journal_mode = wal")
        floor.execute("PRAGMA synchronous = full")
        floor.execute(TABLE)
        with open_ledger(f"sqlite:///{folder}/ledger.db", key=KEY, taxonomy=TAXONOMY) as ledger:
            ledger.upgrade()
            take = partial(take_sendgrid_events, webhook=webhook, ledger=ledger, now=NOW)
            ours = base = 0.0
            for request, rows in zip(ready, events, strict=True):
                ours += seconds(partial(take, *request))
                base += seconds(partial(raw, floor, rows))
            again = sum(seconds(partial(take, *request)) for request in ready)
        floor.close()
    print(f"      replay, which adds nothing: {bodies * size / again:,.0f} events/s")
    return ours, base


def raw(connection: sqlite3.Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO event VALUES (?, ?, ?, ?, ?)",
        [(row["nid"], row["event"], row["timestamp"], 0, "") for row in rows],
    )
    connection.execute("COMMIT")


def main() -> None:
    """Bodies as SendGrid sends them in quiet hours, and in a rush."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bodies", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    fine = []
    for size in (50, 1_000):
        rounds = [one_round(given.bodies, size, number << 40) for number in range(given.rounds)]
        ours, base = (min(side) for side in zip(*rounds, strict=True))
        rate = given.bodies * size / ours
        note = (
            f"{rate:,.0f} events/s; floor {given.bodies * size / base:,.0f}; ledger/floor {ours / base:.1f}"
        )
        fine.append(figure(f"{WANTED:,}/s against bodies of {size} events", WANTED / rate, 1.0, note=note))
    sys.exit(not all(fine))


if __name__ == "__main__":
    main()
