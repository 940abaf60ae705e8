# SPDX-License-Identifier: Apache-2.0
"""An exported epoch is answered as the ledger answers its records, and only where it is what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from policyctl.actions.deciding.bulk import BulkOutput, BulkSource, decide_in_bulk
from policyctl.actions.deciding.epochs import check_epoch_file, export_epoch
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.ledger.base import epochs
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Answer, TagRow
from policyctl.core.use.matrix import BulkQuestion
from policyctl.errors import InputError, IntegrityError, PolicyctlError, RefusedError, UsageError
from tests.actions.bulk_scene import PEOPLE, Answers, Said, World, end, filled, questions, read, worlds
from tests.adapters.ledger_samples import NEWS, day, practice, tag, version
from tests.core.test_decision_properties import START

SECOND = START + timedelta(days=150)  # when the second epoch of every world here begins
Key = tuple[str | None, str, str]


def ask(ledger: Ledger, question: BulkQuestion, source: Path | None, to: Path) -> Answers:
    """The answers on both outputs, which must be as many as were asked about."""
    to.mkdir()
    output = BulkOutput(to / "yes.parquet", to / "no.parquet")
    done = decide_in_bulk(question, BulkSource(source), output, ledger=ledger)
    found = read(to / "yes.parquet") + read(to / "no.parquet")
    assert done.asked == found.total()
    assert all(answer == "permitted" for _, answer, _ in read(to / "yes.parquet"))
    return found


def records_in(file: Path, ledger: Ledger) -> set[Key]:
    """Pseudonym, record and category of every tag of an export, by the ledger's own tables."""
    with ledger._engine.connect() as connection:
        run = connection.exec_driver_sql
        people = {number: name for number, name in run("SELECT subject_no, ext_id FROM subject") if name}
        names = {(who, ref): name for who, ref, name in run("SELECT subject_no, ref, name FROM record_name")}
    rows = pq.read_table(file).to_pylist()
    return {
        (
            bytes(people[row["subject"]]).hex() if row["subject"] in people else None,
            names.get((row["subject"], row["record"]), str(row["record"])),
            row["category"],
        )
        for row in rows
    }


def correct(ledger: Ledger, row: TagRow) -> None:
    """Say that a tag on record was collected a minute later."""
    later = replace(row, collected_at=row.collected_at + timedelta(minutes=1), provenance="a clock")
    ledger.import_tags([later], now=NEWS)


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(worlds, questions)
def test_a_record_of_an_export_is_answered_as_from_the_ledger(world: World, question: BulkQuestion) -> None:
    """Also where tags were corrected, data deleted and a subject erased after it was written."""
    before = replace(world, epoch=True, erased=None, ended=())
    with TemporaryDirectory() as name, filled(before, Path(name) / "ledger.db") as ledger:
        folder = Path(name)
        export_epoch(1, folder / "epoch.parquet", ledger=ledger)
        old = [row for row in world.tags if row.collected_at < SECOND - timedelta(days=1)]
        for row in old[:2]:
            correct(ledger, row)
        end(ledger, world)
        if world.erased:
            ledger.erase_subject(world.erased, now=NEWS)
        whole = ask(ledger, question, None, folder / "whole")
        there = records_in(folder / "epoch.parquet", ledger)
        expected = Counter({item: times for item, times in whole.items() if item[0][:3] in there})
        assert ask(ledger, question, folder / "epoch.parquet", folder / "part") == expected
        only = BulkOutput(folder / "only.parquet")
        decide_in_bulk(question, BulkSource(folder / "epoch.parquet"), only, ledger=ledger)
        assert read(folder / "only.parquet") == read(folder / "part" / "yes.parquet")


# One scene in which every way matters by which a tag outside of the file may bear on one inside

NEWSLETTER = practice("a", "marketing", data=("user",), choice=ChoiceMode.OPT_OUT)
QUESTION = BulkQuestion("marketing", day("2026-11-01"))
EARLY, LATE = "2026-01-20", "2026-08-01"


