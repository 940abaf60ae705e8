# SPDX-License-Identifier: Apache-2.0
"""The chain: each entry's rows are hashed, and each hash is bound to all before it.

1. A row is one line: its table, then its values in the order of the columns, as JSON. What may be
   erased (``ext_id``, ``salt``, ``erased_at``, addresses, names of records) is left out, and so are
   the columns that a later release added, unless one of them says something.
2. The digest of an entry is the SHA-256 of a byte 2, a line of its own values, and the root of the Merkle
   tree (RFC 9162) over its lines, sorted; so one line can be proven without showing the others. Until this
   was so it was the SHA-256 of the line of its own values and all lines, sorted: such entries still hold.
3. A batch of tags is one row. Its digest is the SHA-256 over its tags in the order of their key
   (packed.py); its root, that of their Merkle tree (proofs.py). A large batch has no root, and none in
   its line. One without tiles, even empty ones, is from before step 0004: its digest is over the tags
   as COPY has them.
4. The root of an entry is the SHA-256 of the root before it and its own digest.

Whoever kept one root can tell that nothing before it was altered, left out or put elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Table

from policyctl.adapters.ledger.base.driver import Driver
from policyctl.adapters.tables import CHAIN, ENTRY_TILE, METADATA, microseconds
from policyctl.core import merkle
from policyctl.core.proof.heads import LedgerHead
from policyctl.core.proof.tiles import MANY, cut_into_tiles

NEWEST = (
    "SELECT (SELECT coalesce(max(seq), 0) FROM entry), (SELECT root FROM chain ORDER BY entry DESC LIMIT 1)"
)
"""The number of the last entry, and its root; None in an empty ledger."""

_START = bytes(32)
_LEFT_OUT = {"entry", "ext_id", "salt", "erased_at", "tiles"}
# Written in the same transaction but not part of the record: what leads to a subject or a row, what is owed.
_NOT_CHAINED = {"chain", "entry_tile", "pseudonym", "outbox"}


@dataclass(slots=True)
class Lines:
    """The rows of one entry as lines (1)."""

    lines: list[bytes] = field(default_factory=list)

    def add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Note rows of a table that names its entry."""
        if table.name in chained():
            names, line = told(table), _liner(table)
            self.lines += (line([row[name] for name in names]) for row in rows)

    def digest(self, seq: int, kind: str, recorded_at: datetime | int) -> bytes:
        """The hash of the entry (2). A time may be given as the table holds it."""
        return self.sealed(seq, kind, recorded_at)[0]

    def sealed(self, seq: int, kind: str, recorded_at: datetime | int) -> tuple[bytes, bytes]:
        """The hash of the entry, and where it has very many rows their tiles (core/proof/tiles.py)."""
        head, lines = raw_line("entry", (seq, kind, recorded_at)), sorted(self.lines)
        if len(lines) < MANY:
            return entry_digest(head, lines), b""
        root, tiles = cut_into_tiles(lines)
        return digest_by_root(head, root), tiles


def entry_digest(head: bytes, lines: Iterable[bytes]) -> bytes:
    """The hash of an entry with this line of its own values and these lines, sorted (2)."""
    return digest_by_root(head, merkle.streamed_root(map(merkle.leaf_hash, lines)))


def digest_by_root(head: bytes, root: bytes) -> bytes:
    """The same by the root of the tree over its lines."""
    return sha256(b"\2" + head + root).digest()


def plain_digest(head: bytes, lines: Iterable[bytes]) -> bytes:
    """The hash that it had before there was a tree over its lines (2)."""
    found = sha256(head)
    for line in lines:
        found.update(line)
    return found.digest()


@cache
def told(table: Table) -> list[str]:
    """The columns that are part of a row's line."""
    return [column.name for column in table.c if column.name not in _LEFT_OUT]


@cache
def _liner(table: Table) -> Callable[[Sequence[Any]], bytes]:
    """Makes a row's line. One that an earlier release could have written hashes as it did there."""
    names = told(table)
    later = {names.index(column.name): column.info["later"] for column in table.c if "later" in column.info}
    early = [place for place in range(len(names)) if place not in later]

    def line(values: Sequence[Any]) -> bytes:
        silent = later and all(values[place] == nothing for place, nothing in later.items())
        return raw_line(table.name, (values[place] for place in early) if silent else values)

    return line


@cache
def chained() -> tuple[str, ...]:
    """The tables whose rows are lines of the chain."""
    return tuple(
        name for name, table in METADATA.tables.items() if "entry" in table.c and name not in _NOT_CHAINED
    )


def raw_line(table: str, values: Iterable[Any]) -> bytes:
    """A row of a table as a line (1)."""
    found = [table, *map(_plain, values)]
    if table == "batch" and found[-1] is None:
        found.pop()  # the root, for which the first lines had no place
    return json.dumps(found, ensure_ascii=True).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return microseconds(value)
    return value.hex() if isinstance(value, bytes) else value


def root_before(found: Any) -> bytes:
    """The root that an entry follows, as :data:`NEWEST` finds it."""
    return _START if found is None else bytes(found)


def add_link(driver: Driver, entry: tuple[int, str, datetime], before: bytes, lines: Lines) -> None:
    """Add the root of an entry (4): its number, kind and moment; ``before``: the root of the one before."""
    digest, tiles = lines.sealed(*entry)
    row = (entry[0], digest, sha256(before + digest).digest())
    driver.insert(CHAIN.name, ("entry", "digest", "root"), [row])
    if tiles:
        driver.insert(ENTRY_TILE.name, ("entry", "tiles"), [(entry[0], tiles)])


def root_at(driver: Driver, entry: int) -> str:
    """The root at an entry in hex; empty where there is none."""
    found = driver.rows("SELECT root FROM chain WHERE entry = ?", entry)
    return bytes(found[0][0]).hex() if found else ""


def head(driver: Driver) -> LedgerHead:
    """The last entry, and the root that stands for all."""
    ((entry, root),) = driver.rows(NEWEST)
    return LedgerHead(entry, root_before(root))
