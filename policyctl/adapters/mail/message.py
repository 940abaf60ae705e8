# SPDX-License-Identifier: Apache-2.0
"""A mail as a message of RFC 5322. Headers are written by the standard library, which refuses injection.

Every mailer checks its mails here, also the one that does not send this form: what could not be
written as a message is not handed to anybody. The parts are put together by hand: the library's way
takes ten times as long, and of a hundred thousand mails nothing differs but names and links.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
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
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9]+( [A-Za-z0-9]+)*")
_LINE_END = re.compile(r"\r\n?")
# Neither can stand in a part: quoted-printable writes = only before two hex digits or a line's end.
_MIXED, _ALTERNATIVE = b"=_mixed", b"=_alternative"
_LINE = 76  # RFC 2045 section 6.8
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
        from_address=_known_address("the sender's address", mail.from_address),
        reply_to=_known_address("the address for replies", mail.reply_to),
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


def message_bytes(mail: Mail) -> bytes:
    """``mail`` as it goes over the wire, CRLF line ends. Raises RefusedError when it cannot."""
    return bytes_of(checked(mail))


def bytes_of(mail: Mail) -> bytes:
    """The same of a mail that :func:`checked` let through."""
    try:
        return b"".join((*_headers(mail), *_content(mail)))
    except (ValueError, UnicodeError) as error:
        raise RefusedError(f"the mail cannot be written as a message ({type(error).__name__})") from error


def _headers(mail: Mail) -> Iterator[bytes]:
    yield _mailbox("From", mail.from_name, mail.from_address)
    yield _to(mail.to_name, mail.to_address)
    yield _mailbox("Reply-To", "", mail.reply_to)
    yield _header("Subject", mail.subject)
    yield _date(mail.at)
    # The same for the same notice and addressee, so that a second copy can be known for one.
    yield f"Message-ID: <{mail.nid}@{mail.from_address.rpartition('@')[2]}>\r\n".encode("ascii")
    for name, value in headers_of(mail.unsubscribe).items():
        yield _header(name, value)
    yield b"MIME-Version: 1.0\r\n"


def _to(name: str, address: str) -> bytes:
    """Most names and addresses need no quoting or folding; the library does the others."""
    line = f"To: {name} <{address}>\r\n"
    if _PLAIN_NAME.fullmatch(name) and len(line) <= _LINE and address.isascii():
        return line.encode("ascii")
    return _written("To", Address(name, addr_spec=address))


@lru_cache(maxsize=256)
def _header(name: str, value: str) -> bytes:
    return _written(name, value)


@lru_cache(maxsize=16)
def _mailbox(name: str, display: str, address: str) -> bytes:
    return _written(name, Address(display, addr_spec=address))


@lru_cache(maxsize=16)
def _date(at: datetime) -> bytes:
    return _written("Date", format_datetime(at))


def _written(name: str, value: str | Address) -> bytes:
    """One header, folded and encoded by the standard library."""
    message = EmailMessage(policy=policy.SMTP)
    message[name] = value
    return message.as_bytes().removesuffix(b"\r\n")


def _content(mail: Mail) -> Iterator[bytes]:
    """The text before the HTML, and what is attached after both."""
    # The line break before a boundary is not the part's own (RFC 2046 section 5.1.1).
    if mail.attachments:
        yield from _multipart("mixed", _MIXED)
        yield b"--%b\r\n" % _MIXED
    yield from _multipart("alternative", _ALTERNATIVE)
    yield from _text_part("plain", mail.text)
    yield from _text_part("html", mail.html)
    yield b"\r\n--%b--\r\n" % _ALTERNATIVE
    for file in mail.attachments:
        yield b"\r\n--%b\r\n" % _MIXED
        yield _file_part(file)
    if mail.attachments:
        yield b"\r\n--%b--\r\n" % _MIXED


def _multipart(subtype: str, boundary: bytes) -> Iterator[bytes]:
    yield b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (subtype.encode(), boundary)


def _text_part(subtype: str, text: str) -> Iterator[bytes]:
    """Quoted-printable, which a person can read in the source, or base64 where that is much shorter:
    of a script that is not Latin, quoted-printable makes three bytes of each.
    """
    lines = _LINE_END.sub("\n", text) if "\r" in text else text
    data = (lines if lines.endswith("\n") else f"{lines}\n").replace("\n", "\r\n").encode()
    coded, encoding = binascii.b2a_qp(data, istext=True), b"quoted-printable"
    if len(coded) > 1.4 * len(data):
        coded, encoding = _base64(data), b"base64"
    yield b"\r\n--%b\r\n" % _ALTERNATIVE
    yield b'Content-Type: text/%b; charset="utf-8"\r\n' % subtype.encode()
    yield b"Content-Transfer-Encoding: %b\r\n\r\n" % encoding
    yield coded


@lru_cache(maxsize=4)
def _file_part(file: Attachment) -> bytes:
    """The same for everybody who gets it."""
    head = (
        f"Content-Type: {file.media_type}\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{file.name}"\r\n\r\n'
    )
    return head.encode("ascii") + _base64(file.data)


def _base64(data: bytes) -> bytes:
    coded = binascii.b2a_base64(data, newline=False)
    lines = (coded[start : start + _LINE] for start in range(0, len(coded), _LINE))
    return b"\r\n".join(lines) + b"\r\n"


def _nid(nid: str) -> None:
    if not NID.fullmatch(nid):
        raise RefusedError("the id of a mail may hold letters, digits, - and _ only")


def _one_line(what: str, value: str, longest: int) -> None:
    if len(value) <= longest and value.isascii() and value.isprintable():  # nearly all are
        return
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
        if not _MEDIA_TYPE.fullmatch(file.media_type):
            raise RefusedError("the kind of an attached file is none", hint='say it as "application/pdf"')


def _stop(url: str) -> None:
    if url and not (_HTTPS.fullmatch(url) and len(url) <= _LONGEST_URL):
        raise RefusedError(
            "the link that stops reminders is no https address of plain ASCII",
            hint="RFC 8058 asks for https; look at the address of your pages",
        )


def _text(body: str) -> None:
    try:
        fine = b"\0" not in body.encode()
    except UnicodeEncodeError:
        fine = False
    if not fine:
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


# Of a sender there is one, of addressees a million.
_known_address = lru_cache(maxsize=16)(_address)
