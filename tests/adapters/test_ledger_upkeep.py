# SPDX-License-Identifier: Apache-2.0
"""Sealing, compaction and export of epochs change nothing on record, and say when something else did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from policyctl.actions.deciding.epochs import check_epoch_file, export_epoch
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import epochs
from policyctl.adapters.ledger.proving import proofs
from policyctl.adapters.ledger.tagging import tags
from policyctl.errors import InputError, IntegrityError, RefusedError, UsageError
from tests.adapters.ledger_samples import EMAIL, KEY, PHONE, TAXONOMY, day, subject, tag
from tests.adapters.test_ledger_contract import V1, V2
from tests.adapters.test_ledger_proofs import old_row, root_of
from tests.adapters.test_ledger_record import run
from tests.ledgers import new_ledger

pytest.importorskip("pyarrow")

NOW = day("2026-11-01")
PEOPLE, RECORDS = ("u1", "u2"), 400


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        fill(opened)
        yield opened


def fill(ledger: Ledger) -> None:
    """A closed epoch of 1,600 tags in two batches, and a new one with one."""
    ledger.record_version(V1, (), now=NOW)
    ledger.record_version(V2, (), now=NOW)
    ledger.import_subjects([subject("u1"), subject("u2"), subject("u3")], now=NOW)
    rows = [
        tag(who, "2026-02-01", category, record)
        for record in (*map(str, range(RECORDS - 1)), "form")
        for who in PEOPLE
        for category in (EMAIL, PHONE)
    ]
    ledger.import_tags(rows[::-2], now=NOW)
    ledger.import_tags(rows[::2], now=NOW)
    with ledger._engine.begin() as connection:
        epochs.open_epoch(connection, 2, int(day("2026-09-01").timestamp()))
    ledger.import_tags([tag("u3", "2026-10-01")], now=NOW)


def content(ledger: Ledger, table: str = "tag_1") -> list[tuple[int, ...]]:
    query = f"SELECT * FROM {table} ORDER BY subject_no, category, ref"  # noqa: S608 - our own names
    with ledger._engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def refuses_changes(ledger: Ledger, table: str) -> None:
    for attempt in (f"UPDATE {table} SET ref = ref", f"DELETE FROM {table}"):  # noqa: S608 - our own names
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), ledger._engine.begin() as connection:
            connection.execute(sa.text(attempt))


# Sealing


@pytest.fixture
def unsealed(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.setattr(proofs, "PROVEN", 100)
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        fill(opened)
        yield opened


def test_a_large_batch_gets_the_root_it_would_have_had(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proofs, "PROVEN", 100)
        with new_ledger(tmp_path / "other.db") as other:
            fill(other)
            other.upkeep.seal(now=NOW)
            with other._engine.connect() as connection:
                found = connection.exec_driver_sql("SELECT batch_no, root FROM batch_seal").all()
    assert dict(found) == {1: root_of(ledger, 1), 2: root_of(ledger, 2)}


def test_every_tag_can_be_proven_once_its_batch_is_sealed(unsealed: Ledger) -> None:
    assert unsealed.prove("u1", EMAIL, "7") == []
    done = unsealed.upkeep.seal(now=NOW)
    assert (done.batches, done.tags) == (2, 1600)
    for who in PEOPLE:
        for category in (EMAIL, PHONE):
            for record in (*map(str, range(0, RECORDS - 1, 37)), "form"):
                (proof,) = unsealed.prove(who, category, record)
                assert proof.inclusion.holds()
                assert proof.inclusion.size == 800
                assert proof.rooted > proof.entry
    assert unsealed.first_bad_entry() is None
    assert unsealed.upkeep.seal(now=NOW).batches == 0


def test_batches_from_before_there_were_roots_are_sealed_too(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tags, "batch_row", old_row)
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        fill(ledger)
        assert ledger.upkeep.seal(now=NOW).batches == 3
        assert ledger.prove("u2", PHONE, "form")[0].inclusion.holds()
        assert ledger.first_bad_entry() is None


def test_a_large_batch_of_corrections_is_sealed(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "PROVEN", 100)
    moved = [tag("u1", "2026-07-01", record=str(n), provenance="the clock was wrong") for n in range(300)]
    ledger.import_tags(moved, now=NOW)
    assert ledger.upkeep.seal(now=NOW).tags == 300
    first, second = ledger.prove("u1", EMAIL, "9")
    assert second.inclusion.size == 300
    assert first.inclusion.holds()
    assert second.inclusion.holds()


def test_what_was_altered_is_not_sealed(unsealed: Ledger) -> None:
    run(unsealed, "UPDATE tag_1 SET version_no = 2 WHERE subject_no = 1 AND ref = 3")
    with pytest.raises(IntegrityError, match="not those that were hashed"):
        unsealed.upkeep.seal(now=NOW)
    with unsealed._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM batch_seal").scalar() == 0


def test_a_seal_is_part_of_the_chain_and_never_changes(unsealed: Ledger) -> None:
    unsealed.upkeep.seal(now=NOW)
    sealed_in = unsealed.prove("u1", EMAIL, "7")[0].rooted
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), unsealed._engine.begin() as connection:
        connection.execute(sa.text("UPDATE batch_seal SET entry = entry"))
    run(unsealed, "UPDATE batch_seal SET root = tiles WHERE batch_no = 1")
    assert unsealed.first_bad_entry() == sealed_in


# Compaction


def test_compaction_keeps_every_tag_and_the_triggers(ledger: Ledger) -> None:
    before = content(ledger)
    (done,) = ledger.upkeep.compact()
    assert (done.epoch, done.tags) == (1, len(before))
    assert done.after <= done.before
    assert content(ledger) == before
    assert ledger.first_bad_entry() is None
    refuses_changes(ledger, "tag_1")
    ledger.import_tags([tag("u3", "2026-02-01", record="late")], now=NOW)
    assert ledger.prove("u3", EMAIL, "late")[0].inclusion.holds()


@pytest.mark.parametrize(("number", "error"), [(2, RefusedError), (3, UsageError), (0, UsageError)])
def test_only_a_closed_epoch_is_compacted_or_exported(
    ledger: Ledger, tmp_path: Path, number: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        ledger.upkeep.compact(number)
    with pytest.raises(error):
        export_epoch(number, tmp_path / "x.parquet", ledger=ledger)
    assert list(tmp_path.glob("*.parquet")) == []


def test_an_epoch_that_lost_a_tag_is_neither_compacted_nor_exported(ledger: Ledger, tmp_path: Path) -> None:
    run(ledger, "DELETE FROM tag_1 WHERE subject_no = 1 AND ref = 3")
    with pytest.raises(IntegrityError, match="where 1600 entered"):
        ledger.upkeep.compact(1)
    with pytest.raises(IntegrityError, match="where 1600 entered"):
        export_epoch(1, tmp_path / "x.parquet", ledger=ledger)
    assert len(content(ledger)) == 1598
    assert list(tmp_path.glob("*parquet*")) == []


KILLED = """
import os, signal, sys
from policyctl.adapters.ledger import open_ledger
from tests.adapters.ledger_samples import KEY, TAXONOMY
from sqlalchemy import event
ledger = open_ledger(sys.argv[1], key=KEY, taxonomy=TAXONOMY)

