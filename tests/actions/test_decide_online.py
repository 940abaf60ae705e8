# SPDX-License-Identifier: Apache-2.0
"""The short way to an answer, by compiled cells, gives what the rules give from the facts; at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.json import encode
from sqlalchemy import select

from policyctl.actions.deciding.decide import decide_from_facts, decide_use, decide_uses
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.tables import CHAIN
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.policy import VersionKey
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Answer
from policyctl.core.use.decision import UseRequest
from policyctl.errors import PolicyctlError, UsageError
from policyctl.reports.deciding.decision_v1 import decision_json
from policyctl.web.decided import decision_bytes
from tests.actions.bulk_scene import PEOPLE, World, filled, worlds
from tests.adapters.ledger_samples import (
    ADS,
    EMAIL,
    KEY,
    MARKETING,
    NEWS,
    PHONE,
    SERVICE,
    TAXONOMY,
    choice,
    customer,
    day,
    owed,
    practice,
    subject,
    tag,
    version,
)
from tests.core.test_decision_properties import CATEGORIES, PURPOSES, RECIPIENTS, START
from tests.ledgers import new_ledger
from tests.peers.postgres import Server

CUSTOMERS = dict(PEOPLE)
questions = st.builds(
    UseRequest,
    subject=st.sampled_from([*(name for name, _ in PEOPLE)] * 6 + ["stranger"]),
    category=st.sampled_from((*CATEGORIES * 5, "user.contact.phone_number", "user.unheard")),
    purpose=st.sampled_from((*PURPOSES * 6, "unheard")),
    at=st.integers(0, 400).map(lambda number: START + timedelta(days=number, seconds=number)),
    recipient=st.sampled_from((*[None] * 6, *RECIPIENTS, "Example Ads", "Nobody")),
    slug=st.sampled_from((*[None] * 5, "fax", "desk", "other")),
)
# Some name the customer whose subject is meant, one of them wrongly.
asked = st.lists(
    st.tuples(questions, st.sampled_from(("no", "no", "right", "wrong"))), min_size=6, max_size=20
)


def _whose(request: UseRequest, how: str) -> UseRequest:
    named = {"no": None, "right": CUSTOMERS.get(request.subject), "wrong": "kite"}[how]
    return replace(request, customer=named)


def same_both_ways(ledger: Ledger, requests: list[UseRequest]) -> None:
    slow = [decide_from_facts(request, ledger=ledger) for request in requests]
    written = [encode(decision_json(*each)) for each in zip(requests, slow, strict=True)]
    for _ in range(2):  # with the cells empty, and full
        found = list(decide_uses(requests, ledger=ledger))
        assert [decision_bytes(*each, whole=True) for each in zip(requests, found, strict=True)] == written
        assert found == slow
    for _ in range(2):
        assert [decide_use(request, ledger=ledger) for request in requests] == slow


# Shrinking a whole ledger takes minutes: what fails is shown as it was drawn.
@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(world=worlds, several=asked)
def test_both_ways_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, world: World, several: list[tuple[UseRequest, str]]
) -> None:
    with filled(world, tmp_path_factory.mktemp("world") / "ledger.db") as ledger:
        same_both_ways(ledger, [_whose(*one) for one in several])


# What another process records is in the very next answer.

ADS_BY_SILENCE = version(
    2, "2026-06-01", practice("account", SERVICE), practice("news", MARKETING, choice=ChoiceMode.OPT_OUT),
    practice("ads", ADS, choice=ChoiceMode.OPT_OUT), asks={"ads": ChoiceMode.OPT_OUT},
)  # fmt: skip
FIRST = version(1, "2026-01-01", *ADS_BY_SILENCE.practices[:2])


@pytest.fixture
def two(ledger_url: str) -> Iterator[tuple[Ledger, Ledger]]:
    """The ledger of a process that asks, and that of one that records."""
    with (
        open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as asks,
        open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as records,
    ):
        records.record_version(FIRST, (), now=NEWS)
        records.import_customers([customer("acme")], now=NEWS)
        records.import_subjects([subject("u1", "acme"), subject("u2", "acme")], now=NEWS)
        records.import_tags([tag("u1", "2026-02-01"), tag("u2", "2026-02-01")], now=NEWS)
        yield asks, records


def _ask(ledger: Ledger, purpose: str, at: str = "2026-11-01", category: str = EMAIL) -> str:
    request = UseRequest("u1", category, purpose, day(at))
    found = decide_use(request, ledger=ledger)
    assert found == decide_from_facts(request, ledger=ledger)
    assert ledger.online.decide(request) == found
    assert list(decide_uses([request] * 3, ledger=ledger)) == [found] * 3
    return f"{found.answer} {found.finding.code}"


def test_what_another_process_records_is_in_the_very_next_answer(two: tuple[Ledger, Ledger]) -> None:
    asks, records = two
    assert _ask(asks, MARKETING) == "permitted stated"
    records.import_choices([choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")], now=NEWS)
    assert _ask(asks, MARKETING) == "refused objected"
    assert _ask(asks, MARKETING, "2026-02-15") == "permitted stated"
    records.import_choices([choice("u1", "fax@v1#news", Answer.CONSENT, "2026-04-01")], now=NEWS)
    assert _ask(asks, MARKETING) == "permitted stated"
    no = choice("acme", "fax@v1#news", Answer.REFUSE, "2026-05-01", "customer")
    records.import_choices([no], now=NEWS)
    assert _ask(asks, MARKETING) == "refused customer_objected"


def test_a_version_of_another_process_is_asked_about_at_once(two: tuple[Ledger, Ledger]) -> None:
    asks, records = two
    assert _ask(asks, ADS) == "refused not_stated"
    records.record_version(ADS_BY_SILENCE, owed(ADS_BY_SILENCE), now=NEWS)
    assert _ask(asks, ADS) == "refused not_told"
    for nid, *_ in records.nids(ADS_BY_SILENCE.key):
        told = DeliveryEvent(nid, DeliveryName.DELIVERED, day("2026-07-01"))
        records.record_deliveries([told], now=NEWS)
    assert _ask(asks, ADS) == "permitted nobody_objected"
    assert _ask(asks, ADS, "2026-07-02") == "refused may_still_object"
    third = version(3, "2026-10-01", practice("account", SERVICE))
    records.record_version(third, (), now=NEWS)
    assert _ask(asks, ADS) == "refused not_stated"
    assert _ask(asks, MARKETING) == "refused withdrawn_since"
    assert _ask(asks, MARKETING, "2026-09-30") == "permitted stated"


def test_tags_acceptances_and_erasures_count_at_once(two: tuple[Ledger, Ledger]) -> None:
    asks, records = two
    assert _ask(asks, SERVICE, category=PHONE) == "undecided no_tag"
    records.import_tags([tag("u1", "2026-02-01", PHONE)], now=NEWS)
    assert _ask(asks, SERVICE, category=PHONE) == "refused not_stated"
    ahead = version(2, "2026-12-01", practice("account", SERVICE))
    records.record_version(ahead, (), now=NEWS)
    assert _ask(asks, MARKETING) == "permitted stated"
    records.accept("u1", VersionKey("fax", 2), day("2026-10-25"), now=NEWS)
    assert _ask(asks, MARKETING) == "refused withdrawn_since"
    assert _ask(asks, MARKETING, "2026-10-24") == "permitted stated"
    records.erase_subject("u1", now=NEWS)
    gone = UseRequest("u1", EMAIL, SERVICE, NEWS)
    assert decide_use(gone, ledger=asks).finding.code == "unknown_subject"


def test_an_answer_is_given_again_whatever_came_since(two: tuple[Ledger, Ledger]) -> None:
    asks, records = two
    request = UseRequest("u1", EMAIL, MARKETING, day("2026-11-01"))
    before = decide_use(request, ledger=asks)
    records.import_choices([choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")], now=NEWS)
    assert decide_use(request, ledger=asks) != before
    assert decide_use(request, ledger=asks, upto=before.sequence) == before


def test_an_answer_carries_the_root_that_the_ledger_is_held_to(two: tuple[Ledger, Ledger]) -> None:
    asks, records = two
    request = UseRequest("u1", EMAIL, MARKETING, day("2026-11-01"))
    roots = []
    for at in ("2026-03-01", "2026-03-02"):
        found = decide_use(request, ledger=asks)
        with asks._engine.connect() as connection:
            chained = {row.entry: row.root.hex() for row in connection.execute(select(CHAIN))}
        assert (found.sequence, found.root) == (max(chained), chained[max(chained)])
        roots.append(found.root)
        records.import_choices([choice("u1", "fax@v1#news", Answer.REFUSE, at)], now=NEWS)
    assert decide_use(request, ledger=asks, upto=found.sequence).root == roots[-1]
    assert len(set(roots)) == 2


def test_who_has_asked_holds_no_writer_up(tmp_path: Path) -> None:
    """An open look would keep SQLite from ever starting its log anew."""
    with new_ledger(tmp_path / "ledger.db") as ledger:
        ledger.record_version(FIRST, (), now=NEWS)
        ledger.import_customers([customer("acme")], now=NEWS)
        ledger.import_subjects([subject("u1", "acme")], now=NEWS)
        ledger.import_tags([tag("u1", "2026-02-01")], now=NEWS)
        request = UseRequest("u1", EMAIL, MARKETING, day("2026-11-01"), customer="acme")
        said = choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")
        other = sqlite3.connect(tmp_path / "ledger.db")
        for ask in (
            lambda: decide_use(request, ledger=ledger),
            lambda: [*decide_uses([request], ledger=ledger)],
        ):
            ask()
            said = replace(said, at=said.at + timedelta(days=1))
            ledger.import_choices([said], now=NEWS)
            ask()
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        other.close()


def test_the_words_need_no_ledger_any_more(two: tuple[Ledger, Ledger]) -> None:
    asks, _ = two
    request = UseRequest("u1", EMAIL, MARKETING, day("2026-11-01"))
    found = asks.online.decide(request)
    expected = decide_from_facts(request, ledger=asks)
    asks.close()
    assert found is not None
    assert found.reasons == expected.reasons
    assert found.tags == expected.tags


def test_more_than_one_statement_holds_is_asked_in_one_look(two: tuple[Ledger, Ledger]) -> None:
    asks, records = two
    people = [f"p{number}" for number in range(1100)]
    records.import_subjects([subject(name, "acme") for name in people], now=NEWS)
    records.import_tags([tag(name, "2026-02-01") for name in people[::2]], now=NEWS)
    requests = [UseRequest(name, EMAIL, SERVICE, NEWS, customer="acme") for name in people]
    found = list(decide_uses(requests, ledger=asks))
    assert [one.answer for one in found] == ["permitted", "undecided"] * 550
    assert {one.sequence for one in found} == {decide_use(requests[0], ledger=asks).sequence}
    assert found[:6] == [decide_from_facts(request, ledger=asks) for request in requests[:6]]


def test_a_name_of_several_customers_is_refused_where_it_stands(two: tuple[Ledger, Ledger]) -> None:
    asks, records = two
    records.import_customers([customer("bolt")], now=NEWS)
    records.import_subjects([subject("u1", "bolt")], now=NEWS, within="bolt")
    requests = [UseRequest(name, EMAIL, SERVICE, NEWS) for name in ("u2", "u1")]
    answers = decide_uses(requests, ledger=asks)
    assert next(answers).answer == "permitted"
    with pytest.raises(UsageError, match="several customers"):
        next(answers)
    with pytest.raises(UsageError, match="several customers"):
        decide_use(requests[1], ledger=asks)


def test_tables_of_another_release_are_not_read(tmp_path: Path) -> None:
    with new_ledger(tmp_path / "ledger.db") as ledger:
        ledger.record_version(FIRST, (), now=NEWS)
        ledger.import_subjects([subject("u1")], now=NEWS)
        ledger.import_tags([tag("u1", "2026-02-01")], now=NEWS)
        request = UseRequest("u1", EMAIL, SERVICE, NEWS + timedelta(days=1))
        assert decide_use(request, ledger=ledger).answer == "permitted"
        other = sqlite3.connect(tmp_path / "ledger.db")
        other.execute("UPDATE alembic_version SET version_num = '9999'")
        other.commit()
        other.close()
        with pytest.raises(PolicyctlError, match="step 9999"):
            decide_use(request, ledger=ledger)


@pytest.mark.peer("postgres")
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
@given(world=worlds, several=asked)
def test_both_ways_say_the_same_on_a_server(
    postgres: Server, world: World, several: list[tuple[UseRequest, str]]
) -> None:
    with filled(world, postgres.new_ledger()) as ledger:
        same_both_ways(ledger, [_whose(*one) for one in several])
