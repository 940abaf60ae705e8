# SPDX-License-Identifier: Apache-2.0
"""How much the ledger holds, counted by the database.

Where subjects stand is reduced once (export.py) and put beside the tags as a table that lasts as long as
the look; the database joins and counts, and only sums come back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from policyctl.adapters.ledger.asking.export import Export, SubjectStanding, valid_tags
from policyctl.adapters.ledger.base.common import NO_VERSION
from policyctl.adapters.ledger.base.driver import Driver, driver_of
from policyctl.adapters.ledger.base.epochs import read_epochs, table_name
from policyctl.adapters.ledger.people.answers import ANSWER_OF
from policyctl.adapters.ledger.versions.known import Known
from policyctl.adapters.tables import moment_of
from policyctl.core.records import ChoiceCount, LedgerStats, MonthCount, TagCount
from policyctl.core.use.share import KindCount, LedgerCounts

_DAY = 86_400
_AT_ONCE = 20_000
_STANDS = "stands"


@dataclass(frozen=True, slots=True)
class _Look:
    """What is counted: tags collected by ``at`` (seconds), of the subjects that ``among`` names."""

    connection: Connection
    driver: Driver
    known: Known
    at: int
    among: str

    def groups(self, what: str, join: str = "") -> Counter[tuple[int, ...]]:
        """How many tags there are for each combination of ``what``, in all epochs together."""
        totals: Counter[tuple[int, ...]] = Counter()
        numbers = read_epochs(self.connection).numbers
        for table, valid in valid_tags(self.driver, map(table_name, numbers), self.among):
            query = (
                f"SELECT {what}, count(*) FROM {table} t {join} "  # noqa: S608 - our own names
                f"WHERE {valid} AND t.collected_at <= {self.at} GROUP BY {what}"
            )
            for *key, count in self.driver.rows(query):
                totals[tuple(key)] += count
        return totals


def count_all(connection: Connection, known: Known, export: Export, *, at: int) -> LedgerCounts:
    """Tags by version, category and month, choices by change and answer, and how many of the rest; and
    the tags by where their subjects stand. ``export``: whose part of the ledger is counted.
    """
    look = _Look(connection, driver_of(connection), known, at, export.among("t.subject_no"))
    days = look.groups(f"t.category, t.version_no, t.collected_at / {_DAY}")
    stats = _stats(look, export, days)
    return LedgerCounts(stats, tuple(_kinds(look, export)), known.records, export.taxonomy)


def _stats(look: _Look, export: Export, days: Counter[tuple[int, ...]]) -> LedgerStats:
    whole = export.tenant_no is None
    return LedgerStats(
        tags=_tags(look.known, days),
        months=_months(look.known, days),
        choices=_choices(look, export.among("subject_no")),
        subjects=_count(look, "subject", export.among("subject_no")),
        customers=_count(look, "customer") if whole else 1,
        corrections=_count(look, "tag_correction", export.among("subject_no")),
        batches=_count(look, "batch") if whole else None,
        epochs=len(read_epochs(look.connection).numbers) if whole else None,
        sequence=export.sequence if whole else None,
    )


def _count(look: _Look, table: str, among: str = "1 = 1") -> int:
    return int(look.driver.rows(f"SELECT count(*) FROM {table} WHERE {among}")[0][0])  # noqa: S608 - our own names


def _named(known: Known, category: int, version_no: int) -> tuple[str, int | None, str]:
    slug, name = known.category_of[category]
    return slug, None if version_no == NO_VERSION else known.key_of[version_no].number, name


def _tags(known: Known, days: Counter[tuple[int, ...]]) -> tuple[TagCount, ...]:
    totals: Counter[tuple[str, int | None, str]] = Counter()
    for (category, version_no, _), count in days.items():
        totals[_named(known, category, version_no)] += count
    ordered = sorted(totals.items(), key=lambda item: (item[0][0], item[0][1] or 0, item[0][2]))
    return tuple(TagCount(*name, count) for name, count in ordered)


def _months(known: Known, days: Counter[tuple[int, ...]]) -> tuple[MonthCount, ...]:
    totals: Counter[tuple[str, str, int | None, str]] = Counter()
    for (category, version_no, number), count in days.items():
        month = f"{moment_of(number * _DAY * 1_000_000):%Y-%m}"
        totals[month, *_named(known, category, version_no)] += count
    ordered = sorted(totals.items(), key=lambda item: (*item[0][:2], item[0][2] or 0, item[0][3]))
    return tuple(MonthCount(*name, count) for name, count in ordered)


def _choices(look: _Look, among: str) -> tuple[ChoiceCount, ...]:
    query = f"SELECT practice_no, answer, count(*) FROM choice WHERE {among} GROUP BY practice_no, answer"  # noqa: S608 - our own names
    counts = (
        ChoiceCount(look.known.practice_of[practice], ANSWER_OF[answer], count)
        for practice, answer, count in look.driver.rows(query)
    )
    return tuple(sorted(counts, key=lambda each: (each.change, each.answer.value)))


def _kinds(look: _Look, export: Export) -> Iterator[KindCount]:
    ended, ends = export.ended_by()
    with _beside(look, export.subjects()):
        join = f"LEFT JOIN {_STANDS} s ON s.subject_no = t.subject_no {ends}"
        kind = ["t.category", "t.version_no", "coalesce(s.standing, 0)", *([ended] if ended else [])]
        found = look.groups(", ".join(kind), join)
    standings = {number: standing for standing, number in export.standings.items()}
    for (category, version_no, standing, *gone), count in sorted(found.items()):
        slug, name = look.known.category_of[category]
        version = look.known.key_of.get(version_no)
        yield KindCount(slug, name, version, standings[standing], count, ended=any(gone))


@contextmanager
def _beside(look: _Look, standings: Iterator[SubjectStanding]) -> Iterator[None]:
    """A table of where subjects stand, for as long as it is looked at."""
    kind = "INTEGER" if look.connection.dialect.name == "sqlite" else "BIGINT"
    look.connection.exec_driver_sql(
        f"CREATE TEMP TABLE {_STANDS} (subject_no {kind} PRIMARY KEY, standing INTEGER NOT NULL)"
    )
    rows = ((subject_no, standing) for subject_no, standing, _, _ in standings)
    while portion := list(islice(rows, _AT_ONCE)):
        look.driver.insert(_STANDS, ("subject_no", "standing"), portion)
    yield
    look.connection.exec_driver_sql(f"DROP TABLE {_STANDS}")