def said_of(who: str, collected: str, record: str, number: int) -> TagRow:
    return tag(who, collected, "user", record, version=number, provenance="form")


SCENE = World(
    records=(version(1, "2026-01-01", NEWSLETTER), version(2, "2026-02-01", NEWSLETTER)),
    late=frozenset(),
    tags=(
        said_of("s", EARLY, "stays", 1),
        said_of("s", EARLY, "again", 1),
        tag("s", LATE, "user", "again"),
        said_of("s", EARLY, "doubted", 1),
        replace(tag("s", LATE, "user", "doubted"), slug="desk"),
        said_of("t", EARLY, "7", 1),
        said_of("u", EARLY, "form", 1),
        said_of("v", EARLY, "9", 1),
        said_of("w", EARLY, "12", 1),
        said_of("w", LATE, "only later", 1),
    ),
    said=(
        Said("clinic", "", "fax@v1#a", Answer.REFUSE, day("2026-03-01")),
        Said("s", "", "desk@v1#a", Answer.REFUSE, day("2026-03-01")),
    ),
    accepted=(),
    reports=(),
    erased=None,
    epoch=True,
)


@contextmanager
def scene(url: Path | str, file: Path) -> Iterator[Ledger]:
    """The scene, its first epoch exported, then one tag corrected and one subject erased."""
    with filled(SCENE, url) as ledger:
        export_epoch(1, file, ledger=ledger)
        correct(ledger, next(row for row in SCENE.tags if row.subject == "t"))
        ledger.erase_subject("w", now=NEWS)
        yield ledger


def check_scene(ledger: Ledger, file: Path, to: Path) -> None:
    names: dict[str | None, str] = {ledger.pseudonym(name): name for name, _ in PEOPLE} | {None: "w"}
    found = {(names[key[0]], *key[1:]): said for key, *said in ask(ledger, QUESTION, file, to)}
    early, late = (f"{day(each).isoformat()}" for each in (EARLY, LATE))
    moved = (day(EARLY) + timedelta(minutes=1)).isoformat()
    assert found == {
        ("s", "stays", "user", early): ["permitted", "stated"],
        ("s", "again", "user", early): ["permitted", "stated"],
        ("s", "again", "user", late): ["permitted", "stated"],
        ("s", "doubted", "user", early): ["refused", "another_tag"],
        ("s", "doubted", "user", late): ["refused", "objected"],
        ("t", "7", "user", moved): ["permitted", "stated"],
        ("u", "form", "user", early): ["refused", "customer_objected"],
        ("v", "9", "user", early): ["refused", "customer_objected"],
        ("w", "12", "user", early): ["undecided", "unknown_subject"],
    }


def test_what_the_ledger_knows_beside_the_file_counts(ledger_url: str, tmp_path: Path) -> None:
    file = tmp_path / "epoch.parquet"
    with scene(ledger_url, file) as ledger:
        check_scene(ledger, file, tmp_path / "out")


def test_a_folder_of_exports_is_one_source(tmp_path: Path) -> None:
    """With every closed epoch in it, it gives what the ledger gives but for records of the newest alone."""
    with filled(SCENE, tmp_path / "ledger.db") as ledger:
        with ledger._writing("epoch", NEWS) as writer:
            epochs.open_epoch(writer.connection, 3, int(day("2026-10-01").timestamp()))
        ledger.import_tags([said_of("s", "2026-10-05", "newest", 1)], now=NEWS)
        (tmp_path / "all").mkdir()
        for number in (1, 2):
            export_epoch(number, tmp_path / "all" / f"{number}.parquet", ledger=ledger)
        whole = ask(ledger, QUESTION, None, tmp_path / "whole")
        found = ask(ledger, QUESTION, tmp_path / "all", tmp_path / "part")
    newest = {item for item in whole if item[0][1] == "newest"}
    assert len(newest) == 1
    assert found == Counter({item: times for item, times in whole.items() if item not in newest})


# What is not taken


