# SPDX-License-Identifier: Apache-2.0
"""SendGrid's lists of addresses it has given up tell of events that were lost, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from policyctl.actions.mailing.events import ListsRead, look_up_suppressions
from policyctl.adapters.mail.suppressions import PAGE, SuppressionLists
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.policy import VersionKey
from policyctl.errors import UnreachableError, UsageError
from policyctl.testing.sendgrid import Answer, fake_sendgrid
from tests.actions.notify_scene import NOW, SLUG, publish
from tests.actions.test_notify_batches import World

ADA, BOB, U1, U2 = "ada@acme.example.org", "bob@best.example.org", "u1@example.org", "u2@example.org"
LEFT = NOW + timedelta(minutes=26)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Every mail has left, and no event of any came."""
    with fake_sendgrid() as fake:
        made = World(tmp_path, fake)
        publish(made.ledger)
        with made.ledger:
            assert made.notify().accepted == 4
            made.notify(timedelta(hours=1))
            assert made.states() == {"released": 4}
            made.now += timedelta(hours=8)
            yield made


def entry(email: str, created: datetime, **more: str) -> dict[str, Any]:
    return {"created": int(created.timestamp()), "email": email, "reason": "500 unknown recipient", **more}


def look_up(world: World, days: int = 14, **more: bool) -> ListsRead:
    lists = SuppressionLists(world.fake.key, host=world.fake.url, timeout=httpx.Timeout(2))
    try:
        return look_up_suppressions(lists, days=days, ledger=world.ledger, now=world.now, **more)
    finally:
        lists.close()


def stands(world: World) -> dict[str, str]:
    """How each addressee stands, by the first letters of the address."""
    rows = world.ledger.addressee_states(VersionKey(SLUG, 3))
    names = {
        "acme": ADA,
        "best": BOB,
        **{world.ledger.pseudonym(who): f"{who}@example.org" for who in ("u1", "u2")},
    }
    return {names[row.addressee]: row.stands for row in rows}


def test_addresses_on_the_lists_are_not_given_and_the_others_stay_as_they_are(world: World) -> None:
    hour = LEFT + timedelta(hours=1)
    world.fake.suppressed = {
        "bounces": [entry(ADA.upper(), hour, status="5.1.1"), entry("nobody@example.net", hour)],
        "blocks": [entry(U1, hour, status="4.0.0")],
        "spam_reports": [entry(BOB, hour)],
        "invalid_emails": [entry(U2, NOW - timedelta(days=3))],
    }
    assert look_up(world, dry_run=True) == ListsRead(5, 4)
    assert set(stands(world).values()) == {"released"}
    assert look_up(world) == ListsRead(5, 4)
    assert stands(world) == {ADA: "bounced", U1: "bounced", BOB: "complained", U2: "dropped"}
    assert look_up(world) == ListsRead(5, 0), "looked up again, nothing is added"


def test_what_was_reported_delivered_stays_and_a_block_of_before_stops_nothing(world: World) -> None:
    nid = next(
        row.nid for row in world.ledger.addressee_states(VersionKey(SLUG, 3)) if row.addressee == "acme"
    )
    delivered = DeliveryEvent(nid, DeliveryName.DELIVERED, LEFT + timedelta(seconds=3))
    world.ledger.record_deliveries([delivered], now=world.now)
    world.fake.suppressed = {
        "bounces": [entry(ADA, LEFT + timedelta(hours=2)), entry(BOB, NOW - timedelta(days=40))],
        "blocks": [entry(U1, NOW - timedelta(hours=1))],
    }
    assert look_up(world).added == 0
    assert stands(world) == {ADA: "delivered", BOB: "released", U1: "released", U2: "released"}
    assert look_up(world, days=60).added == 1
    assert stands(world)[BOB] == "dropped", "its address had been given up long before the mail left"


def test_a_mail_that_is_still_to_leave_is_not_spoken_of(tmp_path: Path) -> None:
    with fake_sendgrid() as fake:
        world = World(tmp_path, fake)
        publish(world.ledger)
        with world.ledger:
            world.notify()
            fake.suppressed = {"bounces": [entry(ADA, NOW - timedelta(days=1))]}
            assert look_up(world).added == 0


def test_lists_of_several_pages_are_read_to_the_end(world: World) -> None:
    hour = LEFT + timedelta(hours=1)
    others = [entry(f"a{n}@example.net", hour) for n in range(2 * PAGE)]
    world.fake.suppressed = {"bounces": [*others, entry(ADA, hour)]}
    assert look_up(world) == ListsRead(2 * PAGE + 1, 1)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_read_them_is_told_which_permission_it_lacks(world: World, status: int) -> None:
    world.fake.scripts = {"/v3/suppression/blocks": [Answer(status)]}
    with pytest.raises(UsageError, match=str(status)) as caught:
        look_up(world)
    assert "Suppressions" in caught.value.hint
    assert world.fake.key not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(
    "answer", [Answer(500), Answer(302), Answer(200, body={"errors": []}), Answer(fault="close-before")]
)
def test_what_is_no_list_is_an_error_and_what_was_read_before_is_kept(world: World, answer: Answer) -> None:
    world.fake.suppressed = {"bounces": [entry(ADA, LEFT + timedelta(hours=1))]}
    world.fake.scripts = {"/v3/suppression/spam_reports": [answer]}
    with pytest.raises(UnreachableError):
        look_up(world)
    assert stands(world)[ADA] == "bounced"


def test_odd_entries_are_passed_over(world: World) -> None:
    odd: list[Any] = [
        {"created": "soon", "email": ADA},
        {"created": True, "email": ADA},
        {"email": ADA},
        {"created": 5},
        "x",
    ]
    world.fake.scripts = {"/v3/suppression/bounces": [Answer(200, body=odd)]}  # type: ignore[arg-type]
    assert look_up(world) == ListsRead(0, 0)
