# SPDX-License-Identifier: Apache-2.0
"""What every engine offers: relations by name, queries on them, and outputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policyctl.adapters.bulk import relations, tag_files
from policyctl.adapters.bulk.outputs import beside, settle, writing
from policyctl.errors import Place

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp


class Workbench(ABC):
    """Relations lie in Parquet files of ``folder``; the engine reads them there."""

    dialect: str

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> int:
        """Make a relation of rows, which are taken a portion at a time; how many."""
        path = self._folder / f"{name}.parquet"
        count = relations.write_rows(path, columns, rows)
        self._view(name, [path])
        return count

    def put_tags(self, portions: Iterable[Sequence[Sequence[Any]]], name: str = "tag") -> int:
        """Make a relation of portions of rows of :data:`relations.TAG_COLUMNS`; how many."""
        path = self._folder / f"{name}.parquet"
        count = relations.write_tags(path, portions)
        self._view(name, [path])
        return count

    def open_file(self, path: Path) -> dict[str, str]:
        """Make the relation ``file`` of a Parquet file of tags, or of a folder of them; its columns, and
        the kind of each. Errors as those of :func:`tag_files.check`.
        """
        files = tag_files.parts(path)
        schema, kinds = tag_files.check(files)
        self._view_file(self._links(files), Place(str(path)), schema)
        return kinds

    def open_epochs(self, files: Sequence[Path]) -> None:
        """Make the relation ``file`` of exports of epochs."""
        self._view("file", self._links(files))

    def _links(self, files: Sequence[Path]) -> list[Path]:
        """By names of ours, as engines take some signs of a path for wildcards."""
        folder = self._folder / "file"
        folder.mkdir()
        links = [folder / f"{number:06d}.parquet" for number in range(len(files))]
        for link, file in zip(links, files, strict=True):
            link.symlink_to(file.resolve())
        return links

    @contextmanager
    def written(self, queries: Sequence[tuple[exp.Select, Path]], *, over: bool) -> Iterator[list[int]]:
        """Write the rows of queries, and yield how many each has. At the end of the block each output is
        there whole; where the block or a query fails, none is. ``over``: in the place of one that may be
        there; else RefusedError where there is one.
        """
        with ExitStack() as stack:
            fresh = [stack.enter_context(beside(path)) for _, path in queries]
            yield [
                self._put_out(query, place, path) for (query, path), place in zip(queries, fresh, strict=True)
            ]
            for place, (_, path) in zip(fresh, queries, strict=True):
                settle(place, path, over=over)

    def _put_out(self, query: exp.Select, place: Path, path: Path) -> int:
        with writing(path):
            return self._write(query, place)

    def _view_file(self, files: Sequence[Path], place: Place, schema: pa.Schema) -> None:  # noqa: ARG002 - for engines that lack a type
        """Make the relation ``file``; InputError where this engine cannot read a column."""
        self._view("file", files)

    @abstractmethod
    def define(self, name: str, query: exp.Query) -> None:
        """Make a relation of a query."""

    @abstractmethod
    def rows(self, query: exp.Select) -> list[tuple[Any, ...]]:
        """The rows of a query, which must be few."""

    @abstractmethod
    def stream(self, query: exp.Select) -> Iterator[tuple[Any, ...]]:
        """The rows of a query of any size."""

    @abstractmethod
    def explain(self, query: exp.Select) -> str:
        """The query as this engine gets it, and how it means to go about it."""

    @abstractmethod
    def _view(self, name: str, files: Sequence[Path]) -> None:
        """Make a relation of Parquet files that have the same columns."""

    @abstractmethod
    def _write(self, query: exp.Select, path: Path) -> int:
        """Write a query's rows as Parquet; how many. Nothing is at ``path`` yet."""
