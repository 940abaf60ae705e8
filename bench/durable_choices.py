# SPDX-License-Identifier: Apache-2.0
"""Durable choices of 32 clients (threads of one process, through the action) on PostgreSQL.

- Floor: small appends with fdatasync, one by one, on the disk of the database, in turns with our rounds.
  The bar is 10 times the floor. On a disk that answers in a quarter of a millisecond nothing reaches it:
  not even the server itself, which is what the next figure is for.
- Peer: as many clients that INSERT the same rows into a table of the same keys, bare, by the driver, each
  with a connection of its own: no look-up, no pseudonym, no chain, and the server gathers their commits.
- What is gained whatever the disk: choices for each commit that waits for the disk (pg_stat_wal).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from policyctl.actions.recording import imports, record  # noqa: E402
from policyctl.adapters.ledger import Ledger, open_ledger  # noqa: E402
from tests.adapters.ledger_samples import KEY, TAXONOMY, day  # noqa: E402
from tests.peers.postgres import postgres  # noqa: E402
from tests.web.service import CHANGE, NOW, make_repository  # noqa: E402

CLIENTS, ROUNDS, EACH = 32, 5, 40
RAW_BAR, BARE_BAR, SHARED_BAR = 10.0, 0.8, 10.0
BARE = "INSERT INTO bare (subject_no, practice_no, given_at, answer, seq, entry) VALUES (%s, 1, %s, 1, %s, 1)"


def floor(folder: Path) -> float:
    """Small durable appends per second."""
    with (folder / "floor").open("ab", buffering=0) as file:
        begun, count = time.perf_counter(), 0
        while time.perf_counter() - begun < 0.5:
            file.write(b"x" * 64)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - begun)


def ours(ledger: Ledger, number: int) -> float:
    """Choices per second of all clients."""

    def client(worker: int) -> None:
        for place in range(EACH):
            at = day("2026-04-01") + timedelta(seconds=number * EACH + place)
            subject = f"s{worker}"
            assert record.choose(
                CHANGE, "consent", at=at, now=NOW, ledger=ledger, subject=subject, within="acme"
            )

    begun = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))
    return CLIENTS * EACH / (time.perf_counter() - begun)


def bare(url: str, number: int) -> float:
    """Rows per second that as many clients put into a table like that of the choices."""
    import psycopg

    with ExitStack() as stack:
        lines = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(CLIENTS)]

        def client(worker: int) -> None:
            for place in range(EACH):
                lines[worker].execute(BARE, (worker, number * EACH + place, place))

        begun = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(client, range(CLIENTS)))
        return CLIENTS * EACH / (time.perf_counter() - begun)


def make_bare(url: str) -> None:
    """The table of the peer."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE bare (LIKE choice INCLUDING ALL)")


def syncs(url: str) -> int:
    """How often the server waited for the disk so far."""
    import psycopg

    time.sleep(1.2)  # the server's own figures lag by a second
    with psycopg.connect(url, autocommit=True) as connection:
        row: Any = connection.execute("SELECT wal_sync FROM pg_stat_wal").fetchone()
    return int(row[0])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, contextmanager(postgres.__wrapped__)() as server:
        server.stop()
        server.fsync = "on"
        server.restart()
        url = server.new_database()
        make_repository(Path(folder) / "policies", url)
        with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
            lines = "".join(f"s{n},acme,,en,2026-01-02\n" for n in range(CLIENTS))
            content = f"subject,customer,email,locale,known_since\n{lines}".encode()
            imports.import_subjects(content, file="s.csv", now=NOW, ledger=ledger, customer="acme")
            make_bare(url)
            ours(ledger, 0)
            raw, share, waits = [], [], []
            for number in range(1, ROUNDS + 1):
                low, peer, before = floor(Path(folder)), bare(url, number), syncs(url)
                found = ours(ledger, number)
                waits.append(syncs(url) - before)
                raw.append(found / low)
                share.append(found / peer)
                print(f"  fdatasync {low:,.0f}/s, bare rows {peer:,.0f}/s, choices {found:,.0f}/s")
    gained = ROUNDS * CLIENTS * EACH / sum(waits)
    return int(
        sum(
            not said(name, value, bar)
            for name, value, bar in (
                ("choices / fdatasync", statistics.median(raw), RAW_BAR),
                ("choices / bare INSERTs", statistics.median(share), BARE_BAR),
                ("choices / sync", gained, SHARED_BAR),
            )
        )
        > 0
    )


def said(name: str, value: float, bar: float) -> bool:
    """Print a figure, which must not be under its bar; True when it is not."""
    print(f"{'ok   ' if value >= bar else 'SHORT'} {name}, {CLIENTS} clients: {value:.2f} (bar {bar:g})")
    return value >= bar


if __name__ == "__main__":
    sys.exit(main())
