# SPDX-License-Identifier: Apache-2.0
"""One ledger cut over several servers, each a whole ledger for its share of the subjects.

1. Versions, customers, their choices and acknowledgements are copied to every server. Such a write needs all
   of them: where one does not answer it is refused before anything enters, and run again it is completed.
2. A subject and all that is said of it stand on one server, by the hash of its pseudonym: people of several
   customers with one id stand together, so a doubt about whose is meant is seen. Where a server is down,
   its subjects cannot be asked or written about, and all others can.
3. Rows for several servers are tried on each, then entered server by server; every write may be repeated, so
   one that was cut off is completed by sending it again, under the same id of its batch.
4. Each server keeps which of how many it is: a list of servers in another order or length is refused.
5. Numbers of entries are each server's own: that in an answer is of the subject's server.

What is sent out, reported, streamed out or checked is of one server: see :class:`OneServer`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Literal, Never, TypeVar

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base.common import Complaints
from policyctl.adapters.ledger.custody.keeper import Custody
from policyctl.adapters.ledger.sharding.evidence import SpreadLooks
from policyctl.adapters.ledger.sharding.shard import VARIABLE, OneServer, Server, SpreadOnline, server_of
from policyctl.adapters.ledger.sharding.sums import copy_receipt, sum_counts, sum_outboxes, sum_receipts
from policyctl.core.notices.outbox import Audience, OutboxCount, PlannedNotice
from policyctl.core.notices.reach import Groups, Reason
from policyctl.core.policy import VersionKey
from policyctl.core.practice import Taxonomy
from policyctl.core.proof.heads import LedgerHead
from policyctl.core.records import (
    Choice,
    ChoiceRow,
    ClientBatch,
    CustomerRow,
    ImportReceipt,
    Listed,
    SubjectRow,
    Tag,
    TagProof,
    TagRow,
    VersionRecord,
)
from policyctl.core.use.question import Facts, UseRequest
from policyctl.core.use.share import LedgerCounts
from policyctl.errors import (
    InputError,
    InputErrors,
    UnreachableError,
    UsageError,
)

MOST_TAGS = 100_000
_REALLY, _TRY = False, True  # whether it is a dry run
_R = TypeVar("_R")
_Row = TypeVar("_Row")
_Enter = Callable[[Ledger, Sequence[_Row], ClientBatch | None, bool], ImportReceipt]


def open_shards(urls: Sequence[str], *, key: bytes, taxonomy: Taxonomy) -> Shards:
    """The ledger that is cut over the servers at ``urls``, in this order; as :func:`open_ledger`."""
    return Shards([open_ledger(url, key=key, taxonomy=taxonomy) for url in urls], key=key)


def open_one(urls: Sequence[str], said: str, *, key: bytes, taxonomy: Taxonomy) -> OneServer:
    """One of the servers, by its number from 1 in the list. UsageError for another text than that."""
    if not (said.isascii() and said.isdigit() and 1 <= int(said) <= len(urls)):
        raise UsageError(
            f"{VARIABLE} is no server of [ledger] shards", hint=f"set it to a number from 1 to {len(urls)}"
        )
    return OneServer.at(urls[int(said) - 1], key=key, taxonomy=taxonomy)


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of a write that go to one server."""

    server: Server
    rows: Sequence[Any]
    batch: ClientBatch | None = None


