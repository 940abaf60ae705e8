# SPDX-License-Identifier: Apache-2.0
"""Reports of delivery as SendGrid's event webhook posts them: signed, some twice, in any order, late."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterable
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from policyctl.testing.sendgrid import Fake

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


class Signer:
    """A P-256 key made for a test, and what it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """As SendGrid shows it: base64 of the DER form."""
        return base64.b64encode(
            self._key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).decode()

    def headers(self, body: bytes, timestamp: int) -> dict[str, str]:
        """The two headers of a post of ``body``: ECDSA over timestamp and body."""
        signed = self._key.sign(str(timestamp).encode() + body, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE: base64.b64encode(signed).decode(), TIMESTAMP: str(timestamp)}


def events(fake: Fake, *, of: Iterable[str] = ("processed", "delivered")) -> list[dict[str, Any]]:
    """An event of each kind for every mail that has left by the fake's clock."""
    now = fake.clock().timestamp()
    return [
        {
            "email": one["to"][0]["email"],
            "timestamp": int(mail["send_at"]) + later,
            "event": kind,
            "nid": one["custom_args"]["nid"],
            "sg_event_id": f"{one['custom_args']['nid']}-{kind}",
        }
        for mail in fake.leaving()
        if mail.get("send_at", 0) <= now
        for one in mail["personalizations"]
        for later, kind in enumerate(of, start=1)
    ]


def bodies(
    found: list[dict[str, Any]], *, seed: int = 0, twice: float = 0.3, at_once: int = 100
) -> list[bytes]:
    """The events in posts: shuffled, a part of them twice and then under another ``sg_event_id``."""
    lot = random.Random(seed)  # noqa: S311 - the same disorder for the same seed
    again = [
        {**event, "sg_event_id": f"{event['sg_event_id']}-again"} for event in found if lot.random() < twice
    ]
    mixed = [*found, *again]
    lot.shuffle(mixed)
    return [json.dumps(mixed[start : start + at_once]).encode() for start in range(0, len(mixed), at_once)]
