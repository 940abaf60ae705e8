# SPDX-License-Identifier: Apache-2.0
"""Deciding by the million gives what deciding one by one gives, on real ledgers and real files."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings

from policyctl.actions.deciding.bulk import BulkOutput, BulkSource, decide_in_bulk
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Answer
from policyctl.core.use.matrix import BulkQuestion
from tests.actions.bulk_scene import PEOPLE, Said, World, filled, one_by_one, questions, read, worlds
from tests.actions.file_scene import TagFile, read_rows, row_by_row, tag_files
from tests.adapters.ledger_samples import day, practice, tag, version


# Shrinking a whole ledger takes minutes: what fails is shown as it was drawn.
@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(worlds, questions)
def test_the_records_of_a_ledger_are_decided_as_each_would_be(world: World, question: BulkQuestion) -> None:
    with TemporaryDirectory() as folder, filled(world, Path(folder) / "ledger.db") as ledger:
        expected = one_by_one(ledger, question)
        yes, no, only = (Path(folder) / f"{name}.parquet" for name in ("yes", "no", "only"))
        done = decide_in_bulk(question, BulkSource(), BulkOutput(yes, no), ledger=ledger)
        brief = decide_in_bulk(question, BulkSource(), BulkOutput(only), ledger=ledger)
        both = read(yes) + read(no)
        known = Counter({item: times for item, times in both.items() if item[0][0] is not None})
        assert known == expected
        assert read(only) == read(yes)
        assert all(answer == "permitted" and key[0] is not None for key, answer, _ in read(yes))
        assert done.asked == brief.asked == both.total()
        counted: Counter[tuple[str, str]] = Counter()
        for (_, answer, code), times in both.items():
            counted[answer, code] += times
        assert {(each.answer, each.code): each.records for each in done.counts} == counted


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(worlds, questions, tag_files)
def test_the_records_of_a_file_are_decided_as_each_would_be(
    world: World, question: BulkQuestion, file: TagFile
) -> None:
    with TemporaryDirectory() as folder, filled(world, Path(folder) / "ledger.db") as ledger:
        expected = row_by_row(ledger, world, question, file)
        yes, no, only = (Path(folder) / f"{name}.parquet" for name in ("yes", "no", "only"))
        source = BulkSource(file.write(Path(folder) / "tags.parquet"))
        done = decide_in_bulk(question, source, BulkOutput(yes, no), ledger=ledger)
        decide_in_bulk(question, source, BulkOutput(only), ledger=ledger)
        assert read_rows(yes, no) == expected
        assert read_rows(only) == read_rows(yes)
        assert all(answer == "permitted" for _, answer, _ in read_rows(yes))
        counted = Counter({(each.answer, each.code): each.records for each in done.counts})
        assert counted == Counter((answer, code) for _, answer, code in expected.elements())
        assert done.asked == expected.total()


def test_a_customers_refusal_binds_its_subjects_and_nobody_elses(tmp_path: Path, ledger_url: str) -> None:
    """And a subject's own objection binds only itself."""
    stated = version(1, "2026-01-01", practice("a", "marketing", choice=ChoiceMode.OPT_OUT))
    world = World(
        records=(stated,),
        late=frozenset(),
        tags=tuple(tag(name, "2026-02-01") for name, _ in PEOPLE),
        said=tuple(Said(who, "", "fax@v1#a", Answer.REFUSE, day("2026-03-01")) for who in ("clinic", "s")),
        accepted=(),
        reports=(),
        erased=None,
        epoch=False,
    )
    yes, no = tmp_path / "yes.parquet", tmp_path / "no.parquet"
    with filled(world, ledger_url) as ledger:
        question = BulkQuestion("marketing", day("2026-04-01"))
        decide_in_bulk(question, BulkSource(), BulkOutput(yes, no), ledger=ledger)
        names = {ledger.pseudonym(name): name for name, _ in PEOPLE}
    found = {names[key[0]]: tuple(value) for key, *value in read(yes) + read(no)}
    assert found == {
        "s": ("refused", "objected"),
        "t": ("permitted", "stated"),
        "u": ("refused", "customer_objected"),
        "v": ("refused", "customer_objected"),
        "w": ("permitted", "stated"),
    }


def test_who_accepts_later_than_the_moment_asked_about_is_not_under_the_policy_yet(tmp_path: Path) -> None:
    """Two subjects alike but for that, with no version taking effect between their dates."""
    stated = version(1, "2026-01-01", practice("a", "marketing"))
    world = World(
        records=(stated,),
        late=frozenset({"s", "t"}),
        tags=tuple(replace(tag(name, "2026-03-15"), version=1, provenance="a form") for name in ("s", "t")),
        said=(),
        accepted=(("s", 1, day("2026-03-01")), ("t", 1, day("2026-06-01"))),
        reports=(),
        erased=None,
        epoch=False,
    )
    yes, no = tmp_path / "yes.parquet", tmp_path / "no.parquet"
    with filled(world, tmp_path / "ledger.db") as ledger:
        question = BulkQuestion("marketing", day("2026-04-01"))
        decide_in_bulk(question, BulkSource(), BulkOutput(yes, no), ledger=ledger)
        names = {ledger.pseudonym(name): name for name, _ in PEOPLE}
    found = {names[key[0]]: tuple(value) for key, *value in read(yes) + read(no)}
    assert found == {"s": ("permitted", "stated"), "t": ("undecided", "not_in_force")}
