# SPDX-License-Identifier: Apache-2.0
"""What is in the ledger, as the service tells it: counted now and then, not each time somebody looks.

1. What was counted is told again while nothing new is in the ledger, for an hour at most, as answers also
   change with time and when a person is erased; and in any case for a while that hangs on how long counting
   takes: a twentieth of the time may go into it. How old the counts are is told with them.
2. One customer's counts hang on time alone: when they are made anew must not tell what others do.
3. One count of the same at a time: who asks while it runs is told what was counted last, or waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING

from policyctl.actions.deciding.count import count_ledger

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.core.use.share import LedgerReport

_LEAST, _MOST = timedelta(seconds=30), timedelta(hours=1)
_SHARE = 20
_KEPT = 1_000  # customers


@dataclass(frozen=True, slots=True)
class _Kept:
    report: LedgerReport
    rest: timedelta


@dataclass(slots=True)
class Counts:
    """What was counted last, by customer (None: all). Used by many threads."""

    _kept: dict[str | None, _Kept] = field(default_factory=dict)
    _locks: dict[str | None, Lock] = field(default_factory=dict)
    _guard: Lock = field(default_factory=Lock)

    def report(self, customer: str | None, *, now: datetime, ledger: Ledger) -> LedgerReport:
        """The counts for a customer, or of the whole ledger."""
        kept = self._kept.get(customer)
        if kept and _holds(kept, now, ledger):
            return kept.report
        with self._alone(customer, wait=kept is None) as mine:
            later = self._kept.get(customer)
            if later is not None and (later is not kept or not mine):
                return later.report
            return self._count(customer, now, ledger)

    def _count(self, customer: str | None, now: datetime, ledger: Ledger) -> LedgerReport:
        begun = perf_counter()
        report = count_ledger(at=now, ledger=ledger, customer=customer)
        rest = max(_LEAST, timedelta(seconds=_SHARE * (perf_counter() - begun)))
        with self._guard:
            if len(self._kept) >= _KEPT and customer not in self._kept:
                self._kept.pop(next(iter(self._kept)))
            self._kept[customer] = _Kept(report, rest)
        return report

    @contextmanager
    def _alone(self, customer: str | None, *, wait: bool) -> Iterator[bool]:
        """Whether nobody else counts the same; without ``wait`` the answer may be no."""
        with self._guard:
            lock = self._locks.setdefault(customer, Lock())
        mine = lock.acquire(blocking=wait)
        try:
            yield mine
        finally:
            if mine:
                lock.release()


def _holds(kept: _Kept, now: datetime, ledger: Ledger) -> bool:
    age = now - kept.report.at
    if age < kept.rest:
        return True
    whole = kept.report.customer is None
    return whole and age < _MOST and ledger.sequence() == kept.report.stats.sequence
