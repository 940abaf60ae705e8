# SPDX-License-Identifier: Apache-2.0
"""Deciding by the million, as ratios to a join written by hand on the same engine in the same run.

The floor is what a person would write who knows the rules and this one purpose: tags joined with the
subjects that are known, with a matrix of (version, category), without those who objected. Both sides read
the same Parquet files and must find the same records. They take turns; each counts by its best round.

    python bench/bulk_decisions.py [--rows 3000000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import duckdb
from sqlglot import exp, select

from bench.figures import figure, milliseconds
from policyctl.adapters import bulk
from policyctl.adapters.bulk import query as tree
from policyctl.adapters.bulk.duck import DuckWorkbench
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Admission, Answer, Choice
from policyctl.core.use.matrix import BulkQuestion, Matrix, Standings
from policyctl.core.use.question import UseAnswer
from tests.adapters.ledger_samples import ADS, CONTACT, EMAIL, MARKETING, PHONE, TAXONOMY, practice, version

AT = datetime(2026, 11, 1, tzinfo=UTC)
VERSIONS, CATEGORIES, NEWEST = 20, (EMAIL, PHONE, "user.behavior"), 3
SHOWN = tuple(("tag", name, name) for name in ("subject", "category", "ref", "version"))
BY_HAND = """
    SELECT t.subject, t.category, t.ref, t.version FROM tag t
    JOIN known k ON k.subject = t.subject
    JOIN allowed a ON a.version = t.version AND a.category = t.category
    WHERE t.collected_at <= TIMESTAMPTZ '2026-11-01 00:00:00+00'
      AND NOT EXISTS (SELECT 1 FROM objection o WHERE o.subject = t.subject)
"""


def records() -> list[Any]:
    """News in every version, advertising in the newest three only; both may be objected to."""
    news = practice("news", MARKETING, data=(CONTACT,), choice=ChoiceMode.OPT_OUT)
    ads = practice("ads", ADS, data=(CONTACT,), choice=ChoiceMode.OPT_OUT)
    return [
        version(number, f"2025-01-{number:02d}", *([news, ads] if number > VERSIONS - NEWEST else [news]))
        for number in range(1, VERSIONS + 1)
    ]


def standings() -> list[Any]:
    """Said nothing; objected to news; objected to advertising; consented to news."""
    reduce = Standings(records(), AT)
    known = Admission("s", datetime(2025, 1, 25, tzinfo=UTC), records()[-1].key)
    said = [()]
    for name, answer in (("news", Answer.REFUSE), ("ads", Answer.REFUSE), ("news", Answer.CONSENT)):
        said.append((Choice("subject", f"fax@v{VERSIONS}#{name}", answer, known.at, 1),))
    return [reduce.of((known,), choices, ()) for choices in said]


def lay_out(folder: Path, rows: int) -> None:
    """Five tags a subject, sorted by subject; 19 of 20 subjects said nothing."""
    people = rows // 5
    written = {
        "tag": "SELECT i // 5 AS subject, (hash(i) % 12 + 1)::INTEGER AS category, "
        f"(hash(i + 7) % {VERSIONS} + 1)::INTEGER AS version, i AS ref, "
        f"TIMESTAMPTZ '2025-02-01 00:00:00+00' + INTERVAL 1 SECOND * (i % 30000000) AS collected_at "
        f"FROM range({rows}) r(i)",
        "standing": "SELECT i AS subject, "
        "(CASE WHEN i % 20 = 0 THEN (i // 20 % 3) + 2 ELSE 1 END)::INTEGER AS standing "
        f"FROM range({people}) r(i)",
        "known": f"SELECT i AS subject FROM range({people}) r(i)",
    }
    with duckdb.connect(config={"memory_limit": "1GB", "preserve_insertion_order": "true"}) as database:
        for name, sql in written.items():
            database.sql(sql).write_parquet(str(folder / f"{name}.parquet"), compression="zstd")
        for place, name in ((1, "news"), (2, "ads")):
            path = folder / f"objection_{name}.parquet"
            standing = database.read_parquet(str(folder / "standing.parquet"))
            standing.filter(f"standing = {place + 1}").project("subject").write_parquet(str(path))


def put_cells(bench: DuckWorkbench, purpose: str) -> tuple[int, ...]:
    """The relation ``cell`` and, for the floor, ``allowed``."""
    matrix = Matrix(BulkQuestion(purpose, AT), records(), TAXONOMY)
    rank = {UseAnswer.REFUSED: 0, UseAnswer.UNDECIDED: 1, UseAnswer.PERMITTED: 2}
    cells = [
        (category, record.key.number, place, rank[cell.answer], cell.code)
        for category in range(1, 13)
        for record in records()
        for place, standing in enumerate(standings(), start=1)
        for cell in [matrix.cell("fax", CATEGORIES[category % 3], record.key, standing)]
    ]
    names = (("category", "int32"), ("version", "int32"))
    bench.put("cell", (*names, ("standing", "int32"), ("rank", "int8"), ("code", "string")), cells)
    bench.put("allowed", names, [row[:2] for row in cells if row[2] == 1 and row[3] == 2])
    return tuple(sorted({row[1] for row in cells if row[3] == 2}))


def main() -> bool:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    fine = True
    with tempfile.TemporaryDirectory() as place:
        lay_out(Path(place), asked.rows)
        for purpose, name in ((MARKETING, "news"), (ADS, "ads")):
            with bulk.workbench() as bench:
                fine &= compare(bench, Path(place), purpose, name, asked.rounds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return figure("peak memory of the run", peak, 4, "GB", f"{asked.rows:,} tags") and fine


def write_by_hand(base: Any, out: Path) -> None:
    """With the same columns, and on the disk as the other side's file is."""
    found = f"SELECT *, 'permitted' AS answer, 'stated' AS code FROM ({BY_HAND})"
    base.sql(found).write_parquet(str(out), compression="zstd")
    with out.open("rb") as file:
        os.fsync(file.fileno())


