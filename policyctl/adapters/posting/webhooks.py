# SPDX-License-Identifier: Apache-2.0
"""Outgoing webhooks, signed by the Standard Webhooks scheme: what is signed is ``id.timestamp.body`` with
HMAC-SHA256, and each secret gives one signature, so that one can be changed for another.

The id stays the same however often a message is sent, the timestamp is that of the try. A receiver keeps
ids it has seen, and refuses timestamps that are minutes old.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from policyctl import __version__
from policyctl.adapters.posting.wire import Limits, NoReplyError, Reply, exchange
from policyctl.core.postings import Posting
from policyctl.errors import UsageError

VARIABLE = "POLICYCTL_WEBHOOK_SECRET"
PREFIX = "whsec_"
_BYTES = range(24, 65)
_GONE, _LEAST, _MOST = 410, 200, 299


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one try. ``taken``: answered with 2xx; ``gone``: with 410. ``wait``: what the receiver
    asked for.
    """

    taken: bool
    gone: bool = False
    detail: str = ""
    wait: timedelta | None = None


class Webhooks:
    """Sends postings to their targets. ``environment`` holds the secrets; none is in any message."""

    def __init__(self, environment: Mapping[str, str], limits: Limits | None = None) -> None:
        self._environment = environment
        self._limits = limits or Limits()

    def require_secret(self, place: str) -> None:
        """UsageError where the secret of a place is missing or none."""
        secrets_of(place, self._environment)

    def send(self, posting: Posting, *, now: datetime, internal: bool = False) -> Sent:
        """One try. UsageError where the secret or the address will not do."""
        body, at = posting.body.encode(), int(now.timestamp())
        signed = [
            sign(secret, posting.id, at, body) for secret in secrets_of(posting.place, self._environment)
        ]
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"policyctl/{__version__}",
            "webhook-id": posting.id,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(signed),
        }
        limits = Limits(self._limits.timeout, self._limits.deadline, self._limits.most, internal)
        try:
            reply = exchange("POST", posting.target, headers=headers, body=body, limits=limits)
        except NoReplyError as error:
            return Sent(taken=False, detail=error.message)
        return _judged(reply, now)


def _judged(reply: Reply, now: datetime) -> Sent:
    if _LEAST <= reply.status <= _MOST:
        return Sent(taken=True, detail=f"answered {reply.status}")
    if reply.status == _GONE:
        return Sent(taken=False, gone=True, detail="answered 410: wants no more")
    moved = ", a redirect, which is not followed" if reply.status // 100 == 3 else ""  # noqa: PLR2004 - 3xx
    return Sent(
        taken=False,
        detail=f"answered {reply.status}{moved}",
        wait=_wait(reply.headers.get("retry-after", ""), now),
    )


def _wait(said: str, now: datetime) -> timedelta | None:
    """``Retry-After``: seconds or a date; None for anything else."""
    if said.isascii() and said.isdigit():
        return timedelta(seconds=min(int(said[:9]), 10**8))
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)) - now, timedelta())


def sign(secret: bytes, name: str, at: int, body: bytes) -> str:
    """One signature, ``v1,<base64>``. ``at`` in whole seconds since 1970."""
    digest = hmac.digest(secret, b"%b.%d.%b" % (name.encode(), at, body), "sha256")
    return "v1," + base64.b64encode(digest).decode()


def variable_of(place: str) -> str:
    """The variable that holds the secret of this place alone."""
    return f"{VARIABLE}_{place.upper().replace('-', '_')}"


def secrets_of(place: str, environment: Mapping[str, str]) -> Sequence[bytes]:
    """The secrets of a place: its own, else the one of all; several with spaces between them. UsageError
    where there is none, or one that is no secret; it says nothing of what it is.
    """
    name = variable_of(place) if variable_of(place) in environment else VARIABLE
    words = environment.get(name, "").split()
    if not words:
        raise UsageError(
            f"there is no secret for the webhook {place}", hint=f"set {variable_of(place)}, or {VARIABLE}"
        )
    return [_secret(word, name) for word in words]


def _secret(word: str, name: str) -> bytes:
    try:
        found = base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not word.startswith(PREFIX) or len(found) not in _BYTES:
        raise UsageError(
            f"{name} holds what is no secret", hint=f"write {PREFIX} and 24 to 64 random bytes in base64"
        )
    return found
