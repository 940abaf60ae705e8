# SPDX-License-Identifier: Apache-2.0
"""Proof that has outlived its purpose, taken out of the ledger.

1. Data is known to be gone when its person was erased. Whoever was erased before the limit has no choices,
   acceptances, objections and delivery events in the ledger any more. Tags stay: they are numbers that stand
   for nobody, and the trees that prove the tags of others are made of them.
2. The triggers that refuse it stand aside within the one transaction, and are back at its end.
3. Each stretch of entries that lost rows gets a cut record with the digest of what is left
   (core/proof/cuts.py), which holds all of an earlier cut that it touches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.checking.entries import left_of_entries
from policyctl.adapters.ledger.proving.cuts import add_cut, read_cuts
from policyctl.adapters.tables import microseconds
from policyctl.core.custody import Pruned
from policyctl.core.proof.cuts import Cut, CutOf

_GONE = "SELECT subject_no FROM subject WHERE erased_at <= {}"
_OF_SUBJECT = "subject_no IN ({})"
_OF_NOTICE = "nid IN (SELECT nid FROM outbox WHERE subject_no IN ({}))"
_CHAINED = {
    "choice": _OF_SUBJECT,
    "admission": _OF_SUBJECT,
    "objection": _OF_SUBJECT,
    "reminder_stop": _OF_SUBJECT,
    "delivery_event": _OF_NOTICE,
}


@dataclass(frozen=True, slots=True)
class Pruning:
    """What was proven about people who were erased by ``limit``."""

    connection: Connection
    limit: datetime

    def _which(self, words: str) -> str:
        return words.format(_GONE.format(microseconds(self.limit)))

    def counted(self) -> Pruned:
        """How much there is to take out."""
        per_table, entries = self._found()
        people = len(self._people())
        return Pruned(people, tuple(per_table.items()), len(self._stretches(entries)))

    def _people(self) -> set[int]:
        driver = driver_of(self.connection)
        tables = [name for name, words in _CHAINED.items() if words == _OF_SUBJECT]
        query = "SELECT DISTINCT subject_no FROM {} WHERE {}"
        people = {
            number
            for name in tables
            for (number,) in driver.rows(query.format(name, self._which(_OF_SUBJECT)))
        }
        told = "SELECT DISTINCT o.subject_no FROM delivery_event d JOIN outbox o ON o.nid = d.nid WHERE o.{}"
        return people | {number for (number,) in driver.rows(told.format(self._which(_OF_SUBJECT)))}

    def _found(self) -> tuple[dict[str, int], Counter[int]]:
        """How many rows of each table go, and of each entry."""
        driver, per_table, entries = driver_of(self.connection), dict[str, int](), Counter[int]()
        for name, words in _CHAINED.items():
            query = f"SELECT entry, count(*) FROM {name} WHERE {self._which(words)} GROUP BY entry"  # noqa: S608 - our own
            rows = driver.rows(query)
            per_table[name] = sum(count for _, count in rows)
            entries.update(dict(rows))
        return per_table, entries

    def _stretches(self, entries: Counter[int]) -> list[tuple[int, int]]:
        """Entries that lie side by side, each with all of an earlier cut that it touches (3)."""
        cuts = [cut for cut in read_cuts(driver_of(self.connection)) if cut.what is CutOf.ENTRY]
        touched = [(cut.first, cut.last) for cut in cuts if any(map(cut.holds, entries))]
        found: list[tuple[int, int]] = []
        for first, last in sorted([*((entry, entry) for entry in entries), *touched]):
            if found and first <= found[-1][1] + 1:
                found[-1] = (found[-1][0], max(found[-1][1], last))
            else:
                found.append((first, last))
        return _with_whole(found, [(cut.first, cut.last) for cut in cuts])

    def cut(self, writer: Writer, rule: str) -> Pruned:
        """Take it out, and record that."""
        done = self.counted()
        _, entries = self._found()
        if not entries:
            return done
        driver, stretches = driver_of(self.connection), self._stretches(entries)
        for name, words in _CHAINED.items():
            with _unguarded(self.connection, name):
                self.connection.exec_driver_sql(f"DELETE FROM {name} WHERE {self._which(words)}")  # noqa: S608 - our own
        receipts = self._which(_OF_SUBJECT)
        self.connection.exec_driver_sql(f"DELETE FROM answer_receipt WHERE {receipts}")  # noqa: S608 - our own
        for first, last in stretches:
            gone = sum(count for entry, count in entries.items() if first <= entry <= last)
            left = left_of_entries(driver, first, last)
            add_cut(writer, Cut(CutOf.ENTRY, first, last, gone, left, rule))
        return done


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
