# SPDX-License-Identifier: Apache-2.0
"""The entries of the chain as they are on record now: each table is read once, by entry, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from tempfile import TemporaryFile
from typing import IO, Any

from sqlalchemy import LargeBinary, Table

from policyctl.adapters.ledger.base.chain import chained, entry_digest, plain_digest, raw_line, told
from policyctl.adapters.ledger.base.driver import Driver, Row
from policyctl.adapters.tables import METADATA
from policyctl.core.proof.cuts import LeftOvers
from policyctl.core.proof.flaws import Flaw, FlawKind
from policyctl.core.proof.walk import RESTORE, ChainWalk, Suspect

AT_ONCE = 2_000
"""Rows of each table that are held at a time, as some twenty are read side by side."""
IN_MEMORY = 50_000
"""Lines of one entry that are sorted in memory; more go through temporary files."""
LOOKED_AT = 5_000
"""Lines of a bad entry that are kept, to find out what it holds."""

_SOME = "SELECT seq, kind, recorded_at FROM entry WHERE seq BETWEEN {} AND {} ORDER BY seq"
_ENTRIES = (
    "SELECT e.seq, e.kind, e.recorded_at, c.digest, c.root FROM entry e LEFT JOIN chain c ON c.entry = e.seq "
    "ORDER BY e.seq"
)
_LINKS_ALONE = (
    "SELECT c.entry FROM chain c WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.seq = c.entry) "
    "ORDER BY c.entry LIMIT 1"
)


def walk_entries(driver: Driver, walk: ChainWalk) -> int:
    """Lead the walk over every entry; how many rows were read."""
    tables = Tables(driver)
    rows = 0
    for seq, kind, recorded_at, digest, root in streamed(driver, _ENTRIES):
        content = tables.of(seq)
        head = _head(seq, kind, recorded_at)
        found = content.digest(head)
        written = None if digest is None else bytes(digest)
        if found != written and content.plain_digest(head) == written:
            found = written or b""  # from before there was a tree over the lines (chain.py, 2)
        if not walk.take(seq, found, written, None if root is None else bytes(root)) and written:
            walk.suspect(_suspect(content, (seq, kind, recorded_at), written, found))
        rows += 2 + content.size
    walk.flaws += (_orphans(entry, table, walk.server) for entry, table in tables.left_over())
    for (entry,) in driver.rows(_LINKS_ALONE):
        message = f"entry {entry} is missing, and its link is still there"
        walk.flaws.append(
            Flaw(FlawKind.MISSING, f"entry {entry}", message, RESTORE, "entry", entry, walk.server)
        )
    return rows


def left_of_entries(driver: Driver, stretches: Sequence[tuple[int, int]]) -> list[bytes]:
    """What a cut record has to say is left of the entries of each stretch, which stand there now. Stretches
    (first, last) come in order and do not touch; the tables are read once for all of them.
    """
    if not stretches:
        return []
    around = (stretches[0][0], stretches[-1][1])
    tables, left = Tables(driver, around), LeftOvers(stretches)
    for seq, kind, recorded_at in streamed(driver, _SOME.format(*around)):
        content = tables.of(seq)
        if left.holds(seq):
            left.take(seq, content.digest(_head(seq, kind, recorded_at)))
    return left.digests()


def _head(seq: int, kind: str, recorded_at: int) -> bytes:
    """The line of an entry's own values, as raw_line makes it."""
    return b'["entry", %d, %b, %d]\n' % (seq, _in_json(kind), recorded_at)


@lru_cache
def _in_json(kind: str) -> bytes:
    return json.dumps(kind).encode()


def _orphans(entry: int, table: str, server: int) -> Flaw:
    message = f"rows of {table} name entry {entry}, which is not there"
    return Flaw(FlawKind.ALTERED, f"entry {entry}", message, RESTORE, table, entry, server)


def _suspect(content: Content, head: tuple[int, str, int], digest: bytes, found: bytes) -> Suspect:
    seq, kind, at = head
    kept = content.few()

    def as_if(other: int) -> Sequence[bytes]:
        line = raw_line("entry", (other, kind, at))
        return () if kept is None else (entry_digest(line, kept), plain_digest(line, kept))

    return Suspect(seq, kind, digest, found, as_if, content.counts)


def streamed(driver: Driver, query: str, size: int = AT_ONCE) -> Iterator[Row]:
    """The rows of a query, a portion at a time."""
    for portion in driver.stream(query, size):
        yield from portion


