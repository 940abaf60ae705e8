# SPDX-License-Identifier: Apache-2.0
"""A ledger looked through after somebody who holds the database itself did something to it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import engine
from policyctl.adapters.ledger.base.chain import chained
from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.checking import Looked, entries, open_record
from policyctl.adapters.ledger.checking import tags as checked_tags
from policyctl.adapters.ledger.proving.cuts import add_cut
from policyctl.adapters.ledger.tagging import tags
from policyctl.adapters.tables import METADATA
from policyctl.core.postings import NewPosting, PlaceKind
from policyctl.core.proof.cuts import Cut, CutOf, left_over
from policyctl.core.proof.flaws import FlawKind
from policyctl.core.proof.heads import Anchor, LedgerHead
from policyctl.core.records import Answer, ChoiceRow, EndRow
from tests.adapters.ledger_samples import (
    EMAIL,
    KEY,
    TAXONOMY,
    at_line,
    choice,
    customer,
    day,
    owed,
    subject,
    tag,
)
from tests.adapters.test_ledger_contract import V1, V2
from tests.adapters.test_ledger_databases import upgrade_to
from tests.peers.postgres import Server

NOW = day("2026-11-01")
# A choice is numbered within its entry: 6 << 24.
FIRST_OUT = "DELETE FROM choice WHERE seq = 100663296"
RENUMBER = "UPDATE {0} SET entry = CASE entry WHEN {1} THEN {2} WHEN {2} THEN {1} ELSE entry END"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Ledgers that are filled already: a file, and later a database by its URL."""
    file = tmp_path_factory.mktemp("ledger") / "model.db"
    fill(f"sqlite:///{file}")
    return {"sqlite": str(file)}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgres"))])
def ledger(request: pytest.FixtureRequest, filled: dict[str, str], tmp_path: Path) -> Iterator[Ledger]:
    """A copy of one that is filled once."""
    if request.param == "sqlite":
        url = f"sqlite:///{shutil.copy(filled['sqlite'], tmp_path / 'ledger.db')}"
    else:
        server: Server = request.getfixturevalue("postgres")
        if "postgresql" not in filled:
            filled["postgresql"] = server.new_database()
            fill(filled["postgresql"])
        url = server.copy_of(filled["postgresql"])
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as opened:
        yield opened


def fill(url: str) -> None:
    """Entries: 1, 2 versions; 3 customers; 4 subjects; 5 tags; 6, 7 choices; 8 corrections; 9 a tag."""
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.upgrade()
        opened.record_version(V1, (), now=NOW)
        opened.record_version(V2, owed(V2), now=NOW)
        opened.import_customers([customer("acme")], now=NOW)
        opened.import_subjects([subject("u1", "acme"), subject("u2")], now=NOW)
        opened.import_tags([tag("u1", "2026-02-01", record=str(n)) for n in range(600)], now=NOW)
        opened.import_choices([news("u1", Answer.REFUSE), news("u2", Answer.REFUSE)], now=NOW)
        opened.import_choices([news("u1", Answer.CONSENT, "2026-04-01")], now=NOW)
        opened.import_tags([tag("u1", "2026-02-02", record="1", provenance="the clock was wrong")], now=NOW)
        opened.import_tags([tag("u2", "2026-02-01", record="form")], now=NOW)


def run(ledger: Ledger, *statements: str) -> None:
    """As somebody who holds the database itself: no trigger and no foreign key stands in the way."""
    if ledger._engine.dialect.name == "postgresql":
        with ledger._engine.begin() as connection:
            for statement in ("SET session_replication_role = replica", *statements):
                connection.execute(sa.text(statement))
        return
    with closing(sqlite3.connect(str(ledger._engine.url.database))) as raw:
        triggers = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for statement in (*(f"DROP TRIGGER {name}" for (name,) in triggers), *statements):
            raw.execute(statement)
        raw.commit()


def news(who: str, answer: Answer, at: str = "2026-03-01") -> ChoiceRow:
    return choice(who, "fax@v1#news", answer, at)


def look(ledger: Ledger, *anchors: LedgerHead) -> Looked:
    url = ledger._engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    with open_record(url) as record:
        return record.through([Anchor("a mail", head) for head in anchors])


def found(ledger: Ledger, *anchors: LedgerHead) -> list[tuple[FlawKind, str, int | None]]:
    return [(flaw.kind, flaw.table, flaw.entry) for flaw in look(ledger, *anchors).flaws]


