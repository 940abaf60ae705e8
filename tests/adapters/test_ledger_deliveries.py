# SPDX-License-Identifier: Apache-2.0
"""Reports of deliveries in the ledger: any order, any number of times, with or without an id."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import pytest
import sqlalchemy as sa

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.sending.deliveries import BY_ADDRESS
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.practice import ChoiceMode
from tests.adapters.ledger_samples import (
    EMAIL,
    KEY,
    MARKETING,
    SERVICE,
    TAXONOMY,
    customer,
    day,
    owed,
    practice,
    subject,
    tag,
    version,
)
from tests.adapters.test_ledger_databases import upgrade_to

NOW = day("2026-11-01")
V1 = version(1, "2026-01-01", practice("service", SERVICE))
V2 = version(
    2,
    "2026-03-01",
    practice("service", SERVICE),
    practice("news", MARKETING, choice=ChoiceMode.OPT_IN),
    asks={"news": ChoiceMode.OPT_IN},
)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """Two customers with an administrator each are owed a notice of v2, and a subject one."""
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.record_version(V1, (), now=NOW)
        opened.import_customers([customer("acme"), customer("bolt")], now=NOW)
        opened.import_subjects([subject("u1", "acme")], now=NOW)
        opened.import_tags([tag("u1", "2026-02-01", EMAIL)], now=NOW)
        opened.record_version(V2, owed(V2, EMAIL), now=NOW)
        yield opened


def nids(ledger: Ledger) -> dict[str, str]:
    return {who: nid for nid, _, _, who in ledger.nids(V2.key)}


def table(ledger: Ledger) -> list[tuple[object, ...]]:
    query = (
        "SELECT nid, event, happened_at, attempt, status, by_address FROM delivery_event ORDER BY 1, 2, 3, 4"
    )
    with ledger._engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def states(ledger: Ledger) -> dict[str, int]:
    found: dict[str, int] = {}
    for count in ledger.outbox_counts("fax"):
        found[count.state] = found.get(count.state, 0) + count.count
    return found


def test_two_attempts_in_one_second_are_two_reports(ledger: Ledger) -> None:
    nid = nids(ledger)["acme"]
    tries = [DeliveryEvent(nid, DeliveryName.DEFERRED, NOW, attempt=n, status="4.2.2") for n in (1, 2)]
    assert ledger.record_deliveries([*tries, tries[0]], now=NOW).added == 2
    assert [(row[3], row[4]) for row in table(ledger)] == [(1, "4.2.2"), (2, "4.2.2")]


def test_any_order_and_any_doubling_ends_in_the_same_table_and_a_replay_writes_no_entry(
    ledger: Ledger,
) -> None:
    feed = [
        DeliveryEvent(nid, name, NOW + timedelta(seconds=n), attempt=n % 2)
        for nid in (*nids(ledger).values(), "f" * 32)
        for n, name in enumerate(DeliveryName)
    ]
    dice = random.Random(7)  # noqa: S311 - made-up order
    shuffled = dice.sample([*feed, *feed], 2 * len(feed))
    for start in range(0, len(shuffled), 5):
        ledger.record_deliveries(shuffled[start : start + 5], now=NOW)
    found, entries = table(ledger), ledger.sequence()
    assert len(found) == len(feed)
    assert states(ledger) == {"complained": 3}
    assert ledger.record_deliveries(feed, now=NOW).added == 0
    assert (table(ledger), ledger.sequence()) == (found, entries)
    assert ledger.first_bad_entry() is None


def test_a_report_by_address_is_about_what_was_planned_there_lately(ledger: Ledger) -> None:
    def bounce(address: str, at: timedelta) -> DeliveryEvent:
        return DeliveryEvent("", DeliveryName.BOUNCED, NOW + at, address=address)

    nobody = ledger.record_deliveries([bounce("eve@example.org", timedelta(days=1))], now=NOW)
    early = ledger.record_deliveries([bounce("ada@acme.example.com", timedelta(days=-1))], now=NOW)
    late = ledger.record_deliveries([bounce("ada@acme.example.com", BY_ADDRESS + timedelta(days=1))], now=NOW)
    assert [receipt.added for receipt in (nobody, early, late)] == [0, 0, 0]
    hit = [bounce("Ada@Acme.example.com", timedelta(days=1))]
    assert ledger.record_deliveries(hit, now=NOW).added == 1
    assert ledger.record_deliveries(hit, now=NOW).repeated == 1
    ((nid, event, *_, by_address),) = table(ledger)
    assert (nid, event, by_address) == (nids(ledger)["acme"], "bounced", 1)


def test_a_report_changed_by_hand_is_found(ledger: Ledger) -> None:
    event = DeliveryEvent(nids(ledger)["acme"], DeliveryName.BOUNCED, NOW, attempt=1, status="5.1.1")
    ledger.record_deliveries([event], now=NOW)
    assert ledger.first_bad_entry() is None
    with ledger._engine.begin() as connection:
        if ledger._engine.dialect.name == "sqlite":
            connection.execute(sa.text("DROP TRIGGER delivery_event_no_update"))
        else:
            connection.execute(sa.text("ALTER TABLE delivery_event DISABLE TRIGGER ALL"))
        connection.execute(sa.text("UPDATE delivery_event SET status = '4.1.1'"))
    assert ledger.first_bad_entry() is not None


OF_AN_OLDER_RELEASE = (
    "INSERT INTO entry (seq, kind, recorded_at) VALUES (1, 'delivery', 7)",
    """INSERT INTO delivery_event (nid, event, happened_at, attempt, entry)
       VALUES ('n1', 'delivered', 5, 0, 1)""",
)


def test_reports_of_an_older_ledger_are_kept_as_they_were_hashed(database_url: str) -> None:
    lines = (["entry", 1, "delivery", 7], ["delivery_event", 5, "n1", "delivered"])
    digest = sha256(b"".join(json.dumps(line).encode() + b"\n" for line in lines)).digest()
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        upgrade_to(ledger, "0005")
        with ledger._engine.begin() as connection:
            for statement in OF_AN_OLDER_RELEASE:
                connection.execute(sa.text(statement))
            chain = sa.text("INSERT INTO chain (entry, digest, root) VALUES (1, :digest, :root)")
            connection.execute(chain, {"digest": digest, "root": sha256(bytes(32) + digest).digest()})
        assert ledger.upgrade() is True
        assert ledger.first_bad_entry() is None
        assert [row[:4] for row in table(ledger)] == [("n1", "delivered", 5, 0)]
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), ledger._engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM delivery_event"))


# Receipts for answers


def receipt_reason(ledger: Ledger) -> str:
    with ledger._engine.connect() as connection:
        return str(connection.execute(sa.text("SELECT reason FROM answer_receipt")).scalar_one())


def test_a_report_about_a_receipt_finds_it_and_says_nothing_of_its_notice(ledger: Ledger) -> None:
    nid, before = nids(ledger)["acme"], states(ledger)
    ledger.inquiries.answer(nid, "fax@v2#news", yes=False, newest=2, now=NOW)
    (receipt,) = ledger.inquiries.claim_receipts(NOW, 9)
    ledger.inquiries.settle_receipt(receipt, NOW)
    later = NOW + timedelta(hours=1)
    delivered = DeliveryEvent(receipt.mail_id, DeliveryName.DELIVERED, NOW)
    bounced = DeliveryEvent(receipt.mail_id, DeliveryName.BOUNCED, later)
    assert ledger.record_deliveries([delivered], now=later).unknown == frozenset()
    assert receipt_reason(ledger) == ""
    for added in (1, 0):
        done = ledger.record_deliveries([delivered, bounced], now=later)
        assert (done.added, done.orphans) == (added, 0)
    assert receipt_reason(ledger) == "bounced"
    assert states(ledger) == before


def test_a_report_about_the_receipt_of_an_earlier_answer_leaves_the_later_one_alone(ledger: Ledger) -> None:
    nid = nids(ledger)["acme"]
    for minutes, yes in ((0, False), (5, True)):
        now = NOW + timedelta(minutes=minutes)
        ledger.inquiries.answer(nid, "fax@v2#news", yes=yes, newest=2, now=now)
        (receipt,) = ledger.inquiries.claim_receipts(now, 9)
        ledger.inquiries.settle_receipt(receipt, now)
        if not yes:
            first = receipt.mail_id
    ledger.record_deliveries([DeliveryEvent(first, DeliveryName.BOUNCED, now)], now=now)
    assert receipt_reason(ledger) == ""


def test_a_receipt_for_no_notice_of_this_ledger_is_an_orphan(ledger: Ledger) -> None:
    event = DeliveryEvent("e" * 32 + "-5f", DeliveryName.DELIVERED, NOW)
    assert ledger.record_deliveries([event], now=NOW).orphans == 1
