# SPDX-License-Identifier: Apache-2.0
"""The part of the ledger that shows what is in it: counts, and listings page by page; postings too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine

from policyctl.adapters.ledger.asking.export import Export
from policyctl.adapters.ledger.base.common import administrator, last_number, pseudonym
from policyctl.adapters.ledger.base.engine import reading
from policyctl.adapters.ledger.checking.pulse import kept_by, waiting_since
from policyctl.adapters.ledger.evidence import Evidence
from policyctl.adapters.ledger.looking.listing import choices_of, receipts_of, tags_of
from policyctl.adapters.ledger.looking.posted import Postings
from policyctl.adapters.ledger.looking.runs import Runs
from policyctl.adapters.ledger.looking.stats import count_all
from policyctl.adapters.ledger.people.people import find_subject, tenant_no_of
from policyctl.adapters.ledger.tagging.endings import Endings
from policyctl.adapters.ledger.versions.known import Memory
from policyctl.adapters.tables import ENTRY, seconds
from policyctl.core.practice import Taxonomy
from policyctl.core.records import Choice, Listed, ReceiptRecord, Tag
from policyctl.core.use.matrix import BulkQuestion
from policyctl.core.use.share import LedgerCounts


class Looks(Endings, Postings):
    """What :class:`~policyctl.adapters.ledger.Ledger` has for people who look at it."""

    server: int = 0
    """Which of several servers this is, from 0; 0 where it is in one place."""
    _engine: Engine
    _key: bytes
    _taxonomy: Taxonomy
    _memory: Memory

    @property
    def evidence(self) -> Evidence:
        """What it holds of one person, customer or publication, with proofs."""
        return Evidence(self._engine, self._memory, self._key)

    @property
    def runs(self) -> Runs:
        """When commands ran."""
        return Runs(self._engine)

    def counts(self, at: datetime, *, customer: str | None = None) -> LedgerCounts:
        """How much is in the ledger at ``at``, or in one customer's part. Looks at every tag: seconds to
        minutes for a very large one.
        """
        with reading(self._engine, scratch=True) as connection:
            known, tenant_no = self._memory.known(connection), tenant_no_of(connection, customer)
            question = BulkQuestion("", at)
            look = Export(
                connection, question, known=known, key=self._key, taxonomy=self._taxonomy, tenant_no=tenant_no
            )
            return count_all(connection, known, look, at=seconds(at))

    def sequence(self) -> int:
        """The last entry."""
        with reading(self._engine) as connection:
            return last_number(connection, ENTRY.c.seq)

    def durability(self) -> tuple[tuple[str, str], ...]:
        """The settings by which the database keeps what it was given, and what they are set to."""
        with reading(self._engine) as connection:
            return kept_by(connection)

    def waiting_since(self, now: datetime) -> datetime | None:
        """Since when the longest waiting notice might have been taken up by a run; None where none waits."""
        with reading(self._engine) as connection:
            return waiting_since(connection, now)

    def tags_of(
        self, subject: str, *, customer: str | None = None, after: Sequence[int] = (), limit: int
    ) -> list[Listed[Tag]]:
        """Up to ``limit`` tags of a subject after a place of the listing (none: from the start), none for
        one that is not known. UsageError where several customers have such a subject.
        """
        with reading(self._engine) as connection:
            number = self._number(connection, subject, customer)
            if number is None:
                return []
            return tags_of(connection, self._memory.known(connection), number, after, limit)

    def choices_of(
        self, subject: str | None, *, customer: str | None = None, after: Sequence[int] = (), limit: int
    ) -> list[Listed[Choice]]:
        """The same of the answers of a subject, or of the customer itself where no subject is named."""
        with reading(self._engine) as connection:
            number = self._number(connection, subject, customer)
            if number is None:
                return []
            return choices_of(connection, self._memory.known(connection), number, after, limit)

    def receipts(
        self, source: str, *, customer: str | None = None, after: Sequence[str] = (), limit: int
    ) -> list[Listed[ReceiptRecord]]:
        """The same of the receipts for batches from ``source``, of one customer or of no customer."""
        with reading(self._engine) as connection:
            tenant_no = tenant_no_of(connection, customer) or 0
            return receipts_of(connection, tenant_no, source, after, limit)

    def _number(self, connection: Connection, subject: str | None, customer: str | None) -> int | None:
        if subject is not None:
            return find_subject(connection, pseudonym(self._key, subject), customer)
        tenant_no = tenant_no_of(connection, customer)
        return None if tenant_no is None else administrator(tenant_no)
