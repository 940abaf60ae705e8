# SPDX-License-Identifier: Apache-2.0
"""One server of a ledger that is cut over several: its place among them, and what is done on it by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from policyctl.adapters.ledger import Ledger
from policyctl.adapters.ledger.asking.online import Online
from policyctl.adapters.ledger.base.common import Writer, pseudonym
from policyctl.adapters.ledger.custody.keeper import Custody
from policyctl.adapters.ledger.tagging.endings import KIND
from policyctl.adapters.ledger.tagging.together import Write
from policyctl.core.records import ClientBatch, ImportReceipt
from policyctl.core.use.question import Decision, UseRequest
from policyctl.errors import IntegrityError, OtherContentError, RefusedError, UnreachableError, UsageError

VARIABLE = "POLICYCTL_LEDGER_SHARD"
# Kinds of entries whose place is not one server alone.
_ROUTED = frozenset(
    {
        "version",
        "posting",
        "customers",
        "subjects",
        "tags",
        "choices",
        "acceptance",
        "acknowledgement",
        "erasure",
        KIND,
    }
)


def server_of(name: bytes, count: int) -> int:
    """On which of ``count`` servers, from 0, the subjects with this pseudonym (16 bytes) stand."""
    return int.from_bytes(name[:8], "big") % count


class OneServer(Ledger):
    """One server of several, for what is done server by server: sending notices, entering what became of
    them, deciding in bulk, checking the chain. UsageError for a write whose place is not this server alone.
    """

    @contextmanager
    def _writing(self, kind: str, now: datetime, *, dry_run: bool = False) -> Iterator[Writer]:
        _require_own(kind)
        with super()._writing(kind, now, dry_run=dry_run) as writer:
            yield writer

    def custody_of(self, subject: str, now: datetime, *, dry_run: bool = False) -> Custody:
        """Of people only by way of all servers."""
        _require_own("erasure")
        return super().custody_of(subject, now, dry_run=dry_run)

    def _enter(self, write: Write, *, dry_run: bool) -> ImportReceipt:
        _require_own(write.kind)
        return super()._enter(write, dry_run=dry_run)


def _require_own(kind: str) -> None:
    if kind in _ROUTED:
        raise UsageError(
            "this is written by way of all servers of the ledger", hint=f"run it without {VARIABLE}"
        )


@dataclass(slots=True)
class Server:
    """One server and its place among all."""

    ledger: Ledger
    number: int
    count: int
    placed: bool = False

    def to_read(self) -> Ledger:
        """Its ledger. IntegrityError where it is known to have another place."""
        self.placed = self.placed or self._is_placed()
        return self.ledger

    def to_write(self, now: datetime) -> Ledger:
        """Its ledger, which is told its place before the first row."""
        self.to_read()
        if not self.placed:
            # Asked again after the count: another process may have been about the same.
            if self.ledger.sequence() and not self._is_placed():
                raise RefusedError(
                    f"server {self.number + 1} of [ledger] shards was a ledger by itself before",
                    hint="begin with empty databases, then import customers, subjects and tags again",
                )
            self.ledger.import_choices([], now=now, batch=self._place())
            self.placed = True
        return self.ledger

    def _is_placed(self) -> bool:
        try:
            return self.ledger.receipt(self._place()) is not None
        except OtherContentError as error:
            raise IntegrityError(
                f"server {self.number + 1} of [ledger] shards had another place, or their number was another",
                hint="list the same servers in the order of the first time",
            ) from error

    def _place(self) -> ClientBatch:
        said = f"{self.number} of {self.count}"
        return ClientBatch("shards", "place", sha256(said.encode()).hexdigest())


class SpreadOnline(Online):
    """The short way to an answer, on each subject's server."""

    def __init__(self, servers: Sequence[Server], key: bytes) -> None:
        self._servers = servers
        self._name_key = key

    def close(self) -> None:
        """Let go of every connection."""
        for server in self._servers:
            server.ledger.online.close()

    def _number(self, request: UseRequest) -> int:
        return server_of(pseudonym(self._name_key, request.subject), len(self._servers))

    def decide(self, request: UseRequest) -> Decision | None:
        """The answer; None where it must be asked the long way."""
        return self.decide_many([request])[0]

    def decide_many(self, requests: Sequence[UseRequest]) -> list[Decision | None]:
        """The answers, those of one server of one state of it."""
        places: dict[int, list[int]] = defaultdict(list)
        for place, request in enumerate(requests):
            places[self._number(request)].append(place)
        found: list[Decision | None] = [None] * len(requests)
        for number, wanted in places.items():
            for place, decision in zip(wanted, self._answers(number, requests, wanted), strict=True):
                found[place] = decision
        return found

    def _answers(
        self, number: int, requests: Sequence[UseRequest], wanted: Sequence[int]
    ) -> Iterable[Decision | None]:
        with suppress(UnreachableError):  # the long way says so
            online = self._servers[number].to_read().online
            if len(wanted) == 1:
                return [online.decide(requests[wanted[0]])]
            return online.decide_many([requests[place] for place in wanted])
        return [None] * len(wanted)
