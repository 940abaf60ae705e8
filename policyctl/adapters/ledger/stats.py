# SPDX-License-Identifier: Apache-2.0
"""How much the ledger holds, counted by the database."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from policyctl.adapters.ledger.answers import ANSWER_OF
from policyctl.adapters.ledger.common import NO_VERSION
from policyctl.adapters.ledger.driver import driver_of
from policyctl.adapters.ledger.epochs import read_epochs, table_name
from policyctl.adapters.ledger.known import Known
from policyctl.core.records import ChoiceCount, LedgerStats, TagCount


def read_stats(connection: Connection, known: Known) -> LedgerStats:
    """Tags by version and category, choices by change and answer, and how many of the rest."""
    driver = driver_of(connection)
    counted = ("subject", "customer", "entry", "batch", "tag_correction")
    numbers = {name: driver.rows(f"SELECT count(*) FROM {name}")[0][0] for name in counted}  # noqa: S608 - our own names
    return LedgerStats(
        tags=_tags(connection, known),
        choices=_choices(connection, known),
        subjects=numbers["subject"],
        customers=numbers["customer"],
        corrections=numbers["tag_correction"],
        batches=numbers["batch"],
        epochs=len(read_epochs(connection).numbers),
        sequence=numbers["entry"],
    )


def _tags(connection: Connection, known: Known) -> tuple[TagCount, ...]:
    totals: Counter[tuple[int, int]] = Counter()
    for number in read_epochs(connection).numbers:
        query = (
            f"SELECT version_no, category, count(*) FROM {table_name(number)} GROUP BY version_no, category"  # noqa: S608 - our own names
        )
        for version_no, category, count in driver_of(connection).rows(query):
            totals[version_no, category] += count
    counts = (
        TagCount(
            slug=known.category_of[category][0],
            version=None if version_no == NO_VERSION else known.key_of[version_no].number,
            category=known.category_of[category][1],
            count=count,
        )
        for (version_no, category), count in totals.items()
    )
    return tuple(sorted(counts, key=lambda each: (each.slug, each.version or 0, each.category)))


def _choices(connection: Connection, known: Known) -> tuple[ChoiceCount, ...]:
    query = "SELECT practice_no, answer, count(*) FROM choice GROUP BY practice_no, answer"
    counts = (
        ChoiceCount(known.practice_of[practice], ANSWER_OF[answer], count)
        for practice, answer, count in driver_of(connection).rows(query)
    )
    return tuple(sorted(counts, key=lambda each: (each.change, each.answer.value)))
