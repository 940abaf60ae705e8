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
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine

from policyctl.adapters.ledger.answers import Choices, add_choices
from policyctl.adapters.ledger.common import Complaints, Writer
from policyctl.adapters.ledger.engine import writing
from policyctl.adapters.ledger.known import Known, Memory
from policyctl.adapters.ledger.people import tenant_no_of
from policyctl.adapters.ledger.receipts import give_receipts, once, receipts_of, same_content
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
        if len(writes) == 1:
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
        with writing(self.database) as connection:
            self.memory.known(connection)
            for kind, places in kinds.items():
                writer = Writer(connection, kind, max(writes[place].now for place in places))
                outcomes = self._enter(writer, [writes[place] for place in places])
                found.update(zip(places, outcomes, strict=True))
                writer.finish()
        return [found[place] for place in range(len(writes))]

    def _enter(self, writer: Writer, writes: Sequence[Write]) -> list[Outcome]:
        """Writes of one kind; single answers of one customer are looked up and added in one go."""
        found: dict[int, Outcome] = {}
        answers: dict[str | None, dict[int, Write]] = defaultdict(dict)
        for place, write in enumerate(writes):
            if write.choice is None:
                found[place] = self._with_savepoint(writer, write)
            else:
                answers[write.within][place] = write
        for within, those in answers.items():
            try:
                outcomes = self._choices(writer, within, list(those.values()))
            except PolicyctlError as error:  # there is no such customer; nothing was written
                outcomes = [error] * len(those)
            found.update(zip(those, outcomes, strict=True))
        return [found[place] for place in range(len(writes))]

    def _with_savepoint(self, writer: Writer, write: Write) -> Outcome:
        try:
            with _savepoint(writer):
                return write.enter(writer, self.memory.peek(writer.connection))
        except PolicyctlError as error:
            return error

    def _choices(self, writer: Writer, within: str | None, writes: Sequence[Write]) -> list[Outcome]:
        """All complaints come before the first row is written, so no savepoint is needed."""
        tenant_no = tenant_no_of(writer.connection, within) or 0
        batches = [write.batch for write in writes if write.batch]
        receipts = receipts_of(writer.connection, tenant_no, batches)
        rows = [write.choice for write in writes if write.choice]
        known = self.memory.peek(writer.connection)
        desk = Choices(writer, rows, self.key, known, within)
        fresh, given, outcomes = [], [], list[Outcome]()
        for write, row in zip(writes, rows, strict=True):
            try:
                old = write.batch and same_content(write.batch, receipts.get(write.batch.name))
                values = None if old else _taken(desk, row)
            except PolicyctlError as error:
                outcomes.append(error)
                continue
            if old:
                outcomes.append(old)
                continue
            done = ImportReceipt(int(values is not None), int(values is None))
            fresh += [values] if values else []
            if write.batch:
                receipts[write.batch.name] = (write.batch.content_sha256, replace(done, again=True))
                given.append((write.batch, done))
            outcomes.append(done)
        add_choices(writer, fresh)
        give_receipts(writer, tenant_no, given)
        return outcomes


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
