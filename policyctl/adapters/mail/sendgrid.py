# SPDX-License-Identifier: Apache-2.0
"""Mails over SendGrid's v3 API: the request is built with the ``sendgrid`` package's types and sent
with httpx, which has time limits and can tell "could not connect" from "do not know".

SendGrid keeps no idempotency key, so nothing in doubt is ever repeated: no retries, no redirects.

===============================  ========================================================
what comes back                  outcome
===============================  ========================================================
no connection                    ``NotSent``
broken off while writing,        ``Unknown``
reading, or a 5xx
202                              ``Accepted``, the receipt is ``X-Message-Id``
200, 3xx                         ``Stopped``: sandbox mode or a wrong host
400, 413                         ``Rejected``
401, 403                         ``Stopped``: the key lacks the permission to send
429                              ``NotSent``, with the time until ``X-RateLimit-Reset``
===============================  ========================================================
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from sendgrid.helpers.mail import (
    Attachment,
    BypassUnsubscribeManagement,
    Category,
    ClickTracking,
    Content,
    CustomArg,
    Disposition,
    Email,
    FileContent,
    FileName,
    FileType,
    FooterSettings,
    Ganalytics,
    Header,
    MailSettings,
    OpenTracking,
    Personalization,
    ReplyTo,
    Subject,
    SubscriptionTracking,
    To,
    TrackingSettings,
)
from sendgrid.helpers.mail import Mail as Request
from sendgrid.helpers.mail.exceptions import ApiKeyIncludedException

from policyctl.adapters.mail.interface import Accepted, Mail, NotSent, Outcome, Rejected, Stopped, Unknown
from policyctl.adapters.mail.interface import Attachment as File
from policyctl.adapters.mail.message import checked, headers_of
from policyctl.errors import RefusedError

HOST = "https://api.sendgrid.com"
TIMEOUT = httpx.Timeout(connect=5, write=30, read=60, pool=5)
# A pooled connection that the other side has closed would look like a mail in doubt.
LIMITS = httpx.Limits(max_connections=4, keepalive_expiry=4)

_KEY = re.compile(r"[\x21-\x7e]+")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class SendGridMailer:
    """Posts mails to ``host`` with ``api_key``, which appears in no message. Implements ``Mailer``."""

    name = "sendgrid"
    resend_is_safe = False

    def __init__(self, api_key: str, *, host: str = HOST, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._refusal = _unfit(api_key, host)
        self._url = f"{host.rstrip('/')}/v3/mail/send"
        # An unfit key must not come near a header: the error about it would quote it.
        headers = {} if self._refusal else {"Authorization": f"Bearer {api_key}"}
        self._client = httpx.Client(timeout=timeout, limits=LIMITS, follow_redirects=False, headers=headers)

    def send(self, mail: Mail) -> Outcome:
        """Post one mail; the receipt is SendGrid's message id."""
        if self._refusal:
            return Stopped(self._refusal)
        try:
            body = request_body(checked(mail))
        except RefusedError as error:
            return Rejected(error.message)
        except ApiKeyIncludedException:
            return Rejected("the text holds what looks like a SendGrid key")
        try:
            response = self._client.post(self._url, json=body)
        except _NO_CONNECTION as error:
            return NotSent(f"no connection to SendGrid ({type(error).__name__})")
        except httpx.HTTPError as error:
            return Unknown(f"SendGrid did not answer ({type(error).__name__})")
        return _outcome(response, mail.at)

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()


