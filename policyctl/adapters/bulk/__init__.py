# SPDX-License-Identifier: Apache-2.0
"""Engines for questions about records by the million: DuckDB in this process, or Apache Spark.

Both get the same relations and the same SQLGlot tree, each rendered in its own SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from policyctl.adapters.bulk.cluster import Cluster, check_cluster
from policyctl.adapters.bulk.outputs import check_target
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.adapters.bulk.engine import Workbench

__all__ = ["Cluster", "check_target", "workbench"]


@contextmanager
def workbench(cluster: Cluster | None = None) -> Iterator[Workbench]:
    """An engine, and a folder for its files that is gone afterwards: DuckDB, or Spark on ``cluster``.
    UsageError where what it needs is not installed; CannotCompareError where it cannot do its work.
    """
    _check_installed(spark=cluster is not None)
    if cluster is not None:
        check_cluster(cluster)
    place = None if cluster is None else cluster.folder
    with TemporaryDirectory(prefix="policyctl-bulk-", dir=place) as name:
        folder = Path(name)
        if cluster is None:
            from policyctl.adapters.bulk.duck import open_duck

            with open_duck(folder) as duck:
                yield duck
        else:
            from policyctl.adapters.bulk.spark import open_spark

            with open_spark(folder, cluster) as spark:
                yield spark


def _check_installed(*, spark: bool) -> None:
    try:
        import pyarrow as pa  # noqa: F401 - asked here so that its absence has a plain message
        import sqlglot  # noqa: F401

        if spark:
            import pyspark  # noqa: F401
        else:
            import duckdb  # noqa: F401
    except ImportError as error:
        extras = "bulk,spark" if spark else "bulk"
        raise UsageError(
            f"deciding in bulk{' on Spark' if spark else ''} needs {error.name}, which is not installed",
            hint=f"install it with: pip install 'policyctl[{extras}]'",
        ) from error