@event.listens_for(ledger._engine, "after_cursor_execute")
def after(connection, cursor, statement, *rest):
    if statement.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

ledger.upkeep.compact(1)
"""


@pytest.mark.parametrize("step", ["ALTER", "CREATE TABLE", "CREATE TRIGGER", "INSERT", "DROP TABLE"])
def test_a_compaction_that_is_killed_leaves_the_ledger_as_it_was(tmp_path: Path, step: str) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with new_ledger(tmp_path / "ledger.db") as ledger:
        fill(ledger)
        before = content(ledger)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url, step],
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == -signal.SIGKILL
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        assert content(ledger) == before
        assert ledger.first_bad_entry() is None
        refuses_changes(ledger, "tag_1")
        assert ledger.upkeep.compact(1)[0].tags == len(before)
        refuses_changes(ledger, "tag_1")


# Export


def test_an_exported_epoch_holds_what_the_ledger_does(ledger: Ledger, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    file = tmp_path / "epoch.parquet"
    note, size = export_epoch(1, file, ledger=ledger)
    assert (note.tags, size) == (1600, file.stat().st_size)
    found = pq.read_table(file).to_pylist()
    assert [row["subject"] for row in found] == sorted(row["subject"] for row in found)
    assert {(row["policy"], row["category"], row["version"], row["state"]) for row in found} == {
        ("fax", category, "fax@v1", "valid") for category in (EMAIL, PHONE)
    }
    assert {row["collected_at"] for row in found} == {day("2026-02-01")}
    with ledger._engine.connect() as connection:
        query = "SELECT subject_no, ref, batch_no FROM tag_1 ORDER BY subject_no, category, ref"
        expected = [tuple(row) for row in connection.exec_driver_sql(query)]
    assert [(row["subject"], row["record"], row["batch"]) for row in found] == expected
    assert check_epoch_file(file, ledger=ledger) == note
    ledger.import_tags([tag("u1", "2026-10-01")], now=NOW)
    assert check_epoch_file(file, ledger=ledger) == note, "the newest epoch is none of its business"
    with pytest.raises(RefusedError, match="there already"):
        export_epoch(1, file, ledger=ledger)


def test_a_file_of_another_ledger_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with new_ledger(tmp_path / "other.db") as other:
        fill(other)
        export_epoch(1, tmp_path / "other.parquet", ledger=other)
    with pytest.raises(RefusedError, match="another ledger"):
        check_epoch_file(tmp_path / "other.parquet", ledger=ledger)


def late(ledger: Ledger) -> None:
    ledger.import_tags([tag("u3", "2026-02-01", record="late")], now=NOW)


def correct(ledger: Ledger) -> None:
    ledger.import_tags([tag("u1", "2026-07-01", record="9", provenance="a clock")], now=NOW)


def erase(ledger: Ledger) -> None:
    ledger.erase_subject("u2", now=NOW)


@pytest.mark.parametrize(
    ("change", "state", "count"), [(late, "valid", 1601), (correct, "corrected", 1), (erase, "erased", 800)]
)
def test_a_file_that_is_out_of_date_is_refused_until_it_is_written_again(
    ledger: Ledger, tmp_path: Path, change, state: str, count: int
) -> None:
    import pyarrow.parquet as pq

    file = tmp_path / "epoch.parquet"
    export_epoch(1, file, ledger=ledger)
    change(ledger)
    with pytest.raises(RefusedError, match="out of date"):
        check_epoch_file(file, ledger=ledger)
    note, _ = export_epoch(1, file, ledger=ledger, over=True)
    assert check_epoch_file(file, ledger=ledger) == note
    assert pq.read_table(file)["state"].to_pylist().count(state) == count


@pytest.mark.parametrize(("column", "value"), [("record", 7), ("version", "fax@v2"), ("version", "fax@v9")])
def test_a_file_that_was_altered_is_told(ledger: Ledger, tmp_path: Path, column: str, value: object) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = tmp_path / "epoch.parquet"
    export_epoch(1, file, ledger=ledger)
    table = pq.read_table(file)
    cells = table[column].to_pylist()
    cells[5] = value
    place = table.column_names.index(column)
    field = table.schema.field(column)
    pq.write_table(table.set_column(place, field, pa.array(cells).cast(field.type)), file)
    with pytest.raises(IntegrityError, match="does not hold"):
        check_epoch_file(file, ledger=ledger)


def test_a_file_that_is_no_export_is_told(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(InputError, match="no export"):
        check_epoch_file(tmp_path / "text.parquet", ledger=ledger)
    with pytest.raises(UsageError, match="No such file"):
        check_epoch_file(tmp_path / "none.parquet", ledger=ledger)