def request_body(mail: Mail) -> dict[str, Any]:
    """The JSON of one mail that ``checked`` let through. Nobody sees another addressee: one ``to`` a
    personalization. Every kind of tracking is switched off in so many words, as account defaults may
    be on; only the global unsubscribe list is passed by, never the lists of bounces and complaints, and
    not even that one by a mail that can be stopped.
    """
    request = Request()
    request.from_email = Email(mail.from_address, _plain(mail.from_name))
    request.reply_to = ReplyTo(mail.reply_to)
    request.subject = Subject(mail.subject)
    request.content = [Content("text/plain", mail.text), Content("text/html", mail.html)]
    request.add_personalization(_personalization(mail))
    for name, value in headers_of(mail).items():
        request.header = Header(name, value)
    for file in mail.attachments:
        request.add_attachment(_attached(file))
    request.category = Category(mail.category)
    request.mail_settings = MailSettings(
        bypass_unsubscribe_management=BypassUnsubscribeManagement(enable=not mail.unsubscribe),
        footer_settings=FooterSettings(enable=False),
    )
    request.tracking_settings = TrackingSettings(
        click_tracking=ClickTracking(enable=False, enable_text=False),
        open_tracking=OpenTracking(enable=False),
        subscription_tracking=SubscriptionTracking(enable=False),
        ganalytics=Ganalytics(enable=False),
    )
    body: dict[str, Any] = request.get()
    return body


def _attached(file: File) -> Attachment:
    content = FileContent(base64.b64encode(file.data).decode("ascii"))
    return Attachment(content, FileName(file.name), FileType(file.media_type), Disposition("attachment"))


def _personalization(mail: Mail) -> Personalization:
    personalization = Personalization()
    personalization.add_to(To(mail.to_address, _plain(mail.to_name)))
    personalization.add_custom_arg(CustomArg("nid", mail.nid))
    return personalization


def _plain(name: str) -> str | None:
    """A name as SendGrid takes it: without the commas and semicolons that it reads as separators."""
    return " ".join(re.sub(r"[,;]", " ", name).split()) or None


def _unfit(api_key: str, host: str) -> str:
    """Why nothing may be posted with this key to this host; empty when it may."""
    if not api_key:
        return "there is no key: set SENDGRID_API_KEY"
    if not _KEY.fullmatch(api_key):
        return "SENDGRID_API_KEY holds characters that no key has (a line break, a space?)"
    try:
        url = httpx.URL(host)
    except httpx.InvalidURL:
        return "[mail.sendgrid] host is no address"
    if url.scheme != "https" and url.host not in _LOOPBACK:
        return "[mail.sendgrid] host must begin with https://: the key goes there"
    return ""


def _outcome(response: httpx.Response, at: datetime) -> Outcome:  # noqa: PLR0911 - one row of the table each
    match response.status_code:
        case 202:
            return Accepted(response.headers.get("X-Message-Id", ""))
        case 400 | 413:
            return Rejected(f"SendGrid answered {response.status_code}{_complaint(response)}")
        case 401:
            return Stopped("SendGrid does not know the key (401): check SENDGRID_API_KEY")
        case 403:
            return Stopped(
                "the key may not send (403): give it the permission Mail Send, and verify the sender"
            )
        case 429:
            return NotSent("SendGrid asks to wait (429)", _wait(response, at))
        case status if status >= 500:  # noqa: PLR2004 - server errors of RFC 9110
            return Unknown(f"SendGrid answered {status}; it may have taken the mail all the same")
        case status:
            return Stopped(
                f"SendGrid answered {status}, not 202: sandbox mode, or a host that is not SendGrid's"
            )


def _complaint(response: httpx.Response) -> str:
    """Which fields SendGrid complains of. Its sentences are left out: they may repeat an address."""
    try:
        errors = response.json()["errors"]
        fields = sorted({str(error["field"]) for error in errors if error.get("field")})
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    named = [field for field in fields if re.fullmatch(r"[a-z_.0-9\[\]]{1,80}", field)]
    return f", complaining of {', '.join(named)}" if named else ""


def _wait(response: httpx.Response, at: datetime) -> float | None:
    """Seconds until the limit is lifted, by the server's own clock where it tells the time."""
    reset = response.headers.get("X-RateLimit-Reset", "")
    if not reset.isdecimal():
        return None
    try:
        clock = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        clock = at
    return max(0.0, float(reset) - clock.timestamp())
