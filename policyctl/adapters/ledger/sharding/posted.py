# SPDX-License-Identifier: Apache-2.0
"""What is posted, where the ledger is cut over several servers: copied to each, like versions. And data that
was deleted, which is told to the server of its subject.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from policyctl.adapters.ledger.looking.posted import Postings
from policyctl.adapters.ledger.tagging.endings import SpreadEndings
from policyctl.core.policy import VersionKey
from policyctl.core.postings import NewPosting, Posting, PostingOutcome


class SpreadPostings(SpreadEndings, Postings):
    """As :class:`Postings`, on every server."""

    def _answering(self, ask: Callable[[Any], Any]) -> list[Any]:
        raise NotImplementedError

    def _copied(self, now: datetime, write: Callable[[int, Any], Any]) -> list[Any]:
        raise NotImplementedError

    def postings(self, version: VersionKey | None = None) -> tuple[Posting, ...]:
        """Those that every server has which answers; with the numbers of entries of the first."""
        first, *others = self._answering(lambda ledger: ledger.postings(version))
        known = [{each.id for each in other} for other in others]
        return tuple(each for each in first if all(each.id in ids for ids in known))

    def enter_postings(self, new: Sequence[NewPosting], *, now: datetime) -> int:
        """On every server."""
        added: list[int] = self._copied(now, lambda _, ledger: ledger.enter_postings(new, now=now))
        return max(added)

    def note_posting(
        self,
        posting: str,
        outcome: PostingOutcome,
        *,
        now: datetime,
        not_before: datetime | None = None,
        detail: str = "",
    ) -> None:
        """On every server."""
        self._copied(
            now,
            lambda _, ledger: ledger.note_posting(
                posting, outcome, now=now, not_before=not_before, detail=detail
            ),
        )