def test_a_ledger_that_nobody_touched_holds(ledger: Ledger) -> None:
    done = look(ledger, *ledger.heads())
    assert done.flaws == ()
    assert done.head == ledger.heads()[0]
    assert done.counts.tags == 602
    with ledger._engine.connect() as connection:
        count = connection.execute(sa.text("SELECT count(*) FROM entry")).scalar_one()
    assert done.head.entry == count == 9


SLIPPED_IN = """INSERT INTO tag_1 (subject_no, category, ref, collected_at, batch_no, version_no)
    SELECT subject_no, category, 9999, collected_at, batch_no, version_no FROM tag_1 WHERE ref = 4"""
SECOND_PRACTICE = """INSERT INTO practice (practice_no, position, line, version_no, keep_existing, id, clause,
    categories, purpose, recipients, retention, choice) SELECT 99, position, line, version_no, keep_existing,
    'slipped', clause, categories, 'marketing', recipients, retention, 'none' FROM practice
    WHERE practice_no = 1"""
# What was done, and the first flaw: what kind it is, the table and the entry.
DONE = {
    "a tag moved to another version": (
        "altered", "tag_1", 5, "UPDATE tag_1 SET version_no = 2 WHERE ref = 300"),
    "a tag taken out": ("missing", "tag_1", 5, "DELETE FROM tag_1 WHERE ref = 300"),
    "a tag slipped in": ("altered", "tag_1", 5, SLIPPED_IN),
    "a whole batch of tags taken out": ("missing", "tag_1", 9, "DELETE FROM tag_1 WHERE ref < 0"),
    "a batch and its tags taken out": (
        "missing", "batch", 9, "DELETE FROM tag_1 WHERE ref < 0", "DELETE FROM batch WHERE entry = 9"),
    "tags of another batch": ("altered", "tag_1", 5, "UPDATE tag_1 SET batch_no = 1 WHERE ref < 0"),
    "a correction undone": ("missing", "tag_correction", 8, "DELETE FROM tag_correction"),
    "a root that is not the tags'": (
        "altered", "tag_1", 5, "UPDATE batch SET root = digest WHERE entry = 5"),
    "a refusal turned round": ("altered", "choice", 6, "UPDATE choice SET answer = 1 WHERE entry = 6"),
    "the only row of an entry taken out": ("missing", "choice", 7, "DELETE FROM choice WHERE entry = 7"),
    "one row of several taken out": ("missing", "choice", 6, FIRST_OUT),
    "two entries swapped": ("reordered", "choice", 6, RENUMBER.format("choice", 6, 7)),
    "two links swapped": (
        "altered", "chain", 6,
        "UPDATE chain SET entry = 600 WHERE entry = 6", "UPDATE chain SET entry = 6 WHERE entry = 7",
        "UPDATE chain SET entry = 7 WHERE entry = 600"),
    "an entry taken out with all its rows": (
        "missing", "entry", 7, "DELETE FROM choice WHERE entry = 7", "DELETE FROM chain WHERE entry = 7",
        "DELETE FROM entry WHERE seq = 7"),
    "an entry taken out, and its link left": (
        "missing", "entry", 7, "DELETE FROM choice WHERE entry = 7", "DELETE FROM entry WHERE seq = 7"),
    "the last link cut off": ("missing", "chain", 9, "DELETE FROM chain WHERE entry = 9"),
    "a link written anew": ("altered", "chain", 4, "UPDATE chain SET root = digest WHERE entry = 4"),
    "a time put back": ("altered", "choice", 7, "UPDATE entry SET recorded_at = 0 WHERE seq = 7"),
    "a row of an entry that is not there": (
        "missing", "choice", 7, "UPDATE choice SET entry = 70 WHERE entry = 7"),
    "a practice that says more": (
        "altered", "", 1, "UPDATE practice SET purpose = 'marketing' WHERE practice_no = 1"),
    "a practice slipped in": ("altered", "practice", None, SECOND_PRACTICE),
    "what silence means": ("altered", "", 2, "UPDATE change SET mode = 'opt-out', window_days = 1"),
    "a category that means another": (
        "altered", "", 5, "UPDATE category SET id = 'user' WHERE category_no = 1"),
    "the words of a notice": ("altered", "", 2, "UPDATE notice SET body = '{}' WHERE notice_no = 1"),
    "a policy renamed": ("altered", "", 1, "UPDATE policy SET slug = 'other'"),
    "a person erased without a word": (
        "altered", "subject", 4, "UPDATE subject SET erased_at = 1, ext_id = NULL, salt = NULL"),
}  # fmt: skip


