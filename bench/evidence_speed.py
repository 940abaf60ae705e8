# SPDX-License-Identifier: Apache-2.0
"""How long evidence of one subject takes out of a large ledger, and whether it grows with the ledger.

    python bench/evidence_speed.py [--subjects 1000000] [--postgres]

A repository with a version is made, a ledger beside it is filled with subjects and a tag of each, and the
evidence of one of them is written. The bar is two seconds. It is done twice: with subjects who came in
imports of 10,000, and with subjects who all came in one, as from a file. The other figures are the ratios to
a ledger of a tenth of the size. What grows by right is the chain from the first entry of the subject to the
head: 32 bytes for each transaction since.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import figure, milliseconds
from policyctl.actions.evidence.bundle import Subject, export_evidence
from policyctl.core.proof.bundle import check_bundle
from policyctl.core.records import SubjectRow, TagRow
from policyctl.errors import Place
from tests.actions.evidence_scene import AT, sources_of
from tests.actions.instance import DAYS, SLUG, Opened, make_instance
from tests.peers.postgres import server_in

PLACE = Place("bench")
PORTION = 10_000
EMAIL = "user.contact.email"


def fill(opened: Opened, subjects: int, at_once: int) -> None:
    """``at_once`` subjects an import, and a tag of each in imports of their own."""
    now = DAYS[1] + timedelta(days=10)
    known = DAYS[1] - timedelta(days=30)
    for start in range(0, subjects, at_once):
        numbers = range(start, min(start + at_once, subjects))
        rows = [SubjectRow(PLACE, f"u{number}", None, None, "en", known) for number in numbers]
        opened.ledger.import_subjects(rows, now=now)
    for start in range(0, subjects, PORTION):
        opened.ledger.import_tags(
            [
                TagRow(PLACE, f"u{number}", EMAIL, str(number), now - timedelta(days=1), SLUG)
                for number in range(start, min(start + PORTION, subjects))
            ],
            now=now,
        )


def seconds(folder: Path, subjects: int, at_once: int, url: str = "") -> float:
    """The best of three exports out of a ledger with so many subjects."""
    make_instance(folder)
    if url:
        settings = folder / "policyctl.toml"
        text = settings.read_text("utf-8")
        settings.write_text(
            re.sub(r"^url = .*$", f'url = "{url}"', text, count=1, flags=re.MULTILINE), "utf-8"
        )
    with Opened(folder) as opened:
        opened.ledger.upgrade()
        opened.publish(DAYS[1])
        start = time.perf_counter()
        fill(opened, subjects, at_once)
        print(f"  {subjects:,} subjects entered in {time.perf_counter() - start:.1f} s", flush=True)
    with Opened(folder) as opened:
        wanted, sources = Subject(f"u{subjects // 2}"), sources_of(opened)
        _require_good(export_evidence(wanted, None, AT, sources=sources))
        return min(
            milliseconds(lambda: export_evidence(wanted, None, AT, sources=sources)) / 1000 for _ in range(3)
        )


def _require_good(bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        found = check_bundle({name: opened.read(name) for name in opened.namelist()})
    assert found.rows == found.proven >= 5, found.flaws


@contextmanager
def databases(wanted: bool) -> Iterator[Callable[[], str]]:  # noqa: FBT001 - a switch of the command line
    """What gives the address of a new database; of the file in the repository where none is wanted."""
    if not wanted:
        yield lambda: ""
        return
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        Path(name).chmod(0o755)
        with server_in(Path(name)) as server:
            yield server.new_database


def main() -> int:
    """Print the figures; 1 where one is short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1_000_000)
    parser.add_argument("--postgres", action="store_true", help="in PostgreSQL, else in SQLite")
    given = parser.parse_args()
    fine = True
    with tempfile.TemporaryDirectory(prefix="policyctl-bench-") as name, databases(given.postgres) as new:
        for number, (how, at_once) in enumerate((("in portions", PORTION), ("at once", given.subjects))):
            sizes = (given.subjects // 10, given.subjects)
            small, large = (seconds(Path(name) / f"{number}-{size}", size, at_once, new()) for size in sizes)
            print(
                f"one subject of {sizes[0]:,} who came {how}: {small:.3f} s; of {sizes[1]:,}: {large:.3f} s"
            )
            fine &= figure(f"evidence of one who came {how}", large, 2.0, "s")
            fine &= figure("  against a tenth of the ledger", large / small, 3.0)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
