# SPDX-License-Identifier: Apache-2.0
"""How much of the data may be used for what, and why the rest may not.

The tags come counted by what the rules look at: category, version, and where their subjects stand
(core/use/matrix.py). So the rules are asked once for each such kind of tag and purpose, by the function
that decides one request, and the counts are added up. Each tag is asked about by itself, for a use
without disclosure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from policyctl.core.policy import VersionKey
from policyctl.core.practice import Taxonomy
from policyctl.core.records import LedgerStats, VersionRecord
from policyctl.core.use.matrix import BulkCount, BulkQuestion, Matrix, Standing
from policyctl.core.use.question import UseAnswer


@dataclass(frozen=True, slots=True)
class KindCount:
    """How many tags are of this category and version and of subjects that stand so."""

    slug: str
    category: str
    version: VersionKey | None
    standing: Standing
    count: int
    ended: bool = False
    """Whether the data was deleted by then."""


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """One look at a ledger. ``kinds`` add up to ``stats.tags``."""

    stats: LedgerStats
    kinds: tuple[KindCount, ...]
    versions: tuple[VersionRecord, ...]
    taxonomy: Taxonomy


@dataclass(frozen=True, slots=True)
class Share:
    """What the rules say of all tags for one purpose; ``counts`` by answer and reason, largest first."""

    purpose: str
    counts: tuple[BulkCount, ...]

    def of(self, answer: UseAnswer) -> int:
        """How many tags have this answer."""
        return sum(each.records for each in self.counts if each.answer == answer.value)

    @property
    def total(self) -> int:
        """How many tags were asked about."""
        return sum(each.records for each in self.counts)


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What a ledger, or one customer's part of it, holds at a moment, and what may be done with it."""

    stats: LedgerStats
    shares: tuple[Share, ...]
    at: datetime
    customer: str | None = None


def report_of(counts: LedgerCounts, *, at: datetime, customer: str | None = None) -> LedgerReport:
    """The counts and what follows from them, for every purpose that a practice on record states."""
    purposes = sorted({practice.purpose for record in counts.versions for practice in record.practices})
    shares = tuple(share_of(counts, purpose, at=at) for purpose in purposes)
    return LedgerReport(counts.stats, shares, at, customer)


def share_of(counts: LedgerCounts, purpose: str, *, at: datetime) -> Share:
    """The share for one purpose. ``at`` is the moment for which the standings were reduced."""
    matrix = Matrix(BulkQuestion(purpose, at), counts.versions, counts.taxonomy)
    totals: Counter[tuple[str, str]] = Counter()
    for kind in counts.kinds:
        cell = matrix.cell(kind.slug, kind.category, kind.version, kind.standing, ended=kind.ended)
        totals[cell.answer.value, cell.code] += kind.count
    return Share(purpose, tuple(_ordered(totals)))


def _ordered(totals: Counter[tuple[str, str]]) -> Iterable[BulkCount]:
    for (answer, code), count in sorted(totals.items(), key=lambda item: (-item[1], item[0])):
        yield BulkCount(answer, code, count)
