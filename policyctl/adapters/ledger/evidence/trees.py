# SPDX-License-Identifier: Apache-2.0
"""The tree over the rows of one entry: all of it, or by its tiles (core/proof/tiles.py)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property

from policyctl.adapters.ledger.base.chain import chained, told
from policyctl.adapters.ledger.base.driver import Driver
from policyctl.adapters.ledger.checking.entries import line_of
from policyctl.adapters.tables import METADATA
from policyctl.core import merkle
from policyctl.core.proof.rows import Path
from policyctl.core.proof.tiles import Tiles, lies_between, numbers_between


class Whole:
    """A tree of which every line is at hand, sorted."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines

    @cached_property
    def _levels(self) -> list[Sequence[bytes]]:
        return merkle.levels([merkle.leaf_hash(line) for line in self._lines])

    def path(self, line: bytes) -> Path | None:
        """The path of a line; None for one that is not there."""
        place = bisect_left(self._lines, line)
        if self._lines[place : place + 1] != [line]:
            return None
        return Path(place, len(self._lines), merkle.path_in(self._levels, place))


class Tiled:
    """A tree whose tiles were kept: only the lines of a tile that is asked for are read."""

    def __init__(self, driver: Driver, entry: int, tiles: Tiles) -> None:
        self._driver = driver
        self._entry = entry
        self._tiles = tiles
        self._lines: dict[int, list[bytes]] = {}

    def path(self, line: bytes) -> Path | None:
        """The path of a line; None where the rows beside it are not those of then."""
        tile = self._tiles.tile_of(line)
        if tile not in self._lines:
            self._lines[tile] = _between(self._driver, self._entry, *self._tiles.bounds(tile))
        return self._tiles.path(tile, self._lines[tile], line)


def _between(driver: Driver, entry: int, first: bytes, after: bytes | None) -> list[bytes]:
    """The lines of an entry from ``first`` on, before ``after``, sorted."""
    found: list[bytes] = []
    for name in chained():
        if not lies_between(name, first, after):
            continue
        table = METADATA.tables[name]
        columns, make = told(table), line_of(table)
        query = f"SELECT {', '.join(columns)} FROM {name} WHERE entry = ?"  # noqa: S608 - our own names
        ranges = numbers_between(name, first, after)
        if ranges is None:
            rows = driver.rows(query, entry)
        else:
            among = f"{query} AND {columns[0]} BETWEEN ? AND ?"
            rows = [row for least, most in ranges for row in driver.rows(among, entry, least, most)]
        found += map(make, rows)
    return sorted(line for line in found if line >= first and (after is None or line < after))