@pytest.mark.parametrize("done", DONE.values(), ids=DONE)
def test_what_was_done_to_the_database_is_told_with_its_place(
    ledger: Ledger, done: tuple[object, ...]
) -> None:
    kind, table, entry, *statements = done
    run(ledger, *map(str, statements))
    flaws = found(ledger)
    assert (FlawKind(str(kind)), table, entry) in flaws
    assert min((each[2] or 0) for each in flaws) == (entry or 0)
    assert all(each[0] is not FlawKind.UNSIGNED for each in flaws)


def test_of_a_large_batch_the_tile_is_named(ledger: Ledger) -> None:
    run(ledger, "UPDATE tag_1 SET collected_at = 0 WHERE ref = 300")
    (flaw,) = look(ledger).flaws
    assert "a tag of the 600 of batch 1 is not what was hashed" in flaw.message
    assert "among its tags 257 to 512" in flaw.message


def test_everything_that_is_wrong_is_told_and_the_first_first(ledger: Ledger) -> None:
    run(ledger, "DELETE FROM tag_1 WHERE ref < 0", "UPDATE choice SET answer = 1 WHERE entry = 6")
    assert [flaw.entry for flaw in look(ledger).flaws] == [6, 9]


# What leads to a person, what is owed and how far it came, where an epoch begins, what is left of the tree of
# a batch that lost tags, and when commands ran: no part of the record.
OUTSIDE = {
    "pseudonym", "outbox", "chunk", "address", "record_name", "answer_receipt", "epoch", "instance", "leaf",
    "run",
}  # fmt: skip
FREE = {"ext_id", "salt", "tiles"}  # what may be erased; what a proof is found with


def test_a_table_is_under_the_chain_or_it_is_known_why_not() -> None:
    by_themselves = {"entry", "chain", "entry_tile", "tag_1", "tag_correction"}
    assert set(METADATA.tables) - set(chained()) - by_themselves == OUTSIDE


