# SPDX-License-Identifier: Apache-2.0
"""A mail as a message of RFC 5322, built by the standard library, which refuses header injection.

Every mailer checks its mails here, also the one that does not send this form: what could not be
written as a message is not handed to anybody.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

from email_validator import EmailNotValidError, validate_email

from policyctl.adapters.mail.interface import Attachment, Batch, Form, Mail
from policyctl.core.notices.notice import Sender
from policyctl.errors import RefusedError

# RFC 3834: no out-of-office answers to this.
_AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}

NID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LONGEST_NAME = 200
# What nearly every address looks like, told a hundred times faster than by the whole of the rules; a test
# holds that they never differ. Lower-case domain, no label that could be an encoded one.
_PLAIN_ADDRESS = re.compile(
    r"[A-Za-z0-9_+-]{1,30}(?:\.[A-Za-z0-9_+-]{1,30}){0,1}@"
    r"(?:[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,30}\.){1,4}[a-z]{2,20}"
)
_LONGEST_PLAIN_ADDRESS = 150
_LONGEST_SUBJECT = 900
_LONGEST_URL = 900
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HTTPS = re.compile(r"https://[!-;=?-~]+")  # no space, and no < or >: they end a header's link


def checked(mail: Mail) -> Mail:
    """``mail`` with its addresses in ASCII form. Raises RefusedError when it can never be sent."""
    _nid(mail.nid)
    _one_line("the subject", mail.subject, _LONGEST_SUBJECT)
    _one_line("the addressee's name", mail.to_name, _LONGEST_NAME)
    _one_line("the sender's name", mail.from_name, _LONGEST_NAME)
    if not mail.subject.strip():
        raise RefusedError("a mail needs a subject")
    _text(mail.text)
    _text(mail.html)
    _files(mail.attachments)
    _stop(mail.unsubscribe)
    return replace(
        mail,
        to_address=_address("the addressee's address", mail.to_address),
        from_address=_address("the sender's address", mail.from_address),
        reply_to=_address("the address for replies", mail.reply_to),
    )


def checked_form(form: Form) -> Form:
    """``form`` with its addresses in ASCII. Raises RefusedError when no mail of it can ever be sent."""
    _one_line("the subject", form.subject, _LONGEST_SUBJECT)
    _one_line("the sender's name", form.from_name, _LONGEST_NAME)
    if not form.subject.strip():
        raise RefusedError("a mail needs a subject")
    for piece in (*form.text, *form.html):
        _text(piece)
    _files(form.attachments)
    return replace(
        form,
        from_address=_address("the sender's address", form.from_address),
        reply_to=_address("the address for replies", form.reply_to),
    )


def fit_address(nid: str, address: str, name: str, account: str) -> tuple[str, str]:
    """The address of one addressee of a batch in ASCII, and ''; or '' and why he can get no mail."""
    try:
        _nid(nid)
        _one_line("the addressee's name", name, _LONGEST_NAME)
        _one_line("the account's name", account, _LONGEST_NAME)
        plain = _PLAIN_ADDRESS.fullmatch(address)
        if plain and len(address) <= _LONGEST_PLAIN_ADDRESS:
            return address, ""
        return _address("the addressee's address", address), ""
    except RefusedError as error:
        return "", error.message


def batch_digest(batch: Batch) -> str:
    """SHA-256, in hex, of all that the mails of a batch say and to which ids: what was sent, as proof."""
    form = batch.form
    found = sha256()
    for piece in (form.from_address, form.reply_to, form.subject, *form.text, *form.html):
        found.update(piece.encode() + b"\0")
    for file in form.attachments:
        found.update(sha256(file.data).digest())
    for envelope in batch.envelopes:
        found.update("\0".join((envelope.nid, *envelope.values)).encode() + b"\0")
    return found.hexdigest()


def require_sender(sender: Sender) -> None:
    """Raise RefusedError unless mails can come from ``sender``: said once, before any is written."""
    _one_line("the sender's name ([mail] from_name)", sender.from_name, _LONGEST_NAME)
    _address("the sender's address ([mail] from)", sender.from_address, "correct it in policyctl.toml")
    _address("the address for replies ([mail] reply_to)", sender.reply_to, "correct it in policyctl.toml")


def is_address(text: str) -> bool:
    """True for what a mail can be sent to or from."""
    try:
        _address("", text)
    except RefusedError:
        return False
    return True


def headers_of(unsubscribe: str) -> Mapping[str, str]:
    """The headers beside those of every mail. List-Unsubscribe stands on reminders only: a service
    announcement has no opt-out, and a mail program would draw a button for it (RFC 2369, RFC 8058).
    """
    if not unsubscribe:
        return _AUTOMATIC
    return {
        **_AUTOMATIC,
        "List-Unsubscribe": f"<{unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def build_message(mail: Mail) -> EmailMessage:
    """The message of a mail that :func:`checked` let through."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = Address(mail.from_name, addr_spec=mail.from_address)
    message["To"] = Address(mail.to_name, addr_spec=mail.to_address)
    message["Reply-To"] = Address(addr_spec=mail.reply_to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.at)
    # The same for the same notice and addressee, so that a second copy can be known for one.
    message["Message-ID"] = f"<{mail.nid}@{mail.from_address.rpartition('@')[2]}>"
    for name, value in headers_of(mail.unsubscribe).items():
        message[name] = value
    message.set_content(mail.text, cte=_encoding(mail.text))
    message.add_alternative(mail.html, subtype="html", cte=_encoding(mail.html))
    for file in mail.attachments:
        kind, _, subtype = file.media_type.partition("/")
        message.add_attachment(file.data, maintype=kind, subtype=subtype, filename=file.name)
    return message


