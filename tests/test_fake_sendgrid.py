# SPDX-License-Identifier: Apache-2.0
"""The SendGrid that ships for tests refuses what it should, and its reports pass SendGrid's own check."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sendgrid.helpers.eventwebhook import EventWebhook

from policyctl.adapters.mail.interface import Batch, Envelope, Form
from policyctl.adapters.mail.sendgrid import batch_body
from policyctl.testing.sendgrid import Fake, fake_sendgrid
from policyctl.testing.sendgrid_events import SIGNATURE, TIMESTAMP, Signer, bodies, events

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
FORM = Form("privacy@example.com", "Fax", "answers@example.com", "Changes", ("nid", "name"),
            ("Dear ", "1", ""), ("<p>", "1", "</p>"), "n17", "policy-revision")  # fmt: skip


@pytest.fixture
def fake() -> Iterator[Fake]:
    with fake_sendgrid() as running:
        running.clock = lambda: NOW
        yield running


def post(fake: Fake, path: str, body: object = None) -> httpx.Response:
    return httpx.post(f"{fake.url}{path}", json=body, headers={"Authorization": f"Bearer {fake.key}"})


def good(fake: Fake) -> dict[str, Any]:
    batch_id = post(fake, "/v3/mail/batch").json()["batch_id"]
    people = tuple(
        Envelope(f"n{n}", f"a{n}@example.org", "Ada", (f"n{n}", "Ada"), (f"n{n}", "Ada")) for n in range(3)
    )
    return batch_body(Batch(FORM, people, NOW, batch_id, NOW + timedelta(minutes=25)))


SPOILT: dict[str, Callable[[dict[str, Any]], object]] = {
    "no content": lambda body: body.pop("content"),
    "nobody": lambda body: body["personalizations"].clear(),
    "an address twice": lambda body: body["personalizations"].append(body["personalizations"][0]),
    "a nid that is a number": lambda body: body["personalizations"][0]["custom_args"].update(nid=1),
    "an unknown field": lambda body: body.update(asm={"group_id": 1}),
    "two who see each other": lambda body: body["personalizations"][0]["to"].append({"email": "b@c.example"}),
    "tracking left out": lambda body: body.pop("tracking_settings"),
    "every list passed by": lambda body: body["mail_settings"].update(
        bypass_list_management={"enable": True}
    ),
    "a batch id of nobody": lambda body: body.update(batch_id="other"),
    "in four days": lambda body: body.update(send_at=body["send_at"] + 4 * 86400),
    "a reserved header": lambda body: body["headers"].update(Subject="x"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_mail_is_refused_and_a_good_one_is_not(fake: Fake, spoil) -> None:
    body = good(fake)
    assert post(fake, "/v3/mail/send", body).status_code == 202
    spoil(body)
    assert post(fake, "/v3/mail/send", body).status_code == 400
    assert len(fake.taken) == 1


def test_an_eleventh_cancellation_is_refused_until_one_has_passed(fake: Fake) -> None:
    mails = [good(fake) for _ in range(11)]
    for mail in mails:
        post(fake, "/v3/mail/send", mail)
    cancel = [
        post(fake, "/v3/user/scheduled_sends", {"batch_id": mail["batch_id"], "status": "cancel"}).status_code
        for mail in [*mails, mails[0]]
    ]
    assert cancel == [*[201] * 10, 400, 400]
    assert len(fake.leaving()) == 1


def test_reports_are_signed_doubled_and_shuffled(fake: Fake) -> None:
    post(fake, "/v3/mail/send", good(fake))
    assert events(fake) == []
    fake.clock = lambda: NOW + timedelta(hours=1)
    found, signer, check = events(fake), Signer(), EventWebhook()
    posts = bodies(found, twice=1.0, at_once=5)
    told = [event for body in posts for event in json.loads(body)]
    assert len(told) == 2 * len(found) == 12
    assert {(event["nid"], event["event"]) for event in told} == {(e["nid"], e["event"]) for e in found}
    key = check.convert_public_key_to_ecdsa(signer.public_key)
    for body in posts:
        headers = signer.headers(body, 1_800_000_000)
        assert check.verify_signature(body.decode(), headers[SIGNATURE], headers[TIMESTAMP], key)
        assert not check.verify_signature(body.decode() + " ", headers[SIGNATURE], headers[TIMESTAMP], key)
