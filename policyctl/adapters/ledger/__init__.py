# SPDX-License-Identifier: Apache-2.0
"""The append-only record of versions, tags, acceptances, choices, notices and deliveries, in SQL.

One class over two databases, SQLite and PostgreSQL; what it keeps is laid out in adapters/tables/__init__.py.
Each method enters wholly or not at all; small writes of several threads share a transaction.
All times are aware UTC.
The values that go in and come out are in core/records.py, core/notices/outbox.py and core/use/question.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Literal, Self

from sqlalchemy import Engine

from policyctl.adapters.ledger import checking
from policyctl.adapters.ledger.asking import facts
from policyctl.adapters.ledger.asking.export import Export
from policyctl.adapters.ledger.asking.online import Online
from policyctl.adapters.ledger.base import chain, engine, epochs
from policyctl.adapters.ledger.base.common import Writer, administrator, pseudonym
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.gather import Gatherer
from policyctl.adapters.ledger.custody.erasures import ErasureList
from policyctl.adapters.ledger.custody.keeper import Custody
from policyctl.adapters.ledger.looking.looks import Looks
from policyctl.adapters.ledger.people import answers, people
from policyctl.adapters.ledger.people.inquiries import Inquiries
from policyctl.adapters.ledger.proving import proofs
from policyctl.adapters.ledger.sending.desk import OutboxDesk
from policyctl.adapters.ledger.sending.owed import record_version
from policyctl.adapters.ledger.tagging import receipts, tags
from policyctl.adapters.ledger.tagging.together import Together, Write
from policyctl.adapters.ledger.upkeep.upkeep import Upkeep
from policyctl.adapters.ledger.versions.known import Known, Memory
from policyctl.adapters.tables import seconds
from policyctl.core.notices.outbox import PlannedNotice
from policyctl.core.policy import VersionKey
from policyctl.core.practice import Taxonomy
from policyctl.core.proof.heads import LedgerHead
from policyctl.core.records import (
    ChoiceRow,
    ClientBatch,
    CustomerRow,
    ImportReceipt,
    SubjectRow,
    TagProof,
    TagRow,
    VersionRecord,
)
from policyctl.core.use.matrix import BulkQuestion
from policyctl.core.use.question import Facts, UseRequest
from policyctl.errors import BusyError, InputError, UnreachableError, UsageError

__all__ = ["Ledger", "open_ledger"]

_KEY_BYTES = range(16, 65)
_FEW = 1_000  # rows that need not be streamed


def open_ledger(url: str, *, key: bytes, taxonomy: Taxonomy) -> Ledger:
    """The ledger at ``url`` (``sqlite:////absolute/path.db`` or ``postgresql://user@host/database``).

    ``key`` makes the pseudonyms and the ids of notices: 16 to 64 bytes; without it no subject is found
    again. Nothing is touched before the first call. UsageError for a URL, driver or key that will not do.
    """
    return Ledger.at(url, key=key, taxonomy=taxonomy)


class Ledger(OutboxDesk, Looks):
    """The ledger, open. Methods raise CannotCompareError where there is none yet, RefusedError when it
    is busy, IntegrityError when what is in it cannot be what was put there.
    """

    erasures: ErasureList | None = None

    def __init__(self, database: Engine, *, key: bytes, taxonomy: Taxonomy) -> None:
        super().__init__()
        self._engine = database
        self._key = key
        self._taxonomy = taxonomy
        self._memory = Memory()
        self._together = Together(database, self._memory, key)
        self._fill = epochs.Fill()
        self._gatherer = Gatherer[Write, ImportReceipt](self._together.run)
        self.online = Online(database, key=key, taxonomy=taxonomy, memory=self._memory)

    @classmethod
    def at(cls, url: str, *, key: bytes, taxonomy: Taxonomy) -> Self:
        """As :func:`open_ledger`."""
        if len(key) not in _KEY_BYTES:
            raise UsageError(
                f"the pseudonym key has {len(key)} bytes, it needs 16 to 64",
                hint="`policyctl init` makes one; or set POLICYCTL_PSEUDONYM_KEY to 64 random hex digits",
            )
        return cls(engine.open_engine(url), key=key, taxonomy=taxonomy)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def inquiries(self) -> Inquiries:
        """What addressees of notices say on their pages."""
        return Inquiries(self._engine, self._memory)

    @property
    def upkeep(self) -> Upkeep:
        """Sealing, compaction and export of a large ledger."""
        return Upkeep(self._engine, self._memory)

    def custody_of(self, _subject: str, _now: datetime, *, dry_run: bool = False) -> Custody:
        """What its keeper does about one person, where that stands."""
        del dry_run
        return self.custody

    @property
    def custody(self) -> Custody:
        """What its keeper does with the whole of it."""
        return Custody(self._engine, self._key, self.erasures)

    @property
    def parts(self) -> Sequence[Ledger]:
        """The ledgers that it is made of, one a server."""
        return (self,)

    def close(self) -> None:
        """Let go of every connection; idempotent."""
        self.online.close()
        self._engine.dispose()

    def upgrade(self) -> bool:
        """Make the tables, or bring them up to date; False when they are. Needed once, before the rest."""
        return engine.upgrade(self._engine)

    def pseudonym(self, external_id: str) -> str:
        """The name of a subject in the ledger: 32 hex digits, keyed BLAKE2b of the caller's id."""
        return self._name(external_id).hex()

    def _name(self, external_id: str) -> bytes:
        return pseudonym(self._key, external_id)

    @contextmanager
    def _writing(self, kind: str, now: datetime, *, dry_run: bool = False) -> Iterator[Writer]:
        with engine.writing(self._engine, keep=not dry_run) as connection:
            writer = Writer(connection, kind, now)
            yield writer
            writer.finish()

    def _enter(self, write: Write, *, dry_run: bool) -> ImportReceipt:
        """A small write, together with those of other threads that wait."""
        return self._together.alone(write, keep=False) if dry_run else self._gatherer.do(write)

    # Versions

    def versions(self, slug: str | None = None) -> tuple[VersionRecord, ...]:
        """Versions on record by slug and number."""
        with engine.reading(self._engine) as connection:
            known = self._memory.known(connection)
            return known.records if slug is None else known.by_slug.get(slug, ())

    def record_version(
        self, record: VersionRecord, notices: Sequence[PlannedNotice], *, now: datetime
    ) -> bool:
        """Enter a version, its practices and changes, and every notice it owes, in one transaction.

        False, and nothing changes, when it is there already. IntegrityError when it is there with
        another text or commit, or when a later version is there without it.
        """
        with self._writing("version", now) as writer:
            return record_version(writer, record, notices, key=self._key)

    # People and their data. Imports raise InputErrors that name every bad row; then nothing entered.

    def import_customers(
        self, rows: Sequence[CustomerRow], *, now: datetime, dry_run: bool = False
    ) -> ImportReceipt:
        """Enter customers and their administrators."""
        with self._writing("customers", now, dry_run=dry_run) as writer:
            return people.import_customers(writer, rows)

    def import_subjects(
        self,
        rows: Sequence[SubjectRow],
        *,
        now: datetime,
        dry_run: bool = False,
        within: str | None = None,
    ) -> ImportReceipt:
        """Enter subjects, under pseudonyms. ``within``: the ids are this customer's own."""
        with self._writing("subjects", now, dry_run=dry_run) as writer:
            return people.import_subjects(writer, rows, key=self._key, within=within)

    def import_tags(
        self,
        rows: Iterable[TagRow],
        *,
        now: datetime,
        dry_run: bool = False,
        within: str | None = None,
        batch: ClientBatch | None = None,
        faults: Sequence[InputError] = (),
    ) -> ImportReceipt:
        """Tag data with the version in force for its subject at collection.

        ``rows`` may be of any number: they are taken in portions. ``within``: the ids are this
        customer's own. ``batch``: brought before, its old receipt is given and nothing enters.
        ``faults``: what the caller finds wrong with rows it leaves out; looked at when the rows end, one
        keeps all rows out.
        """
        if isinstance(rows, list | tuple) and len(rows) <= _FEW and not faults:
            done = self._enter(self._few_tags(rows, now, within, batch), dry_run=dry_run)
            if self._fill.due and not dry_run:
                self._open_epoch_if_full(now)
            return done
        with self._writing("tags", now, dry_run=dry_run) as writer:
            tenant_no = people.tenant_no_of(writer.connection, within) or 0
            if batch and (old := receipts.receipt_of(writer.connection, tenant_no, batch)):
                return old
            done = tags.import_tags(
                writer,
                rows,
                key=self._key,
                taxonomy=self._taxonomy,
                known=self._memory.known(writer.connection),
                within=within,
                faults=faults,
            )
            if batch:
                receipts.give_receipt(writer, tenant_no, batch, done)
            if done.added >= tags.PORTION:
                epochs.open_epoch_if_full(writer.connection, seconds(now), epochs.ROWS)
            return done

    def _few_tags(
        self, rows: Sequence[TagRow], now: datetime, within: str | None, batch: ClientBatch | None
    ) -> Write:
        def work(writer: Writer, _tenant_no: int | None, known: Known) -> ImportReceipt:
            return tags.import_tags(
                writer,
                rows,
                key=self._key,
                taxonomy=self._taxonomy,
                known=known,
                within=within,
                note=self._fill.note,
            )

        return Write("tags", now, work, within, batch)

    def _open_epoch_if_full(self, now: datetime) -> None:
        """After small writes have entered, which they did whatever becomes of this: the next looks again."""
        with suppress(BusyError, UnreachableError):
            with engine.reading(self._engine) as connection:
                self._fill.look(connection)
            if self._fill.held >= epochs.ROWS:
                with engine.writing(self._engine) as connection:
                    epochs.open_epoch_after(connection, self._fill.epoch_no, seconds(now))
            self._fill.due = False

    def unknown_customers(self, customers: Iterable[str]) -> set[str]:
        """Those of ``customers`` that the ledger does not know."""
        wanted = set(customers)
        with engine.reading(self._engine) as connection:
            return wanted - set(people.tenants(connection, wanted))

    def require_ready(self) -> None:
        """UnreachableError or BusyError where the ledger cannot be asked just now."""
        with engine.reading(self._engine):
            pass

    def receipt(self, batch: ClientBatch, *, within: str | None = None) -> ImportReceipt | None:
        """The receipt given for a batch before; OtherContentError when it had other content."""
        with engine.reading(self._engine) as connection:
            tenant_no = people.tenant_no_of(connection, within) or 0
            return receipts.receipt_of(connection, tenant_no, batch)

    def import_choices(
        self,
        rows: Sequence[ChoiceRow],
        *,
        now: datetime,
        dry_run: bool = False,
        within: str | None = None,
        batch: ClientBatch | None = None,
    ) -> ImportReceipt:
        """Enter answers of subjects and customers. ``within``: only this customer and its subjects."""

        def work(writer: Writer, tenant_no: int | None, known: Known) -> ImportReceipt:
            return answers.import_choices(writer, rows, key=self._key, known=known, within_no=tenant_no)

        single = rows[0] if len(rows) == 1 else None
        return self._enter(Write("choices", now, work, within, batch, single), dry_run=dry_run)

    def accept(
        self,
        subject: str,
        version: VersionKey,
        at: datetime,
        *,
        now: datetime,
        customer: str | None = None,
        within: str | None = None,
        dry_run: bool = False,
        batch: ClientBatch | None = None,
    ) -> bool:
        """A subject accepts a version, and is known from then on; False when it did so before. ``within``:
        the id is this customer's own, whoever else has one like it.
        """
        name = self._name(subject)

        def work(writer: Writer, tenant_no: int | None, known: Known) -> ImportReceipt:
            added = answers.accept(
                writer, name, version, at, known=known, customer=customer, within_no=tenant_no
            )
            return ImportReceipt(int(added), int(not added))

        return self._enter(Write("acceptance", now, work, within, batch), dry_run=dry_run).added == 1

    def acknowledge(
        self, customer: str, version: VersionKey, at: datetime, *, now: datetime, dry_run: bool = False
    ) -> bool:
        """A customer's administrator acknowledges a version; False when that was recorded before."""
        with self._writing("acknowledgement", now, dry_run=dry_run) as writer:
            return answers.acknowledge(writer, customer, version, at)

    def acknowledgements(self, version: VersionKey) -> tuple[tuple[str, datetime], ...]:
        """Which customers acknowledged a version, and when."""
        with engine.reading(self._engine) as connection:
            return answers.acknowledgements(connection, version)

    def erase_addresses(self, kind: Literal["customer", "subject"], owner: str, *, now: datetime) -> int:
        """Delete the names and addresses of a customer or subject (by the caller's id); how many."""
        with self._writing("erasure", now) as writer:
            if kind == "customer":
                number = administrator(people.tenant_no_of(writer.connection, owner) or 0)
            else:
                found = people.find_subject(writer.connection, self._name(owner), None)
                if found is None:
                    return 0
                number = found
            return people.erase_addresses(writer.connection, number)

    def erase_subject(self, subject: str, *, now: datetime, customer: str | None = None) -> bool:
        """Destroy all that leads from the ledger to a person: name, salt, addresses, names of records.

        What was recorded stays, under a number that stands for nobody; every answer about the person is
        undecided from then on. False when nobody is known by that id.
        """
        return self.custody_of(subject, now).erase(subject, now=now, customer=customer)[0].known

    def heads(self) -> tuple[LedgerHead, ...]:
        """The head of the ledger now, to be kept outside of it; one for each server it is cut over."""
        with engine.reading(self._engine) as connection:
            return (chain.head(driver_of(connection)),)

    def first_bad_entry(self) -> int | None:
        """The first entry that was altered, left out or moved since it was written; None where all hold."""
        with engine.reading(self._engine) as connection:
            return checking.first_bad_entry(connection)

    def prove(self, subject: str, category: str, record: str, customer: str | None = None) -> list[TagProof]:
        """That the tags of a record entered when they did; none where these names are not known."""
        with engine.reading(self._engine) as connection:
            number = people.find_subject(connection, self._name(subject), customer)
            known = self._memory.known(connection)
            return proofs.of_record(connection, number, category, record, key=self._key, known=known)

    # The question

    def facts_for(self, request: UseRequest, *, upto: int | None = None) -> Facts:
        """All that bears on ``request``, in one look. ``upto``: only what had been recorded by that
        entry of the ledger (``Decision.sequence``), to answer again exactly as it was answered then.
        """
        with engine.reading(self._engine) as connection:
            return facts.facts_for(
                connection,
                request,
                name=self._name(request.subject),
                taxonomy=self._taxonomy,
                known=self._memory.known(connection),
                upto=upto,
            )

    @contextmanager
    def exporting(self, question: BulkQuestion) -> Iterator[Export]:
        """One look at all that bears on a question about many records, to be streamed out."""
        with engine.reading(self._engine) as connection:
            known = self._memory.known(connection)
            yield Export(connection, question, known=known, key=self._key, taxonomy=self._taxonomy)
