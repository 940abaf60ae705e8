# SPDX-License-Identifier: Apache-2.0
"""The one port: what a mailer takes, and what can come of it.

A ``Mailer`` takes one mail at a time. A ``BatchMailer`` also takes a thousand in one call, which it
holds back for a while under a batch id, so that a call in doubt can be called off and made again.

``Accepted``   the mailer took it; it will not be sent again
``NotSent``    it certainly did not leave; it may be tried again
``Unknown``    it may or may not have left; never retried by time alone
``Rejected``   this mail can never be sent as it is; a person must look
``Stopped``    nothing can be sent at present (key, permission, host); the whole notice stops
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable


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
    """Refused for who we are: no key, no permission, a wrong host. ``everything`` False: only this notice
    cannot be sent, others can.
    """

    reason: str
    everything: bool = True


Outcome = Accepted | NotSent | Unknown | Rejected | Stopped


@dataclass(frozen=True, slots=True)
class Envelope:
    """One addressee of a batch. ``values`` are put into the plain text, ``escaped`` are the same for the
    HTML, in the order of the fields of the form. ``unsubscribe`` as in :class:`Mail`.
    """

    nid: str
    to_address: str
    to_name: str
    values: tuple[str, ...]
    escaped: tuple[str, ...]
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What the mails of a batch have in common. ``text`` and ``html`` in pieces: every second one is the
    number of a field of ``fields`` whose value stands there. ``nonce``: letters and digits that occur in
    no mail.
    """

    from_address: str
    from_name: str
    reply_to: str
    subject: str
    fields: tuple[str, ...]
    text: tuple[str, ...]
    html: tuple[str, ...]
    nonce: str
    category: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 1,000 mails of one form, no address twice. ``batch_id`` comes from ``stage``; they are to
    leave at ``send_at``; ``at`` is now.
    """

    form: Form
    envelopes: tuple[Envelope, ...]
    at: datetime
    batch_id: str
    send_at: datetime


@dataclass(frozen=True, slots=True)
class Staged:
    """A batch id, under which nothing has been posted yet."""

    batch_id: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Confirmed: nothing of the batch will leave, not even a call that is still under way."""


class Mailer(Protocol):
    """Hands one mail to the outside. Never raises for what the outside does: it says so instead.

    ``resend_is_safe``: sending a mail of the same nid again leaves one mail, so that a mail in doubt
    after a crash may simply be sent again. Where it does not: ``resend_after`` is how long a report of a
    mail in doubt is waited for before it is sent again, once; None leaves it to a person.
    """

    name: str
    resend_is_safe: bool
    resend_after: timedelta | None

    def send(self, mail: Mail) -> Outcome:
        """Send ``mail`` now; at most once unless the outcome is ``NotSent``."""
        ...

    def close(self) -> None:
        """Let go of connections; idempotent."""
        ...


@runtime_checkable
class BatchMailer(Mailer, Protocol):
    """Hands batches to a service that holds them until their time and can be told to drop them."""

    def send_at(self, at: datetime) -> datetime:
        """When a batch that is posted at ``at`` is to leave."""
        ...

    def stage(self, at: datetime) -> Staged | NotSent | Stopped:
        """A new batch id."""
        ...

    def post(self, batch: Batch) -> Outcome:
        """Post a batch: taken whole or not at all. ``Rejected``: something in it is wrong; in halves the
        good ones can be told from the bad.
        """
        ...

    def cancel(self, batch_id: str, at: datetime) -> Cancelled | NotSent | Stopped:
        """Have a batch dropped, and ask whether it is. ``NotSent``: not known yet; repeat it."""
        ...
