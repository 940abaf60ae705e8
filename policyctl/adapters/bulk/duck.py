# SPDX-License-Identifier: Apache-2.0
"""DuckDB over Parquet: the embedded engine for questions about records by the million.

Memory is bounded, what does not fit is spilled to the folder. Nothing is fetched at run time: extensions
are neither installed nor loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policyctl.adapters.bulk.engine import Workbench
from policyctl.adapters.bulk.relations import PORTION
from policyctl.errors import CannotCompareError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from sqlglot import exp

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "2GB",
    "preserve_insertion_order": "false",
}


@contextmanager
def open_duck(folder: Path) -> Iterator[DuckWorkbench]:
    """A database in memory."""
    import duckdb

    try:
        config = {**_CONFIG, "temp_directory": str(folder / "spill")}
        with duckdb.connect(config=config) as database:
            database.execute("SET TimeZone = 'UTC'")
            yield DuckWorkbench(folder, database)
    except duckdb.Error as error:
        said = str(error).strip().splitlines()[0]
        raise CannotCompareError(
            f"the records could not be decided: {said}",
            hint="make room on the disk, or mend the file; run it again",
        ) from error


class DuckWorkbench(Workbench):
    """The relations of one database."""

    dialect = "duckdb"

    def __init__(self, folder: Path, database: DuckDBPyConnection) -> None:
        super().__init__(folder)
        self._database = database

    def define(self, name: str, query: exp.Query) -> None:
        """Make a relation of a query."""
        self._relation(query).create_view(name)

    def rows(self, query: exp.Select) -> list[tuple[Any, ...]]:
        """The rows of a query, which must be few."""
        found: list[tuple[Any, ...]] = self._relation(query).fetchall()
        return found

    def stream(self, query: exp.Select) -> Iterator[tuple[Any, ...]]:
        """The rows of a query of any size."""
        cursor = self._database.cursor()
        cursor.execute(query.sql(dialect=self.dialect))
        while rows := cursor.fetchmany(PORTION):
            yield from rows

    def explain(self, query: exp.Select) -> str:
        """The query as this engine gets it, and how it means to go about it."""
        return f"{query.sql(dialect=self.dialect, pretty=True)}\n\n{self._relation(query).explain()}"

    def _view(self, name: str, files: Sequence[Path]) -> None:
        self._database.read_parquet([str(file) for file in files]).create_view(name)

    def _write(self, query: exp.Select, path: Path) -> int:
        import pyarrow.parquet as pq

        self._relation(query).write_parquet(str(path), compression="zstd")
        return int(pq.read_metadata(path).num_rows)

    def _relation(self, query: exp.Query) -> Any:
        return self._database.sql(query.sql(dialect=self.dialect))
