# SPDX-License-Identifier: Apache-2.0
"""How the ledger treats its database: connections, parallel writers, death, migrations, bad URLs."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import engine
from policyctl.adapters.tables import METADATA
from policyctl.core.use.decision import UseRequest
from policyctl.errors import (
    CannotCompareError,
    InputErrors,
    IntegrityError,
    RefusedError,
    UsageError,
)
from tests.adapters.ledger_samples import EMAIL, KEY, SERVICE, TAXONOMY, customer, day, subject
from tests.peers.postgres import Server

NOW = day("2026-11-01")


def opened(url: str) -> Ledger:
    ledger = open_ledger(url, key=KEY, taxonomy=TAXONOMY)
    ledger.upgrade()
    return ledger


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


# SQLite's connections


def test_every_sqlite_connection_keeps_the_durability_promise(url: str) -> None:
    with opened(url) as ledger, contextlib.ExitStack() as stack:
        for _ in range(3):  # at once, so that each is a connection of its own
            connection = stack.enter_context(ledger._engine.connect())
            pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            got = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
            assert got == ["wal", 2, 1, 5000]


def test_a_pragma_that_cannot_be_had_is_an_integrity_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(url) as ledger:
        monkeypatch.setitem(engine._PRAGMAS, "journal_mode", "nonsense")
        ledger.close()
        with pytest.raises(IntegrityError, match="journal_mode"):
            ledger.versions()


def test_a_write_takes_the_lock_before_it_looks(url: str, file: Path) -> None:
    with opened(url) as ledger, contextlib.closing(sqlite3.connect(file, timeout=0)) as other:
        with engine.writing(ledger._engine), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.execute("BEGIN IMMEDIATE")


def test_reading_goes_on_while_another_writes(url: str) -> None:
    with opened(url) as ledger, engine.writing(ledger._engine):
        assert ledger.versions() == ()


def test_the_file_is_for_its_owner_only_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "ledger.db"
    with opened(f"sqlite:///{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_looking_does_not_make_a_file(url: str, file: Path) -> None:
    with (
        open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger,
        pytest.raises(CannotCompareError, match="no ledger"),
    ):
        ledger.versions()
    assert not file.exists()


def test_a_path_with_odd_characters_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a b#c%20d.db"
    with opened(f"sqlite:///{path}") as ledger:
        assert ledger.versions() == ()
    assert path.exists()


def test_a_file_that_is_no_database_is_said_to_be_damaged(url: str, file: Path) -> None:
    file.write_bytes(b"this is not a database, it is a letter" * 100)
    with (
        open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger,
        pytest.raises(IntegrityError, match="damaged"),
    ):
        ledger.upgrade()


def test_no_address_stands_in_an_error(url: str) -> None:
    with opened(url) as ledger:
        with ledger._engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER broken BEFORE INSERT ON address "
                "BEGIN SELECT RAISE(ABORT, 'disk on fire'); END"
            )
        with pytest.raises(IntegrityError, match="disk on fire") as raised:
            ledger.import_subjects([subject("u1")], now=NOW)
        assert "users.example.com" not in str(raised.value)
        assert "users.example.com" not in str(raised.value.__cause__)


# Parallel writers


_WRITES = """
import sys
from policyctl.adapters.ledger import open_ledger
from tests.adapters.ledger_samples import KEY, TAXONOMY, customer, day
ledger = open_ledger(sys.argv[1], key=KEY, taxonomy=TAXONOMY)
for number in range(8):
    ledger.import_customers([customer(f"w{sys.argv[2]}-{number}")], now=day("2026-11-01"))
