# SPDX-License-Identifier: Apache-2.0
"""Look at the outbox again and again while notices are sent, by this process or by others.

Looks never take more than about a tenth of the time: a ledger with millions of reports is looked at less
often than a small one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from policyctl.adapters.ledger import Ledger
from policyctl.core.notices.outbox import OutboxCount
from policyctl.core.notices.underway import Underway, left

_OFTEN = timedelta(milliseconds=500)
_SHARE = 10


@dataclass(slots=True)
class Watch:
    """``show`` is given every look. ``clock`` tells the time, aware UTC; ``slug``: one policy only."""

    ledger: Ledger
    clock: Callable[[], datetime]
    show: Callable[[Underway], None]
    slug: str | None = None
    _first: tuple[datetime, int] | None = field(default=None, init=False)
    _next: datetime | None = field(default=None, init=False)

    def tick(self, _done: int = 0) -> None:
        """Look, unless that was done a moment ago; to be called as often as one likes."""
        if self._next is None or self.clock() >= self._next:
            self.look()

    def look(self) -> Underway:
        """Look now."""
        began = self.clock()
        counts: tuple[OutboxCount, ...] = self.ledger.outbox_counts(self.slug)
        at = self.clock()
        self._next = at + max(_OFTEN, _SHARE * (at - began))
        first, before = self._first = self._first or (at, left(counts))
        found = Underway(at, (at - first).total_seconds(), counts, before)
        self.show(found)
        return found

    def until(
        self, over: Callable[[Underway], bool], *, wait: Callable[[float], None], stop: Callable[[], bool]
    ) -> Underway:
        """Look until it is over or somebody says stop; the last look. ``wait`` lets that many seconds
        pass.
        """
        found = self.look()
        while not (over(found) or stop()):
            wait(max(0.0, ((self._next or found.at) - self.clock()).total_seconds()))
            if not stop():
                found = self.look()
        return found
