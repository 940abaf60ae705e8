# SPDX-License-Identifier: Apache-2.0
"""SendGrid's signed event webhook: what it says became of our mails, once it is known that it says so.

1. The signature covers the timestamp and the bytes of the body as they came. Either of two keys may
   have made it, so that a key can be changed. Whatever the check trips over, the answer is no.
2. The timestamp is ten digits, not older than a limit: SendGrid tries for 24 hours. The limit is no
   defence against a replay; that a report counts once is (adapters/ledger/sending/deliveries.py).
3. An event is ours by the nid in it. Those of others are passed over, and so are openings and clicks,
   of which nothing is read. A delayed bounce comes without any id and is told by its address.
4. Any field may be missing or odd. A delivery that does not say when it happened is passed over: its
   moment counts for what may be done with data. A failure without one happened when it was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sendgrid.helpers.eventwebhook import EventWebhook

from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.errors import InputError, UsageError

SIGNATURE, TIMESTAMP = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"
MOST_BYTES = 10_000_000
MOST_EVENTS = 50_000
AGE = timedelta(hours=25)
_AHEAD = timedelta(minutes=10)

_NAMES = {
    "processed": DeliveryName.PROCESSED,
    "deferred": DeliveryName.DEFERRED,
    "delivered": DeliveryName.DELIVERED,
    "bounce": DeliveryName.BOUNCED,
    "dropped": DeliveryName.DROPPED,
    "spamreport": DeliveryName.COMPLAINED,
}
_GOOD = {DeliveryName.PROCESSED, DeliveryName.DEFERRED, DeliveryName.DELIVERED}
_DIGITS = re.compile(r"[0-9]{10}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,200}={0,2}")
_NID = re.compile(r"[0-9a-f]{32}(-[0-9a-f]{1,16})?")  # of a notice, or of a receipt for an answer
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_ATTEMPT = re.compile(r"[0-9]{1,6}")
_LONGEST_ADDRESS = 320


@dataclass(frozen=True, slots=True)
class Feed:
    """What one body says of our mails, and how many of its events are not about them."""

    events: tuple[DeliveryEvent, ...]
    ignored: int


class SendGridWebhook:
    """Checks and reads bodies. ``keys``: the public keys as SendGrid's pages show them, base64.

    Raises UsageError for a key that is none of the curve P-256.
    """

    most_bytes = MOST_BYTES

    def __init__(self, keys: Sequence[str], *, longest_age: timedelta = AGE) -> None:
        self._checks = [_check_with(key, place) for place, key in enumerate(keys, start=1)]
        self._age = longest_age

    def may_be(self, headers: Mapping[str, str], now: datetime) -> bool:
        """Whether the headers alone let a body be worth reading."""
        stamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
        if not (_DIGITS.fullmatch(stamp) and _BASE64.fullmatch(signature)):
            return False
        sent = datetime.fromtimestamp(int(stamp), UTC)
        return now - self._age <= sent <= now + _AHEAD

    def is_signed(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Whether SendGrid sent this body, lately."""
        if not self.may_be(headers, now):
            return False
        try:
            # The package signs text. Strictly decoded, it encodes back to the very bytes.
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return any(_holds(check, text, headers) for check in self._checks)

    def read(self, headers: Mapping[str, str], body: bytes) -> Feed:
        """The events of a body that is signed. InputError when it is no list of at most 50,000."""
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InputError("the body is not JSON", hint="SendGrid sends a list of events") from error
        if not isinstance(found, list) or len(found) > MOST_EVENTS:
            raise InputError(f"the body is no list of at most {MOST_EVENTS:,}", hint="SendGrid sends that")
        sent = datetime.fromtimestamp(int(headers[TIMESTAMP]), UTC)
        events = [event for each in found if (event := _event(each, sent)) is not None]
        return Feed(tuple(events), len(found) - len(events))


def _check_with(key: str, place: int) -> EventWebhook:
    try:
        check = EventWebhook("".join(key.split()))
        curve = check.public_key.curve.name
    except Exception as error:
        raise _bad_key(place) from error
    if curve != "secp256r1":
        raise _bad_key(place)
    return check


def _bad_key(place: int) -> UsageError:
    return UsageError(
        f"[mail.sendgrid] webhook_keys: key {place} is no public key of SendGrid's webhook",
        hint="copy the Verification Key from Settings > Mail Settings > Event Webhook",
    )


def _holds(check: EventWebhook, text: str, headers: Mapping[str, str]) -> bool:
    try:
        return check.verify_signature(text, headers[SIGNATURE], headers[TIMESTAMP]) is True
    except Exception:  # noqa: BLE001 - the check raises for odd signatures; none of that is a yes
        return False


def _event(raw: Any, sent: datetime) -> DeliveryEvent | None:
    """One event as a report of ours; None where it is not about our mails, or says too little (3, 4)."""
    if not isinstance(raw, dict) or not isinstance(word := raw.get("event"), str):
        return None
    name, nid = _NAMES.get(word), raw.get("nid")
    if name is None:
        return None
    ours = isinstance(nid, str) and _NID.fullmatch(nid)
    address = "" if ours else _stray(raw, name)
    at = _moment(raw.get("timestamp")) or (None if name in _GOOD else sent)
    if at is None or not (ours or address) or at > sent + timedelta(days=1):
        return None
    return DeliveryEvent(
        nid=str(nid) if ours else "",
        event=name,
        at=at,
        attempt=_attempt(raw.get("attempt")),
        status=_status(raw.get("status")),
        address=address,
    )


def _stray(raw: Mapping[str, Any], name: DeliveryName) -> str:
    """The address of a delayed bounce. Bounces of other senders have ids of SendGrid's own."""
    address = raw.get("email")
    if name is not DeliveryName.BOUNCED or raw.keys() & {"nid", "sg_message_id", "smtp-id"}:
        return ""
    return address if isinstance(address, str) and "@" in address[:_LONGEST_ADDRESS] else ""


def _moment(value: Any) -> datetime | None:
    if isinstance(value, int) and not isinstance(value, bool) and _DIGITS.fullmatch(str(value)):
        return datetime.fromtimestamp(value, UTC)
    return None


def _attempt(value: Any) -> int:
    """SendGrid writes it as text."""
    text = str(value) if isinstance(value, int | str) else ""
    return int(text) if _ATTEMPT.fullmatch(text) else 0


def _status(value: Any) -> str:
    found = _STATUS.match(value) if isinstance(value, str) else None
    return found[0] if found else ""
