# SPDX-License-Identifier: Apache-2.0
"""How long evidence of one subject takes out of a large ledger, and whether it grows with the ledger.

    python bench/evidence_speed.py [--tags 1000000]

A repository with a version is made, a ledger beside it is filled with subjects (a tenth as many as tags)
and tags in imports of 10,000, and the evidence of one of them is written. The bar is two seconds. The second
figure is the ratio to one subject in a ledger of a tenth of the size: the rows that entered together with the
subject's are found by their entry, for which tables of people have no index, so it is over one.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
import zipfile
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import figure
from policyctl.actions.evidence.bundle import Subject, export_evidence
from policyctl.core.proof.bundle import check_bundle
from policyctl.core.records import SubjectRow, TagRow
from policyctl.errors import Place
from tests.actions.evidence_scene import AT, sources_of
from tests.actions.instance import DAYS, SLUG, Opened, make_instance

PLACE = Place("bench")
PORTION = 10_000
EMAIL = "user.contact.email"


def fill(opened: Opened, tags: int) -> None:
    """Ten tags a subject; each import has a thousand subjects and all their tags."""
    now = DAYS[1] + timedelta(days=10)
    known = DAYS[1] - timedelta(days=30)
    each = PORTION // 10
    for start in range(0, tags // 10, each):
        people = [f"u{number}" for number in range(start, start + each)]
        rows = [SubjectRow(PLACE, name, None, None, "en", known) for name in people]
        opened.ledger.import_subjects(rows, now=now)
        opened.ledger.import_tags(
            [
                TagRow(PLACE, name, EMAIL, str(record), now - timedelta(days=1), SLUG)
                for name in people
                for record in range(10)
            ],
            now=now,
        )


def seconds(folder: Path, tags: int) -> float:
    """The best of three exports out of a ledger with so many tags."""
    make_instance(folder)
    with Opened(folder) as opened:
        opened.ledger.upgrade()
        opened.publish(DAYS[1])
        fill(opened, tags)
    with Opened(folder) as opened:
        wanted, sources = Subject(f"u{tags // 20}"), sources_of(opened)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            bundle = export_evidence(wanted, None, AT, sources=sources)
            times.append(time.perf_counter() - start)
    _require_good(bundle)
    return min(times)


def _require_good(bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        found = check_bundle({name: opened.read(name) for name in opened.namelist()})
    assert found.rows == found.proven >= 10, found.flaws


def main() -> int:
    """Print the figures; 1 where one is short."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tags", type=int, default=1_000_000)
    tags = parser.parse_args().tags
    with tempfile.TemporaryDirectory(prefix="policyctl-bench-") as name:
        small = seconds(Path(name) / "small", tags // 10)
        large = seconds(Path(name) / "large", tags)
    print(f"one subject out of {tags:,} tags of {tags // 10:,} subjects; of {tags // 10:,}: {small:.3f} s")
    fine = figure("evidence of one subject", large, 2.0, "s")
    return 0 if figure("against a tenth of the ledger", large / small, 5.0) and fine else 1


if __name__ == "__main__":
    sys.exit(main())
