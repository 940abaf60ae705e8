# SPDX-License-Identifier: Apache-2.0
"""Decisions with their look-ups in SQLite against the bare join, as ratios in one run.

    python bench/decision_lookups.py [--subjects 50000] [--rounds 40]

- one decision against one execution of a join by hand that reads the same facts: the subject by its name, its
  tag, its admission, its own and its customer's answers. It hashes no id, checks no head, finds no rule;
- beside it, held to no bar: against joins of tag and answer alone, by name and by number;
- a thousand in one look against a thousand decisions alone.

Sides take turns over the same subjects, in random order; each counts by its best turn, in processor time, so
that what else the machine does meets neither. Every decision is of the same finding as the rules give.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import figure
from policyctl.actions.deciding.decide import decide_from_facts, decide_use, decide_uses
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base.common import pseudonym
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Answer
from policyctl.core.use.decision import UseRequest
from tests.adapters.ledger_samples import (
    EMAIL,
    KEY,
    MARKETING,
    PHONE,
    SERVICE,
    TAXONOMY,
    choice,
    customer,
    practice,
    subject,
    tag,
    version,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CUSTOMERS, PORTION, ASKED = 200, 10_000, 1_000
SAME_BAR, BATCH_BAR = 0.80, 1.5
SAME = """
    SELECT t.category, t.ref, t.collected_at, t.batch_no, t.version_no, a.version_no, a.admitted_at,
           c.practice_no, c.answer, c.given_at, c.seq, d.practice_no, d.answer, d.given_at, d.seq
    FROM pseudonym s JOIN tag_1 t ON t.subject_no = s.subject_no AND t.category = 1
    LEFT JOIN admission a ON a.subject_no = s.subject_no
    LEFT JOIN choice c ON c.subject_no = s.subject_no
    LEFT JOIN choice d ON d.subject_no = s.tenant_no << 40
    WHERE s.ext_id = ?"""
BY_NAME = """
    SELECT t.version_no, t.category, c.answer FROM pseudonym s
    JOIN tag_1 t ON t.subject_no = s.subject_no AND t.category = 1
    LEFT JOIN choice c ON c.subject_no = s.subject_no WHERE s.ext_id = ?"""
BY_NUMBER = """
    SELECT t.version_no, t.category, c.answer FROM tag_1 t
    LEFT JOIN choice c ON c.subject_no = t.subject_no WHERE t.subject_no = ? AND t.category = 1"""


def fill(ledger: Ledger, subjects: int) -> None:
    """Two tags each, one subject in twenty has refused something."""
    ledger.upgrade()
    own = (practice("account", SERVICE), practice("news", MARKETING, choice=ChoiceMode.OPT_OUT))
    for number, day in ((1, "2026-01-01"), (2, "2026-06-01")):
        ledger.record_version(version(number, day, *own), (), now=NOW)
    ledger.import_customers([customer(f"c{number}") for number in range(CUSTOMERS)], now=NOW)
    for start in range(0, subjects, PORTION):
        people = range(start, min(start + PORTION, subjects))
        ledger.import_subjects([subject(f"u{n}", f"c{n % CUSTOMERS}") for n in people], now=NOW)
        for place, category in enumerate((EMAIL, PHONE)):
            rows = [tag(f"u{n}", "2026-02-01", category, record=str(2 * n + place)) for n in people]
            ledger.import_tags(rows, now=NOW)
        said = [choice(f"u{n}", "fax@v1#news", Answer.REFUSE, "2026-03-01") for n in people if n % 20 == 0]
        ledger.import_choices(said, now=NOW)


def spent(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def sides(ledger: Ledger, subjects: int) -> dict[str, Callable[[], object]]:
    """What is timed, each about the same subjects."""
    dice = random.Random(3)  # noqa: S311 - made-up data
    who = [f"u{dice.randrange(subjects)}" for _ in range(ASKED)]
    requests = [UseRequest(name, EMAIL, MARKETING, NOW) for name in who]
    alone = [decide_use(request, ledger=ledger) for request in requests]
    assert list(decide_uses(requests, ledger=ledger)) == alone
    for request, found in list(zip(requests, alone, strict=True))[:100]:
        assert found == decide_from_facts(request, ledger=ledger)
    names = [pseudonym(KEY, name) for name in who]
    raw: Any = ledger.online._connect()
    find = "SELECT subject_no FROM pseudonym WHERE ext_id = ?"
    numbers = [raw.execute(find, (name,)).fetchone()[0] for name in names]
    return {
        "alone": lambda: [decide_use(request, ledger=ledger) for request in requests],
        "together": lambda: list(decide_uses(requests, ledger=ledger)),
        "told": lambda: [found.told for found in decide_uses(requests, ledger=ledger)],
        "same": lambda: [raw.execute(SAME, (name,)).fetchall() for name in names],
        "by name": lambda: [raw.execute(BY_NAME, (name,)).fetchall() for name in names],
        "by number": lambda: [raw.execute(BY_NUMBER, (number,)).fetchall() for number in numbers],
    }


def main() -> int:
    """Print each figure; exit code 1 when one is short of its bar."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--subjects", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=40)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = f"sqlite:///{folder}/ledger.db"
        ledger = stack.enter_context(open_ledger(url, key=KEY, taxonomy=TAXONOMY))
        fill(ledger, given.subjects)
        works = sides(ledger, given.subjects)
        turns = [{name: spent(work) for name, work in works.items()} for _ in range(given.rounds)]
    best = {name: min(turn[name] for turn in turns) / ASKED * 1e6 for name in works}
    print("  " + ", ".join(f"{name} {cost:.1f} us" for name, cost in best.items()), flush=True)
    print(f"  the bare join over a decision of a thousand: {best['same'] / best['together']:.2f}")
    for name in ("by name", "by number"):
        print(f"  a join of tag and answer {name} over a decision: {best[name] / best['alone']:.2f}")
    fine = figure(
        "a decision over the bare join of its facts",
        best["alone"] / best["same"],
        1 / SAME_BAR,
        note=f"{best['same'] / best['alone']:.2f} of the join, bar {SAME_BAR}",
    )
    fine &= figure(
        "a thousand in one look over as many alone",
        best["together"] / best["alone"],
        1 / BATCH_BAR,
        note=f"{best['alone'] / best['together']:.2f} x, bar {BATCH_BAR} x",
    )
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
