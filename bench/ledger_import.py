# SPDX-License-Identifier: Apache-2.0
"""How fast tags enter the ledger and are found again, as ratios to a floor of the same run.

Floors: sqlite3.executemany of the rows as they come, and PostgreSQL's COPY of a text that is ready and
sorted, into the very table the ledger uses. The ledger's side sorts, finds what is there, hashes and
chains. Floor and ledger take turns batch by batch, and each batch counts by its best round.

    python bench/ledger_import.py [--rows 1000000] [--rounds 3] [--no-postgres]

PostgreSQL is started as the tests start it, and left out where its programs are missing.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import engine
from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.packed import TAG_COLUMNS, WIDTH, NewTag, Packer, in_key_order, pack_tags
from policyctl.adapters.ledger.proving import proofs
from policyctl.adapters.ledger.tagging import tags as tags_of_ledger
from policyctl.adapters.tables import BATCH
from policyctl.core import merkle
from tests.adapters.ledger_samples import (
    KEY,
    SERVICE,
    TAXONOMY,
    practice,
    subject,
    tag,
    version,
)
from tests.peers import postgres

NOW = datetime(2026, 11, 1, tzinfo=UTC)
BATCH_ROWS = tags_of_ledger.PORTION
TENANTS, CATEGORIES, VERSIONS, TAGS_EACH = 200, 12, 20, 5
START = 1_700_000_000
Tag = tuple[int, int, int, int, int, int]
short: list[str] = []


def say(what: str, value: float, bar: float, *, at_least: bool = True, note: str = "") -> None:
    """One line: figure, bar, ok or SHORT."""
    good = value >= bar if at_least else value <= bar
    if not good:
        short.append(what)
    sign = ">=" if at_least else "<="
    print(f"{what}: {value:.2f} (bar {sign} {bar:g}) {'ok' if good else 'SHORT'} {note}".rstrip(), flush=True)


def make_tags(count: int, seed: int, batch_no: int = 1, *, first: int = 0) -> list[Tag]:
    """Tags in random order of arrival, five a subject, record keys that are numbers."""
    dice = random.Random(seed)  # noqa: S311 - made-up data
    rows = []
    for number in range(first, first + count):
        who, turn = divmod(number, TAGS_EACH)
        subject_no = (1 + who % TENANTS) << 40 | 1 + who // TENANTS
        collected = START + dice.randrange(60_000_000)
        category = 1 + (who + turn) % CATEGORIES
        rows.append((subject_no, category, number, collected, batch_no, 1 + dice.randrange(VERSIONS)))
    dice.shuffle(rows)
    return rows


def batches(rows: list[Tag], size: int) -> Iterator[list[Tag]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


@contextmanager
def new_ledger(url: str) -> Iterator[Ledger]:
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.upgrade()
        yield ledger


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fresh(rows: list[Tag]) -> list[NewTag]:
    """Tags as they enter: the ledger numbers the batch."""
    return [(*row[:4], row[5]) for row in rows]


def enter(ledger: Ledger, rows: list[NewTag], batch_no: int, table: str = "tag_1") -> None:
    """What tags.py does with a portion of numbers, in a transaction of its own."""
    with engine.writing(ledger._engine) as connection:
        writer = Writer(connection, "tags", NOW)
        ready = in_key_order(rows)
        packer = Packer()
        added = writer.driver.insert_tags(table, batch_no, ready, packer)
        assert added == len(ready)
        epoch_no = int(table.removeprefix("tag_"))
        writer.add(BATCH, [proofs.batch_row(batch_no, epoch_no, packer.whole, "")])
        writer.finish()


def enter_unchained(ledger: Ledger, rows: list[NewTag], batch_no: int) -> None:
    """The same without any hash: nothing is packed, no line, no link."""
    with engine.writing(ledger._engine) as connection:
        writer = Writer(connection, "tags", NOW)
        added = writer.driver.insert_tags("tag_1", batch_no, in_key_order(rows), lambda _: b"")
        assert added == len(rows)
        values = (writer.entry, batch_no, len(rows), 1, b"", "", None, b"")
        columns = ("entry", "batch_no", "tag_count", "epoch_no", "digest", "provenance", "root", "tiles")
        writer.driver.insert(BATCH.name, columns, [values])


def raw_sqlite(ledger: Ledger, rows: list[Tag], table: str = "tag_1") -> None:
    insert = f"INSERT INTO {table} ({', '.join(TAG_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)"
    with engine.writing(ledger._engine) as connection:
        connection.connection.driver_connection.executemany(insert, rows)


def raw_copy(ledger: Ledger, text: bytes) -> None:
    with engine.writing(ledger._engine) as connection:
        raw = connection.connection.driver_connection
        with raw.cursor().copy(f"COPY tag_1 ({', '.join(TAG_COLUMNS)}) FROM STDIN") as copy:
            copy.write(text)


def copy_text(rows: list[Tag]) -> bytes:
    return "".join("\t".join(map(str, row)) + "\n" for row in sorted(rows)).encode()


Seconds = list[tuple[float, float]]


def one_round(
    url: Callable[[], str], rows: list[Tag], floor: Callable[..., None], prepare: Callable[[list[Tag]], Any]
) -> Seconds:
    """Of each batch the seconds of the floor and of the ledger, each into a database of its own."""
    ready = [(prepare(batch), fresh(batch)) for batch in batches(rows, BATCH_ROWS)]
    with new_ledger(url()) as one, new_ledger(url()) as other:
        return [
            (timed(lambda made=made: floor(one, made)), timed(lambda b=batch, n=number: enter(other, b, n)))
            for number, (made, batch) in enumerate(ready, 1)
        ]


def compare(what: str, bar: float, count: int, rounds: list[Seconds]) -> None:
    """Each batch by its best round, so that what other programs took does not count."""
    best = [[min(side) for side in zip(*turns, strict=True)] for turns in zip(*rounds, strict=True)]
    base, ours = (sum(side) for side in zip(*best, strict=True))
    say(what, base / ours, bar, note=f"({count / ours / 1000:.0f} k/s against {count / base / 1000:.0f} k/s)")


def as_they_came(rows: list[Tag]) -> list[Tag]:
    return rows


def sqlite_url(folder: Path) -> Callable[[], str]:
    return lambda: f"sqlite:///{tempfile.mkdtemp(dir=folder)}/ledger.db"


def chain_share(rows: list[Tag], folder: Path, rounds: int) -> None:
    """What the hash and the tree take: of the entering of numbers, and of the import of a caller's rows."""
    turns: list[list[tuple[float, ...]]] = []
    for _ in range(rounds):
        with new_ledger(sqlite_url(folder)()) as one, new_ledger(sqlite_url(folder)()) as other:
            turns.append(
                [
                    hashed((one, other), fresh(batch), number)
                    for number, batch in enumerate(batches(rows, BATCH_ROWS), 1)
                ]
            )
    best = [[min(side) for side in zip(*each, strict=True)] for each in zip(*turns, strict=True)]
    bare, tree, whole = (sum(side) for side in zip(*best, strict=True))
    say("share of the chain in the entering of numbers, SQLite", 1 - bare / whole, 0.10, at_least=False)
    print(f"  of the Merkle tree in the same: {tree / whole:.2f}", flush=True)
    seconds_each = whole_import(folder, len(rows))
    # No import of this size makes a tree: `ledger seal` does later. This is what it would add.
    say(
        "a Merkle tree over all tags against an import", tree / len(rows) / seconds_each, 0.20, at_least=False
    )


