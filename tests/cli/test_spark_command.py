# SPDX-License-Identifier: Apache-2.0
"""``may-use --bulk --engine spark`` as a person calls it: on a real cluster, and where there is none."""

from __future__ import annotations

import socket
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.cli.run import inside, policyctl, said
from tests.cli.test_upkeep_commands import close_epoch, more_tags
from tests.peers.spark import SparkCluster

pytestmark = pytest.mark.usefixtures("spark_installed")

SERVICE = "essential.service.operations"
ASK = ("may-use", "--bulk", "--purpose", SERVICE)


@pytest.fixture(scope="module")
def demo(demo: Path) -> Path:
    """With a closed epoch, and a newer one that has a tag of the same record."""
    close_epoch(demo, datetime(2026, 9, 1, tzinfo=UTC))
    assert more_tags(demo, "2026-10-02", "account/ana#email") == "1 added"
    return demo


def rows(*paths: Path) -> Counter[tuple[Any, ...]]:
    """What outputs hold, in no order."""
    return Counter(tuple(sorted(row.items())) for path in paths for row in pq.read_table(path).to_pylist())


@pytest.mark.peer("spark")
def test_a_cluster_gives_what_this_process_gives(
    demo: Path, spark_cluster: SparkCluster, tmp_path: Path
) -> None:
    """In a process that starts Spark by itself and ends it again, and in this one without Spark; asked
    about an exported epoch, which takes more of an engine than any other source.
    """
    yes, here, epoch = tmp_path / "yes", tmp_path / "here.parquet", tmp_path / "epoch.parquet"
    assert inside("ledger", "export", "--epoch", "1", "--to", epoch, cwd=demo).returncode == 0
    ask = (*ASK, "--from", epoch, "--format", "json")
    where = ("--to", yes, "--engine", "spark", "--master", spark_cluster.master)
    set_up = {name: spark_cluster.environment[name] for name in ("SPARK_CONF_DIR", "SPARK_LOCAL_IP")}
    run = policyctl(*ask, *where, cwd=demo, env=set_up)
    assert (run.returncode, run.stderr) == (0, "")
    alone = inside(*ask, "--to", here, cwd=demo)
    numbers = ("records", "permitted", "counts")
    found, expected = said(run, "bulk"), said(alone, "bulk")
    assert [found[name] for name in numbers] == [expected[name] for name in numbers]
    assert found["written"] == [str(yes)]
    assert rows(yes) == rows(here)
    assert rows(yes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch.parquet", "here.parquet", "yes"]
    again = inside(*ask, *where, cwd=demo)
    assert again.returncode == 4
    assert "is there already" in again.stderr
    assert "--force" in again.stderr


# Without a cluster


def told(demo: Path, *args: str | Path) -> str:
    """What is said, after the exit code; nothing else may come of it."""
    before = sorted(demo.rglob("*"))
    run = inside(*ASK, "--from", "ledger", "--to", demo / "yes", "--engine", "spark", *args, cwd=demo)
    assert run.stdout == ""
    assert sorted(demo.rglob("*")) == before
    return f"{run.returncode} {run.stderr}"


def java(folder: Path, version: str) -> str:
    """A folder for JAVA_HOME whose Java says that it is of a version."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2022-01-01' >&2\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(("version", "shown"), [("1.8.0_392", "1"), ("11.0.2", "11"), ("16.0.1", "16")])
def test_an_old_java_is_named(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, shown: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", java(tmp_path, version))
    said = told(demo)
    assert said.startswith("2 error: Spark needs Java 17")
    assert f"is version {shown}\n" in said
    assert "hint: install Java 17" in said


def test_no_java_is_told(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert told(demo).startswith("2 error: Spark needs Java 17, and there is none on JAVA_HOME")
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    said = told(demo)
    assert said.startswith("2 error: Spark needs Java 17, and there is none on PATH")
    assert "hint: install Java 17" in said


def test_what_is_not_installed_is_told(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)  # as Python says of what is not there
    said = told(demo)
    assert said.startswith("2 error: deciding in bulk on Spark needs pyspark, which is not installed")
    assert "pip install 'policyctl[bulk,spark]'" in said


def test_a_master_that_does_not_answer_is_told_soon(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Soon: before Java starts, and so without Spark's own minute of trying."""
    monkeypatch.setenv("JAVA_HOME", java(tmp_path, "17.0.9"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        port = taken.getsockname()[1]
        said = told(demo, "--master", f"spark://127.0.0.1:{port}")
    assert said.startswith(f"3 error: no Spark master answers at spark://127.0.0.1:{port}")
    assert "hint: start it, or name another with --master" in said


@pytest.mark.parametrize(
    "master", ["yarn", "spark://", "spark://host", "spark://host:99999", "local[0]", "http://host:7077"]
)
def test_an_address_that_can_be_none_is_told(demo: Path, master: str) -> None:
    run = inside(*ASK, "--from", "ledger", "--engine", "spark", "--master", master, cwd=demo)
    assert run.returncode == 2
    assert f"{master!r} is no address of a Spark master" in run.stderr
    assert "spark://host:7077" in run.stderr


def test_a_folder_is_replaced_only_where_spark_wrote_it(demo: Path, tmp_path: Path) -> None:
    ask = (*ASK, "--from", "ledger", "--engine", "spark", "--to", tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    assert inside(*ask, cwd=demo).returncode == 4
    forced = inside(*ask, "--force", cwd=demo)
    assert forced.returncode == 2
    assert "cannot be written there" in forced.stderr
    assert (tmp_path / "mine" / "letter.txt").read_text() == "mine"


def test_a_master_without_spark_is_told(demo: Path) -> None:
    run = inside(*ASK, "--from", "ledger", "--master", "local[1]", cwd=demo)
    assert run.returncode == 2
    assert "--engine spark" in run.stderr
