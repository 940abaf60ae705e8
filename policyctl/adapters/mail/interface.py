# SPDX-License-Identifier: Apache-2.0
"""The one port: what a mailer takes, and what can come of it.

``Accepted``   the mailer took it; it will not be sent again
``NotSent``    it certainly did not leave; it may be tried again
``Unknown``    it may or may not have left; never retried by time alone
``Rejected``   this mail can never be sent as it is; a person must look
``Stopped``    nothing can be sent at present (key, permission, host); the whole notice stops
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. ``name`` is plain ASCII: other names arrive garbled somewhere."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One rendered message to one addressee. ``nid`` is the opaque id of this notice to this
    addressee: no name and no address can be read from it. ``category`` is the kind of mail, the
    same for everybody who gets it. ``at`` is the moment of sending, aware UTC.

    ``unsubscribe`` is where one click stops mails of this kind (RFC 8058), empty for a service
    announcement, which cannot be stopped.
    """

    nid: str
    to_address: str
    to_name: str
    from_address: str
    from_name: str
    reply_to: str
    subject: str
    text: str
    html: str
    category: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """``receipt`` is what the mailer gave for later questions (a path, a message id)."""

    receipt: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """``retry_after`` in seconds, None when the mailer does not say."""

    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The connection broke after the message may have been taken."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refused for what it is: a malformed address, a mail too large."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Refused for who we are: no key, no permission, a wrong host."""

    reason: str


Outcome = Accepted | NotSent | Unknown | Rejected | Stopped


class Mailer(Protocol):
    """Hands one mail to the outside. Never raises for what the outside does: it says so instead.

    ``resend_is_safe``: sending a mail of the same nid again leaves one mail, so that a mail in doubt
    after a crash may simply be sent again.
    """

    name: str
    resend_is_safe: bool

    def send(self, mail: Mail) -> Outcome:
        """Send ``mail`` now; at most once unless the outcome is ``NotSent``."""
        ...

    def close(self) -> None:
        """Let go of connections; idempotent."""
        ...