"""


def _write_many(url: str, worker: int, count: int) -> None:
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        for number in range(count):
            ledger.import_customers([customer(f"w{worker}-{number}")], now=NOW)


def _entries(ledger: Ledger) -> list[int]:
    with ledger._engine.connect() as connection:
        return list(connection.execute(sa.text("SELECT seq FROM entry ORDER BY seq")).scalars())


def test_eight_writing_processes_lose_nothing_and_see_no_lock(url: str) -> None:
    with opened(url) as ledger:
        writers = [subprocess.Popen([sys.executable, "-c", _WRITES, url, str(worker)]) for worker in range(8)]
        assert [writer.wait(120) for writer in writers] == [0] * 8
        assert _entries(ledger) == list(range(1, 65))


def test_eight_writing_connections_lose_nothing(database_url: str) -> None:
    with opened(database_url) as ledger:
        writers = [
            threading.Thread(target=_write_many, args=(database_url, worker, 8)) for worker in range(8)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(120)
        assert _entries(ledger) == list(range(1, 65))


@pytest.mark.peer("postgres")
def test_a_writer_that_waits_too_long_is_told_that_the_ledger_is_busy(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine._SESSION, "lock_timeout", "100ms")
    url = postgres.new_database()
    with opened(url) as ledger, opened(url) as other:
        with engine.writing(other._engine), pytest.raises(RefusedError, match="busy") as raised:
            ledger.import_customers([customer("acme")], now=NOW)
        assert "again in a moment" in raised.value.hint
        assert ledger.import_customers([customer("acme")], now=NOW).added == 1


def test_two_claims_at_once_hand_out_different_notices(database_url: str) -> None:
    from tests.adapters.ledger_samples import SERVICE, owed, practice, version

    with opened(database_url) as ledger:
        ledger.import_customers([customer(f"c{number}") for number in range(40)], now=NOW)
        record = version(1, "2026-01-01", practice("account", SERVICE))
        ledger.record_version(record, owed(record)[:1], now=NOW)
        got: list[str] = []

        def work() -> None:
            while chunk := ledger.claim(NOW, mailer="test", owner="me"):
                got.extend(item.nid for item in ledger.addressees(chunk))

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert (len(got), len(set(got))) == (40, 40)


# Death

_DIES = """
import os, signal, sys
from policyctl.adapters.ledger import open_ledger
from policyctl.adapters.ledger.base import engine
from policyctl.adapters.ledger.people import people
from tests.adapters.ledger_samples import KEY, TAXONOMY, customer, day
ledger = open_ledger(sys.argv[1], key=KEY, taxonomy=TAXONOMY)
ledger.import_customers([customer("before")], now=day("2026-11-01"))
with ledger._writing("customers", day("2026-11-01")) as writer:
    people.import_customers(writer, [customer(f"c{n}") for n in range(2000)])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_killed_in_its_transaction_leaves_nothing_of_it(database_url: str) -> None:
    with opened(database_url) as ledger:
        died = subprocess.run([sys.executable, "-c", _DIES, database_url], check=False, timeout=60)
        assert died.returncode == -signal.SIGKILL
        with ledger._engine.connect() as connection:
            found = connection.execute(sa.text("SELECT id FROM customer")).scalars().all()
            entries = connection.execute(sa.text("SELECT seq FROM entry")).scalars().all()
        assert (found, entries) == (["before"], [1])
        assert ledger.import_customers([customer("after")], now=NOW).added == 1


