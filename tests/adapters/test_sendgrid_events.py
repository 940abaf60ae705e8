# SPDX-License-Identifier: Apache-2.0
"""SendGrid's event webhook: only what it signed lately is read, and of that only what is ours."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.adapters.mail.sendgrid_events import (
    MOST_EVENTS,
    SIGNATURE,
    TIMESTAMP,
    SendGridWebhook,
)
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.errors import InputError, UsageError
from tests.adapters.ledger_samples import day
from tests.adapters.webhook_signer import Signer, body_of, event

NOW = day("2026-11-20")
NID = "0123456789abcdef" * 2
SIGNER = Signer()
WEBHOOK = SendGridWebhook([SIGNER.public])
BODY = body_of(event(NID, "delivered", NOW))


def read(*events: Any) -> tuple[DeliveryEvent, ...]:
    body = body_of(*events)
    return WEBHOOK.read(SIGNER.headers(body, NOW), body).events


def public(key: Any) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER, kind)).decode()


def test_what_sendgrid_signed_is_read() -> None:
    headers = SIGNER.headers(BODY, NOW)
    assert WEBHOOK.is_signed(headers, BODY, NOW)
    assert WEBHOOK.read(headers, BODY).events == (DeliveryEvent(NID, DeliveryName.DELIVERED, NOW),)


def test_an_event_about_a_receipt_names_it_by_notice_and_answer() -> None:
    (found,) = read(event(f"{NID}-5f3a9c", "bounce", NOW, status="5.1.1"))
    assert (found.nid, found.event) == (f"{NID}-5f3a9c", DeliveryName.BOUNCED)
    assert read(event(f"{NID}-", "bounce", NOW), event(f"{NID}-x", "bounce", NOW)) == ()


def test_no_altered_byte_and_no_moved_digit_is_signed() -> None:
    headers = SIGNER.headers(BODY, NOW)
    for place in range(len(BODY)):
        altered = bytes([*BODY[:place], BODY[place] ^ 1, *BODY[place + 1 :]])
        assert not WEBHOOK.is_signed(headers, altered, NOW)
    moved = {**headers, TIMESTAMP: headers[TIMESTAMP][:-1]}
    assert not WEBHOOK.is_signed(moved, headers[TIMESTAMP][-1:].encode() + BODY, NOW)
    assert not WEBHOOK.is_signed(headers, BODY + b" ", NOW)
    assert not WEBHOOK.is_signed(headers, b"", NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {SIGNATURE: ""},
        {SIGNATURE: "not base64!" * 5},
        {SIGNATURE: "A" * 41},
        {SIGNATURE: "A" * 96},
        {SIGNATURE: "é" * 96},
        {TIMESTAMP: ""},
        {TIMESTAMP: "17637552000"},
        {TIMESTAMP: " 176375520"},
        {TIMESTAMP: "1763755200\n"},
        {TIMESTAMP: "１７６３７５５２００"},
        {TIMESTAMP: "-763755200"},
    ],
    ids=ascii,
)
def test_odd_headers_are_a_plain_no(changed: dict[str, str]) -> None:
    headers = {**SIGNER.headers(BODY, NOW), **changed}
    assert not WEBHOOK.is_signed(headers, BODY, NOW)
    for name in changed:
        assert not WEBHOOK.is_signed({k: v for k, v in headers.items() if k != name}, BODY, NOW)


@given(body=st.binary(max_size=60), signature=st.text(max_size=120), stamp=st.text(max_size=12))
def test_nothing_made_up_is_signed_and_nothing_raises(body: bytes, signature: str, stamp: str) -> None:
    assert not WEBHOOK.is_signed({SIGNATURE: signature, TIMESTAMP: stamp}, body, NOW)
    good = SIGNER.headers(BODY, NOW)
    assert not WEBHOOK.is_signed({**good, SIGNATURE: signature}, BODY, NOW)


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (timedelta(0), True),
        (timedelta(hours=-24, minutes=-59), True),
        (timedelta(hours=-25, minutes=-1), False),
        (timedelta(days=-400), False),
        (timedelta(minutes=9), True),
        (timedelta(minutes=11), False),
    ],
)
def test_a_body_is_taken_for_a_day_and_an_hour(sent: timedelta, taken: bool) -> None:  # noqa: FBT001 - a table
    assert WEBHOOK.is_signed(SIGNER.headers(BODY, NOW + sent), BODY, NOW) is taken


def test_the_limit_of_age_can_be_set() -> None:
    strict = SendGridWebhook([SIGNER.public], longest_age=timedelta(hours=1))
    assert not strict.is_signed(SIGNER.headers(BODY, NOW - timedelta(hours=2)), BODY, NOW)


def test_while_keys_are_changed_either_signs_and_then_only_the_new_one() -> None:
    old, new, stranger = Signer(), Signer(), Signer()
    both, after = SendGridWebhook([old.public, new.public]), SendGridWebhook([new.public])
    for signer, meanwhile, later in ((old, True, False), (new, True, True), (stranger, False, False)):
        headers = signer.headers(BODY, NOW)
        assert both.is_signed(headers, BODY, NOW) is meanwhile
        assert after.is_signed(headers, BODY, NOW) is later


@pytest.mark.parametrize(
    "key",
    [
        "",
        "not a key",
        public(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        public(ec.generate_private_key(ec.SECP384R1())),
        SIGNER.public[:-8],
    ],
    ids=["none", "words", "rsa", "p-384", "cut"],
)
def test_a_key_that_cannot_be_sendgrids_is_said_at_the_start(key: str) -> None:
    with pytest.raises(UsageError, match="key 2") as raised:
        SendGridWebhook([SIGNER.public, key])
    assert raised.value.hint


def test_a_key_copied_with_line_breaks_is_the_same_key() -> None:
    webhook = SendGridWebhook([f" {SIGNER.public[:64]}\n{SIGNER.public[64:]}\n"])
    assert webhook.is_signed(SIGNER.headers(BODY, NOW), BODY, NOW)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("processed", DeliveryName.PROCESSED),
        ("deferred", DeliveryName.DEFERRED),
        ("delivered", DeliveryName.DELIVERED),
        ("bounce", DeliveryName.BOUNCED),
        ("dropped", DeliveryName.DROPPED),
        ("spamreport", DeliveryName.COMPLAINED),
    ],
)
def test_each_event_has_its_name(word: str, name: DeliveryName) -> None:
    found = read(event(NID, word, NOW, attempt="3", status="5.1.1 no such user <ada@example.org>"))
    assert found == (DeliveryEvent(NID, name, NOW, attempt=3, status="5.1.1"),)


@pytest.mark.parametrize(
    "raw",
    [
        event(NID, "open", NOW),
        event(NID, "click", NOW, url="https://example.com"),
        event(NID, "unsubscribe", NOW),
        event("another tenant's id", "bounce", NOW),
        event(NID.upper(), "delivered", NOW),
        event(NID + "0", "delivered", NOW),
        {key: value for key, value in event("", "bounce", NOW).items() if key != "nid"},
        {**event("", "bounce", NOW), "nid": {"$ne": None}},
        {"nid": NID, "event": "delivered"},
        {"nid": NID, "event": "delivered", "timestamp": "1763755200"},
        {"nid": NID, "event": "delivered", "timestamp": 1763755200.5},
        {"nid": NID, "event": "delivered", "timestamp": True},
        {"nid": NID, "event": "delivered", "timestamp": -1},
        {"nid": NID, "event": "delivered", "timestamp": 10**400},
        event(NID, "delivered", NOW + timedelta(days=3)),
        {"nid": NID, "event": ["delivered"]},
        {"nid": NID},
        {},
        [],
        None,
        "delivered",
        7,
    ],
    ids=lambda raw: ascii(raw)[:60],
)
def test_what_is_not_about_our_mails_is_passed_over_and_the_rest_is_read(raw: Any) -> None:
    good = event(NID, "delivered", NOW)
    assert read(good, raw) == read(good)


def test_a_failure_that_does_not_say_when_happened_when_it_was_sent() -> None:
    assert read({"nid": NID, "event": "bounce"}) == (DeliveryEvent(NID, DeliveryName.BOUNCED, NOW),)


def test_a_delayed_bounce_without_ids_is_told_by_its_address() -> None:
    raw = {"email": "ada@example.org", "event": "bounce", "timestamp": int(NOW.timestamp())}
    assert read(raw) == (DeliveryEvent("", DeliveryName.BOUNCED, NOW, address="ada@example.org"),)
    assert read({**raw, "sg_message_id": "x"}) == read({**raw, "event": "delivered"}) == ()
    assert "ada@" not in repr(read(raw))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"[", b"[{]", b"[NaN", b"[" * 200_000, b"[1" + b"0" * 5000 + b"]",
     json.dumps([0] * (MOST_EVENTS + 1)).encode()],
    ids=lambda body: ascii(body)[:20],
)  # fmt: skip
def test_a_signed_body_that_is_no_list_of_events_is_an_error_of_its_own(body: bytes) -> None:
    with pytest.raises(InputError):
        WEBHOOK.read(SIGNER.headers(body, NOW), body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["nid", "event", "timestamp", "email", "attempt", "status", "sg_message_id"])


@settings(max_examples=300)
@given(st.lists(st.dictionaries(FIELDS, VALUES | st.sampled_from([NID, "bounce", "delivered"])), max_size=5))
def test_whatever_the_fields_hold_reading_does_not_fail(raw: list[dict[str, Any]]) -> None:
    for found in read(*raw):
        assert found.nid in {NID, ""}
        assert bool(found.nid) != bool(found.address)