class Shards(SpreadLooks, Ledger):
    """The ledger of several servers, open, used as one. UsageError for what is of one server."""

    def __init__(self, ledgers: Sequence[Ledger], *, key: bytes) -> None:
        # Not the ledger's own: there is no one database behind this one.
        self._key = key
        self._servers = tuple(Server(ledger, number, len(ledgers)) for number, ledger in enumerate(ledgers))
        self.online = SpreadOnline(self._servers, key)

    def __getattr__(self, name: str) -> Never:
        if name != "_engine":
            raise AttributeError(name)
        count = len(self._servers)
        raise UsageError(
            f"this is done on one server at a time, and the ledger is cut over {count}",
            hint=f"run it {count} times, with {VARIABLE}=1 to {VARIABLE}={count}",
        )

    def close(self) -> None:
        """Let go of every connection; idempotent."""
        for server in self._servers:
            server.ledger.close()

    @property
    def parts(self) -> Sequence[Ledger]:
        """Its servers' ledgers, in their order."""
        return [server.ledger for server in self._servers]

    def upgrade(self) -> bool:
        """Bring every server up to date that answers. UnreachableError, at the end, where one does not."""
        changed, away = [], []
        for server in self._servers:
            try:
                changed.append(server.ledger.upgrade())
            except UnreachableError as error:
                away.append(error)
        if away:
            raise away[0]
        return any(changed)

    # Where things stand

    def _of(self, subject: str) -> Server:
        return self._servers[server_of(self._name(subject), len(self._servers))]

    def _for(self, subject: str, now: datetime, *, dry_run: bool = False) -> Ledger:
        server = self._of(subject)
        return server.to_read() if dry_run else server.to_write(now)

    def _answering(self, ask: Callable[[Ledger], _R]) -> list[_R]:
        """What the servers say that answer; UnreachableError where none does."""
        found, away = [], None
        for server in self._servers:
            try:
                found.append(ask(server.to_read()))
            except UnreachableError as error:
                away = error
        if not found and away:
            raise away
        return found

    def _every(self, ask: Callable[[Ledger], _R]) -> list[_R]:
        return [ask(server.to_read()) for server in self._servers]

    def _copied(self, now: datetime, write: Callable[[int, Ledger], _R]) -> list[_R]:
        """A write on every server, begun only where all of them answer."""
        for server in self._servers:
            server.ledger.require_ready()
        return [write(server.number, server.to_write(now)) for server in self._servers]

    def _parts(
        self, rows: Iterable[_Row], who: Callable[[_Row], str], batch: ClientBatch | None = None
    ) -> list[_Part]:
        found: dict[int, list[_Row]] = defaultdict(list)
        for row in rows:
            found[self._of(who(row)).number].append(row)
        return [_Part(self._servers[number], found[number], batch) for number in sorted(found)]

    def _enter_parts(
        self,
        parts: Sequence[_Part],
        enter: _Enter[Any],
        *,
        now: datetime,
        dry_run: bool,
        faults: Sequence[InputError] = (),
    ) -> list[ImportReceipt]:
        """All parts tried, unless there is only one; then entered, one after the other."""
        if dry_run or faults or len(parts) > 1:
            tried = _try(parts, enter, faults)
            if dry_run:
                return tried
        return [enter(part.server.to_write(now), part.rows, part.batch, _REALLY) for part in parts]

    # Copied to every server

    def versions(self, slug: str | None = None) -> tuple[VersionRecord, ...]:
        """Versions that every server has which answers: one that is on some only is still to be entered."""
        first, *others = self._answering(lambda ledger: ledger.versions(slug))
        return tuple(record for record in first if all(record in other for other in others))

    def record_version(
        self, record: VersionRecord, notices: Sequence[PlannedNotice], *, now: datetime
    ) -> bool:
        """On every server; administrators are written to by the first, subjects by their own."""

        def write(number: int, ledger: Ledger) -> bool:
            owed = [each for each in notices if not number or each.audience.kind == "subjects"]
            return ledger.record_version(record, owed, now=now)

        return any(self._copied(now, write))

    def import_customers(
        self, rows: Sequence[CustomerRow], *, now: datetime, dry_run: bool = False
    ) -> ImportReceipt:
        """On every server."""
        parts = [_Part(server, rows) for server in self._servers]
        enter: _Enter[CustomerRow] = lambda ledger, rows, _, dry: ledger.import_customers(  # noqa: E731
            rows, now=now, dry_run=dry
        )
        return copy_receipt(self._enter_parts(parts, enter, now=now, dry_run=dry_run))

    def unknown_customers(self, customers: Iterable[str]) -> set[str]:
        """Those that a server does not know which answers."""
        wanted = set(customers)
        return set().union(*self._answering(lambda ledger: ledger.unknown_customers(wanted)))

    def acknowledge(
        self, customer: str, version: VersionKey, at: datetime, *, now: datetime, dry_run: bool = False
    ) -> bool:
        """On every server."""
        if dry_run:
            return any(self._every(lambda one: one.acknowledge(customer, version, at, now=now, dry_run=True)))
        return any(self._copied(now, lambda _, one: one.acknowledge(customer, version, at, now=now)))

    def acknowledgements(self, version: VersionKey) -> tuple[tuple[str, datetime], ...]:
        """As the first server has it that answers."""
        return self._answering(lambda ledger: ledger.acknowledgements(version))[0]

    # Of one subject each

    def import_subjects(
        self,
        rows: Sequence[SubjectRow],
        *,
        now: datetime,
        dry_run: bool = False,
        within: str | None = None,
    ) -> ImportReceipt:
        """Each to its server."""
        enter: _Enter[SubjectRow] = lambda ledger, rows, _, dry: ledger.import_subjects(  # noqa: E731
            rows, now=now, dry_run=dry, within=within
        )
        parts = self._parts(rows, lambda row: row.subject)
        return sum_receipts(self._enter_parts(parts, enter, now=now, dry_run=dry_run))

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
        """Each to the server of its subject; at most MOST_TAGS, as they are held until all were tried."""
        held = list(islice(rows, MOST_TAGS + 1))
        if len(held) > MOST_TAGS:
            raise UsageError(
                f"a ledger on several servers takes at most {MOST_TAGS:,} tags at once",
                hint="bring the file in parts: `policyctl tags import --resume`",
            )
        enter: _Enter[TagRow] = lambda ledger, rows, batch, dry: ledger.import_tags(  # noqa: E731
            rows, now=now, dry_run=dry, within=within, batch=batch
        )
        parts = self._parts(held, lambda row: row.subject, batch)
        return sum_receipts(self._enter_parts(parts, enter, now=now, dry_run=dry_run, faults=faults))

    def receipt(self, batch: ClientBatch, *, within: str | None = None) -> ImportReceipt | None:
        """The receipt of a batch that every server has; else it is to be brought again."""
        found = self._every(lambda ledger: ledger.receipt(batch, within=within))
        return None if None in found else sum_receipts([each for each in found if each])

    def import_choices(
        self,
        rows: Sequence[ChoiceRow],
        *,
        now: datetime,
        dry_run: bool = False,
        within: str | None = None,
        batch: ClientBatch | None = None,
    ) -> ImportReceipt:
        """Those of customers to every server, each other to that of its subject."""
        enter: _Enter[ChoiceRow] = lambda ledger, rows, batch, dry: ledger.import_choices(  # noqa: E731
            rows, now=now, dry_run=dry, within=within, batch=batch
        )
        copied = [row for row in rows if row.scope == "customer"]
        own = self._parts([row for row in rows if row.scope != "customer"], lambda row: row.who, batch)
        # Another source: on one server the same batch has two receipts.
        other = batch and replace(batch, source=f"{batch.source}/copied")
        all_parts = [_Part(server, copied, other) for server in self._servers if copied] + own
        done = self._enter_parts(all_parts, enter, now=now, dry_run=dry_run)
        count = len(self._servers) if copied else 0
        return sum_receipts([*([copy_receipt(done[:count])] if count else []), *done[count:]])

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
        """On the server of the subject."""
        return self._for(subject, now, dry_run=dry_run).accept(
            subject, version, at, now=now, customer=customer, within=within, dry_run=dry_run, batch=batch
        )

    def erase_addresses(self, kind: Literal["customer", "subject"], owner: str, *, now: datetime) -> int:
        """A customer's on every server, a subject's on its own."""
        if kind == "customer":
            return max(self._copied(now, lambda _, one: one.erase_addresses(kind, owner, now=now)))
        return self._for(owner, now).erase_addresses(kind, owner, now=now)

    def custody_of(self, subject: str, now: datetime, *, dry_run: bool = False) -> Custody:
        """On the server of the subject."""
        return self._for(subject, now, dry_run=dry_run).custody

    def prove(self, subject: str, category: str, record: str, customer: str | None = None) -> list[TagProof]:
        """By the server of the subject: the numbers are its own."""
        return self._of(subject).to_read().prove(subject, category, record, customer)

    def facts_for(self, request: UseRequest, *, upto: int | None = None) -> Facts:
        """From the server of the subject."""
        return self._of(request.subject).to_read().facts_for(request, upto=upto)

    # Of all together

    def heads(self) -> tuple[LedgerHead, ...]:
        """Those of all servers, in their order; UnreachableError where one does not answer."""
        return tuple(head for heads in self._every(lambda ledger: ledger.heads()) for head in heads)

    def require_ready(self) -> None:
        """UnreachableError or BusyError where no server can be asked; one that is down is its subjects'."""
        self._answering(lambda ledger: ledger.require_ready())

    def counts(self, at: datetime, *, customer: str | None = None) -> LedgerCounts:
        """The sum of all servers; customers counted once, their choices on every server."""
        return sum_counts(self._every(lambda ledger: ledger.counts(at, customer=customer)))

    def sequence(self) -> int:
        """The sum of the servers' last entries, which grows with every write."""
        return sum(self._every(lambda ledger: ledger.sequence()))

    def tags_of(
        self, subject: str, *, customer: str | None = None, after: Sequence[int] = (), limit: int
    ) -> list[Listed[Tag]]:
        """From the server of the subject."""
        return self._of(subject).to_read().tags_of(subject, customer=customer, after=after, limit=limit)

    def choices_of(
        self, subject: str | None, *, customer: str | None = None, after: Sequence[int] = (), limit: int
    ) -> list[Listed[Choice]]:
        """From the server of the subject; a customer's from the first that answers."""

        def ask(ledger: Ledger) -> list[Listed[Choice]]:
            return ledger.choices_of(subject, customer=customer, after=after, limit=limit)

        return self._answering(ask)[0] if subject is None else ask(self._of(subject).to_read())

    def audience_groups(self, version: VersionKey, audiences: Iterable[Audience]) -> dict[Audience, Groups]:
        """Administrators are counted once, subjects on every server."""
        wanted = tuple(audiences)
        found = self._every(lambda ledger: ledger.audience_groups(version, wanted))
        return {
            each: found[0][each]
            if each.kind == "administrators"
            else {reason: sum(one[each].get(reason, 0) for one in found) for reason in Reason}
            for each in found[0]
        }

    def durability(self) -> tuple[tuple[str, str], ...]:
        """What every server says of itself, each thing once."""
        return tuple(dict.fromkeys(row for rows in self._every(lambda one: one.durability()) for row in rows))

    def waiting_since(self, now: datetime) -> datetime | None:
        """Of the server where one waits longest."""
        return min((at for at in self._every(lambda one: one.waiting_since(now)) if at), default=None)

    def outbox_counts(self, slug: str | None = None) -> tuple[OutboxCount, ...]:
        """Where the addressees stand, of all servers together."""
        return sum_outboxes(
            each for found in self._every(lambda one: one.outbox_counts(slug)) for each in found
        )


def _try(parts: Sequence[_Part], enter: _Enter[Any], faults: Sequence[InputError]) -> list[ImportReceipt]:
    """Every part on its server, without a trace; InputErrors with the complaints of all."""
    complaints, done = Complaints(list(faults)), []
    for part in parts:
        try:
            done.append(enter(part.server.to_read(), part.rows, part.batch, _TRY))
        except InputErrors as found:
            complaints.errors += [each for each in found.errors if isinstance(each, InputError)]
    complaints.errors = list({(str(each), each.hint): each for each in complaints.errors}.values())
    complaints.raise_if_any()
    return done
