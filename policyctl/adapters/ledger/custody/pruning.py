# SPDX-License-Identifier: Apache-2.0
"""Proof that has outlived its purpose, taken out of the ledger.

1. Data is known to be gone when it was said to be deleted (tag_end), or when its person was erased. Whoever
   was erased before the limit has no choices, acceptances, objections and delivery events in the ledger any
   more, and no tags; of others the tags go whose data was gone by then (tag_pruning.py).
2. The triggers that refuse it stand aside within the one transaction, and are back at its end.
3. Each stretch of entries, and of batches, that lost rows gets a cut record with the digest of what is left
   (core/proof/cuts.py), which holds all of an earlier cut that it touches.
4. Of reports of deliveries a number stays, so that a version does not look as if nobody had been told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, func, select, text

from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import Driver, driver_of
from policyctl.adapters.ledger.base.epochs import read_epochs
from policyctl.adapters.ledger.checking.entries import left_of_entries
from policyctl.adapters.ledger.checking.tags import left_of_batches
from policyctl.adapters.ledger.custody.tag_pruning import NewTiles, TagPruning
from policyctl.adapters.ledger.proving.cuts import add_cut, read_cuts
from policyctl.adapters.ledger.sending.outbox import ranked_reports
from policyctl.adapters.tables import OUTBOX, REPORT_CUT, microseconds
from policyctl.core.custody import Pruned
from policyctl.core.notices.outbox import DeliveryName
from policyctl.core.proof.cuts import Cut, CutOf

_GONE = "SELECT subject_no FROM subject WHERE erased_at <= {limit}"
_OF_SUBJECT = f"subject_no IN ({_GONE})"
_OF_NOTICE = f"nid IN (SELECT nid FROM outbox WHERE subject_no IN ({_GONE}))"  # noqa: S608 - our own
_DELETE = "DELETE FROM {} WHERE {}"
_CHAINED = {
    "choice": _OF_SUBJECT,
    "admission": _OF_SUBJECT,
    "objection": _OF_SUBJECT,
    "reminder_stop": _OF_SUBJECT,
    "delivery_event": _OF_NOTICE,
    "tag_end": f"({_OF_SUBJECT} OR ended_at <= {{limit}})",
}
# No part of the record; the newest of each command says when it ran last.
_OLD_RUNS = "started_at <= {limit} AND run_no NOT IN (SELECT max(run_no) FROM run GROUP BY command)"
_Stretch = tuple[int, int]


class Pruning:
    """What was proven about people and data that were gone by ``limit``."""

    def __init__(self, connection: Connection, limit: datetime) -> None:
        self.connection = connection
        self._limit = microseconds(limit)
        self._driver: Driver = driver_of(connection)
        self._tags = TagPruning(self._driver, self._limit, read_epochs(connection).numbers)

    def _which(self, words: str) -> str:
        return words.format(limit=self._limit)

    def counted(self) -> Pruned:
        """How much there is to take out."""
        tags = {name: sum(counts.values()) for name, counts in self._tags.found().items()}
        corrections = tags.pop("tag_correction")
        ((runs,),) = self._driver.rows(f"SELECT count(*) FROM run WHERE {self._which(_OLD_RUNS)}")  # noqa: S608 - our own
        rows = {**self._rows[0], "tag": sum(tags.values()), "tag_correction": corrections, "run": runs}
        cuts = len(self._stretches(CutOf.ENTRY)) + len(self._stretches(CutOf.BATCH))
        return Pruned(len(self._people()), tuple(rows.items()), cuts)

    def _people(self) -> set[int]:
        query = "SELECT DISTINCT subject_no FROM {} WHERE {}"
        people = {
            number
            for name, words in _CHAINED.items()
            if words != _OF_NOTICE
            for (number,) in self._driver.rows(query.format(name, self._which(words)))
        }
        told = "SELECT DISTINCT o.subject_no FROM delivery_event d JOIN outbox o ON o.nid = d.nid WHERE o.{}"
        people |= {number for (number,) in self._driver.rows(told.format(self._which(_OF_SUBJECT)))}
        return people | self._tags.people

    @cached_property
    def _rows(self) -> tuple[dict[str, int], Counter[int]]:
        """How many rows of each chained table go, and of each entry."""
        per_table, entries = dict[str, int](), Counter[int]()
        for name, words in _CHAINED.items():
            query = f"SELECT entry, count(*) FROM {name} WHERE {self._which(words)} GROUP BY entry"  # noqa: S608 - our own
            rows = self._driver.rows(query)
            per_table[name] = sum(count for _, count in rows)
            entries.update(dict(rows))
        return per_table, entries

    @cached_property
    def _batches(self) -> Counter[int]:
        """How many tags of each batch go."""
        return sum(self._tags.found().values(), Counter[int]())

    def _gone(self, what: CutOf) -> Counter[int]:
        return self._rows[1] if what is CutOf.ENTRY else self._batches

    def _stretches(self, what: CutOf) -> list[_Stretch]:
        """Numbers that lie side by side, each with all of an earlier cut that it touches (3)."""
        cuts, gone = [cut for cut in read_cuts(self._driver) if cut.what is what], self._gone(what)
        touched = [(cut.first, cut.last) for cut in cuts if any(map(cut.holds, gone))]
        found: list[_Stretch] = []
        for first, last in sorted([*((number, number) for number in gone), *touched]):
            if found and first <= found[-1][1] + 1:
                found[-1] = (found[-1][0], max(found[-1][1], last))
            else:
                found.append((first, last))
        return _with_whole(found, [(cut.first, cut.last) for cut in cuts])

    def cut(self, writer: Writer, rule: str) -> Pruned:
        """Take it out, and record that."""
        done = self.counted()
        self.connection.exec_driver_sql(_DELETE.format("run", self._which(_OLD_RUNS)))
        if not done.people:
            return done
        stretches = {what: self._stretches(what) for what in (CutOf.ENTRY, CutOf.BATCH)}
        writer.add(REPORT_CUT, self._reports())
        self._lay_tiles(self._tags.leave_hashes())
        self._delete(self._tags.deletions())
        self._delete((name, _DELETE.format(name, self._which(words))) for name, words in _CHAINED.items())
        receipts = self._which(_OF_SUBJECT)
        self.connection.exec_driver_sql(f"DELETE FROM answer_receipt WHERE {receipts}")  # noqa: S608 - our own
        for what, left_of in ((CutOf.ENTRY, left_of_entries), (CutOf.BATCH, left_of_batches)):
            left = left_of(self._driver, stretches[what])
            for (first, last), digest in zip(stretches[what], left, strict=True):
                gone = sum(count for number, count in self._gone(what).items() if first <= number <= last)
                add_cut(writer, Cut(what, first, last, gone, digest, rule))
        return done

    def _reports(self) -> list[dict[str, Any]]:
        """Of how many addressees the reports go, by notice and the report that decides (4)."""
        those = ranked_reports().where(text(self._which(_OF_NOTICE))).subquery()
        query = (
            select(OUTBOX.c.notice_no, those.c.rank, func.count())
            .select_from(OUTBOX.join(those, those.c.nid == OUTBOX.c.nid))
            .group_by(OUTBOX.c.notice_no, those.c.rank)
        )
        names = list(DeliveryName)
        return [
            {"notice_no": notice_no, "event": names[rank].value, "addressees": count}
            for notice_no, rank, count in self.connection.execute(query)
        ]

    def _delete(self, statements: Iterable[tuple[str, str]]) -> None:
        for table, statement in statements:
            with _unguarded(self.connection, table):
                self.connection.exec_driver_sql(statement)

    def _lay_tiles(self, tiles: list[NewTiles]) -> None:
        mark = "?" if self.connection.dialect.name == "sqlite" else "%s"
        for table in ("batch", "batch_seal"):
            rows = [(found, number) for name, number, found in tiles if name == table]
            if rows:
                with _unguarded(self.connection, table):
                    statement = f"UPDATE {table} SET tiles = {mark} WHERE batch_no = {mark}"  # noqa: S608 - our own
                    self.connection.exec_driver_sql(statement, rows)


def _with_whole(found: list[tuple[int, int]], cuts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches that grew together may touch a cut that none of their entries did: hold all of it too."""
    grown = list(found)
    for first, last in cuts:
        inside = [one for one in grown if one[0] <= last and first <= one[1]]
        if inside:
            whole = (min(first, *(one[0] for one in inside)), max(last, *(one[1] for one in inside)))
            grown = [one for one in grown if one not in inside] + [whole]
    return sorted(grown)


@contextmanager
def _unguarded(connection: Connection, table: str) -> Iterator[None]:
    """The triggers of a table aside (2). What fails meanwhile takes the whole transaction back."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        return
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
    triggers = driver_of(connection).rows(query, table)
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, words in triggers:
        connection.exec_driver_sql(words)
