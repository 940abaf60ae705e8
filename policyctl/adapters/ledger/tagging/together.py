# SPDX-License-Identifier: Apache-2.0
"""Small writes in one transaction: one lock, one commit, one entry of each kind for all of them.

1. Each has its own complaints and its own receipt. What is wrong with one is found before anything of it
   is written, or taken back to a savepoint.
2. A row that the database itself refuses ends the transaction. Then each is done by itself, so that only
   the bad one fails.
3. Where the ledger is busy, away or broken off at the commit, nobody is told that a write is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Engine

from policyctl.adapters.ledger.base.chain import NEWEST
from policyctl.adapters.ledger.base.common import Complaints, Writer
from policyctl.adapters.ledger.base.driver import Row
from policyctl.adapters.ledger.base.engine import writing, writing_after
from policyctl.adapters.ledger.people.answers import Choices, add_choices
from policyctl.adapters.ledger.people.people import tenant_no_of
from policyctl.adapters.ledger.tagging.receipts import (
    BatchName,
    Given,
    give_receipts,
    once,
    receipts_of,
    same_content,
)
from policyctl.adapters.ledger.versions.known import HEADS, Known, Memory
from policyctl.core.records import ChoiceRow, ClientBatch, ImportReceipt
from policyctl.errors import BusyError, PolicyctlError, UnreachableError

Outcome = ImportReceipt | Exception
_Work = Callable[[Writer, int | None, Known], ImportReceipt]


@dataclass(frozen=True, slots=True)
class Write:
    """One caller's write. ``work`` takes the writer, the number of the customer ``within`` and what is
    known, and may be called again when its transaction was rolled back. ``choice``: it is this one answer.
    """

    kind: str
    now: datetime
    work: _Work
    within: str | None = None
    batch: ClientBatch | None = None
    choice: ChoiceRow | None = None

    def enter(self, writer: Writer, known: Known) -> ImportReceipt:
        """Do it, once for each batch of the caller's."""
        tenant_no = tenant_no_of(writer.connection, self.within)
        return once(writer, tenant_no or 0, self.batch, lambda: self.work(writer, tenant_no, known))


@dataclass(frozen=True, slots=True)
class Together:
    """Enters writes into one ledger."""

    database: Engine
    memory: Memory
    key: bytes

    def alone(self, write: Write, *, keep: bool = True) -> ImportReceipt:
        """One write in a transaction of its own. ``keep`` False: it is tried and then rolled back."""
        with writing(self.database, keep=keep) as connection:
            writer = Writer(connection, write.kind, write.now)
            done = write.enter(writer, self.memory.known(connection))
            writer.finish()
        return done

    def run(self, writes: Sequence[Write]) -> list[Outcome]:
        """What became of each."""
        if len(writes) == 1 and writes[0].choice is None:
            return [self._tried(writes[0])]
        try:
            return self._in_one(writes)
        except (BusyError, UnreachableError) as error:
            return [error] * len(writes)
        except Exception:  # noqa: BLE001 - whichever it was meets it again, alone (2)
            return [self._tried(write) for write in writes]

    def _tried(self, write: Write) -> Outcome:
        try:
            return self.alone(write)
        except Exception as error:  # noqa: BLE001 - the caller's thread raises it
            return error

    def _in_one(self, writes: Sequence[Write]) -> list[Outcome]:
        found: dict[int, Outcome] = {}
        kinds: dict[str, list[int]] = defaultdict(list)
        for place, write in enumerate(writes):
            kinds[write.kind].append(place)
        with writing_after(self.database, (HEADS,), (NEWEST,)) as (connection, ((heads,), (first,))):
            known, left = self.memory.known(connection, heads), len(kinds)
            newest: Row | None = first
            for kind, places in kinds.items():
                left -= 1
                now = max(writes[place].now for place in places)
                writer = Writer(connection, kind, now, newest=newest)
                outcomes, answers = self._enter(writer, [writes[place] for place in places], known)
                found.update(zip(places, outcomes, strict=True))
                with writer.driver.unwaited() if left else writer.driver.committed():
                    answers.add()
                    writer.finish()
                newest = None
        return [found[place] for place in range(len(writes))]

    def _enter(self, writer: Writer, writes: Sequence[Write], known: Known) -> tuple[list[Outcome], _Answers]:
        """Writes of one kind; single answers are looked up in one go, and not added yet."""
        found: dict[int, Outcome] = {}
        singles: dict[str | None, dict[int, Write]] = defaultdict(dict)
        for place, write in enumerate(writes):
            if write.choice is None:
                found[place] = self._with_savepoint(writer, write)
            else:
                singles[write.within][place] = write
        answers = _Answers(writer, self.key, known)
        for within, those in singles.items():
            found.update(zip(those, answers.take(within, list(those.values())), strict=True))
        return [found[place] for place in range(len(writes))], answers

    def _with_savepoint(self, writer: Writer, write: Write) -> Outcome:
        try:
            with _savepoint(writer):
                return write.enter(writer, self.memory.peek(writer.connection))
        except PolicyctlError as error:
            return error


@dataclass(slots=True)
class _Answers:
    """Single answers of one group. All complaints come before the first row is written, so no savepoint
    is needed. What is known of versions cannot have changed within the group.
    """

    writer: Writer
    key: bytes
    known: Known
    fresh: list[dict[str, object]] = field(default_factory=list)
    given: dict[int, list[tuple[ClientBatch, ImportReceipt]]] = field(default_factory=dict)

    def take(self, within: str | None, writes: Sequence[Write]) -> list[Outcome]:
        """What becomes of those of one customer."""
        try:
            within_no = tenant_no_of(self.writer.connection, within)
        except PolicyctlError as error:
            return [error] * len(writes)
        batches = [write.batch for write in writes if write.batch]
        receipts = receipts_of(self.writer.connection, within_no or 0, batches)
        rows = [write.choice for write in writes if write.choice]
        desk = Choices(self.writer, rows, self.key, self.known, within_no)
        return [self._take(desk, row, write.batch, receipts) for write, row in zip(writes, rows, strict=True)]

    def _take(
        self, desk: Choices, row: ChoiceRow, batch: ClientBatch | None, receipts: dict[BatchName, Given]
    ) -> Outcome:
        try:
            if batch and (old := same_content(batch, receipts.get(batch.name))):
                return old
            values = _taken(desk, row)
        except PolicyctlError as error:
            return error
        done = ImportReceipt(int(values is not None), int(values is None))
        self.fresh += [values] if values else []
        if batch:
            receipts[batch.name] = (batch.content_sha256, replace(done, again=True))
            self.given.setdefault(desk.within_no or 0, []).append((batch, done))
        return done

    def add(self) -> None:
        """Write them down."""
        add_choices(self.writer, self.fresh)
        for tenant_no, given in self.given.items():
            give_receipts(self.writer, tenant_no, given)


def _taken(desk: Choices, row: ChoiceRow) -> dict[str, object] | None:
    desk.complaints = Complaints([])
    values = desk.take(row)
    desk.complaints.raise_if_any()
    return values


@contextmanager
def _savepoint(writer: Writer) -> Iterator[None]:
    """What is written inside stays, or is taken back with its lines, and its entry where it was the first."""
    number, lines = writer.number, len(writer.lines.lines)
    try:
        with writer.connection.begin_nested():
            yield
    except BaseException:
        writer.number = number
        del writer.lines.lines[lines:]
        raise
