# SPDX-License-Identifier: Apache-2.0
"""The tables can be spread over several servers: by the rules of Citus, held on the databases themselves.

1. A table that is cut by a column has that column in its primary key and in every unique key.
2. A foreign key leads to a table that is copied to every server, or stays within one shard: both tables
   are cut by the same column, and it is part of the key.
3. No table that is copied refers to one that is cut.
4. On SQLite every table is STRICT and without rowid, its key first (an integrity check needs that).
5. Tags are kept small: six numbers, the long ones first on PostgreSQL.
6. No statement locks rows of a table that is cut (FOR UPDATE), which Citus refuses across servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import policyctl.adapters.ledger
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import epochs
from policyctl.adapters.tables import METADATA
from tests.adapters.ledger_samples import KEY, TAXONOMY

CUT = {name: table.info["spread_by"] for name, table in METADATA.tables.items() if table.info}
SMALL = {
    "entry", "chain", "entry_tile", "policy", "version", "practice", "change", "category", "customer",
    "notice", "epoch",
    "batch", "batch_seal", "cut", "receipt", "chunk", "reminder", "instance", "posting",
    "posting_event", "report_cut", "run", "sent",
}  # fmt: skip


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        with opened._engine.begin() as connection:
            epochs.open_epoch(connection, 2, 1_800_000_000)
        yield opened


def cut_by(table: str) -> str | None:
    return "subject_no" if table.startswith("tag_") else CUT.get(table)


def tables(ledger: Ledger) -> list[str]:
    return [name for name in sa.inspect(ledger._engine).get_table_names() if name != "alembic_version"]


def test_every_table_is_cut_or_copied() -> None:
    assert set(METADATA.tables) - set(CUT) == SMALL
    assert {name for name, column in CUT.items() if column != "subject_no"} == {
        "pseudonym",
        "delivery_event",
        "leaf",
    }


def test_the_column_that_cuts_a_table_is_in_every_key_of_it(ledger: Ledger) -> None:
    look = sa.inspect(ledger._engine)
    for table in tables(ledger):
        if column := cut_by(table):
            keys = [look.get_pk_constraint(table)["constrained_columns"]]
            keys += [key["column_names"] for key in look.get_unique_constraints(table)]
            keys += [index["column_names"] for index in look.get_indexes(table) if index["unique"]]
            assert all(column in key for key in keys), table


def test_no_foreign_key_crosses_from_one_server_to_another(ledger: Ledger) -> None:
    look = sa.inspect(ledger._engine)
    for table in tables(ledger):
        for key in look.get_foreign_keys(table):
            target = key["referred_table"]
            if (column := cut_by(target)) is not None:
                assert cut_by(table) == column, f"{table} -> {target}"
                assert column in key["constrained_columns"]
                assert column in key["referred_columns"]


_LOCK = re.compile(r"with_for_update|FOR (NO KEY )?(UPDATE|SHARE)|LOCK TABLE", re.IGNORECASE)


def test_no_statement_of_the_ledger_locks_rows() -> None:
    folder = Path(policyctl.adapters.ledger.__file__).parent
    files = [*folder.rglob("*.py"), *folder.parent.glob("migrations/**/*.py")]
    assert len(files) > 20
    for file in files:
        assert not _LOCK.search(file.read_text("utf-8")), file.name


def test_sqlite_tables_are_strict_and_lie_in_the_order_of_their_key(ledger: Ledger) -> None:
    if ledger._engine.dialect.name != "sqlite":
        pytest.skip("of SQLite only")
    look = sa.inspect(ledger._engine)
    with ledger._engine.connect() as connection:
        listed = connection.exec_driver_sql("PRAGMA table_list").mappings()
        kinds = {row["name"]: (row["wr"], row["strict"]) for row in listed}
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
    for table in tables(ledger):
        assert kinds[table] == (1, 1), table
        key = look.get_pk_constraint(table)["constrained_columns"]
        assert [column["name"] for column in look.get_columns(table)][: len(key)] == key


def test_a_later_epoch_is_made_as_the_first_was(ledger: Ledger) -> None:
    look = sa.inspect(ledger._engine)

    def shape(table: str) -> object:
        columns = [
            (column["name"], str(column["type"]), column["nullable"]) for column in look.get_columns(table)
        ]
        return columns, look.get_pk_constraint(table)["constrained_columns"]

    assert shape("tag_1") == shape("tag_2")
    for attempt in ("UPDATE tag_2 SET ref = ref", "DELETE FROM tag_2"):
        with ledger._engine.begin() as connection:
            row = "(subject_no, category, ref, collected_at, batch_no, version_no) VALUES (1, 1, 1, 1, 1, 1)"
            connection.execute(sa.text(f"INSERT INTO tag_2 {row} ON CONFLICT DO NOTHING"))
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), ledger._engine.begin() as connection:
            connection.execute(sa.text(attempt))


def test_a_tag_is_six_numbers_the_long_ones_first(ledger: Ledger) -> None:
    columns = sa.inspect(ledger._engine).get_columns("tag_1")
    assert len(columns) == 6
    if ledger._engine.dialect.name == "postgresql":
        kinds = [str(column["type"]) for column in columns]
        assert kinds == ["BIGINT", "BIGINT", "BIGINT", "INTEGER", "SMALLINT", "SMALLINT"]
