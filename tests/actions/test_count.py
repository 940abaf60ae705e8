# SPDX-License-Identifier: Apache-2.0
"""What is counted of a ledger, and the share that may be used, hold against deciding tag by tag."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policyctl.actions.deciding.count import count_ledger
from policyctl.adapters.ledger import Ledger
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Answer
from policyctl.core.use.decision import UseAnswer, UseRequest, decide
from tests.actions.bulk_scene import DESK, PEOPLE, START, Said, World, filled, worlds
from tests.adapters.ledger_samples import EMAIL, NEWS, PHONE, day, practice, tag, version

moments = st.integers(150, 400).map(lambda number: START + timedelta(days=number))
Found = dict[str, Counter[tuple[str, str]]]


def one_by_one(ledger: Ledger, purposes: set[str], at: datetime, of: set[str | None]) -> Found:
    """The rules, asked of every tag of these customers' subjects by itself."""
    found: Found = {purpose: Counter() for purpose in purposes}
    for name, customer in PEOPLE:
        if customer not in of:
            continue
        for each in ledger.facts_for(UseRequest(name, "user", "marketing", at)).tags:
            for purpose in purposes:
                request = UseRequest(name, each.category, purpose, at)
                facts = ledger.facts_for(request)
                decision = decide(request, replace(facts, tags=(each,)))
                found[purpose][decision.answer.value, decision.finding.code] += 1
    return found


def counted(ledger: Ledger, at: datetime, customer: str | None = None) -> Found:
    report = count_ledger(at=at, ledger=ledger, customer=customer)
    return {
        share.purpose: Counter({(each.answer, each.code): each.records for each in share.counts})
        for share in report.shares
    }


# Shrinking a whole ledger takes minutes: what fails is shown as it was drawn.
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(worlds, moments)
def test_shares_are_what_deciding_tag_by_tag_gives(world: World, at: datetime) -> None:
    living = replace(world, erased=None)
    with TemporaryDirectory() as folder, filled(living, Path(folder) / "ledger.db") as ledger:
        purposes = {each.purpose for record in (DESK, *world.records) for each in record.practices}
        assert counted(ledger, at) == one_by_one(ledger, purposes, at, {None, "clinic", "kite"})
        for customer in ("clinic", "kite"):
            assert counted(ledger, at, customer) == one_by_one(ledger, purposes, at, {customer})


STATED = version(
    1,
    "2026-01-01",
    practice("a", "marketing", choice=ChoiceMode.OPT_OUT),
    practice("s", "essential", data=(EMAIL, PHONE)),
)
TAGS = (
    *(tag(name, "2026-02-01") for name, _ in PEOPLE),
    tag("u", "2026-03-31T23:59:59", PHONE),
    tag("s", "2026-04-01", PHONE),
)
SAID = tuple(Said(who, "", "fax@v1#a", Answer.REFUSE, day("2026-03-01")) for who in ("clinic", "s"))
WORLD = World((STATED,), frozenset(), TAGS, SAID, (), (), None, epoch=True)
AT = day("2026-05-01")


def test_why_data_may_not_be_used_is_counted(ledger_url: str) -> None:
    with filled(WORLD, ledger_url) as ledger:
        assert counted(ledger, AT) == {
            "marketing": {
                ("permitted", "stated"): 2,
                ("refused", "customer_objected"): 2,
                ("refused", "objected"): 1,
                ("refused", "not_stated"): 2,
            },
            "essential": {("permitted", "stated"): 7},
        }
        assert counted(ledger, AT, "clinic")["marketing"] == {
            ("refused", "customer_objected"): 2,
            ("refused", "not_stated"): 1,
        }
        assert counted(ledger, day("2026-02-15"))["marketing"] == {("permitted", "stated"): 5}


def test_tags_are_counted_by_version_category_and_month(ledger_url: str) -> None:
    with filled(WORLD, ledger_url) as ledger:
        stats = count_ledger(at=AT, ledger=ledger).stats
        own = count_ledger(at=AT, ledger=ledger, customer="clinic").stats
    assert [(each.version, each.category, each.count) for each in stats.tags] == [
        (1, EMAIL, 5),
        (1, PHONE, 2),
    ]
    months = [(each.month, each.category, each.count) for each in stats.months]
    assert months == [("2026-02", EMAIL, 5), ("2026-03", PHONE, 1), ("2026-04", PHONE, 1)]
    assert [(each.change, each.answer, each.count) for each in stats.choices] == [
        ("fax@v1#a", Answer.REFUSE, 2)
    ]
    assert (stats.subjects, stats.customers, stats.epochs) == (5, 2, 2)
    assert [(each.category, each.count) for each in own.tags] == [(EMAIL, 2), (PHONE, 1)]
    assert (own.subjects, own.customers, own.choices[0].count) == (2, 1, 1)
    # What is the whole ledger's tells one customer what the others do.
    assert (own.sequence, own.batches, own.epochs) == (None, None, None)


def test_data_of_a_person_who_was_erased_is_undecided_and_still_counted(tmp_path: Path) -> None:
    with filled(replace(WORLD, erased="t"), tmp_path / "ledger.db") as ledger:
        found = counted(ledger, AT)["essential"]
    assert found == {("permitted", "stated"): 6, ("undecided", "unknown_subject"): 1}


def test_a_corrected_tag_counts_as_what_it_was_corrected_to(tmp_path: Path) -> None:
    newer = version(2, "2026-03-01", practice("s", "essential"))
    world = replace(WORLD, records=(STATED, newer), tags=(tag("s", "2026-02-01"),), said=())
    with filled(world, tmp_path / "ledger.db") as ledger:
        claim = replace(tag("s", "2026-02-01"), version=2, provenance="the paper form")
        ledger.import_tags([claim], now=NEWS)
        report = count_ledger(at=AT, ledger=ledger)
    assert [(each.version, each.count) for each in report.stats.tags] == [(2, 1)]
    assert report.stats.corrections == 1
    assert all(share.total == 1 for share in report.shares)
    assert {s.purpose: s.of(UseAnswer.PERMITTED) for s in report.shares}["essential"] == 1
