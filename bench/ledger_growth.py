# SPDX-License-Identifier: Apache-2.0
"""How a ledger on SQLite fares as it grows: the newest epoch against one tree of all tags, and look-ups.

    python bench/ledger_growth.py [--tree 2000000] [--sizes 100000 1000000]
    python bench/ledger_growth.py --tree 10000000 --sizes 100000 10000000

A batch of random arrivals enters an empty newest epoch, and the tree, in turns. The look-ups are those of one
record, in a small and in a large ledger in turns, on more pages than the cache of a connection holds.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.ledger_import import (
    CATEGORIES,
    START,
    TAGS_EACH,
    TENANTS,
    VERSIONS,
    Tag,
    grown,
    in_order,
    new_ledger,
    raw_sqlite,
    say,
    short,
    sqlite_url,
    timed,
)
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.ledger.base import engine, epochs
from policyctl.adapters.ledger.base.driver import driver_of

LOOKS = 20_000


def epochs_pay(folder: Path, tree: int) -> None:
    """A batch of random arrivals into an empty newest epoch, against one tree that holds all."""
    with new_ledger(sqlite_url(folder)()) as ledger:
        grown(ledger, tree)
        with engine.writing(ledger._engine) as connection:
            epochs.open_epoch(connection, 2, START + 60_000_001)
        size_before = checkpointed(ledger)
        print(f"  one tree of {tree:,} tags, {size_before / tree:.1f} bytes a tag", flush=True)
        say("bytes a tag, SQLite", size_before / tree, 31, at_least=False)
        old = new = 0.0
        for number in range(4):
            ready = sorted(late_tags(100_000, tree, seed=number))
            new += timed(lambda ready=ready: raw_sqlite(ledger, ready, "tag_2"))
            old += timed(lambda ready=ready: raw_sqlite(ledger, ready))
    say(f"newest epoch against one tree of {tree:,}", old / new, 5)


def late_tags(count: int, tree: int, seed: int) -> list[Tag]:
    """New records of subjects anywhere in the tree."""
    dice = random.Random(seed)  # noqa: S311 - made-up data
    found = []
    for number in range(count):
        who = dice.randrange(tree // TAGS_EACH)
        subject_no = (1 + who % TENANTS) << 40 | 1 + who // TENANTS
        ref = 2**30 + seed * count + number
        found.append(
            (subject_no, 1 + dice.randrange(CATEGORIES), ref, START, 1, 1 + dice.randrange(VERSIONS))
        )
    return found


def checkpointed(ledger: Ledger) -> int:
    """The size of the file once all is in it, bytes."""
    with closing(ledger._engine.raw_connection()) as connection:
        connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(str(ledger._engine.url.database)).stat().st_size


def busy(work: Callable[[], Any]) -> float:
    """Seconds of this process at work: what other programs took does not count."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def spread_keys(size: int) -> list[tuple[int, int, int]]:
    """Keys from all over the tree, on more pages than the cache of a connection holds."""
    step = size // LOOKS
    places = range(0, step * LOOKS, step)
    numbered = enumerate(row for portion in in_order(size) for row in portion)
    return [row[:3] for place, row in numbered if place in places]


def flat(folder: Path, sizes: list[int]) -> None:
    """Point look-ups of one record in a small and in a large ledger, in turns."""
    query = "SELECT version_no FROM tag_1 WHERE subject_no = ? AND category = ? AND ref = ?"
    with ExitStack() as stack:
        looks = []
        for size in sizes:
            ledger = stack.enter_context(new_ledger(sqlite_url(folder)()))
            grown(ledger, size)
            checkpointed(ledger)  # as the import does when it closes the ledger
            keys = spread_keys(size)
            random.Random(4).shuffle(keys)  # noqa: S311 - made-up data
            looks.append((driver_of(stack.enter_context(engine.reading(ledger._engine))).rows, keys))
        rounds = [
            [busy(lambda rows=rows, keys=keys: [rows(query, *key) for key in keys]) for rows, keys in looks]
            for _ in range(9)
        ][1:]  # the first waits for the disk
    costs = [min(each) / LOOKS for each in zip(*rounds, strict=True)]  # of the round that was least disturbed
    ratio = costs[-1] / costs[0]
    note = ", ".join(f"{size:,}: {cost * 1e6:.1f} us" for size, cost in zip(sizes, costs, strict=True))
    say("look-up in the largest ledger over the smallest", ratio, 1.5, at_least=False, note=f"({note})")


def main() -> int:
    """Print each figure; exit code 1 when one is short of its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=int, default=2_000_000)
    parser.add_argument("--sizes", type=int, nargs=2, default=[100_000, 1_000_000], help="of the look-ups")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        flat(Path(name), given.sizes)
        if given.tree:
            epochs_pay(Path(name), given.tree)
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