def hashed(ledgers: tuple[Ledger, Ledger], rows: list[NewTag], number: int) -> tuple[float, float, float]:
    """The seconds without the chain, of the tree, and with the chain."""
    packed = pack_tags(in_key_order(rows))
    return (
        timed(lambda: enter_unchained(ledgers[0], rows, number)),
        timed(lambda: merkle.root(merkle.row_hashes(packed, WIDTH))),
        timed(lambda: enter(ledgers[1], rows, number)),
    )


def in_order(count: int) -> Iterator[list[Tag]]:
    """The same tags as make_tags gives, in the order of their key, in portions; no list of them all."""
    dice = random.Random(1)  # noqa: S311 - made-up data
    portion: list[Tag] = []
    subjects = count // TAGS_EACH
    for tenant in range(TENANTS):
        for who in range(tenant, subjects, TENANTS):
            number = (1 + tenant) << 40 | 1 + who // TENANTS
            turns = sorted(
                (1 + (who + turn) % CATEGORIES, who * TAGS_EACH + turn) for turn in range(TAGS_EACH)
            )
            portion += [
                (number, category, ref, START + dice.randrange(60_000_000), 1, 1 + dice.randrange(VERSIONS))
                for category, ref in turns
            ]
        if len(portion) >= 200_000:
            yield portion
            portion = []
    yield portion


