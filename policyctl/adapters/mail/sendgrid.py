# SPDX-License-Identifier: Apache-2.0
"""Mails over SendGrid's v3 API: the request is built with the ``sendgrid`` package's types and sent
with httpx, which has time limits and can tell "could not connect" from "do not know".

SendGrid keeps no idempotency key, so nothing in doubt is ever repeated: no retries, no redirects. What it
has is as good: a batch is posted to be sent 25 minutes from now under an id of its own, and while ten
minutes are left it can be cancelled for good, whether or not the call has arrived.

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
from datetime import datetime, timedelta
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

from policyctl.adapters.mail.interface import (
    Accepted,
    Batch,
    Cancelled,
    Envelope,
    Form,
    Mail,
    NotSent,
    Outcome,
    Rejected,
    Staged,
    Stopped,
    Unknown,
)
from policyctl.adapters.mail.interface import Attachment as File
from policyctl.adapters.mail.message import checked, headers_of
from policyctl.errors import RefusedError

HOST = "https://api.sendgrid.com"
TIMEOUT = httpx.Timeout(connect=5, write=30, read=60, pool=5)
# A pooled connection that the other side has closed would look like a mail in doubt.
LIMITS = httpx.Limits(max_connections=4, keepalive_expiry=4)

_AHEAD = timedelta(minutes=25)
_CLOCK_SLACK = timedelta(seconds=60)
_KEY = re.compile(r"[\x21-\x7e]+")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class SendGridMailer:
    """Posts mails to ``host`` with ``api_key``, which appears in no message. Implements ``BatchMailer``."""

    name = "sendgrid"
    resend_is_safe = False
    resend_after: timedelta | None = None

    def __init__(self, api_key: str, *, host: str = HOST, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._refusal = unfit(api_key, host)
        self._host = f"{host.rstrip('/')}/v3"
        self._url = f"{self._host}/mail/send"
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
        return self._posted(body, mail.at)

    def _posted(self, body: dict[str, Any], at: datetime) -> Outcome:
        try:
            response = self._client.post(self._url, json=body)
        except _NO_CONNECTION as error:
            return NotSent(f"no connection to SendGrid ({type(error).__name__})")
        except httpx.HTTPError as error:
            return Unknown(f"SendGrid did not answer ({type(error).__name__})")
        return _outcome(response, at)

    def send_at(self, at: datetime) -> datetime:
        """25 minutes from then, in the next odd minute: on the hour everybody sends."""
        whole = (at + _AHEAD + timedelta(seconds=59)).replace(second=0, microsecond=0)
        return whole if whole.minute % 2 else whole + timedelta(minutes=1)

    def stage(self, at: datetime) -> Staged | NotSent | Stopped:
        """A batch id; ``Stopped`` too when our clock is off, as a moment of release would not mean what
        it says.
        """
        if self._refusal:
            return Stopped(self._refusal)
        try:
            response = self._client.post(f"{self._host}/mail/batch")
        except httpx.HTTPError as error:
            return NotSent(f"no batch id from SendGrid ({type(error).__name__})")
        if _off(response, at) > _CLOCK_SLACK:
            return Stopped("this machine's clock and SendGrid's are more than a minute apart: set it right")
        if response.status_code in {200, 201} and (batch_id := _field(response, "batch_id")):
            return Staged(batch_id)
        outcome = _outcome(response, at)
        return outcome if isinstance(outcome, NotSent | Stopped) else NotSent("SendGrid gave no batch id")

    def post(self, batch: Batch) -> Outcome:
        """Post a batch to be sent at its time; the receipt is SendGrid's message id."""
        try:
            body = batch_body(batch)
        except ApiKeyIncludedException:
            return Stopped("the text holds what looks like a SendGrid key", everything=False)
        return self._posted(body, batch.at)

    def cancel(self, batch_id: str, at: datetime) -> Cancelled | NotSent | Stopped:
        """Cancel a batch and ask whether it is cancelled: a second cancellation is answered by 400, which
        says nothing, and so does no answer at all.
        """
        scheduled = f"{self._host}/user/scheduled_sends"
        try:
            asked = self._client.post(scheduled, json={"batch_id": batch_id, "status": "cancel"})
            found = self._client.get(f"{scheduled}/{batch_id}")
        except httpx.HTTPError as error:
            return NotSent(f"the cancellation is in doubt ({type(error).__name__})")
        for response in (asked, found):
            if response.status_code in {401, 403}:
                return Stopped(
                    f"the key may not cancel ({response.status_code}): give it the permission Scheduled Sends"
                )
        if found.status_code == 200 and _is_cancelled(found, batch_id):  # noqa: PLR2004
            return Cancelled()
        wait = _wait(asked, at) if asked.status_code == 429 else None  # noqa: PLR2004
        return NotSent(f"SendGrid has not cancelled the batch yet ({asked.status_code})", wait)

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()