def test_every_other_value_of_every_table_is_under_the_chain(tmp_path: Path) -> None:
    """One value after the other is changed, in a copy, by somebody who holds the database."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    fill(url)
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.accept("u3", V2.key, day("2026-10-01"), now=NOW)
        ledger.acknowledge("acme", V2.key, day("2026-10-01"), now=NOW)
        ledger.end_tags([EndRow(at_line(2), "u1", EMAIL, "7", NOW)], now=NOW)
        ledger.erase_subject("u2", now=NOW)
        ledger.enter_postings(
            [NewPosting(V2.key, "app", PlaceKind.FILE, "a.md", "a" * 64, posted_at=NOW)], now=NOW
        )
    with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        values = list(_values(raw))
    assert len({table for table, _ in values}) >= 17
    copy = tmp_path / "copy.db"
    assert [f"{table}.{column}" for table, column in values if not _is_seen(url, copy, table, column)] == []


def _values(raw: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for table in METADATA.tables.values():
        count = raw.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0]  # noqa: S608 - our own names
        if table.name not in OUTSIDE and count:
            yield from ((table.name, column.name) for column in table.c if column.name not in FREE)


def _is_seen(url: str, copy: Path, table: str, column: str) -> bool:
    """Whether another value in the last row of a table is told of."""
    shutil.copy(url.removeprefix("sqlite:///"), copy)
    with closing(sqlite3.connect(copy)) as raw:
        raw.execute("PRAGMA ignore_check_constraints = 1")
        key = ", ".join(row[1] for row in raw.execute(f"PRAGMA table_info({table})") if row[5])
        last = f"({key}) = (SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1)"  # noqa: S608
        kind = raw.execute(f"SELECT typeof({column}) FROM {table} WHERE {last}").fetchone()[0]  # noqa: S608
        others = {"integer": f"{column} + 1000", "text": f"{column} || 'x'", "blob": "x'00'", "null": "1"}
        raw.execute(f"UPDATE {table} SET {column} = {others[kind]} WHERE {last}")  # noqa: S608
        raw.commit()
    with open_record(f"sqlite:///{copy}") as record:
        return bool(record.through().flaws)


# Heads that were kept outside


def written_anew(ledger: Ledger, first: int) -> None:
    """Every digest and root from an entry on as honest code would make them for what is there now."""
    with ledger._engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT seq, kind, recorded_at FROM entry ORDER BY seq")).all()
        tables = entries.Tables(driver_of(connection))
        digests = {
            row.seq: tables.of(row.seq).digest(json.dumps(["entry", *row]).encode() + b"\n") for row in rows
        }
    root, statements = bytes(32), []
    for seq, digest in sorted(digests.items()):
        root = sha256(root + digest).digest()
        mark = "'\\x{}'" if ledger._engine.dialect.name == "postgresql" else "x'{}'"
        if seq >= first:
            values = f"digest = {mark.format(digest.hex())}, root = {mark.format(root.hex())}"
            statements.append(f"UPDATE chain SET {values} WHERE entry = {seq}")  # noqa: S608 - hex digits
    run(ledger, *(statement for statement in statements))


def test_a_chain_that_was_written_anew_is_told_by_a_head_that_was_kept(ledger: Ledger) -> None:
    (kept,) = ledger.heads()
    run(ledger, "UPDATE choice SET answer = 1 WHERE entry = 6")
    written_anew(ledger, 6)
    assert look(ledger).flaws == ()  # by itself it cannot tell
    assert found(ledger, kept) == [(FlawKind.ALTERED, "chain", kept.entry)]


def test_an_older_state_that_was_put_back_is_told_by_a_head_that_was_kept(ledger: Ledger) -> None:
    old = ledger.heads()
    ledger.import_choices([news("u2", Answer.CONSENT, "2026-05-01")], now=NOW)
    (kept,) = ledger.heads()
    run(
        ledger, "DELETE FROM choice WHERE entry = 10", "DELETE FROM chain WHERE entry = 10",
        "DELETE FROM entry WHERE seq = 10",
    )  # fmt: skip
    assert look(ledger, *old).flaws == ()
    (flaw,) = look(ledger, kept).flaws
    assert (flaw.kind, flaw.entry) == (FlawKind.ROLLED_BACK, 10)
    assert "ends at entry 9, and a mail holds the root of entry 10" in flaw.message


def test_a_copy_of_the_file_that_was_put_back_is_rolled_back(tmp_path: Path) -> None:
    url, copy = f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path / "copy.db"
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.upgrade()
        ledger.record_version(V1, (), now=NOW)
    shutil.copy(tmp_path / "ledger.db", copy)
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.record_version(V2, (), now=NOW)
        (kept,) = ledger.heads()
    shutil.copy(copy, tmp_path / "ledger.db")
    with open_record(url) as record:
        assert [flaw.kind for flaw in record.through([Anchor("v2", kept)]).flaws] == [FlawKind.ROLLED_BACK]


def test_the_head_of_an_empty_ledger_is_held_by_every_later_one(ledger: Ledger) -> None:
    assert found(ledger, LedgerHead(0)) == []


# What was cut out on purpose


def cut(ledger: Ledger, *cuts: Cut) -> None:
    with engine.writing(ledger._engine) as connection:
        writer = Writer(connection, "prune", NOW)
        for each in cuts:
            add_cut(writer, each)
        writer.finish()


def rest_of(ledger: Ledger, first: int, last: int) -> bytes:
    """What is left of some entries now."""
    with ledger._engine.connect() as connection:
        return entries.left_of_entries(driver_of(connection), [(first, last)])[0]


def rest_of_batches(ledger: Ledger, first: int, last: int) -> bytes:
    with ledger._engine.connect() as connection:
        return checked_tags.left_of_batches(driver_of(connection), [(first, last)])[0]


def test_what_was_cut_with_a_record_leaves_a_ledger_that_holds(ledger: Ledger) -> None:
    (kept,) = ledger.heads()
    run(ledger, "DELETE FROM choice WHERE entry = 6 OR entry = 7", "DELETE FROM tag_1 WHERE ref >= 0")
    rest, nothing = rest_of(ledger, 6, 7), rest_of_batches(ledger, 1, 1)
    assert nothing == left_over([sha256().digest()])
    assert {flaw.kind for flaw in look(ledger).flaws} == {FlawKind.MISSING}
    cut(
        ledger,
        Cut(CutOf.ENTRY, 6, 7, 3, rest, "kept for two years"),
        Cut(CutOf.BATCH, 1, 1, 600, nothing, "kept for two years"),
    )
    done = look(ledger, kept)
    assert done.flaws == ()
    assert done.counts.cuts == 2
    assert done.counts.tags == 2


def test_some_tags_of_several_batches_can_be_cut(ledger: Ledger) -> None:
    run(ledger, "DELETE FROM tag_1 WHERE ref >= 0 AND ref < 300", "DELETE FROM tag_correction")
    cut(ledger, Cut(CutOf.BATCH, 1, 3, 301, rest_of_batches(ledger, 1, 3), "kept for two years"))
    assert look(ledger).flaws == ()
    run(ledger, "UPDATE tag_1 SET version_no = 2 WHERE ref = 400")
    (flaw,) = look(ledger).flaws
    assert "what is left is not what the cut record says" in flaw.message


def test_what_went_beyond_a_cut_is_altered(ledger: Ledger) -> None:
    run(ledger, FIRST_OUT)
    one = Cut(CutOf.ENTRY, 6, 6, 1, rest_of(ledger, 6, 6), "kept for two years")
    cut(ledger, one)
    assert look(ledger).flaws == ()
    run(ledger, "DELETE FROM choice WHERE entry = 6")
    (flaw,) = look(ledger).flaws
    assert (flaw.kind, flaw.entry) == (FlawKind.ALTERED, 6)
    assert "what is left is not what the cut record says" in flaw.message
    # A later cut of the same entry takes its place.
    cut(ledger, replace(one, left=rest_of(ledger, 6, 6)))
    assert look(ledger).flaws == ()


def test_a_cut_record_that_was_forged_afterwards_breaks_the_chain(ledger: Ledger) -> None:
    run(ledger, FIRST_OUT)
    cut(ledger, Cut(CutOf.ENTRY, 6, 6, 1, rest_of(ledger, 6, 6), "kept for two years"))
    run(ledger, "DELETE FROM choice WHERE entry = 7", "UPDATE cut SET last_no = 7")
    assert FlawKind.ALTERED in {flaw.kind for flaw in look(ledger).flaws}


def test_cuts_that_cross_prove_nothing(ledger: Ledger) -> None:
    cut(ledger, Cut(CutOf.ENTRY, 4, 6, 1, bytes(32), "a"), Cut(CutOf.ENTRY, 6, 7, 1, bytes(32), "b"))
    (flaw,) = look(ledger).flaws
    assert "crosses an earlier one" in flaw.message


def test_an_erased_person_is_on_record_as_erased_and_the_ledger_holds(ledger: Ledger) -> None:
    kept = ledger.heads()
    ledger.erase_subject("u1", now=NOW)
    assert look(ledger, *kept).flaws == ()
    with ledger._engine.connect() as connection:
        row = connection.execute(sa.text("SELECT what, gone, rule, entry FROM cut")).one()
    assert (row.what, row.rule, row.entry) == ("subject", "erasure", 10)


def test_a_person_who_is_back_after_an_erasure_is_told(ledger: Ledger) -> None:
    ledger.erase_subject("u1", now=NOW)
    run(ledger, "UPDATE subject SET erased_at = NULL WHERE erased_at IS NOT NULL")
    assert [flaw.kind for flaw in look(ledger).flaws] == [FlawKind.ROLLED_BACK]


# Sizes


def test_entries_and_batches_of_any_size_are_read_in_portions(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With portions so small that every seam is met."""
    before = look(ledger)
    monkeypatch.setattr(entries, "AT_ONCE", 2)
    monkeypatch.setattr(entries, "IN_MEMORY", 1)
    monkeypatch.setattr(tags, "PORTION", 100)
    monkeypatch.setattr("policyctl.adapters.ledger.checking.tags.AT_ONCE", 7)
    assert look(ledger) == before
    run(ledger, "UPDATE choice SET answer = 1 WHERE entry = 6")
    assert found(ledger) == [(FlawKind.ALTERED, "choice", 6)]


