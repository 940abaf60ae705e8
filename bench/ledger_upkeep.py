# SPDX-License-Identifier: Apache-2.0
"""The upkeep of a large ledger on SQLite: proofs, compaction, and an old epoch as a file.

    python bench/ledger_upkeep.py [--rows 500000]

Floors and peers of the same run: the import of a caller's rows, for the seal; one pass of the bare driver
over the rows in the order of the key, for compaction, export and check. The tags arrive in random order,
as they do, so that there is something to compact.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.ledger_import import (
    BATCH_ROWS,
    NOW,
    START,
    VERSIONS,
    batches,
    enter,
    fresh,
    make_tags,
    new_ledger,
    timed,
    whole_import,
)
from policyctl.actions.deciding.epochs import check_epoch_file, export_epoch
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.ledger.base import engine, epochs
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.packed import TAG_COLUMNS
from policyctl.adapters.ledger.proving import proofs
from tests.adapters.ledger_samples import EMAIL, SERVICE, practice, version

PROOFS = 200
ALL = f"SELECT {', '.join(TAG_COLUMNS)} FROM tag_1 ORDER BY subject_no, category, ref"
short: list[str] = []


def say(what: str, value: float, bar: float, *, at_least: bool = False, note: str = "") -> None:
    """One line: ok or SHORT, figure, bar."""
    good = value >= bar if at_least else value <= bar
    if not good:
        short.append(what)
    sign = ">=" if at_least else "<="
    print(
        f"{'ok   ' if good else 'SHORT'} {what}: {value:.2f} (bar {sign} {bar:g}) {note}".rstrip(), flush=True
    )


def filled(ledger: Ledger, rows: int) -> None:
    """Enter the tags by numbers, and close their epoch."""
    for number in range(1, VERSIONS + 1):
        record = version(number, f"2026-01-{number:02}", practice("account", SERVICE))
        ledger.record_version(record, (), now=NOW)
    with engine.writing(ledger._engine) as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        names = [(number, 1, f"{EMAIL}.{number}") for number in range(1, 13)]
        raw.executemany("INSERT INTO category (category_no, policy_no, id) VALUES (?, ?, ?)", names)
    ready = [fresh(batch) for batch in batches(make_tags(rows, seed=0), BATCH_ROWS)]
    for number, batch in enumerate(ready, 1):
        enter(ledger, batch, number)
    with engine.writing(ledger._engine) as connection:
        epochs.open_epoch(connection, 2, START + 60_000_001)


def one_pass(ledger: Ledger) -> float:
    """Seconds to read every tag in the order of the key: of several passes the best."""
    with engine.reading(ledger._engine) as connection:
        driver = driver_of(connection)
        return min(timed(lambda: [len(portion) for portion in driver.stream(ALL)]) for _ in range(3))


def seal(ledger: Ledger, rows: int, folder: Path) -> None:
    """What `ledger seal` adds to an import, reading of the tags included."""
    each = whole_import(folder, min(rows, 100_000))
    took = timed(lambda: ledger.upkeep.seal(now=NOW))
    note = f"({rows / took / 1000:,.0f} k tags/s)"
    say("ledger seal against the import of a caller's rows", took / rows / each, 0.20, note=note)


def prove(ledger: Ledger) -> None:
    """A proof from the tables, and the check of one by whoever holds it."""
    with engine.reading(ledger._engine) as connection:
        keys = driver_of(connection).rows("SELECT subject_no, category, ref FROM tag_1 LIMIT ?", PROOFS)
        made = [timed(partial(next, proofs.prove(connection, key))) for key in keys]
        proof = next(proofs.prove(connection, keys[0]))
    checks = [timed(proof.inclusion.holds) for _ in range(PROOFS)]
    print(f"  a proof is made in {statistics.median(made) * 1000:.2f} ms", flush=True)
    say("check of one proof, ms", statistics.median(checks) * 1000, 1.0)


def compact(ledger: Ledger, rows: int, floor: float) -> None:
    took = timed(lambda: ledger.upkeep.compact(1))
    note = f"({rows / took / 1000:,.0f} k rows/s)"
    say("compaction of an epoch, in passes over it", took / floor, 1.0, note=note)


def export(ledger: Ledger, rows: int, floor: float, folder: Path) -> None:
    path = folder / "epoch.parquet"
    took = timed(lambda: export_epoch(1, path, ledger=ledger))
    say(
        "export of an epoch to Parquet, in passes over it",
        took / floor,
        3.0,
        note=f"({rows / took / 1000:,.0f} k rows/s)",
    )
    say("bytes a tag, Parquet", path.stat().st_size / rows, 11)
    took = timed(lambda: check_epoch_file(path, ledger=ledger))
    say(
        "check of that file, in passes over the epoch",
        took / floor,
        3.0,
        note=f"({rows / took / 1000:,.0f} k rows/s)",
    )


def main() -> int:
    """Print each figure; exit code 1 when one is short of its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    rows = parser.parse_args().rows
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, new_ledger(f"sqlite:///{name}/ledger.db") as ledger:
        filled(ledger, rows)
        seal(ledger, rows, Path(name))
        prove(ledger)
        compact(ledger, rows, one_pass(ledger))
        export(ledger, rows, one_pass(ledger), Path(name))
    print(f"  {rows:,} tags, {time.perf_counter() - begun:.0f} s in all")
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
