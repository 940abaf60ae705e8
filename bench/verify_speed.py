# SPDX-License-Identifier: Apache-2.0
"""How long `policyctl verify` takes for a ledger of a million rows, and in how much memory.

Two ledgers, each on SQLite and PostgreSQL: *bulk* has its tags in batches of 100,000, sealed; *online* has an
entry for each tag, four rows a tag. Each is looked through in a process of its own, whose peak of memory is
that of the whole program. The floor is what no verifier can do without: the same tags read in the order of
their batches on the same driver, packed and hashed, turn by turn with the look.

    python bench/verify_speed.py [--rows 1000000] [--rounds 2] [--no-postgres]
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import figure
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import engine
from policyctl.adapters.ledger.base.chain import entry_digest, raw_line
from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.packed import NewTag, Packer, in_key_order, pack_tags
from policyctl.adapters.ledger.proving.proofs import batch_row
from policyctl.adapters.tables import BATCH
from tests.adapters.ledger_samples import EMAIL, KEY, SERVICE, TAXONOMY, practice, version
from tests.peers import postgres

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECONDS, MEGABYTES, RATIO = 20.0, 200.0, 6.0
BATCH_TAGS = 100_000
AT = 1_793_491_200_000_000

LOOK = r"""
import re, sys, time
from pathlib import Path
from policyctl.adapters.ledger.checking import open_record
start = time.perf_counter()
with open_record(sys.argv[1]) as record:
    done = record.through()
took = time.perf_counter() - start
assert not done.flaws, done.flaws[0]
peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]
print(done.counts.rows, took, int(peak) / 1024)
"""
FLOOR = """
import sys, time
from hashlib import sha256
from operator import itemgetter
from policyctl.adapters.ledger.checking import open_record
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.packed import pack_tags
start, found, five = time.perf_counter(), sha256(), itemgetter(1, 2, 3, 4, 5)
query = ("SELECT batch_no, subject_no, category, ref, collected_at, version_no FROM tag_1 "
    "ORDER BY batch_no, subject_no, category, ref")
with open_record(sys.argv[1]) as record, record.look() as connection:
    for rows in driver_of(connection).stream(query, 20_000):
        found.update(pack_tags(list(map(five, rows))))
print(0, time.perf_counter() - start, 0)
"""


def run(code: str, url: str) -> tuple[int, float, float]:
    """Rows, seconds and megabytes of one look in a process of its own."""
    command, top = [sys.executable, "-c", code, url], Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=top)
    rows, took, memory = done.stdout.split()
    return int(rows), float(took), float(memory)


def tags_of(count: int) -> list[NewTag]:
    """Tags of made-up subjects, in random order."""
    dice = random.Random(7)  # noqa: S311 - made-up data
    return [
        (1 << 40 | dice.randrange(count // 5), 1, number, 1_700_000_000 + dice.randrange(60_000_000), 1)
        for number in range(count)
    ]


def prepared(url: str) -> Ledger:
    """A ledger with one version and a category."""
    ledger = open_ledger(url, key=KEY, taxonomy=TAXONOMY)
    ledger.upgrade()
    ledger.record_version(version(1, "2026-01-01", practice("a", SERVICE, data=(EMAIL,))), (), now=NOW)
    return ledger


def fill_bulk(url: str, count: int) -> None:
    """Batches as large imports make them, then sealed."""
    with prepared(url) as ledger:
        tags = tags_of(count)
        for number, start in enumerate(range(0, count, BATCH_TAGS), start=1):
            rows = in_key_order(tags[start : start + BATCH_TAGS])
            packed = pack_tags(rows)
            with engine.writing(ledger._engine) as connection:
                writer = Writer(connection, "tags", NOW)
                writer.driver.insert_tags("tag_1", number, rows, Packer())
                writer.add(BATCH, [batch_row(number, 1, packed, "")])
                writer.finish()
        ledger.upkeep.seal(now=NOW)


def fill_online(url: str, count: int) -> None:
    """An entry, a link, a batch and a tag for each tag, as single writes leave them."""
    with prepared(url) as ledger:
        root = ledger.heads()[0].root
        columns = {"entry": [], "chain": [], "batch": [], "tag_1": []}  # type: dict[str, list[Any]]
        for number, row in enumerate(tags_of(count), start=1):
            seq, batch = number + 1, batch_row(number, 1, pack_tags([row]), "")
            told = (number, 1, 1, batch["digest"].hex(), "", batch["root"].hex())
            head = raw_line("entry", (seq, "tags", AT))
            digest = entry_digest(head, [raw_line("batch", told)])
            root = sha256(root + digest).digest()
            columns["entry"].append((seq, "tags", AT))
            columns["chain"].append((seq, digest, root))
            columns["batch"].append((seq, number, 1, 1, batch["digest"], "", batch["root"], batch["tiles"]))
            columns["tag_1"].append((*row[:4], number, row[4]))
        names = {
            "entry": ("seq", "kind", "recorded_at"),
            "chain": ("entry", "digest", "root"),
            "batch": ("entry", "batch_no", "tag_count", "epoch_no", "digest", "provenance", "root", "tiles"),
            "tag_1": ("subject_no", "category", "ref", "collected_at", "batch_no", "version_no"),
        }
        with engine.writing(ledger._engine) as connection:
            for table, rows in columns.items():
                driver_of(connection).insert(table, names[table], rows)


@contextmanager
def servers(*, with_postgres: bool) -> Iterator[dict[str, Any]]:
    """What gives a new URL of each kind of database."""
    top = Path(tempfile.mkdtemp(prefix="verify", dir="/tmp"))
    top.chmod(0o755)
    found: dict[str, Any] = {"sqlite": lambda name: f"sqlite:///{top / name}.db"}
    initdb, pg_ctl = postgres._binary("initdb"), postgres._binary("pg_ctl")
    server = None
    if with_postgres and initdb and pg_ctl:
        server = postgres.Server(top / "s", initdb, pg_ctl)
        server.folder.mkdir()
        server.start()
        found["postgresql"] = lambda _name, made=server: made.new_database()
    try:
        yield found
    finally:
        if server:
            server.stop()
        shutil.rmtree(top, ignore_errors=True)


def measure(name: str, url: str, rounds: int, count: int) -> bool:
    """The figures of one ledger: its best round, the floor's best round."""
    looks, floors = [], []
    for _ in range(rounds):
        floors.append(run(FLOOR, url)[1])
        looks.append(run(LOOK, url))
    rows, took, memory = looks[0][0], min(look[1] for look in looks), max(look[2] for look in looks)
    online = name.endswith("online")
    million = took * 1_000_000 / (rows if online else count)
    note = f"{rows:,} rows in {took:.2f} s"
    fine = [
        figure(f"{name}: a million {'rows' if online else 'tags'}", million, SECONDS, "s", note),
        figure(f"{name}: memory of the process", memory, MEGABYTES, "MB"),
    ]
    if not online:
        fine.append(figure(f"{name}: to tags read, packed and hashed", took / min(floors), RATIO))
    return all(fine)


def main() -> int:
    """Print every figure; 1 where one is short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-postgres", action="store_true")
    options = parser.parse_args()
    fine = True
    with servers(with_postgres=not options.no_postgres) as kinds:
        for kind, new_url in kinds.items():
            for shape, fill, count in (
                ("bulk", fill_bulk, options.rows),
                ("online", fill_online, options.rows // 4),
            ):
                url = new_url(shape)
                fill(url, count)
                fine &= measure(f"{kind}, {shape}", url, options.rounds, count)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
