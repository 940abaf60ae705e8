# SPDX-License-Identifier: Apache-2.0
"""Mails over SMTP (RFC 5321), one dialogue step at a time, so that it is known where it broke.

======================================  =========================================================
where it broke                          outcome
======================================  =========================================================
connecting, greeting, envelope, text    ``NotSent``: without the final dot nothing was handed over
after the final dot, before the answer  ``Unknown`` (the gap of RFC 1047)
a 4xx answer                            ``NotSent``
a 5xx answer to addressee or text       ``Rejected``
a 5xx answer to sender, log-in, TLS     ``Stopped``: it would be the same for every mail
======================================  =========================================================

Where reports are wanted (``SmtpServer.bounces``), the envelope's sender carries the nid, so that any
bounce names its mail, and a server that can (RFC 3461) is asked for a report of success, too. Servers do
not hand on ENVID, so the address is what counts.

A mail that goes out again after a doubt has the Message-ID it had before. Answers of the server are
quoted by their codes only: their text often repeats addresses.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from policyctl.adapters.mail.interface import Accepted, Mail, NotSent, Outcome, Rejected, Stopped, Unknown
from policyctl.adapters.mail.message import bytes_of, checked, is_address
from policyctl.errors import RefusedError, UsageError

MAILS_A_SESSION = 100
"""Servers end a session about here (OpenSMTPD: 452 at the 101st MAIL)."""

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_ENHANCED = re.compile(rb"^\s*([245]\.\d{1,3}\.\d{1,3})\b")
_FULL = {421, 452}
_GO_ON = 354
_LONGEST_MAILBOX = 64 - 47  # RFC 5321 section 4.5.3.1.1, less + and the id of a receipt


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where to hand mails over. Times in seconds; ``last_wait`` is for the answer to the final dot,
    which RFC 5321 section 4.5.3.2.6 gives ten minutes. ``bounces`` is the mailbox for reports; they come
    to ``name+<nid>@domain``. Empty: they go to the sender, unasked for. ``resend_after`` as in ``Mailer``.
    """

    host: str
    port: int = 25
    starttls: bool = False
    user: str = ""
    timeout: float = 30.0
    last_wait: float = 600.0
    bounces: str = ""
    resend_after: timedelta | None = None


class _ReplyError(Exception):
    """An answer that is not the one hoped for."""

    def __init__(self, step: str, code: int, text: bytes, *, in_step: bool = True) -> None:
        status = _ENHANCED.match(text)
        detail = f" ({status[1].decode()})" if status else ""
        super().__init__(f"the server answered {code}{detail} to {step}")
        self.step = step
        self.code = code
        self.in_step = in_step


class _StopError(Exception):
    """Something about us, not about this mail."""


class SmtpMailer:
    """Hands mails to one server. Implements ``Mailer``; ``password`` is kept out of every message."""

    name = "smtp"
    resend_is_safe = False

    def __init__(self, server: SmtpServer, password: str = "") -> None:
        if server.bounces:
            require_mailbox(server.bounces)
        self._server = server
        self.resend_after = server.resend_after
        self._password = password
        self._smtp: smtplib.SMTP | None = None
        self._used = 0

    def send(self, mail: Mail) -> Outcome:
        """Hand one mail over; the receipt is the server's status of taking it."""
        try:
            mail = checked(mail)
            data = bytes_of(mail)
        except RefusedError as error:
            return Rejected(error.message)
        if self._used >= MAILS_A_SESSION:
            self.close()
        reused = self._smtp is not None
        outcome = self._deliver(mail, data)
        if reused and self._smtp is None and isinstance(outcome, NotSent):
            # An old session that was full or had gone stale says nothing about this mail.
            outcome = self._deliver(mail, data)
        return outcome

    def close(self) -> None:
        """Say goodbye if there is anybody to say it to."""
        smtp, self._smtp, self._used = self._smtp, None, 0
        if smtp is None:
            return
        try:
            smtp.quit()
        except OSError:
            smtp.close()

    def _drop(self) -> None:
        smtp, self._smtp, self._used = self._smtp, None, 0
        if smtp is not None:
            smtp.close()

    def _deliver(self, mail: Mail, data: bytes) -> Outcome:
        try:
            smtp = self._session()
            _envelope(smtp, mail, self._server.bounces)
        except _StopError as error:
            self._drop()
            return Stopped(str(error))
        except _ReplyError as error:
            return self._answered(error)
        except OSError as error:
            self._drop()
            return NotSent(f"no session with the mail server ({type(error).__name__})")
        return self._hand_over(smtp, data)

    def _session(self) -> smtplib.SMTP:
        if self._smtp is None:
            self._smtp = _connected(self._server)
            _greet(self._smtp, self._server)
            _log_in(self._smtp, self._server, self._password)
        self._used += 1
        return self._smtp

    def _answered(self, error: _ReplyError) -> Outcome:
        """What an answer other than the one hoped for means for this mail, and for the session."""
        if error.code in _FULL or not error.in_step or error.step in {"the connection", "EHLO"}:
            self._drop()
        else:
            self._reset()
        if not _is_final(error.code):
            return NotSent(str(error))
        if error.step in {"the addressee", "the text"}:
            return Rejected(str(error))
        return Stopped(str(error))

    def _reset(self) -> None:
        try:
            if self._smtp is not None:
                self._smtp.rset()
        except OSError:
            self._drop()

    def _hand_over(self, smtp: smtplib.SMTP, data: bytes) -> Outcome:
        try:
            smtp.send(_stuffed(data))
        except OSError as error:
            self._drop()
            return NotSent(f"the connection broke within the text ({type(error).__name__})")
        try:
            if smtp.sock is not None:
                smtp.sock.settimeout(self._server.last_wait)
            smtp.send(b".\r\n")
            code, text = smtp.getreply()
        except OSError as error:
            self._drop()
            return Unknown(f"the connection broke after the text was handed over ({type(error).__name__})")
        return self._taken(smtp, code, text)

    def _taken(self, smtp: smtplib.SMTP, code: int, text: bytes) -> Outcome:
        if smtp.sock is not None:
            smtp.sock.settimeout(self._server.timeout)
        if code // 100 == 2:  # noqa: PLR2004 - reply classes of RFC 5321 section 4.2.1
            status = _ENHANCED.match(text)
            return Accepted(f"{code} {status[1].decode()}" if status else str(code))
        if code // 100 in {4, 5}:
            return self._answered(_ReplyError("the text", code, text))
        self._drop()
        return Unknown(f"the server gave no proper answer to the text ({code})")