def request_body(mail: Mail) -> dict[str, Any]:
    """The JSON of one mail that ``checked`` let through. Nobody sees another addressee: one ``to`` a
    personalization. Every kind of tracking is switched off in so many words, as account defaults may
    be on; only the global unsubscribe list is passed by, never the lists of bounces and complaints, and
    not even that one by a mail that can be stopped.
    """
    request = _common(mail, mail.text, mail.html, stoppable=bool(mail.unsubscribe))
    request.add_personalization(_personalization(mail))
    for name, value in headers_of(mail.unsubscribe).items():
        request.header = Header(name, value)
    body: dict[str, Any] = request.get()
    return body


def batch_body(batch: Batch) -> dict[str, Any]:
    """The JSON of a batch: the words once, with tags where the addressees differ, and for each of them
    what stands there. One value serves both parts, so each has a tag for plain text and one for HTML.
    Personalizations are plain dicts: the package's types take ten times as long.
    """
    form, stoppable = batch.form, any(one.unsubscribe for one in batch.envelopes)
    text, html = _tagged(form, form.text, "t"), _tagged(form, form.html, "h")
    request = _common(form, text, html, stoppable=stoppable)
    for name, value in headers_of("").items():
        request.header = Header(name, value)
    body: dict[str, Any] = request.get()
    used = [
        (number, _tag(form, str(number), "t"), _tag(form, str(number), "h"))
        for number in range(len(form.fields))
        if str(number) in {*form.text[1::2], *form.html[1::2]}
    ]
    host = form.from_address.rpartition("@")[2]
    body["personalizations"] = [_personal(one, used, host) for one in batch.envelopes]
    return {**body, "send_at": int(batch.send_at.timestamp()), "batch_id": batch.batch_id}


_Used = list[tuple[int, str, str]]


def _personal(one: Envelope, used: _Used, host: str) -> dict[str, Any]:
    to = {"email": one.to_address}
    if name := _plain(one.to_name):
        to["name"] = name
    values: dict[str, str] = {}
    for number, plain, escaped in used:
        values[plain], values[escaped] = one.values[number], one.escaped[number]
    headers = {"Message-ID": f"<{one.nid}@{host}>"}
    if one.unsubscribe:
        headers |= {name: value for name, value in headers_of(one.unsubscribe).items() if "List" in name}
    found = {"to": [to], "custom_args": {"nid": one.nid}, "headers": headers}
    return {**found, "substitutions": values} if values else found


def _tag(form: Form, number: str, part: str) -> str:
    return f"%pc{form.nonce}.{form.fields[int(number)]}.{part}%"


def _tagged(form: Form, pieces: tuple[str, ...], part: str) -> str:
    filled = list(pieces)
    filled[1::2] = [_tag(form, number, part) for number in pieces[1::2]]
    return "".join(filled)


def _common(mail: Mail | Form, text: str, html: str, *, stoppable: bool) -> Request:
    request = Request()
    request.from_email = Email(mail.from_address, _plain(mail.from_name))
    request.reply_to = ReplyTo(mail.reply_to)
    request.subject = Subject(mail.subject)
    request.content = [Content("text/plain", text), Content("text/html", html)]
    for file in mail.attachments:
        request.add_attachment(_attached(file))
    request.category = Category(mail.category)
    request.mail_settings = MailSettings(
        bypass_unsubscribe_management=BypassUnsubscribeManagement(enable=not stoppable),
        footer_settings=FooterSettings(enable=False),
    )
    request.tracking_settings = TrackingSettings(
        click_tracking=ClickTracking(enable=False, enable_text=False),
        open_tracking=OpenTracking(enable=False),
        subscription_tracking=SubscriptionTracking(enable=False),
        ganalytics=Ganalytics(enable=False),
    )
    return request


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


def unfit(api_key: str, host: str) -> str:
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
            return _refused(response)
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


def _refused(response: httpx.Response) -> Outcome:
    """What is wrong with the words themselves is wrong for everybody: no use in trying halves."""
    said = f"SendGrid answered {response.status_code}{_complaint(response)}"
    fields = _complaint(response)
    if any(f" {name}" in fields for name in ("from", "subject", "content", "reply_to", "categories")):
        return Stopped(said, everything=False)
    return Rejected(said)


def _complaint(response: httpx.Response) -> str:
    """Which fields SendGrid complains of. Its sentences are left out: they may repeat an address."""
    try:
        errors = response.json()["errors"]
        fields = sorted({str(error["field"]) for error in errors if error.get("field")})
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    named = [field for field in fields if re.fullmatch(r"[a-z_.0-9\[\]]{1,80}", field)]
    return f", complaining of {', '.join(named)}" if named else ""


def _field(response: httpx.Response, name: str) -> str:
    try:
        return str(response.json().get(name) or "")
    except (ValueError, AttributeError):
        return ""


def _is_cancelled(response: httpx.Response, batch_id: str) -> bool:
    try:
        found = response.json()
        listed = found if isinstance(found, list) else [found]
        return any(one["batch_id"] == batch_id and one["status"] == "cancel" for one in listed)
    except (ValueError, KeyError, TypeError):
        return False


def _off(response: httpx.Response, at: datetime) -> timedelta:
    """How far the server's clock is from ours; nothing where it does not tell the time."""
    try:
        return abs(parsedate_to_datetime(response.headers["Date"]) - at)
    except (KeyError, ValueError, TypeError):
        return timedelta()


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
