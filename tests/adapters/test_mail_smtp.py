# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 - the names of aiosmtpd's hooks
"""Mails over SMTP against a real server on loopback, and against servers that break at each step."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from policyctl.adapters.mail.interface import Accepted, NotSent, Rejected, Stopped, Unknown
from policyctl.adapters.mail.smtp import SmtpMailer, SmtpServer
from tests.adapters.mail_samples import AT, INJECTIONS, PLAIN, mail, part, read_back

SECRET = "correct-horse-battery"


class Mailbox:
    """Keeps what arrives; each hook of the dialogue can be answered otherwise by a test."""

    def __init__(self) -> None:
        self.taken: list[tuple[Session, Envelope]] = []
        self.answers: dict[str, Callable[..., Any]] = {}
        self.asked: list[str] = []

    async def handle_MAIL(
        self, _: Any, session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        self.asked.append("MAIL")
        answer = str(self.answers["MAIL"](session)) if "MAIL" in self.answers else "250 OK"
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(
        self, _: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if "RCPT" in self.answers:
            return str(self.answers["RCPT"](address))
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.answers:
            answer = self.answers["DATA"](server)
            return str(await answer if asyncio.iscoroutine(answer) else answer)
        self.taken.append((session, envelope))
        return "250 2.0.0 OK"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@contextlib.contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[SmtpServer]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield SmtpServer("127.0.0.1", controller.port, timeout=5, last_wait=5)
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def answering(script: Callable[[socket.socket], None]) -> Iterator[SmtpServer]:
    """A server that does what a test says with its first connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    script(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield SmtpServer("127.0.0.1", listener.getsockname()[1], timeout=0.5, last_wait=0.5)
        thread.join(5)


def dialogue(connection: socket.socket, *replies: bytes) -> None:
    """Greet, then answer each command line with the next reply."""
    connection.sendall(b"220 ready\r\n")
    file = connection.makefile("rb")
    for reply in replies:
        file.readline()
        connection.sendall(reply)


def test_a_mail_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    with serving(mailbox) as server:
        mailer = SmtpMailer(server)
        assert mailer.send(PLAIN) == Accepted("250 2.0.0")
        mailer.close()
        mailer.close()
    ((_, envelope),) = mailbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("privacy@example.com", ["ada@example.org"])
    assert isinstance(envelope.content, bytes)
    message = read_back(envelope.content)
    assert part(message, "plain") == PLAIN.text
    assert part(message, "html") == PLAIN.html
    assert message["Message-ID"] == "<n0123abc@example.com>"


def test_no_session_carries_more_than_a_hundred_mails(mailbox: Mailbox) -> None:
    with serving(mailbox) as server:
        mailer = SmtpMailer(server)
        for number in range(205):
            assert isinstance(mailer.send(mail(nid=f"n{number}")), Accepted)
        mailer.close()
    sessions = [id(session) for session, _ in mailbox.taken]
    assert [sessions.count(one) for one in dict.fromkeys(sessions)] == [100, 100, 5]
    assert len({read_back(e.content)["Message-ID"] for _, e in mailbox.taken}) == 205  # type: ignore[arg-type]


def test_a_server_that_ends_a_session_early_gets_the_same_mail_in_the_next(mailbox: Mailbox) -> None:
    seen: list[Session] = []

    def three_a_session(session: Session) -> str:
        seen.append(session)
        return "452 4.5.3 too many" if sum(one is session for one in seen) > 3 else "250 OK"

    mailbox.answers["MAIL"] = three_a_session
    with serving(mailbox) as server:
        mailer = SmtpMailer(server)
        assert [type(mailer.send(mail(nid=f"n{n}"))) for n in range(7)] == [Accepted] * 7
        mailer.close()
    assert [read_back(e.content)["Message-ID"] for _, e in mailbox.taken] == [  # type: ignore[arg-type]
        f"<n{n}@example.com>" for n in range(7)
    ]


def test_a_session_gone_stale_is_opened_again(mailbox: Mailbox) -> None:
    with serving(mailbox, timeout=0.2) as server:
        mailer = SmtpMailer(server)
        assert isinstance(mailer.send(mail(nid="n1")), Accepted)
        time.sleep(0.5)
        assert isinstance(mailer.send(mail(nid="n2")), Accepted)
        mailer.close()
    assert len(mailbox.taken) == 2


@pytest.mark.parametrize(
    ("step", "answer", "outcome"),
    [
        ("RCPT", "450 4.2.1 <ada@example.org>", NotSent("the server answered 450 (4.2.1) to the addressee")),
        ("RCPT", "550 5.1.1 <ada@example.org>", Rejected("the server answered 550 (5.1.1) to the addressee")),
        ("DATA", "451 try later", NotSent("the server answered 451 to the text")),
        ("DATA", "552 5.3.4 too large", Rejected("the server answered 552 (5.3.4) to the text")),
        ("MAIL", "451 4.3.0 later", NotSent("the server answered 451 (4.3.0) to the sender")),
        ("MAIL", "550 5.7.1 not you", Stopped("the server answered 550 (5.7.1) to the sender")),
        ("MAIL", "530 5.7.0 log in first", Stopped("the server answered 530 (5.7.0) to the sender")),
    ],
)  # fmt: skip
def test_an_answer_means_what_its_code_and_its_step_say(
    mailbox: Mailbox, step: str, answer: str, outcome: object
) -> None:
    mailbox.answers[step] = lambda _: answer
    with serving(mailbox) as server:
        mailer = SmtpMailer(server)
        assert mailer.send(PLAIN) == outcome
        mailbox.answers.clear()
        assert isinstance(mailer.send(mail(nid="next")), Accepted), "one mail's fate is not the next one's"
        mailer.close()
    assert len(mailbox.taken) == 1


def test_a_connection_lost_after_the_final_dot_is_unknown_and_never_sent_again_by_itself(
    mailbox: Mailbox,
) -> None:
    def take_and_hang_up(server: Any) -> str:
        mailbox.taken.append(server)
        server.transport.abort()
        return "250 OK"

    mailbox.answers["DATA"] = take_and_hang_up
    with serving(mailbox) as server:
        outcome = SmtpMailer(server).send(PLAIN)
    assert isinstance(outcome, Unknown)
    assert len(mailbox.taken) == 1


def test_no_answer_to_the_final_dot_is_unknown(mailbox: Mailbox) -> None:
    mailbox.answers["DATA"] = lambda _: asyncio.sleep(1.2, "250 OK")
    with serving(mailbox) as server:
        outcome = SmtpMailer(SmtpServer(server.host, server.port, timeout=5, last_wait=0.3)).send(PLAIN)
    assert isinstance(outcome, Unknown)


def test_rubbish_after_the_final_dot_is_unknown() -> None:
    def script(connection: socket.socket) -> None:
        dialogue(connection, b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")
        file = connection.makefile("rb")
        while file.readline() != b".\r\n":
            pass
        connection.sendall(b"what?\r\n")

    with answering(script) as server:
        assert isinstance(SmtpMailer(server).send(PLAIN), Unknown)


def test_a_connection_lost_within_the_text_is_not_sent() -> None:
    def script(connection: socket.socket) -> None:
        dialogue(connection, b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")
        connection.recv(1000)

    with answering(script) as server:
        outcome = SmtpMailer(server).send(mail(text="line\n" * 1_000_000))
    assert isinstance(outcome, NotSent)


@pytest.mark.parametrize("replies", [0, 1, 2, 3])
def test_a_connection_lost_before_the_text_is_not_sent(replies: int) -> None:
    script = [b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n"][:replies]
    with answering(lambda connection: dialogue(connection, *script)) as server:
        assert isinstance(SmtpMailer(server).send(PLAIN), NotSent)


def test_a_server_that_takes_the_connection_and_hangs_is_left_in_time() -> None:
    with answering(lambda _: time.sleep(1.5)) as server:
        begun = time.monotonic()
        assert isinstance(SmtpMailer(server).send(PLAIN), NotSent)
        assert time.monotonic() - begun < 1.4


def test_nobody_there_is_not_sent() -> None:
    assert isinstance(SmtpMailer(SmtpServer("127.0.0.1", free_port())).send(PLAIN), NotSent)


def test_by_default_no_step_waits_longer_than_half_a_minute_but_for_the_last_answer() -> None:
    server = SmtpServer("127.0.0.1")
    assert (server.timeout, server.last_wait) == (30, 600)


@pytest.mark.parametrize("changed", INJECTIONS, ids=lambda c: ascii(c)[:50])
def test_what_could_forge_a_command_never_reaches_a_server(changed: dict[str, str]) -> None:
    # Nobody listens there: had it tried, the outcome would be another.
    assert isinstance(SmtpMailer(SmtpServer("127.0.0.1", free_port())).send(mail(**changed)), Rejected)


def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, auth: Any) -> AuthResult:
    known = auth.login == b"fax" and auth.password == SECRET.encode()
    return AuthResult(success=known, handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_log_in_that_is_right_lets_mail_through_and_a_wrong_one_stops(mailbox: Mailbox) -> None:
    with serving(mailbox, authenticator=check, auth_required=True, auth_require_tls=False) as server:
        known = SmtpServer(server.host, server.port, user="fax")
        assert isinstance(SmtpMailer(known, SECRET).send(PLAIN), Accepted)
        refused = SmtpMailer(known, "wrong-" + SECRET).send(PLAIN)
        nobody = SmtpMailer(server).send(PLAIN)
    assert refused == Stopped("the server answered 535 to the log-in")
    assert isinstance(nobody, Stopped)
    assert len(mailbox.taken) == 1


def test_a_password_does_not_leave_the_machine_without_tls() -> None:
    def script(connection: socket.socket) -> None:
        dialogue(connection, b"250-hi\r\n250 AUTH PLAIN LOGIN\r\n")
        assert connection.recv(1000) == b""

    with answering(script) as server:
        # Another name of loopback, which we do not take for loopback.
        far = SmtpServer("127.0.0.2", server.port, user="fax", timeout=0.5)
        with socket.create_server(("127.0.0.2", server.port)) as listener:
            threading.Thread(target=lambda: script(listener.accept()[0]), daemon=True).start()
            outcome = SmtpMailer(far, SECRET).send(PLAIN)
        socket.create_connection((server.host, server.port)).close()
    assert isinstance(outcome, Stopped)
    assert "TLS" in outcome.reason


def test_a_mailer_shows_its_password_nowhere() -> None:
    mailer = SmtpMailer(SmtpServer("127.0.0.1", free_port(), user="fax"), SECRET)
    assert SECRET not in repr(mailer) + str(mailer) + repr(mailer.send(PLAIN))


def test_starttls_that_is_asked_for_and_not_offered_stops(mailbox: Mailbox) -> None:
    with serving(mailbox) as server:
        outcome = SmtpMailer(SmtpServer(server.host, server.port, starttls=True)).send(PLAIN)
    assert outcome == Stopped("the server offers no STARTTLS, and [mail.smtp] asks for it")
    assert mailbox.asked == []


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody has vouched for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.com")])
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(AT - timedelta(days=900)).not_valid_after(AT + timedelta(days=900))
        .add_extension(loopback, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_starttls_is_used_when_trusted_and_stops_when_not(
    mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with serving(mailbox, tls_context=context, authenticator=check, require_starttls=True) as server:
        secure = SmtpServer(server.host, server.port, starttls=True, user="fax")
        stranger = SmtpMailer(secure, SECRET).send(PLAIN)
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        trusted = SmtpMailer(secure, SECRET).send(PLAIN)
    assert isinstance(stranger, Stopped)
    assert "certificate" in stranger.reason
    assert isinstance(trusted, Accepted)
    assert [session.ssl is not None for session, _ in mailbox.taken] == [True]
