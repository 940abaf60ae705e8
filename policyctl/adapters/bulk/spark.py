# SPDX-License-Identifier: Apache-2.0
"""Apache Spark over Parquet: the same relations and the same tree, on as many machines as there are.

Only SQL goes to the workers, so they need Java and no Python. What they read and write lies in files that
they and this process see under the same names: the folder, the file of tags, the outputs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policyctl.adapters.bulk.engine import Workbench
from policyctl.errors import CannotCompareError, InputError, Place

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from sqlglot import exp

    from policyctl.adapters.bulk.cluster import Cluster

# How the context starts. Sizes and secrets of a cluster stand where Spark looks for them (SPARK_CONF_DIR).
_CONTEXT = {
    "spark.app.name": "policyctl may-use --bulk",
    "spark.ui.enabled": "false",  # a page without a lock that shows what is asked
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
_LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
# What the answer hangs on, whatever a cluster has for defaults.
_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "false",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    # Spark has no nanoseconds: so they come as numbers, and are seen.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # A task that was written half by a worker that died leaves nothing in the output.
    "mapreduce.fileoutputcommitter.algorithm.version": "1",
}
_WAIT = 60.0
_SAID = 300


@contextmanager
def open_spark(folder: Path, cluster: Cluster) -> Iterator[SparkWorkbench]:
    """A session on the cluster. Where this process runs Spark already, that is used and left running."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    log = folder / "spark.log"
    try:
        with ExitStack() as stack:
            session = _session(cluster, log, stack)
            for key, value in _SESSION.items():
                session.conf.set(key, value)
            yield SparkWorkbench(folder, session)
    except (PySparkException, Py4JError) as error:
        if _nobody_answered(log):
            raise CannotCompareError(
                f"{cluster.master} took up no application: it is no Spark master, or of another version",
                hint="name the cluster's own address, and install the PySpark of its version; "
                "local[*] needs no cluster",
            ) from error
        raise CannotCompareError(
            f"the records could not be decided on Spark: {_said(error, log)}",
            hint="see that the workers can read and write the same folders, and have room; run it again",
        ) from error


def _session(cluster: Cluster, log: Path, stack: ExitStack) -> SparkSession:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    running = SparkContext._active_spark_context  # noqa: SLF001 - the one that each process may have
    if running is None:
        running = _start(cluster, log)
        stack.callback(running.stop)
        _wait_for_worker(running, cluster)
    return SparkSession(running).newSession()


def _start(cluster: Cluster, log: Path) -> Any:
    """A context of our own; what Java says goes to ``log``, as most of it is no matter of the user's."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    wanted = {**_CONTEXT, **(_LOOPBACK if cluster.only_here else {}), "spark.master": cluster.master}
    conf = SparkConf(loadDefaults=False).setAll(list(wanted.items()))
    gateway = SparkContext._gateway  # noqa: SLF001 - a process has one, also after its context has ended
    if gateway is None:
        with log.open("wb") as output:
            gateway = launch_gateway(conf, {"stdout": output, "stderr": output})
    return SparkContext(conf=conf, gateway=gateway)


def _wait_for_worker(context: Any, cluster: Cluster) -> None:
    """Without a worker a job waits for ever, and says so only in a log."""
    deadline = time.monotonic() + _WAIT
    while cluster.masters and context._jsc.sc().getExecutorMemoryStatus().size() < 2:  # noqa: SLF001, PLR2004 - the first is this process
        if time.monotonic() > deadline:
            raise CannotCompareError(
                f"no worker of {cluster.master} took up the job within {_WAIT:.0f} seconds",
                hint="start workers, or free their cores and memory (spark.executor.memory); run it again",
            )
        time.sleep(0.1)


def _nobody_answered(log: Path) -> bool:
    """Whether Spark gave up its masters, as it does after a minute; its error says only that it stopped."""
    return log.exists() and "masters are unresponsive" in log.read_text("utf-8", errors="replace")


def _said(error: Exception, log: Path) -> str:
    """What went wrong in a line: Spark's own words, else the last that Java said."""
    words = str(error)
    with suppress(Exception):
        words = error.java_exception.getMessage() or words  # type: ignore[attr-defined]
    if "JAVA_GATEWAY_EXITED" in words and log.exists():
        words = log.read_text("utf-8", errors="replace").strip().rpartition("\n")[2] or words
    first: str = words.strip().splitlines()[0]
    return first[:_SAID]


class SparkWorkbench(Workbench):
    """The relations of one session."""

    dialect = "spark"

    def __init__(self, folder: Path, session: SparkSession) -> None:
        super().__init__(folder)
        self._session = session

    def define(self, name: str, query: exp.Query) -> None:
        """Make a relation of a query."""
        self._frame(query).createOrReplaceTempView(name)

    def rows(self, query: exp.Select) -> list[tuple[Any, ...]]:
        """The rows of a query, which must be few."""
        return [tuple(row) for row in self._frame(query).collect()]

    def stream(self, query: exp.Select) -> Iterator[tuple[Any, ...]]:
        """The rows of a query of any size."""
        for row in self._frame(query).toLocalIterator(prefetchPartitions=True):
            yield tuple(row)

    def explain(self, query: exp.Select) -> str:
        """The query as this engine gets it, and how it means to go about it."""
        told = self._session.sql(f"EXPLAIN FORMATTED {query.sql(dialect=self.dialect)}").collect()
        return f"{query.sql(dialect=self.dialect, pretty=True)}\n\n{told[0][0]}"

    def _view(self, name: str, files: Sequence[Path]) -> None:
        self._read(files).createOrReplaceTempView(name)

    def _read(self, files: Sequence[Path]) -> DataFrame:
        return self._session.read.parquet(*[_address(file) for file in files])

    def _view_file(self, files: Sequence[Path], place: Place, schema: pa.Schema) -> None:
        frame = self._read(files)
        for name in _nanoseconds(schema, dict(frame.dtypes)):
            if name != "collected_at":
                raise InputError(
                    f"the column {name!r} has nanoseconds, which Spark has not",
                    hint="write it in microseconds, leave it out, or use --engine duckdb",
                    place=Place(place.file, key=name),
                )
            # To microseconds, as the other engine casts it.
            frame = frame.selectExpr("* EXCEPT (collected_at)", f"{_MOMENT} AS collected_at")
        frame.createOrReplaceTempView("file")

    def _write(self, query: exp.Select, path: Path) -> int:
        import pyarrow.parquet as pq

        path.mkdir()
        self._frame(query).write.mode("append").parquet(_address(path))
        for check_sum in path.glob(".*.crc"):
            check_sum.unlink()
        return sum(int(pq.read_metadata(part).num_rows) for part in path.glob("*.parquet"))

    def _frame(self, query: exp.Query) -> DataFrame:
        return self._session.sql(query.sql(dialect=self.dialect))


def _address(path: Path) -> str:
    """Not as_uri(): Spark takes a quoted name by its letters."""
    return f"file://{path.absolute()}"


_MOMENT = "timestamp_micros(collected_at div 1000)"


def _nanoseconds(schema: pa.Schema, types: Mapping[str, str]) -> list[str]:
    import pyarrow as pa

    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    return [name for name in times if types[name] == "bigint"]