def grown(ledger: Ledger, count: int) -> None:
    """Fill the first epoch with sorted rows, quickly."""
    for portion in in_order(count):
        raw = raw_sqlite if ledger._engine.dialect.name == "sqlite" else copied
        raw(ledger, portion)


def copied(ledger: Ledger, rows: list[Tag]) -> None:
    raw_copy(ledger, copy_text(rows))


def whole_import(folder: Path, count: int) -> float:
    """From rows as callers give them: pseudonyms, versions in force, names of records. Seconds a row."""
    with new_ledger(sqlite_url(folder)()) as ledger:
        ledger.record_version(version(1, "2026-01-01", practice("account", SERVICE)), (), now=NOW)
        ledger.import_subjects([subject(f"u{n}") for n in range(count // TAGS_EACH)], now=NOW)
        rows = [tag(f"u{n // TAGS_EACH}", "2026-02-01", record=str(n)) for n in range(count)]
        first = timed(lambda: ledger.import_tags(rows, now=NOW))
        again = timed(lambda: ledger.import_tags(rows, now=NOW))
    print(
        f"whole import: {count / first / 1000:.0f} k/s, the same again {count / again / 1000:.0f} k/s",
        flush=True,
    )
    return first / count


@contextmanager
def server() -> Iterator[postgres.Server | None]:
    """A PostgreSQL of our own; None where its programs are missing."""
    programs = [postgres._binary(name) for name in ("initdb", "pg_ctl")]
    if not all(programs):
        print("PostgreSQL: its programs are not installed, left out")
        yield None
        return
    top = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    top.chmod(0o755)
    running = postgres.Server(top / "s", str(programs[0]), str(programs[1]))
    running.folder.mkdir()
    try:
        running.start()
        yield running
        running.stop()
    finally:
        shutil.rmtree(top, ignore_errors=True)


def on_postgres(rows: list[Tag], rounds: int) -> None:
    with server() as running:
        if running is None:
            return
        turns = [one_round(running.new_database, rows, raw_copy, copy_text) for _ in range(rounds)]
        compare("PostgreSQL import against COPY", 0.60, len(rows), turns)
        with new_ledger(running.new_database()) as ledger:
            grown(ledger, len(rows))
            with engine.reading(ledger._engine) as connection:
                query = "SELECT pg_table_size('tag_1'), pg_indexes_size('tag_1')"
                ((heap, index),) = driver_of(connection).rows(query)
        note = f"({heap / len(rows):.1f} + {index / len(rows):.1f})"
        say("bytes a tag, PostgreSQL", (heap + index) / len(rows), 105, at_least=False, note=note)


def main() -> int:
    """Print each figure; exit code 1 when one is short of its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-postgres", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), given)
    return int(bool(short))


def measure(folder: Path, given: argparse.Namespace) -> None:
    """All figures, one after the other."""
    rows = make_tags(given.rows, seed=0)
    for what, bar, prepare in (
        ("SQLite import against executemany of the same rows", 0.80, as_they_came),
        ("  and of rows that were sorted before", 0.0, sorted),
    ):
        turns = [one_round(sqlite_url(folder), rows, raw_sqlite, prepare) for _ in range(given.rounds)]
        compare(what, bar, given.rows, turns)
    chain_share(rows, folder, given.rounds)
    if not given.no_postgres:
        on_postgres(rows, given.rounds)


if __name__ == "__main__":
    sys.exit(main())
