# SPDX-License-Identifier: Apache-2.0
"""How addressees stand, counted by both databases, and who is written to next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import Audience, DeliveryEvent, DeliveryName, OutboxState
from policyctl.core.notices.progress import Answered, Group, Progress, Unreached
from policyctl.core.policy import ChangeClass
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Answer
from tests.adapters.ledger_samples import (
    CONTACT,
    KEY,
    MARKETING,
    PHONE,
    SERVICE,
    TAXONOMY,
    choice,
    customer,
    owed,
    practice,
    subject,
    tag,
    version,
)
from tests.adapters.test_ledger_contract import NOW, V1

REVISION, CHOICE = NoticeKind.REVISION, NoticeKind.CHOICE
V2 = version(
    2,
    "2026-12-20",
    practice("service", SERVICE),
    practice("news", MARKETING, choice=ChoiceMode.OPT_IN),
    asks={"news": ChoiceMode.OPT_IN},
    change_class=ChangeClass.CHOICE,
)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """Acme has two contacts, Bolt one; two users are reached by the change."""
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.record_version(V1, (), now=NOW)
        opened.import_customers([customer("acme"), customer("acme", "bob"), customer("bolt")], now=NOW)
        opened.import_subjects([subject("u1", "acme"), subject("u2", "bolt"), subject("u3")], now=NOW)
        opened.import_tags([tag("u1", "2026-02-01"), tag("u2", "2026-02-01", PHONE)], now=NOW)
        opened.record_version(V2, owed(V2, CONTACT), now=NOW)
        yield opened


def send_all(ledger: Ledger, at=NOW) -> None:
    while chunk := ledger.claim(at, mailer="test", owner="me"):
        ledger.move(chunk, OutboxState.ACCEPTED, at, owner="")


def report(ledger: Ledger, who: str, name: DeliveryName, contact: int = 1, at=NOW) -> None:
    (nid,) = [
        state.nid
        for state in ledger.addressee_states(V2.key)
        if (state.addressee, state.contact) == (who, contact)
    ]
    ledger.record_deliveries([DeliveryEvent(nid, name, at)], now=at)


def seen(ledger: Ledger, at=NOW) -> Progress:
    (found,) = ledger.progress(at, "fax")
    return found


def groups(ledger: Ledger, kind: NoticeKind = REVISION, at=NOW) -> dict[str, int]:
    return {group.value: number for group, number in seen(ledger, at).groups(kind).items() if number}


def test_everybody_is_in_one_group_and_moves_with_what_is_reported(ledger: Ledger) -> None:
    assert (groups(ledger), groups(ledger, CHOICE)) == ({"pending": 2}, {"pending": 2})
    send_all(ledger)
    assert groups(ledger, at=NOW + timedelta(hours=71)) == {"pending": 2}
    later = NOW + timedelta(hours=72)
    assert groups(ledger, at=later) == {"unconfirmed": 2}
    report(ledger, "bolt", DeliveryName.DELIVERED)
    report(ledger, "acme", DeliveryName.BOUNCED)
    assert groups(ledger, at=later) == {"delivered": 1, "failed": 1}
    assert ledger.progress(NOW, "other") == ()


@pytest.mark.parametrize("name", [DeliveryName.BOUNCED, DeliveryName.DROPPED, DeliveryName.COMPLAINED])
def test_the_next_contact_is_written_to_once_and_stands_for_the_customer(
    ledger: Ledger, name: DeliveryName
) -> None:
    send_all(ledger)
    assert ledger.add_next_contacts(NOW) == 0
    report(ledger, "acme", name)
    assert seen(ledger).unreached == Unreached(next_contact=1)
    assert (ledger.add_next_contacts(NOW), ledger.add_next_contacts(NOW)) == (1, 0)
    assert groups(ledger) == {"pending": 2}
    chunk = ledger.claim(NOW, mailer="test", owner="me")
    assert chunk is not None
    assert [item.address for item in ledger.addressees(chunk)] == ["bob@acme.example.com"]
    ledger.move(chunk, OutboxState.ACCEPTED, NOW, owner="")
    report(ledger, "acme", DeliveryName.DELIVERED, contact=2)
    report(ledger, "bolt", DeliveryName.DELIVERED)
    assert groups(ledger) == {"delivered": 2}
    assert seen(ledger).unreached == Unreached()
    assert ledger.first_bad_entry() is None


def test_with_no_contact_left_it_is_reported(ledger: Ledger) -> None:
    send_all(ledger)
    report(ledger, "acme", DeliveryName.BOUNCED)
    ledger.add_next_contacts(NOW)
    send_all(ledger)
    report(ledger, "acme", DeliveryName.DROPPED, contact=2)
    report(ledger, "bolt", DeliveryName.BOUNCED)
    assert ledger.add_next_contacts(NOW) == 0
    assert seen(ledger).unreached == Unreached(no_contact=2)
    assert groups(ledger) == {"failed": 2}


def test_a_contact_that_could_not_be_sent_to_is_followed_by_the_next(ledger: Ledger) -> None:
    while chunk := ledger.claim(NOW, mailer="test", owner="me"):
        ledger.move(chunk, OutboxState.REJECTED, NOW, owner="", reason="no such address")
    assert seen(ledger).unreached == Unreached(next_contact=1, no_contact=1)
    assert ledger.add_next_contacts(NOW, "other") == 0
    assert ledger.add_next_contacts(NOW, "fax") == 1


def test_a_recalled_notice_goes_to_nobody_else(ledger: Ledger) -> None:
    report(ledger, "acme", DeliveryName.BOUNCED)
    ledger.cancel(V2.key, now=NOW)
    assert ledger.add_next_contacts(NOW) == 0
    assert seen(ledger).groups(REVISION)[Group.HELD] == 1


def test_a_customer_without_an_address_is_a_duty_and_stays_one(ledger: Ledger) -> None:
    ledger.erase_addresses("customer", "bolt", now=NOW)
    assert seen(ledger).unreached == Unreached(no_address=1)
    assert sum(groups(ledger).values()) == 2


def test_what_addressees_did_is_counted_beside_the_groups(ledger: Ledger) -> None:
    (change,) = [each.name for each in V2.changes]
    ledger.acknowledge("acme", V2.key, NOW, now=NOW)
    ledger.import_choices(
        [
            choice("u1", change, Answer.REFUSE, "2026-11-02"),
            choice("u3", change, Answer.CONSENT, "2026-11-02"),  # was never asked
            choice("bolt", change, Answer.REFUSE, "2026-11-02", "customer"),
        ],
        now=NOW,
    )
    nid = next(state.nid for state in ledger.addressee_states(V2.key) if state.addressee == "bolt")
    ledger.inquiries.object(nid, stands=True, now=NOW)
    did = seen(ledger).answered
    assert (did[REVISION], did[CHOICE]) == (Answered(1, 1, 1), Answered(chosen=1))
    ledger.inquiries.object(nid, stands=False, now=NOW)
    assert seen(ledger).answered[REVISION].objected == 0


def test_what_left_after_the_effective_date_is_late(ledger: Ledger) -> None:
    chunk = ledger.claim(NOW, mailer="test", owner="me")
    assert chunk is not None
    ledger.move(chunk, OutboxState.ACCEPTED, V2.effective_at - timedelta(microseconds=1), owner="")
    assert seen(ledger).late == 0
    send_all(ledger, V2.effective_at)
    assert seen(ledger).late == 2


@pytest.mark.parametrize(("categories", "told"), [((), {"u1", "u2", "u4"}), ((PHONE,), {"u2"})])
def test_who_accepted_an_older_version_is_told_where_the_whole_policy_changes(
    ledger: Ledger, categories: tuple[str, ...], told: set[str]
) -> None:
    ledger.import_subjects([subject("u4", "bolt", since=None)], now=NOW)
    ledger.accept("u4", V1.key, V1.effective_at, now=NOW)  # has no data here, and is bound all the same
    audience = Audience("subjects", categories)
    assert ledger.audience_counts(V2.key, [audience]) == {audience: len(told)}
