# SPDX-License-Identifier: Apache-2.0
"""A ledger in the hands of its keeper: people erased out of it, and where it may send from.

Erasure destroys what leads from the ledger to a person and keeps the rest, which the chain holds: see
people.py for what goes, core/proof/cuts.py for the record that it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from policyctl.adapters.ledger.base.chain import head, root_at
from policyctl.adapters.ledger.base.common import Writer, pseudonym
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.engine import reading, writing
from policyctl.adapters.ledger.base.instance import adopt, note_erasures, read_instance
from policyctl.adapters.ledger.custody.beside import left_over
from policyctl.adapters.ledger.custody.copies import back_up
from policyctl.adapters.ledger.custody.erasures import ErasureList
from policyctl.adapters.ledger.custody.pruning import Pruning
from policyctl.adapters.ledger.custody.scrub import overwrite_deleted, rewrite, scrub, traces_of
from policyctl.adapters.ledger.people.people import erase_subject, find_subject
from policyctl.core.backup import Manifest
from policyctl.core.custody import Erasure, Instance, Pruned, Scrub
from policyctl.core.notices.outbox import OutboxState
from policyctl.core.proof.heads import Anchor

_THERE = "SELECT subject_no, seal FROM subject WHERE erased_at IS NULL"
_COUNT = "SELECT count(*) FROM {} WHERE subject_no = ?"
_OWED = (
    "SELECT c.state, count(*) FROM outbox o JOIN chunk c ON c.notice_no = o.notice_no "
    "AND o.place BETWEEN c.lo AND c.hi AND o.place >= c.cursor WHERE o.subject_no = ? GROUP BY c.state"
)
_HELD_BACK = {OutboxState.PLANNED.value, OutboxState.PAUSED.value}
_UNDER_WAY = {
    state.value
    for state in (OutboxState.STAGED, OutboxState.POSTING, OutboxState.SCHEDULED, OutboxState.RELEASED)
}


class Custody:
    """What the keeper of one ledger does, each step a transaction of its own."""

    def __init__(self, database: Engine, key: bytes, erasures: ErasureList | None = None) -> None:
        self._engine = database
        self._key = key
        self._erasures = erasures

    def would_erase(self, subject: str, *, customer: str | None = None) -> Erasure:
        """What :meth:`erase` would do; nothing is done."""
        with reading(self._engine) as connection:
            number = find_subject(connection, pseudonym(self._key, subject), customer)
            return Erasure(known=False) if number is None else _erasure(connection, number)

    def erase(self, subject: str, *, now: datetime, customer: str | None = None) -> tuple[Erasure, Scrub]:
        """Erase one person by the caller's id, then see to it that no byte of it stays in the files.

        UsageError where several customers have somebody with this id and none is named. Run again it finds
        nobody, and does nothing.
        """
        with writing(self._engine) as connection:
            overwrite_deleted(connection)
            number = find_subject(connection, pseudonym(self._key, subject), customer)
            if number is None:
                return Erasure(known=False), Scrub()
            done, traces = _erasure(connection, number), traces_of(connection, number)
            self._list(connection, number, now)
            writer = Writer(connection, "erasure", now)
            erase_subject(writer, number, now)
            writer.finish()
        return done, scrub(self._engine, traces)

    def scrub(self) -> Scrub:
        """Lay the files anew, so that they hold nothing that was deleted."""
        with reading(self._engine):
            pass  # that there is a ledger
        return rewrite(self._engine)

    def _list(self, connection: Connection, number: int, now: datetime) -> None:
        """Put one on the list, which the ledger has then seen; unless it had not seen what is before."""
        if self._erasures is None:
            return
        driver, before = driver_of(connection), self._erasures.content()
        ((seal,),) = driver.rows("SELECT seal FROM subject WHERE subject_no = ?", number)
        self._erasures.add(bytes(seal), head(driver), now)
        if read_instance(connection).erasures == self._erasures.mark(before):
            note_erasures(connection, self._erasures.mark(self._erasures.content()))

    def reapply(self, now: datetime) -> int:
        """Erase again who is on the list and still there, as in an older copy that was put back; how many.
        Looks at the subjects only where the list is another than the ledger has seen.
        """
        content = b"" if self._erasures is None else self._erasures.content()
        if self._erasures is None or not content:
            return 0
        mark = self._erasures.mark(content)
        with reading(self._engine) as connection:
            if read_instance(connection).erasures == mark:
                return 0
        listed, traces = self._erasures.digests(content), list[bytes]()
        with writing(self._engine) as connection:
            overwrite_deleted(connection)
            writer = Writer(connection, "erasure", now)
            back = self._back(connection, self._erasures, listed)
            for number in back:
                traces += traces_of(connection, number)
                erase_subject(writer, number, now)
            note_erasures(connection, mark)
            writer.finish()
        if back:
            scrub(self._engine, traces)
        return len(back)

    @staticmethod
    def _back(connection: Connection, erasures: ErasureList, listed: AbstractSet[str]) -> list[int]:
        """Those who are on the list and are there."""
        found: list[int] = []
        for portion in driver_of(connection).stream(_THERE):
            found += [number for number, seal in portion if erasures.digest(bytes(seal)) in listed]
        return found

    # Which ledger this is

    def instance(self) -> Instance:
        """Which ledger this is, and whether it may send from here."""
        with reading(self._engine) as connection:
            return read_instance(connection)

    def adopt(self, *, now: datetime, lost_up_to: int = 0) -> str:
        """Send from here from now on; the new id. An entry of the chain says when."""
        with writing(self._engine) as connection:
            writer = Writer(connection, "adoption", now)
            number = adopt(connection, max(lost_up_to, read_instance(connection).lost_up_to))
            _ = writer.entry
            writer.finish()
        return number

    def back_up(self, output: Path, *, now: datetime, version: str) -> tuple[Path, Manifest]:
        """Write a backup while others write; where it is, and what it says of itself."""
        return back_up(self._engine, output, key=self._key, now=now, version=version)

    def left_over(self) -> list[str]:
        """What a restore or backup that was killed left beside the ledger, with people in it; by name."""
        return left_over(self._engine)

    def would_prune(self, limit: datetime) -> Pruned:
        """What :meth:`prune` would take out; nothing is done."""
        with reading(self._engine) as connection:
            return Pruning(connection, limit).counted()

    def prune(self, limit: datetime, rule: str, *, now: datetime) -> Pruned:
        """Take out the proof about people whose data was gone by ``limit``, and record that it was cut out.
        ``rule`` says by what right, in plain words.
        """
        with writing(self._engine) as connection:
            overwrite_deleted(connection)
            writer = Writer(connection, "prune", now)
            done = Pruning(connection, limit).cut(writer, rule)
            writer.finish()
        return done

    def missing(self, anchors: Iterable[Anchor]) -> Anchor | None:
        """The newest head kept outside that this ledger does not have: an older state was put back, or it is
        another ledger. Heads that the keeper gave up when he adopted it are left out.
        """
        with reading(self._engine) as connection:
            lost, driver = read_instance(connection).lost_up_to, driver_of(connection)
            open_to_doubt = [anchor for anchor in anchors if anchor.head.entry > lost]
            gone = (
                anchor
                for anchor in sorted(open_to_doubt, key=lambda each: -each.head.entry)
                if root_at(driver, anchor.head.entry) != anchor.head.root.hex()
            )
            return next(gone, None)


def _erasure(connection: Connection, number: int) -> Erasure:
    driver = driver_of(connection)
    addresses, names = (
        driver.rows(_COUNT.format(table), number)[0][0] for table in ("address", "record_name")
    )
    owed: dict[str, int] = dict(driver.rows(_OWED, number))
    return Erasure(
        known=True,
        addresses=addresses,
        names=names,
        withheld=sum(owed.get(state, 0) for state in _HELD_BACK),
        under_way=sum(owed.get(state, 0) for state in _UNDER_WAY),
    )
