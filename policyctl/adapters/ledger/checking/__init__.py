# SPDX-License-Identifier: Apache-2.0
"""A ledger looked through from outside: is what is on record what was written? Reads only.

It needs the database and nothing else: no key of pseudonyms, no git, no settings. What the look says is
thought in core/proof; here rows are read, each table once and in order, so that any number of them takes the
memory of a few portions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from policyctl.adapters.ledger.base import engine
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.instance import read_instance
from policyctl.adapters.ledger.checking.entries import walk_entries
from policyctl.adapters.ledger.checking.strays import stray_flaws
from policyctl.adapters.ledger.checking.tags import bad_batches
from policyctl.adapters.ledger.checking.told import tell
from policyctl.adapters.ledger.proving.cuts import count_cuts, read_cuts
from policyctl.core.proof.cuts import CutOf, CutsCrossError, CutWalk, governing
from policyctl.core.proof.flaws import Flaw, FlawKind
from policyctl.core.proof.heads import Anchor, LedgerHead
from policyctl.core.proof.walk import RESTORE, ChainWalk

__all__ = ["Counts", "Looked", "OnRecord", "Record", "first_bad_entry", "look_through", "open_record"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was looked at: rows of all tables, the tags among them, cut records."""

    rows: int = 0
    tags: int = 0
    cuts: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look through one ledger found: flaws in the order of entries, the head that it ends at."""

    head: LedgerHead
    flaws: tuple[Flaw, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class OnRecord:
    """A version as the ledger holds it; ``entry`` is the one that wrote it."""

    slug: str
    number: int
    commit: str
    text_sha256: str
    entry: int


def open_record(url: str) -> Record:
    """The ledger at a URL, to be looked through; UsageError for a URL that is none of a ledger."""
    return Record(url)


class Record:
    """One ledger, open for looking. CannotCompareError where there is none."""

    def __init__(self, url: str) -> None:
        self._engine = engine.open_engine(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; idempotent."""
        self._engine.dispose()

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """One look, in which nothing changes."""
        with engine.reading(self._engine) as connection:
            yield connection

    def versions(self) -> tuple[OnRecord, ...]:
        """The versions on record, by slug and number."""
        query = (
            "SELECT p.slug, v.number, v.commit_id, v.text_sha256, v.entry FROM version v "
            "JOIN policy p ON p.policy_no = v.policy_no ORDER BY p.slug, v.number"
        )
        with self.look() as connection:
            return tuple(OnRecord(*row) for row in driver_of(connection).rows(query))

    def lost_up_to(self) -> int:
        """Up to which entry heads that were kept outside are known to be lost (`ledger adopt`)."""
        with self.look() as connection:
            return read_instance(connection).lost_up_to

    def through(self, anchors: Sequence[Anchor] = (), *, server: int = 0) -> Looked:
        """Look through all of it."""
        with self.look() as connection:
            return look_through(connection, anchors, server=server)


def look_through(connection: Connection, anchors: Sequence[Anchor] = (), *, server: int = 0) -> Looked:
    """Every entry, link, batch and tag of a ledger, held against each other and against ``anchors``."""
    driver = driver_of(connection)
    cuts = read_cuts(driver)
    try:
        of_entries, of_batches = (CutWalk(governing(cuts, what)) for what in (CutOf.ENTRY, CutOf.BATCH))
    except CutsCrossError as error:
        head = LedgerHead(0)
        return Looked(head, (Flaw(FlawKind.ALTERED, "cut records", str(error), RESTORE, "cut"),), Counts())
    walk = ChainWalk(anchors, of_entries, server)
    rows = walk_entries(driver, walk)
    walk.end()
    found, tags = bad_batches(driver, of_batches, server)
    flaws = [*tell(driver, walk), *found, *stray_flaws(driver, server)]
    flaws.sort(key=lambda flaw: (flaw.entry is None, flaw.entry or 0))
    return Looked(walk.head, tuple(flaws), Counts(rows + tags, tags, count_cuts(driver)))


def first_bad_entry(connection: Connection) -> int | None:
    """The first entry that is not what it was when it was written; None where all are."""
    flaws = look_through(connection).flaws
    return min((flaw.entry or 1 for flaw in flaws), default=None)