def test_what_was_acknowledged_is_there_after_the_writer_is_killed(url: str, tmp_path: Path) -> None:
    opened(url).close()
    code = (
        "import sys; from tests.adapters.test_ledger_databases import *\n"
        "ledger = open_ledger(sys.argv[1], key=KEY, taxonomy=TAXONOMY)\n"
        "for n in range(10**6):\n"
        "    ledger.import_customers([customer(f'c{n}')], now=NOW); print(n, flush=True)\n"
    )
    log = tmp_path / "acknowledged"
    with log.open("w") as output:
        writer = subprocess.Popen([sys.executable, "-c", code, url], stdout=output, env={**os.environ})
        deadline = time.monotonic() + 60
        while log.read_text().count("\n") < 20 and time.monotonic() < deadline:
            time.sleep(0.02)
        writer.kill()
        writer.wait(30)
    acknowledged = log.read_text().count("\n")
    assert acknowledged >= 20
    with opened(url) as ledger, ledger._engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT count(*) FROM customer")).scalar_one()
        assert kept in {acknowledged, acknowledged + 1}
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_a_full_disk_is_told_and_nothing_is_half_written(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(url) as ledger:
        with ledger._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        ledger.close()
        monkeypatch.setitem(engine._PRAGMAS, "max_page_count", pages + 3)
        people = [subject(f"u{number}") for number in range(3000)]
        with pytest.raises(RefusedError, match="disk is full") as raised:
            ledger.import_subjects(people, now=NOW)
        assert raised.value.hint
        assert _entries(ledger) == []
        ledger.close()
        monkeypatch.delitem(engine._PRAGMAS, "max_page_count")
        assert ledger.import_subjects(people, now=NOW).added == 3000


# Migrations


@pytest.mark.parametrize("statement", ["DROP TABLE pseudonym", "ALTER TABLE batch RENAME TO lost"])
def test_a_table_that_is_not_there_is_told_with_its_mend(database_url: str, statement: str) -> None:
    with opened(database_url) as ledger:
        with ledger._engine.begin() as connection:
            connection.execute(sa.text(statement))
        with pytest.raises(RefusedError, match="trial version of policyctl, or some are missing") as raised:
            ledger.facts_for(UseRequest("u1", EMAIL, SERVICE, NOW))
        assert str(ledger._engine.url.database) in raised.value.message
        assert "policyctl sync" in raised.value.hint


def test_a_ledger_made_before_the_tables_were_laid_out_anew_is_named_and_left_alone(
    database_url: str,
) -> None:
    """Its step has the number of today's first one, but other tables: none is added to them."""
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        engine._make_file(Path(str(ledger._engine.url.database))) if "sqlite" in database_url else None
        with ledger._engine.begin() as connection:
            for statement in (
                "CREATE TABLE alembic_version (version_num TEXT)",
                "INSERT INTO alembic_version VALUES ('0001')",
                "CREATE TABLE version (slug TEXT, number INTEGER)",
            ):
                connection.execute(sa.text(statement))
        with pytest.raises(RefusedError, match="trial version") as raised:
            ledger.upgrade()
        assert str(ledger._engine.url.database) in raised.value.message
        assert "move it away" in raised.value.hint
        assert sorted(sa.inspect(ledger._engine).get_table_names()) == ["alembic_version", "version"]


def test_a_second_upgrade_changes_nothing(database_url: str) -> None:
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        assert ledger.upgrade() is True
        before = sorted(sa.inspect(ledger._engine).get_table_names())
        assert ledger.upgrade() is False
        assert sorted(sa.inspect(ledger._engine).get_table_names()) == before


def test_two_upgrades_at_once_make_the_tables_once(database_url: str) -> None:
    done: list[bool] = []

    def work() -> None:
        with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
            done.append(ledger.upgrade())

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(done) == [False, True]


def test_the_migrations_make_the_tables_that_the_code_describes(database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with opened(database_url) as ledger, ledger._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_the_code_works_with_the_last_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(engine._MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [engine.HEAD]


def test_a_ledger_of_a_newer_release_is_left_alone(database_url: str) -> None:
    with opened(database_url) as ledger:
        with ledger._engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(RefusedError, match="9999"):
            ledger.upgrade()
        with pytest.raises(RefusedError, match="9999"):
            ledger.versions()


def pull_the_plug(ledger: Ledger, at: str) -> None:
    """Fail where a statement of a migration names ``at``."""

    def fail(_connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        if at in statement:
            raise RuntimeError("pulled the plug")

    sa.event.listen(ledger._engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(RuntimeError, match="pulled the plug"):
            ledger.upgrade()
    finally:
        sa.event.remove(ledger._engine, "before_cursor_execute", fail)


@pytest.mark.parametrize(
    "at", ["tag_1_no_update", "INSERT INTO epoch", "TRIGGER receipt_no_", "TRIGGER objection_no_"]
)
def test_a_half_made_ledger_cannot_be(database_url: str, at: str) -> None:
    """A statement of a migration fails: then not one table is there."""
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        pull_the_plug(ledger, at)
        assert sa.inspect(ledger._engine).get_table_names() == []
        assert ledger.upgrade() is True


def upgrade_to(ledger: Ledger, step: str) -> None:
    """The ledger as an older release left it: its migrations up to ``step``."""
    from alembic import command
    from alembic.config import Config

    if ledger._engine.dialect.name == "sqlite":
        engine._make_file(Path(str(ledger._engine.url.database)))
    config = Config()
    config.set_main_option("script_location", str(engine._MIGRATIONS))
    with engine.writing(ledger._engine, check=False) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, step)


def test_an_older_ledger_is_not_touched_until_it_is_upgraded(database_url: str) -> None:
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        upgrade_to(ledger, "0001")
        for attempt in (ledger.versions, lambda: ledger.import_customers([customer("bolt")], now=NOW)):
            with pytest.raises(RefusedError, match="0001") as raised:
                attempt()
            assert "policyctl ledger upgrade" in raised.value.hint
        pull_the_plug(ledger, "TRIGGER receipt_no_")
        assert "receipt" not in sa.inspect(ledger._engine).get_table_names()
        assert ledger.upgrade() is True
        assert ledger.import_customers([customer("bolt")], now=NOW).added == 1


# What cannot be opened

BAD_URLS = (
    "", "ledger.db", "mysql://user:secret@example.com/x", "sqlite://", "sqlite:///:memory:",
    "sqlite:///x.db?mode=ro",
)  # fmt: skip


@pytest.mark.parametrize("bad", BAD_URLS)
def test_a_url_that_is_no_ledgers_is_refused_without_showing_it(bad: str) -> None:
    with pytest.raises(UsageError) as raised:
        open_ledger(bad, key=KEY, taxonomy=TAXONOMY)
    assert raised.value.hint
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_key_of_the_wrong_length_is_refused(url: str, length: int) -> None:
    with pytest.raises(UsageError, match="key"):
        open_ledger(url, key=b"k" * length, taxonomy=TAXONOMY)


def test_a_missing_postgresql_driver_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match="psycopg") as raised:
        open_ledger("postgresql://user@example.com/x", key=KEY, taxonomy=TAXONOMY)
    assert "policyctl[postgres]" in raised.value.hint


@pytest.mark.peer("postgres")
def test_a_postgresql_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://user:sesame@/x?host={tmp_path}"
    with (
        open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger,
        pytest.raises(CannotCompareError, match="could not be reached") as raised,
    ):
        ledger.versions()
    assert "sesame" not in str(raised.value)


def test_a_large_import_is_one_transaction_and_quick(database_url: str) -> None:
    with opened(database_url) as ledger:
        people = [subject(f"u{number}", line=number) for number in range(5000)]
        assert ledger.import_subjects(people, now=NOW).added == 5000
        assert ledger.import_subjects(people, now=NOW).repeated == 5000
        bad = [*people, subject("one-more", "nobody", line=9999)]
        with pytest.raises(InputErrors, match="nobody"):
            ledger.import_subjects(bad, now=NOW)
