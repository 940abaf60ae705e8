# SPDX-License-Identifier: Apache-2.0
"""A real Spark cluster for the tests: one master and two workers, each a process, on loopback.

It needs PySpark (requirements/spark.txt) and Java 17. Without them the tests are skipped, or fail where
POLICYCTL_REQUIRE=all says that every peer must be there.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

# A process lives for a minute here: what the second compiler would make of it is not worth its work.
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
# Two cores at once, one of each worker; the rest is for whoever comes while they are taken.
DEFAULTS = f"""
spark.driver.extraJavaOptions                {_QUICK}
spark.executor.extraJavaOptions              {_QUICK}
spark.cores.max                              2
spark.executor.cores                         1
spark.executor.memory                        512m
spark.driver.memory                          512m
spark.sql.shuffle.partitions                 2
spark.sql.files.maxPartitionBytes            128k
spark.sql.files.openCostInBytes              0
"""
_PATIENCE = 60.0


class SparkCluster:
    """Master and workers; each worker leads a group of processes, as one host would hold them."""

    def __init__(self, folder: Path, spark_class: Path) -> None:
        self.folder, self._spark_class = folder, spark_class
        self._started: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self.conf = folder / "conf"
        self.conf.mkdir()
        (self.conf / "spark-defaults.conf").write_text(DEFAULTS)
        self.environment = {
            **os.environ,
            "SPARK_CONF_DIR": str(self.conf),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "128m",
            "SPARK_DAEMON_JAVA_OPTS": _QUICK,
        }
        log = self._run("master.Master", "--port", "0")
        self.master = self._said(log, r"Starting Spark master at (spark://\S+)")
        for _ in range(2):
            self.add_worker()

    def add_worker(self) -> None:
        """One more host."""
        work = self.folder / f"work-{len(self._started)}"
        room = ("--cores", "2", "--memory", "1200m", "--port", "0", "--work-dir", str(work))
        log = self._run("worker.Worker", *room, self.master)
        self.workers.append(self._started[-1])
        self._said(log, r"Successfully registered with master ()")

    def kill_worker(self) -> None:
        """As when a host loses its power: the worker and what it runs, at once."""
        worker = self.workers.pop()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def stop(self) -> None:
        for process in reversed(self._started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _run(self, what: str, *words: str) -> Path:
        log = self.folder / f"{len(self._started)}.log"
        command = [str(self._spark_class), f"org.apache.spark.deploy.{what}", "--host", "127.0.0.1"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--webui-port", "0", *words],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environment,
                cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        self._started.append(process)
        return log

    def _said(self, log: Path, pattern: str) -> str:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self._started[-1].poll() is None:
            if found := re.search(pattern, log.read_text("utf-8", errors="replace")):
                return found[1]
            time.sleep(0.05)
        raise AssertionError(log.read_text("utf-8", errors="replace"))


def _needed() -> Path:
    """Spark's own launcher; where it or Java is not there, the test ends here."""
    spec = find_spec("pyspark")
    missing = "pyspark is not installed" if spec is None else None
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        missing = missing or "Java is not installed"
    if missing and os.environ.get("POLICYCTL_REQUIRE") == "all":
        pytest.fail(f"Spark is required and {missing}")
    if missing:
        pytest.skip(missing)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "bin" / "spark-class"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that use it first: one worker of pytest-xdist begins with them, the others take work
    from the end, and so one cluster is started, not one a worker.
    """
    using = {item.path for item in items if "spark_installed" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in using)


@pytest.fixture(scope="session")
def spark_installed() -> Path:
    """What starts Spark here."""
    return _needed()


@pytest.fixture(scope="session")
def spark_cluster(spark_installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    """A cluster, one for the session."""
    cluster = SparkCluster(tmp_path_factory.mktemp("spark"), spark_installed)
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def spark_context(spark_cluster: SparkCluster) -> Iterator[Any]:
    """What this process runs on the cluster, started once as an application does that asks often."""
    from pyspark import SparkConf, SparkContext

    given = {name: os.environ.get(name) for name in ("SPARK_CONF_DIR", "SPARK_LOCAL_IP")}
    os.environ.update({name: spark_cluster.environment[name] for name in given})
    conf = SparkConf(loadDefaults=False).setMaster(spark_cluster.master).setAppName("tests")
    context = SparkContext(conf=conf.setAll([("spark.ui.enabled", "false"), ("spark.log.level", "OFF")]))
    try:
        yield context
    finally:
        context.stop()
        for name, value in given.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