def _connected(server: SmtpServer) -> smtplib.SMTP:
    try:
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
    except smtplib.SMTPConnectError as error:
        raise _ReplyError("the connection", error.smtp_code, b"") from None
    if smtp.sock is not None:
        # The text and the final dot are two writes; without this the dot waits 40 ms for an ACK.
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return smtp


def _greet(smtp: smtplib.SMTP, server: SmtpServer) -> None:
    _expect("EHLO", 2, *smtp.ehlo())
    if server.starttls:
        _secure(smtp)


def _secure(smtp: smtplib.SMTP) -> None:
    try:
        smtp.starttls(context=ssl.create_default_context())
    except smtplib.SMTPNotSupportedError:
        raise _StopError("the server offers no STARTTLS, and [mail.smtp] asks for it") from None
    except ssl.SSLCertVerificationError as error:
        raise _StopError(f"the server's certificate is not trusted: {error.verify_message}") from None
    except smtplib.SMTPResponseException as error:
        raise _ReplyError("STARTTLS", error.smtp_code, b"") from None
    _expect("EHLO", 2, *smtp.ehlo())


def _log_in(smtp: smtplib.SMTP, server: SmtpServer, password: str) -> None:
    if not server.user:
        return
    if not server.starttls and server.host not in _LOOPBACK:
        raise _StopError("a password is not sent without TLS: set starttls = true in [mail.smtp]")
    try:
        smtp.login(server.user, password)
    except smtplib.SMTPNotSupportedError:
        raise _StopError("the server offers no log-in that we can do") from None
    except smtplib.SMTPResponseException as error:
        raise _ReplyError("the log-in", error.smtp_code, b"") from None


def _envelope(smtp: smtplib.SMTP, mail: Mail, bounces: str) -> None:
    """Sender, addressee, DATA: in one go where the server lets us (RFC 2920), else one by one."""
    steps = (*_addresses(smtp, mail, bounces), ("the text", 3, "DATA"))
    if not smtp.has_extn("pipelining"):
        for step, kind, line in steps:
            _expect(step, kind, *smtp.docmd(line))
        return
    smtp.send("".join(f"{line}\r\n" for _, _, line in steps))
    for place, (step, kind, _) in enumerate(steps):
        code, text = smtp.getreply()
        if code // 100 != kind:
            raise _ReplyError(step, code, text, in_step=_has_ended(smtp, len(steps) - place - 1))


def _has_ended(smtp: smtplib.SMTP, outstanding: int) -> bool:
    """Read the other answers of a dialogue that failed; False where the server waits for a text now."""
    try:
        return all(smtp.getreply()[0] != _GO_ON for _ in range(outstanding))
    except OSError:
        return False


def _addresses(smtp: smtplib.SMTP, mail: Mail, bounces: str) -> Iterator[tuple[str, int, str]]:
    """MAIL and RCPT, asking for reports where there is a mailbox for them."""
    sender, asked, whose = mail.from_address, "", ""
    if bounces:
        sender = bounce_address(bounces, mail.nid)
        if smtp.has_extn("dsn"):
            asked = f" RET=HDRS ENVID={mail.nid}"
            whose = f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{_xtext(mail.to_address)}"
    yield "the sender", 2, f"MAIL FROM:<{sender}>{asked}"
    yield "the addressee", 2, f"RCPT TO:<{mail.to_address}>{whose}"


def require_mailbox(mailbox: str) -> None:
    """Raise UsageError unless reports can come to ``mailbox`` with an nid in it."""
    name = mailbox.rpartition("@")[0]
    if not is_address(mailbox) or not mailbox.isascii() or len(name) > _LONGEST_MAILBOX or "+" in name:
        raise UsageError(
            "[mail.smtp] bounces is no mailbox for reports",
            hint='write it as "bounces@example.com", at most 17 letters before the @ and no +',
        )


def bounce_address(mailbox: str, nid: str) -> str:
    """Where the reports about one mail come to: ``name+<nid>@domain``."""
    name, _, domain = mailbox.rpartition("@")
    return f"{name}+{nid}@{domain}"


def _xtext(address: str) -> str:
    """RFC 3461 section 4: + and = stand as two hex digits."""
    return address.replace("+", "+2B").replace("=", "+3D")


def _expect(step: str, kind: int, code: int, text: bytes) -> None:
    """Go on when the answer is of the kind (its first digit) that was hoped for."""
    if code // 100 != kind:
        raise _ReplyError(step, code, text)


def _is_final(code: int) -> bool:
    return code // 100 == 5  # noqa: PLR2004 - reply classes of RFC 5321 section 4.2.1


def _stuffed(data: bytes) -> bytes:
    """The text as DATA wants it: a dot doubled at the head of a line, CRLF at the end, no final dot."""
    doubled = (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
    return doubled if doubled.endswith(b"\r\n") else doubled + b"\r\n"
