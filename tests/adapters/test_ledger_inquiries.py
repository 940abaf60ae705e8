# SPDX-License-Identifier: Apache-2.0
"""What is said on pages, in the ledger, on both databases: once, in order, and never to a closed question."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.core.policy import VersionKey
from policyctl.core.records import Answer
from policyctl.errors import RefusedError
from tests.actions.notify_scene import KEY
from tests.core.notice_samples import QUOTE, TAXONOMY
from tests.web import choice_scene
from tests.web.choice_scene import ASKED, ASKED_SURVEY, BASE, MARKETING, OFFERS, SLUG, SURVEY, notices

NOW = BASE + timedelta(days=3)
V3 = VersionKey(SLUG, 3)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        choice_scene.publish(opened, 1, (QUOTE,))
        choice_scene.publish(opened, 2, (QUOTE,))
        choice_scene.fill(opened)
        choice_scene.publish(opened, 3, (QUOTE, OFFERS, SURVEY), (ASKED, ASKED_SURVEY), notices())
        yield opened


def nid_of(ledger: Ledger, kind: str, who: str) -> str:
    """The notice of version 3 to a customer, or to a user by his own id."""
    name = who if kind == "customer" else ledger.pseudonym(who)
    (found,) = [nid for nid, _, of, addressee in ledger.nids(V3) if (of, addressee) == (kind, name)]
    return found


def count(ledger: Ledger, table: str) -> int:
    with ledger._engine.connect() as connection:
        return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def test_a_yes_after_a_no_after_a_yes_and_each_once(ledger: Ledger) -> None:
    nid, at = nid_of(ledger, "subject", "u1"), NOW
    said = []
    for yes in (True, True, False, False, True):
        at += timedelta(minutes=1)
        found = ledger.inquiries.answer(nid, MARKETING, yes=yes, newest=3, now=at)
        assert found
        assert found == ledger.inquiries.find(nid)
        said.append(found.answers[MARKETING].answer)
    consent, withdraw = Answer.CONSENT, Answer.WITHDRAW
    assert said == [consent, consent, withdraw, withdraw, consent]
    assert count(ledger, "choice") == 3
    assert ledger.first_bad_entry() is None


def test_what_is_said_last_stands_whatever_the_clock_says(ledger: Ledger) -> None:
    nid = nid_of(ledger, "subject", "u1")
    for minutes, yes in ((10, True), (5, False), (10, True), (0, False)):
        found = ledger.inquiries.answer(
            nid, MARKETING, yes=yes, newest=3, now=NOW + timedelta(minutes=minutes)
        )
        assert found
        assert found.answers[MARKETING].is_yes is yes
        assert ledger.inquiries.find(nid) == found
    admin = nid_of(ledger, "customer", "acme")
    for stands in (True, False, True):
        found = ledger.inquiries.object(admin, stands=stands, now=NOW)
        assert found
        assert (found.objected_at is not None) is stands
        assert ledger.inquiries.find(admin) == found


@pytest.mark.parametrize(
    "change", [f"{SLUG}@v2#quote", f"{SLUG}@v3#quote", f"{SLUG}@v9#x", "", "'", "x" * 999]
)
def test_only_what_the_notice_asked_is_answered(ledger: Ledger, change: str) -> None:
    with pytest.raises(RefusedError):
        ledger.inquiries.answer(nid_of(ledger, "subject", "u1"), change, yes=True, newest=3, now=NOW)
    assert count(ledger, "choice") == 0
    assert ledger.inquiries.find("0" * 32) is None
    assert ledger.inquiries.answer("0" * 32, MARKETING, yes=True, newest=3, now=NOW) is None


def test_a_customers_no_is_seen_by_its_own_people_only(ledger: Ledger) -> None:
    ledger.inquiries.answer(nid_of(ledger, "customer", "acme"), MARKETING, yes=False, newest=3, now=NOW)
    bound = {}
    for who in ("u1", "u2", "u3"):
        found = ledger.inquiries.find(nid_of(ledger, "subject", who))
        assert found
        bound[who] = found.bound
    assert bound == {"u1": frozenset({MARKETING}), "u2": frozenset({MARKETING}), "u3": frozenset()}


def test_a_question_closes_when_a_newer_version_asks_it_or_drops_it(ledger: Ledger) -> None:
    choice_scene.publish_anew(ledger)
    nid = nid_of(ledger, "subject", "u1")
    found = ledger.inquiries.find(nid)
    assert found
    assert {
        change: (newer.version.number, newer.asks, bool(newer.nid)) for change, newer in found.newer.items()
    } == {
        MARKETING: (4, True, True),
        f"{SLUG}@v3#survey": (4, False, False),
    }
    with pytest.raises(RefusedError):
        ledger.inquiries.answer(nid, MARKETING, yes=False, newest=4, now=NOW + timedelta(days=40))
    assert count(ledger, "choice") == count(ledger, "answer_receipt") == 0


def test_many_at_once_leave_one_answer(ledger: Ledger) -> None:
    nid = nid_of(ledger, "subject", "u1")
    admin = nid_of(ledger, "customer", "acme")

    def work(number: int) -> None:
        at = NOW + timedelta(seconds=number)
        ledger.inquiries.answer(nid, MARKETING, yes=False, newest=3, now=at)
        ledger.inquiries.acknowledge(admin, now=at)
        ledger.inquiries.object(admin, stands=True, now=at)
        ledger.inquiries.stop_reminders(nid, now=at)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(12)))
    tables = ("choice", "acknowledgement", "objection", "reminder_stop")
    assert [count(ledger, table) for table in tables] == [1, 1, 1, 1]
    assert ledger.first_bad_entry() is None


def test_receipts_are_claimed_by_one_and_owed_again_for_what_was_said_meanwhile(ledger: Ledger) -> None:
    nid = nid_of(ledger, "subject", "u1")
    ledger.inquiries.answer(nid, MARKETING, yes=True, newest=3, now=NOW)
    (owed,) = ledger.inquiries.claim_receipts(NOW, 10)
    assert (owed.address, owed.inquiry.nid) == ("u1@example.org", nid)
    assert ledger.inquiries.claim_receipts(NOW, 10) == ()
    ledger.inquiries.answer(nid, MARKETING, yes=False, newest=3, now=NOW + timedelta(seconds=9))
    ledger.inquiries.settle_receipt(owed, NOW + timedelta(seconds=10))
    (again,) = ledger.inquiries.claim_receipts(NOW + timedelta(seconds=11), 10)
    assert again.mail_id != owed.mail_id
    assert not again.inquiry.answers[MARKETING].is_yes
    ledger.inquiries.settle_receipt(again, NOW + timedelta(seconds=12))
    assert ledger.inquiries.claim_receipts(NOW + timedelta(days=9), 10) == ()


def test_a_receipt_without_an_address_is_owed_no_longer(ledger: Ledger) -> None:
    ledger.inquiries.answer(nid_of(ledger, "subject", "u1"), MARKETING, yes=True, newest=3, now=NOW)
    ledger.erase_addresses("subject", "u1", now=NOW)
    assert ledger.inquiries.claim_receipts(NOW, 10) == ()
    assert ledger.inquiries.claim_receipts(NOW + timedelta(days=1), 10) == ()
