# SPDX-License-Identifier: Apache-2.0
"""Evidence out of a ledger that is cut over several servers: each is a ledger with a head of its own.

1. A person's is that of the server where all that is said of them stands.
2. An organisation's is that of the first server: it is on every one, and its mails are sent by the first.
3. A publication's is that of the first server, too, with how many were told summed over all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from policyctl.adapters.ledger.evidence import Evidence, HeldEvidence, Span
from policyctl.adapters.ledger.sharding.posted import SpreadPostings
from policyctl.adapters.ledger.sharding.shard import Server
from policyctl.core.policy import VersionKey


class EvidenceOfAll(Evidence):
    """As :class:`Evidence`; ``of`` gives the server of a person. UnreachableError where a server that is
    needed does not answer.
    """

    def __init__(self, of: Callable[[str], Server], servers: Sequence[Server]) -> None:
        # Not the ledger's own: there is no one database behind this one.
        self._of = of
        self._servers = servers

    def of_subject(self, subject: str, customer: str | None, span: Span) -> HeldEvidence:
        """(1)."""
        return self._of(subject).to_read().evidence.of_subject(subject, customer, span)

    def of_customer(self, customer: str, span: Span) -> HeldEvidence:
        """(2)."""
        return self._servers[0].to_read().evidence.of_customer(customer, span)

    def of_publication(self, version: VersionKey, span: Span) -> HeldEvidence:
        """(3)."""
        first, *others = (each.to_read().evidence.of_publication(version, span) for each in self._servers)
        counts = Counter(dict(first.counts))
        for other in others:
            counts.update(dict(other.counts))
        return replace(first, counts=tuple(sorted(counts.items())))


class SpreadLooks(SpreadPostings):
    """What the ledger of several servers has for people who look at it."""

    _servers: tuple[Server, ...]

    def _of(self, subject: str) -> Server:
        raise NotImplementedError

    @property
    def evidence(self) -> Evidence:
        """From the server where it stands."""
        return EvidenceOfAll(self._of, self._servers)
