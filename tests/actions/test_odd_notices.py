# SPDX-License-Identifier: Apache-2.0
"""Texts that look like another program's template, and customers whom nobody can write to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from policyctl.adapters.ledger import Ledger
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName, OutboxState
from policyctl.core.notices.progress import Group, Unreached, duties
from policyctl.core.records import CustomerRow
from policyctl.testing.sendgrid import fake_sendgrid
from tests.actions.notify_scene import NOW, PLACE, new_scene, publish
from tests.actions.test_notify_batches import World
from tests.core.notice_samples import V3, planned

RESIDUES = (
    "{{x}}", "{{ name }}", "%name%", "%x%", "-x-", "-name-", "{0}", "{name}", "$name", "${x}", "%pc.name.t%",
    "%pc0.name.t%", "[unsubscribe]", "<%asm_group_unsubscribe_url%>", "{% raw %}", "%s", "%(name)s", "\\1",
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with new_scene(tmp_path) as opened:
        yield opened


def as_sent(body: dict[str, object], one: dict[str, object], part: int) -> str:
    """A part of a mail after the service has put its substitutions in, as often as it likes."""
    text = str(body["content"][part]["value"])  # type: ignore[index]
    for _ in range(2):
        for tag, value in one.get("substitutions", {}).items():  # type: ignore[attr-defined]
            text = text.replace(tag, value)
    return text


@pytest.mark.parametrize("residue", RESIDUES)
def test_template_residue_in_a_policy_stays_as_it_is_when_the_service_fills_in_names(
    tmp_path: Path, residue: str
) -> None:
    owed = tuple(
        replace(each, notice=replace(each.notice, summary=f"Sum {residue}.", full_text=f"Text {residue}."))
        for each in planned()
    )
    with fake_sendgrid() as fake:
        world = World(tmp_path, fake)
        with world.ledger as ledger:
            publish(ledger, owed)
            odd = CustomerRow(PLACE, "odd", "Odd", "o@odd.example.org", f"Ada {residue}", "en")
            ledger.import_customers([odd], now=NOW)
            ledger.enqueue(V3, now=NOW)
            assert world.notify().accepted == 5
        for body in fake.taken:
            for one in body["personalizations"]:
                plain = as_sent(body, one, 0)
                assert f"Sum {residue}." in plain
                if one["to"][0]["email"] == "o@odd.example.org":
                    assert f"Ada {residue}" in plain
                    assert f"Text {residue}." in plain
                assert "%pc" not in plain.replace(residue, "")


def test_a_customer_without_an_administrators_address_is_a_duty_that_is_shown(ledger: Ledger) -> None:
    """It was imported with one, which was erased before anything was published."""
    nobody = CustomerRow(PLACE, "gone", "Gone", "g@gone.example.org", "", "en")
    ledger.import_customers([nobody], now=NOW)
    ledger.erase_addresses("customer", "gone", now=NOW)
    publish(ledger)
    (before,) = ledger.progress(NOW)
    assert sum(before.groups(planned()[0].notice.kind).values()) == 3, "acme, best and gone"
    while chunk := ledger.claim(NOW, mailer="test", owner="me"):
        parts = ledger.addressees(chunk)
        state = OutboxState.ACCEPTED if all(item.address for item in parts) else OutboxState.REJECTED
        ledger.move(chunk, state, NOW, owner="")
    arrived = [
        DeliveryEvent(nid, DeliveryName.DELIVERED, NOW) for nid, *_, who in ledger.nids(V3) if who != "gone"
    ]
    ledger.record_deliveries(arrived, now=NOW)
    (after,) = ledger.progress(NOW)
    assert after.unreached == Unreached(no_address=1)
    assert after.groups(planned()[0].notice.kind)[Group.FAILED] == 1
    assert any("1 customer without any administrator's address" in duty for duty in duties(after))
    assert ledger.add_next_contacts(NOW) == 0
    mended = CustomerRow(PLACE, "gone", "Gone", "new@gone.example.org", "", "en")
    ledger.import_customers([mended], now=NOW)
    (found,) = ledger.progress(NOW)
    assert found.unreached == Unreached(next_contact=1)
    assert ledger.add_next_contacts(NOW) == 1
