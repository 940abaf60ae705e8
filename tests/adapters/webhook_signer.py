# SPDX-License-Identifier: Apache-2.0
"""SendGrid's side of the event webhook: a key pair, and bodies signed with it."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from policyctl.adapters.mail.sendgrid_events import SIGNATURE, TIMESTAMP


class Signer:
    """A key pair of the curve that SendGrid uses."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        spki = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public = base64.b64encode(spki).decode()

    def headers(self, body: bytes, at: datetime) -> dict[str, str]:
        """The two headers of a body that was sent at a moment."""
        stamp = str(int(at.timestamp()))
        signature = self._key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: stamp}


def body_of(*events: Any) -> bytes:
    return json.dumps(events, separators=(",", ":")).encode()


def event(nid: str, word: str, at: datetime, **more: Any) -> dict[str, Any]:
    """One event with the fields that SendGrid sends."""
    return {
        "email": "ada@example.org",
        "timestamp": int(at.timestamp()),
        "smtp-id": "<n@example.com>",
        "event": word,
        "category": ["policy-revision"],
        "sg_event_id": "c2dfZXZlbnQ=",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001",
        "nid": nid,
        **more,
    }
