# SPDX-License-Identifier: Apache-2.0
"""A mail as a message of RFC 5322, built by the standard library, which refuses header injection.

Every mailer checks its mails here, also the one that does not send this form: what could not be
written as a message is not handed to anybody.
"""

from __future__ import annotations

import re
from dataclasses import replace
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from email_validator import EmailNotValidError, validate_email

from policyctl.adapters.mail.interface import Mail
from policyctl.errors import RefusedError

# RFC 3834: no out-of-office answers to this. No List-Unsubscribe: a service announcement has no opt-out.
HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}

NID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LONGEST_NAME = 200
_LONGEST_SUBJECT = 900


def checked(mail: Mail) -> Mail:
    """``mail`` with its addresses in ASCII form. Raises RefusedError when it can never be sent."""
    if not NID.fullmatch(mail.nid):
        raise RefusedError("the id of a mail may hold letters, digits, - and _ only")
    _one_line("the subject", mail.subject, _LONGEST_SUBJECT)
    _one_line("the addressee's name", mail.to_name, _LONGEST_NAME)
    _one_line("the sender's name", mail.from_name, _LONGEST_NAME)
    if not mail.subject.strip():
        raise RefusedError("a mail needs a subject")
    _text(mail.text)
    _text(mail.html)
    return replace(
        mail,
        to_address=_address("the addressee's address", mail.to_address),
        from_address=_address("the sender's address", mail.from_address),
        reply_to=_address("the address for replies", mail.reply_to),
    )


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
    for name, value in HEADERS.items():
        message[name] = value
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


def message_bytes(mail: Mail) -> bytes:
    """``mail`` as it goes over the wire, CRLF line ends. Raises RefusedError when it cannot."""
    try:
        return build_message(checked(mail)).as_bytes()
    except (ValueError, UnicodeError) as error:
        raise RefusedError(f"the mail cannot be written as a message ({type(error).__name__})") from error


def _one_line(what: str, value: str, longest: int) -> None:
    if _CONTROL.search(value):
        raise RefusedError(
            f"{what} holds a line break or control character", hint="write it as one line of plain text"
        )
    if _SURROGATE.search(value):
        raise RefusedError(f"{what} holds half a character", hint="write it again as UTF-8")
    if len(value) > longest:
        raise RefusedError(f"{what} is longer than {longest} characters", hint="shorten it")


def _text(body: str) -> None:
    if "\0" in body or _SURROGATE.search(body):
        raise RefusedError(
            "the text of a mail holds a NUL or half a character", hint="remove it from the policy text"
        )


def _address(what: str, address: str) -> str:
    """``address`` with its domain in ASCII (IDNA). The address itself is never repeated in an error."""
    try:
        # Whether a domain exists is for the mailer to find out; names inside a company may be bare.
        valid = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise RefusedError(
            f"{what} is not a mail address", hint="correct it where it was imported from"
        ) from None
    if valid.ascii_email is None:
        raise RefusedError(
            f"{what} has letters before the @ that not every mail server takes",
            hint="ask for an address in plain ASCII",
        )
    return valid.ascii_email