def write(bench: DuckWorkbench, query: exp.Select, out: Path) -> None:
    with bench.written([(query, out)], over=True):
        pass


def compare(bench: DuckWorkbench, folder: Path, purpose: str, name: str, rounds: int) -> bool:
    base = bench._database
    for view in ("tag", "standing", "known"):
        base.read_parquet(str(folder / f"{view}.parquet")).create_view(view)
    base.read_parquet(str(folder / f"objection_{name}.parquet")).create_view("objection")
    permit = put_cells(bench, purpose)
    joined = tree.Query(SHOWN, AT, timed=True, one_tag=True, versions=permit)
    ours = tree.permitted(joined)
    held = ours.sql(dialect="duckdb")
    summed = "SELECT count(*), sum(hash(subject, category, ref, version)) FROM ({})"
    assert base.sql(summed.format(held)).fetchall() == base.sql(summed.format(BY_HAND)).fetchall()
    out = folder / "out.parquet"
    counted = select(exp.Count(this=exp.Star())).from_(ours.subquery("found"))
    work = {
        "count": lambda: bench.rows(counted),
        "count by hand": lambda: base.sql(f"SELECT count(*) FROM ({BY_HAND})").fetchall(),
        "write": lambda: write(bench, ours, out),
        "write by hand": lambda: write_by_hand(base, out),
        "all": lambda: bench.rows(tree.decided(joined)),
    }
    best = dict.fromkeys(work, float("inf"))
    for _ in range(rounds):
        for kind, run in work.items():
            best[kind] = min(best[kind], milliseconds(run))
    fine = True
    for kind in ("count", "write"):
        ratio = best[kind] / best[f"{kind} by hand"]
        fine &= figure(f"{name}: {kind}, of a join by hand", ratio, 1 / 0.9, note=f"{best[kind]:,.0f} ms")
    if len(permit) == VERSIONS:
        return fine
    pruned = best["count"] / best["all"]
    what = f"{name}: pruned to {len(permit)} versions, of full"
    return figure(what, pruned, 0.25, note=f"{best['count']:,.0f} ms") and fine


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
