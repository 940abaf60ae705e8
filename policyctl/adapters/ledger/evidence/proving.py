# SPDX-License-Identifier: Apache-2.0
"""The path from a row to the digest of its entry, and from there to the head.

An entry's rows are read to make its tree, and leave as hashes. Of one with very many rows only those beside
the one that is wanted are, as its tiles tell the rest (trees.py). One without tiles, as none were kept then,
is read whole up to :data:`MOST` rows; beyond that its rows stand in the bundle without a path, and why.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from policyctl.adapters.ledger.base.chain import (
    chained,
    digest_by_root,
    entry_digest,
    head,
    plain_digest,
    told,
)
from policyctl.adapters.ledger.base.driver import Driver
from policyctl.adapters.ledger.checking.entries import line_of
from policyctl.adapters.ledger.evidence.choosing import Chosen
from policyctl.adapters.ledger.evidence.trees import Tiled, Whole
from policyctl.adapters.ledger.proving.cuts import read_cuts
from policyctl.adapters.tables import METADATA
from policyctl.core.proof.cuts import CutOf
from policyctl.core.proof.heads import START, LedgerHead
from policyctl.core.proof.rows import LedgerPart, Path, Row, TagLeaf
from policyctl.core.proof.tiles import Tiles, read_tiles
from policyctl.errors import IntegrityError

MOST = 500_000
"""Rows of an entry without tiles that a tree is made over."""

_TOO_MANY = "it entered together with more rows than a proof is made over"
_OLD = "it entered before rows could be proven one by one"
_CUT = "rows that entered with it were taken out since, and a cut record says so"


def prove_rows(driver: Driver, chosen: Chosen) -> tuple[LedgerHead, LedgerPart]:
    """The head, and all that was chosen with its proofs. IntegrityError where the ledger is not what was
    hashed.
    """
    end = head(driver)
    rows = sorted(set(chosen.rows))
    entries = sorted({entry for entry, _ in rows})
    first = entries[0] if entries else end.entry + 1
    links: dict[int, bytes] = dict(
        driver.rows("SELECT entry, digest FROM chain WHERE entry >= ? ORDER BY entry", first)
    )
    before = driver.rows("SELECT root FROM chain WHERE entry = ?", first - 1)
    trees = _Trees(driver, entries, {seq: bytes(digest) for seq, digest in links.items()})
    proven = tuple(trees.row(entry, line) for entry, line in rows)
    part = LedgerPart(
        first=first,
        before=bytes(before[0][0]) if before else START,
        links=tuple(bytes(links[seq]) for seq in sorted(links)),
        own={seq: line.decode().rstrip("\n") for seq, line in trees.own.items()},
        rows=proven,
        tags=_tags(chosen, proven),
        names=chosen.names,
    )
    _require_head(part, end)
    return end, part


def _require_head(part: LedgerPart, end: LedgerHead) -> None:
    if deque(part.roots(), maxlen=1)[0] != (end.entry, end.root):
        raise IntegrityError(
            "the links of the ledger do not lead to its head",
            hint="see what is wrong with `policyctl verify`",
        )


class _Trees:
    """The trees of some entries."""

    def __init__(self, driver: Driver, entries: list[int], digests: dict[int, bytes]) -> None:
        self._driver = driver
        self._digests = digests
        self._cuts = [cut for cut in read_cuts(driver) if cut.what is CutOf.ENTRY]
        self.own = {
            seq: b'["entry", %d, "%b", %d]\n' % (seq, kind.encode(), at)
            for seq, kind, at in driver.rows_in(
                "SELECT seq, kind, recorded_at FROM entry WHERE seq IN ?*", entries
            )
        }
        self._tiled = {seq: Tiled(driver, seq, tiles) for seq, tiles in self._tiles(entries)}
        self._whole: dict[int, Whole] = {}
        self._why: dict[int, str] = {}
        self._read([seq for seq in entries if seq not in self._tiled])

    def _tiles(self, entries: list[int]) -> Iterator[tuple[int, Tiles]]:
        """Those that lead to the digest of their entry; others are of no use."""
        query = "SELECT entry, tiles FROM entry_tile WHERE entry IN ?*"
        for seq, kept in self._driver.rows_in(query, entries):
            tiles = read_tiles(bytes(kept))
            if tiles is not None and digest_by_root(self.own[seq], tiles.root) == self._digests.get(seq):
                yield seq, tiles

    def _read(self, entries: list[int]) -> None:
        """The rows of entries, to make their trees anew; or why nothing of one can be proven alone."""
        self._why |= {seq: _CUT for seq in entries if self._is_cut(seq)}
        uncut = [seq for seq in entries if seq not in self._why]
        sizes = _sizes(self._driver, uncut)
        self._why |= {seq: _TOO_MANY for seq in uncut if sizes[seq] > MOST}
        for seq, lines in _lines(self._driver, [seq for seq in uncut if sizes[seq] <= MOST]).items():
            written = self._digests.get(seq)
            if entry_digest(self.own[seq], lines) == written:
                self._whole[seq] = Whole(lines)
            elif plain_digest(self.own[seq], lines) == written:
                self._why[seq] = _OLD
            else:
                raise _altered(seq)

    def _is_cut(self, seq: int) -> bool:
        return any(cut.holds(seq) for cut in self._cuts)

    def row(self, entry: int, line: str) -> Row:
        """A row with its path."""
        if entry in self._why:
            return Row(entry, line, None, self._why[entry])
        tree = self._tiled.get(entry) or self._whole[entry]
        path = tree.path(line.encode() + b"\n")
        if path is None and not self._is_cut(entry):
            raise _altered(entry)
        return Row(entry, line, path, "" if path else _CUT)


def _altered(seq: int) -> IntegrityError:
    return IntegrityError(
        f"the rows of entry {seq} are not those that were written",
        hint="see what is wrong with `policyctl verify`",
    )


def _sizes(driver: Driver, entries: list[int]) -> dict[int, int]:
    found = dict.fromkeys(entries, 0)
    for name in chained():
        query = f"SELECT entry, count(*) FROM {name} WHERE entry IN ?* GROUP BY entry"  # noqa: S608 - our own names
        for seq, count in driver.rows_in(query, entries):
            found[seq] += count
    return found


def _lines(driver: Driver, entries: list[int]) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {seq: [] for seq in entries}
    for name in chained():
        table = METADATA.tables[name]
        make = line_of(table)
        query = f"SELECT entry, {', '.join(told(table))} FROM {name} WHERE entry IN ?*"  # noqa: S608 - our own names
        for row in driver.rows_in(query, entries):
            found[row[0]].append(make(row[1:]))
    return {seq: sorted(lines) for seq, lines in found.items()}


def _tags(chosen: Chosen, rows: tuple[Row, ...]) -> tuple[TagLeaf, ...]:
    """The tags, each with the place of the row that holds its root."""
    places = {
        (row.table, row.values()["batch_no"]): place
        for place, row in enumerate(rows)
        if row.table in {"batch", "batch_seal"}
    }
    found = []
    for leaf, batch, proof in chosen.tags:
        sealed = places.get(("batch_seal", batch))
        place = places["batch", batch] if sealed is None else sealed
        inclusion = proof.inclusion if proof else None
        path = Path(inclusion.index, inclusion.size, inclusion.path) if inclusion else None
        found.append(TagLeaf(leaf, batch, place, path))
    return tuple(found)