def more_tags(ledger: Ledger, file: Path) -> None:
    del file
    ledger.import_tags([said_of("s", EARLY, "one more", 2)], now=NEWS)


def altered(ledger: Ledger, file: Path) -> None:
    """The version under which a tag was collected, made one that permits more."""
    del ledger
    table = pq.read_table(file)
    words = ["fax@v1" if word == "fax@v2" else "fax@v2" for word in table["version"].to_pylist()]
    field = table.schema.field("version")
    column = pa.array(words).cast(field.type)
    pq.write_table(table.set_column(table.column_names.index("version"), field, column), file)


def moved_by_a_moment(ledger: Ledger, file: Path) -> None:
    """By less than what is hashed."""
    del ledger
    table = pq.read_table(file)
    place = table.column_names.index("collected_at")
    moments = [moment + timedelta(milliseconds=1) for moment in table["collected_at"].to_pylist()]
    column = pa.array(moments, table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), column), file)


def cut(ledger: Ledger, file: Path) -> None:
    del ledger
    pq.write_table(pq.read_table(file).slice(1), file)


def emptied(ledger: Ledger, file: Path) -> None:
    """A record without its number."""
    del ledger
    table = pq.read_table(file)
    place = table.column_names.index("record")
    column = pa.array([None, *table["record"].to_pylist()[1:]], pa.int64())
    pq.write_table(table.set_column(place, table.schema.field(place), column), file)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (more_tags, RefusedError, "out of date"),
        (altered, IntegrityError, "does not hold"),
        (cut, IntegrityError, "does not hold"),
        (emptied, IntegrityError, "does not hold"),
        (moved_by_a_moment, InputError, "no export"),
    ],
)
def test_a_file_that_is_not_what_the_ledger_holds_decides_nothing(
    tmp_path: Path, change: Callable[[Ledger, Path], None], error: type[PolicyctlError], words: str
) -> None:
    file, yes = tmp_path / "epoch.parquet", tmp_path / "yes.parquet"
    with filled(SCENE, tmp_path / "ledger.db") as ledger:
        export_epoch(1, file, ledger=ledger)
        change(ledger, file)
        with pytest.raises(error, match=words) as told:
            decide_in_bulk(QUESTION, BulkSource(file), BulkOutput(yes), ledger=ledger)
    assert told.value.place
    assert told.value.place.file == str(file)
    assert not yes.exists()


def test_an_epoch_that_this_ledger_has_not_closed_names_the_file(tmp_path: Path) -> None:
    """As where the file is of a larger ledger."""
    file = tmp_path / "epoch.parquet"
    with filled(SCENE, tmp_path / "ledger.db") as ledger:
        export_epoch(1, file, ledger=ledger)
    with filled(replace(SCENE, epoch=False), tmp_path / "other.db") as other:
        for look in (
            lambda: check_epoch_file(file, ledger=other),
            lambda: decide_in_bulk(QUESTION, BulkSource(file), BulkOutput(), ledger=other),
        ):
            with pytest.raises(RefusedError, match="epoch 1 is the newest") as told:
                look()
            assert told.value.place
            assert told.value.place.file == str(file)


def test_sources_that_cannot_be_meant_are_told(tmp_path: Path) -> None:
    both = tmp_path / "both"
    both.mkdir()
    file = both / "a.parquet"
    with filled(SCENE, tmp_path / "ledger.db") as ledger:
        export_epoch(1, file, ledger=ledger)
        export_epoch(1, both / "b.parquet", ledger=ledger)

        def told(source: BulkSource) -> str:
            with pytest.raises((InputError, UsageError)) as error:
                decide_in_bulk(QUESTION, source, BulkOutput(), ledger=ledger)
            return f"{error.value} {error.value.hint}"

        assert "epoch 1 is here twice" in told(BulkSource(both))
        assert "--customer" in told(BulkSource(file, customer="clinic"))
        assert "--one-tag" in told(BulkSource(file, one_tag=True))
        pq.write_table(pa.table({"subject": ["s"]}), both / "b.parquet")
        assert "other files here are" in told(BulkSource(both))