def _encoding(text: str) -> str:
    """Quoted-printable, which a person can read in the source, or base64 where that is much shorter:
    of a script that is not Latin, quoted-printable makes three bytes of each.
    """
    data = text.encode()
    return "quoted-printable" if len(binascii.b2a_qp(data, istext=True)) <= 1.4 * len(data) else "base64"


def message_bytes(mail: Mail) -> bytes:
    """``mail`` as it goes over the wire, CRLF line ends. Raises RefusedError when it cannot."""
    try:
        return build_message(checked(mail)).as_bytes()
    except (ValueError, UnicodeError) as error:
        raise RefusedError(f"the mail cannot be written as a message ({type(error).__name__})") from error


def _nid(nid: str) -> None:
    if not NID.fullmatch(nid):
        raise RefusedError("the id of a mail may hold letters, digits, - and _ only")


def _one_line(what: str, value: str, longest: int) -> None:
    if _CONTROL.search(value):
        raise RefusedError(
            f"{what} holds a line break or control character", hint="write it as one line of plain text"
        )
    if _SURROGATE.search(value):
        raise RefusedError(f"{what} holds half a character", hint="write it again as UTF-8")
    if len(value) > longest:
        raise RefusedError(f"{what} is longer than {longest} characters", hint="shorten it")


def _files(attachments: Iterable[Attachment]) -> None:
    for file in attachments:
        if not _FILE_NAME.fullmatch(file.name):
            raise RefusedError(
                "the name of an attached file is not plain ASCII", hint="use letters, digits, ., - and _ only"
            )


def _stop(url: str) -> None:
    if url and not (_HTTPS.fullmatch(url) and len(url) <= _LONGEST_URL):
        raise RefusedError(
            "the link that stops reminders is no https address of plain ASCII",
            hint="RFC 8058 asks for https; look at the address of your pages",
        )


def _text(body: str) -> None:
    if "\0" in body or _SURROGATE.search(body):
        raise RefusedError(
            "the text of a mail holds a NUL or half a character", hint="remove it from the policy text"
        )


def _address(what: str, address: str, mend: str = "correct it where it was imported from") -> str:
    """``address`` with its domain in ASCII (IDNA). The address itself is never repeated in an error."""
    try:
        # Whether a domain exists is for the mailer to find out; names inside a company may be bare.
        valid = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise RefusedError(f"{what} is not a mail address", hint=mend) from None
    if valid.ascii_email is None:
        raise RefusedError(
            f"{what} has letters before the @ that not every mail server takes",
            hint="ask for an address in plain ASCII",
        )
    return valid.ascii_email
