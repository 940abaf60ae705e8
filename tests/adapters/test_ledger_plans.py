# SPDX-License-Identifier: Apache-2.0
"""The look-ups behind a decision are look-ups: the database goes by a key and reads no table through."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from policyctl.adapters.ledger import Ledger, engine, open_ledger
from policyctl.adapters.ledger.driver import PostgresDriver, SqliteDriver
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.records import Answer
from policyctl.core.use.decision import UseRequest
from tests.adapters.ledger_samples import (
    CONTACT,
    EMAIL,
    KEY,
    SERVICE,
    TAXONOMY,
    choice,
    customer,
    day,
    owed,
    subject,
    tag,
)
from tests.adapters.test_ledger_contract import V1, V2

NOW = day("2026-11-01")
# Tables that are small by nature: read through, they cost a page.
SMALL = {"epoch", "alembic_version", "sqlite_master"}
LARGE = {
    "tag_1", "tag_correction", "record_name", "pseudonym", "admission", "choice", "outbox", "delivery_event",
    "batch", "entry", "version", "category",
}  # fmt: skip


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.upgrade()
        opened.record_version(V1, (), now=NOW)
        opened.import_customers([customer("acme")], now=NOW)
        opened.import_subjects([subject(f"u{number}", "acme") for number in range(2000)], now=NOW)
        opened.import_tags([tag(f"u{number}", "2026-02-01") for number in range(2000)], now=NOW)
        moved = [tag(f"u{number}", "2026-02-02", provenance="clock") for number in range(1000)]
        opened.import_tags(moved, now=NOW)
        opened.record_version(V2, owed(V2, CONTACT), now=NOW)
        said = [choice(f"u{number}", "fax@v1#news", Answer.REFUSE, "2026-03-01") for number in range(1000)]
        opened.import_choices(said, now=NOW)
        nids = [row[0] for row in opened.nids(V2.key)]
        opened.record_deliveries([DeliveryEvent(nid, DeliveryName.DELIVERED, NOW) for nid in nids], now=NOW)
        yield opened


def asked(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[object, ...]]]:
    """The statements, with their values, that one decision asks the driver."""
    heard: list[tuple[str, tuple[object, ...]]] = []
    kind = SqliteDriver if ledger._engine.dialect.name == "sqlite" else PostgresDriver
    rows, rows_in = kind.rows, kind.rows_in

    def hear_rows(self, query, *values):
        heard.append((query, values))
        return rows(self, query, *values)

    def hear_rows_in(self, query, wanted):
        wanted = list(wanted)
        heard.append((query.replace("?*", "(" + ", ".join("?" * len(wanted)) + ")"), tuple(wanted)))
        return rows_in(self, query, wanted)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "rows", hear_rows)
        patch.setattr(kind, "rows_in", hear_rows_in)
        assert ledger.facts_for(UseRequest("u7", EMAIL, SERVICE, NOW)).tags
    return heard


def plan(ledger: Ledger, query: str, values: tuple[object, ...]) -> list[str]:
    """What the database does; PostgreSQL would read a table of one page through if it were let."""
    with engine.reading(ledger._engine) as connection:
        raw = connection.connection.driver_connection
        if ledger._engine.dialect.name == "sqlite":
            return [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {query}", values)]
        raw.execute("SET LOCAL enable_seqscan = off")
        return [row[0] for row in raw.execute(f"EXPLAIN {query.replace('?', '%s')}", values)]


def test_a_decision_reads_no_large_table_through(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for query, values in asked(ledger, monkeypatch):
        for line in plan(ledger, query, values):
            words = set(re.split(r"\W+", line))
            seen |= LARGE & words
            if "SCAN" in words or "Seq" in words:
                assert (SMALL | {"CONSTANT"}) & words, f"{query}: {line}"
    assert seen == LARGE
