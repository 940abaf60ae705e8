# SPDX-License-Identifier: Apache-2.0
"""What a ledger holds of one person, one customer or one publication, with the proofs of it, in one look.

Only rows of that person, customer or publication are read out, and the rows that say what their numbers
stand for. Of others there are hashes only. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from policyctl.adapters.ledger.base.common import administrator, pseudonym
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.engine import reading
from policyctl.adapters.ledger.evidence.choosing import Chosen, Span, choose_person, choose_version
from policyctl.adapters.ledger.evidence.proving import prove_rows
from policyctl.adapters.ledger.people.people import find_subject, tenant_no_of
from policyctl.adapters.ledger.versions.known import Memory
from policyctl.adapters.tables import microseconds
from policyctl.core.policy import VersionKey
from policyctl.core.proof.heads import LedgerHead
from policyctl.core.proof.rows import LedgerPart
from policyctl.errors import CannotCompareError

__all__ = ["Evidence", "HeldEvidence", "OwedNotice", "Span"]


@dataclass(frozen=True, slots=True)
class OwedNotice:
    """A notice in the outbox to whom the evidence is of: how far its chunk has come, and since when.

    ``receipt``: what the mail is called that the addressee got for the answers to it, empty for none;
    ``receipt_owed``: it has still to be sent.
    """

    nid: str
    notice_no: int
    locale: str
    state: str
    changed_at: datetime
    mailer: str
    receipt: str
    receipt_owed: bool
    place: int


@dataclass(frozen=True, slots=True)
class HeldEvidence:
    """All of it. ``versions``: those that matter, by slug and number. ``counts``: of a publication, how
    many mails stand in which state, and how many reports of each kind came.
    """

    head: LedgerHead
    part: LedgerPart
    versions: tuple[VersionKey, ...]
    owed: tuple[OwedNotice, ...]
    counts: tuple[tuple[str, int], ...] = ()


class Evidence:
    """The side of an open ledger that hands evidence over; errors as the ledger's own."""

    def __init__(self, database: Engine, memory: Memory, key: bytes) -> None:
        self._engine = database
        self._memory = memory
        self._key = key

    def of_subject(self, subject: str, customer: str | None, span: Span) -> HeldEvidence:
        """Of one person, by the caller's id. CannotCompareError where nobody is known by it."""
        with reading(self._engine) as connection:
            number = find_subject(connection, pseudonym(self._key, subject), customer)
            if number is None:
                raise CannotCompareError(
                    "no subject is known by that id", hint="look at how your system writes it"
                )
            known = self._memory.known(connection)
            return self._held(connection, choose_person(connection, known, number, span))

    def of_customer(self, customer: str, span: Span) -> HeldEvidence:
        """Of an organisation itself: what its administrators were told and said."""
        with reading(self._engine) as connection:
            tenant_no = tenant_no_of(connection, customer) or 0
            known = self._memory.known(connection)
            return self._held(connection, choose_person(connection, known, administrator(tenant_no), span))

    def of_publication(self, version: VersionKey, span: Span) -> HeldEvidence:
        """Of a version: what was published and posted, and how many were told of it, without saying who.
        CannotCompareError where it was not published by the end of the span.
        """
        with reading(self._engine) as connection:
            known = self._memory.known(connection)
            if version not in known.number_of:
                raise CannotCompareError(f"{version} is not on record", hint="run `policyctl sync`")
            record = next(each for each in known.records if each.key == version)
            if microseconds(record.published_at) > span.last:
                raise CannotCompareError(f"{version} was not published by then", hint="give a later --to")
            return self._held(connection, choose_version(connection, known, version, span))

    @staticmethod
    def _held(connection: Connection, chosen: Chosen) -> HeldEvidence:
        head, part = prove_rows(driver_of(connection), chosen)
        owed = tuple(OwedNotice(*row) for row in chosen.owed)
        return HeldEvidence(head, part, chosen.versions, owed, chosen.counts)