# Older ledgers

OF_AN_OLDER_RELEASE = (
    "INSERT INTO entry (seq, kind, recorded_at) VALUES (1, 'version', 5)",
    "INSERT INTO policy (policy_no, slug) VALUES (1, 'fax')",
    """INSERT INTO version (published_at, effective_at, entry, number, version_no, policy_no, title,
    change_class, commit_id, text_sha256) VALUES (1, 2, 1, 1, 1, 1, 'Fax', 'notice', 'c', 't')""",
    "INSERT INTO category (category_no, policy_no, id) VALUES (1, 1, 'user')",
)


def test_what_versions_say_is_chained_when_an_older_ledger_is_upgraded(database_url: str) -> None:
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        upgrade_to(ledger, "0008")
        head = json.dumps(["entry", 1, "version", 5]).encode() + b"\n"
        row = ["version", 1, 2, 1, 1, 1, "Fax", "notice", "c", "t"]
        digest = sha256(head + json.dumps(row).encode() + b"\n").digest()
        with ledger._engine.begin() as connection:
            for statement in OF_AN_OLDER_RELEASE:
                connection.execute(sa.text(statement))
            chain = sa.text("INSERT INTO chain (entry, digest, root) VALUES (1, :digest, :root)")
            connection.execute(chain, {"digest": digest, "root": sha256(bytes(32) + digest).digest()})
        ledger.upgrade()
        assert found(ledger) == []
        assert ledger.heads()[0].entry == 2
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), ledger._engine.begin() as connection:
            connection.execute(sa.text("UPDATE category SET id = 'x'"))
        run(ledger, "UPDATE category SET id = 'x'")
        assert [(kind, entry) for kind, _, entry in found(ledger)] == [(FlawKind.ALTERED, 2)]