@dataclass(slots=True)
class Content:
    """The rows of one entry as sorted lines: in memory, or in files where there are many."""

    lines: list[bytes]
    files: list[IO[bytes]]
    counts: dict[str, int]

    @property
    def size(self) -> int:
        """How many rows."""
        return sum(self.counts.values())

    def take(self, line: bytes) -> None:
        """One more row."""
        self.lines.append(line)
        if len(self.lines) == IN_MEMORY:
            file = TemporaryFile()  # noqa: SIM115 - closed when it is dropped; it has no name
            file.writelines(sorted(self.lines))
            file.seek(0)
            self.files.append(file)
            self.lines = []

    def digest(self, head: bytes) -> bytes:
        """The hash of the entry with this line of its own values before the rest (chain.py, 2)."""
        return entry_digest(head, self._sorted())

    def plain_digest(self, head: bytes) -> bytes:
        """The hash that the entry had before there was a tree over its lines."""
        return plain_digest(head, self._sorted())

    def _sorted(self) -> Iterable[bytes]:
        self.lines.sort()
        for file in self.files:
            file.seek(0)
        return merge(*self.files, self.lines) if self.files else self.lines

    def few(self) -> list[bytes] | None:
        """The sorted lines, where they are few."""
        return None if self.files or len(self.lines) > LOOKED_AT else self.lines


class Tables:
    """Every table whose rows are lines of the chain, each read on as far as the entry that is asked for.
    ``among``: only entries with these numbers, first and last.
    """

    def __init__(self, driver: Driver, among: tuple[int, int] | None = None) -> None:
        only = "entry IS NOT NULL" if among is None else "entry BETWEEN {} AND {}".format(*among)
        readers = [_Reader(driver, METADATA.tables[name], only) for name in chained()]
        self._readers = [reader for reader in readers if reader.entry is not None]
        self._strays: list[tuple[int, str]] = []

    def of(self, seq: int) -> Content:
        """The rows of an entry; entries are asked for in order."""
        found = Content([], [], {})
        ended = False
        for reader in self._readers:
            entry = reader.entry
            if entry is not None and entry <= seq:
                if entry < seq:
                    self._pass(reader, seq)
                reader.read(seq, found)
                ended = ended or reader.entry is None
        if ended:
            self._readers = [reader for reader in self._readers if reader.entry is not None]
        return found

    def _pass(self, reader: _Reader, seq: int) -> None:
        """Rows of an entry that was not asked for, so is not there."""
        while reader.entry is not None and reader.entry < seq:
            self._strays.append((reader.entry, reader.name))
            reader.read(reader.entry, Content([], [], {}))

    def left_over(self) -> list[tuple[int, str]]:
        """The entries, with the table, that rows name and that are not there: the first of each table."""
        for reader in self._readers:
            if reader.entry is not None:
                self._strays.append((reader.entry, reader.name))
        found: dict[str, int] = {}
        for entry, table in self._strays:
            found.setdefault(table, entry)
        return [(entry, table) for table, entry in found.items()]


class _Reader:
    """One table, by entry. ``entry`` is that of the next row, None at the end."""

    def __init__(self, driver: Driver, table: Table, only: str) -> None:
        self.name = table.name
        columns = told(table)
        query = f"SELECT entry, {', '.join(columns)} FROM {table.name} WHERE {only} ORDER BY entry"  # noqa: S608 - our own names
        self._rows = streamed(driver, query)
        self._line = line_of(table)
        self._next: Row | None = None
        self.entry: int | None = None
        self._step()

    def _step(self) -> None:
        self._next = next(self._rows, None)
        self.entry = None if self._next is None else self._next[0]

    def read(self, seq: int, into: Content) -> None:
        """The rows of an entry, from the next row on."""
        row, line, count = self._next, self._line, 0
        rows, take = self._rows, into.take
        while row is not None and row[0] == seq:
            take(line(row[1:]))
            count += 1
            row = next(rows, None)
        self._next = row
        self.entry = None if row is None else row[0]
        if count:
            into.counts[self.name] = into.counts.get(self.name, 0) + count


def line_of(table: Table) -> Callable[[Sequence[Any]], bytes]:
    """Makes the line of a row as the driver gives it: numbers, texts and bytes."""
    names = told(table)
    binary = [place for place, name in enumerate(names) if isinstance(table.c[name].type, LargeBinary)]
    later = {names.index(column.name): column.info["later"] for column in table.c if "later" in column.info}
    early = [place for place in range(len(names)) if place not in later]
    name, is_batch = table.name, table.name == "batch"

    def line(values: Sequence[Any]) -> bytes:
        if later and all(values[place] == nothing for place, nothing in later.items()):
            values = [values[place] for place in early]
        elif binary:
            values = list(values)
            for place in binary:
                values[place] = None if values[place] is None else values[place].hex()
            if is_batch and values[-1] is None:
                values.pop()
        return json.dumps((name, *values)).encode() + b"\n"

    return line
