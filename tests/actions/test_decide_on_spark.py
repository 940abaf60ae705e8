# SPDX-License-Identifier: Apache-2.0
"""Spark gives the records that DuckDB gives: on a standalone cluster, and when one of its hosts dies."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from policyctl.actions.deciding.bulk import BulkOutput, BulkSource, decide_in_bulk
from policyctl.adapters.bulk import Cluster
from policyctl.adapters.ledger import Ledger
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Answer
from policyctl.core.use.matrix import BulkDecision, BulkQuestion
from tests.actions.bulk_scene import PEOPLE, Said, World, filled, one_by_one, questions, read, worlds
from tests.actions.file_scene import TagFile, read_rows, row_by_row, tag_files
from tests.adapters.ledger_samples import day, practice, tag, version
from tests.peers.spark import SparkCluster

pytestmark = pytest.mark.peer("spark")

RECORDS = 120_000
few = settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@few
@given(worlds, questions)
def test_the_records_of_a_ledger_are_decided_as_each_would_be(
    spark_context: Any, world: World, question: BulkQuestion
) -> None:
    here = Cluster(spark_context.master)
    with TemporaryDirectory() as folder, filled(world, Path(folder) / "ledger.db") as ledger:
        yes, no = Path(folder) / "yes", Path(folder) / "no"
        done = decide_in_bulk(question, BulkSource(), BulkOutput(yes, no), ledger=ledger, cluster=here)
        both = read(yes) + read(no)
        expected = one_by_one(ledger, question)
        assert {item: times for item, times in both.items() if item[0][0] is not None} == expected
        assert all(answer == "permitted" for _, answer, _ in read(yes))
        assert done.asked == both.total()


@few
@given(worlds, questions, tag_files)
def test_the_records_of_a_file_are_decided_as_each_would_be(
    spark_context: Any, world: World, question: BulkQuestion, file: TagFile
) -> None:
    here = Cluster(spark_context.master)
    with TemporaryDirectory() as folder, filled(world, Path(folder) / "ledger.db") as ledger:
        yes, no = Path(folder) / "yes", Path(folder) / "no"
        source = BulkSource(file.write(Path(folder) / "tags.parquet"))
        done = decide_in_bulk(question, source, BulkOutput(yes, no), ledger=ledger, cluster=here)
        assert read_rows(yes, no) == row_by_row(ledger, world, question, file)
        assert all(answer == "permitted" for _, answer, _ in read_rows(yes))
        plain = decide_in_bulk(question, source, BulkOutput(), ledger=ledger)
        assert sorted(done.counts, key=str) == sorted(plain.counts, key=str)


# A host that dies

NEWS = practice("a", "marketing", data=("user",), choice=ChoiceMode.OPT_OUT)
STATED = version(1, "2026-01-01", NEWS)
OTHER = version(2, "2026-02-01", NEWS, practice("b", "marketing.advertising", data=("user",)))
WORLD = World(
    records=(STATED, OTHER),
    late=frozenset(),
    tags=tuple(tag(name, "2026-03-01") for name, _ in PEOPLE),
    said=(Said("s", "", "fax@v1#a", Answer.REFUSE, day("2026-03-02")),),
    accepted=(),
    reports=(),
    erased=None,
    epoch=False,
)
QUESTION = BulkQuestion("marketing", day("2026-06-01"))


def large_file(path: Path) -> Path:
    """Many records of few people, in parts small enough that a job on them has many tasks."""
    people = "['s', 't', 'u', 'v', 'w', 'nobody']"
    duckdb.sql(
        f"SELECT {people}[1 + i % 6] AS subject, ['user', 'user.contact'][1 + i // 6 % 2] AS category, "  # noqa: S608 - numbers of ours
        f"'r' || (i % {RECORDS * 9 // 10}) AS record, 'fax@v' || (1 + hash(i) % 3) AS version, "
        f"TIMESTAMPTZ '2026-03-01 00:00:00+00' + INTERVAL 1 MINUTE * (i % 200000) AS collected_at, "
        f"i AS row, md5(i::VARCHAR) AS ballast FROM range({RECORDS}) r(i)"
    ).write_parquet(str(path), row_group_size=5000)
    return path


def decided(ledger: Ledger, source: Path, to: Path, cluster: Cluster | None) -> BulkDecision:
    to.mkdir()
    output = BulkOutput(to / "yes.parquet", to / "no.parquet")
    return decide_in_bulk(QUESTION, BulkSource(source), output, ledger=ledger, cluster=cluster)


def same(one: Path, other: Path) -> bool:
    """The same rows, each as often, and there are some."""
    found = [f"read_parquet('{path}{'/*.parquet' if path.is_dir() else ''}')" for path in (one, other)]
    shown = "subject, category, record, version, collected_at, row, ballast, answer, code"
    sums = [duckdb.sql(f"SELECT count(*), sum(hash({shown})) FROM {each}").fetchall()[0] for each in found]  # noqa: S608 - names of ours
    return sums[0] == sums[1] and sums[0][0] > 0


def wait_until_half_way(context: Any, to: Path) -> int:
    """Until the output is begun, and a stage of many tasks has done some and runs others; its job."""
    tracker, deadline = context.statusTracker(), time.monotonic() + 120
    while not list(to.glob(".yes.parquet.*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    while time.monotonic() < deadline:
        for job in tracker.getActiveJobsIds():
            for number in tracker.getJobInfo(job).stageIds:
                stage = tracker.getStageInfo(number)
                if stage and stage.numTasks >= 20 and 3 <= stage.numCompletedTasks < stage.numTasks // 2:
                    return int(job)
        time.sleep(0.005)
    raise AssertionError("no job had many tasks")


def test_a_host_that_dies_during_the_job_changes_nothing(
    spark_cluster: SparkCluster, spark_context: Any, tmp_path: Path
) -> None:
    source = large_file(tmp_path / "tags.parquet")
    with ExitStack() as stack:
        ledger = stack.enter_context(filled(WORLD, tmp_path / "ledger.db"))
        expected = decided(ledger, source, tmp_path / "duck", None)
        pool = stack.enter_context(ThreadPoolExecutor(1))
        here = Cluster(spark_cluster.master)
        running = pool.submit(decided, ledger, source, tmp_path / "spark", here)
        job = wait_until_half_way(spark_context, tmp_path / "spark")
        spark_cluster.kill_worker()
        assert spark_context.statusTracker().getJobInfo(job).status == "RUNNING"
        done = running.result(timeout=120)
    spark_cluster.add_worker()
    assert sorted(done.counts, key=str) == sorted(expected.counts, key=str)
    assert done.asked == expected.asked == RECORDS
    for name in ("yes.parquet", "no.parquet"):
        assert same(tmp_path / "duck" / name, tmp_path / "spark" / name)
