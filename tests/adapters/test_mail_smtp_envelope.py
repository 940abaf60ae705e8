# SPDX-License-Identifier: Apache-2.0
"""What the envelope says, and the dialogue in one go where a server lets us: against scripted servers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from policyctl.adapters.mail.interface import Accepted, NotSent, Outcome, Rejected, Stopped, Unknown
from policyctl.adapters.mail.smtp import SmtpMailer, SmtpServer
from policyctl.errors import UsageError
from tests.adapters.mail_samples import PLAIN, mail

NID = "0123456789abcdef" * 2
TAKEN = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", ".": "250 2.0.0 taken"}


class Script:
    """Offers extensions, answers by table, notes what it hears; ``taken`` counts whole texts."""

    def __init__(self, *offers: str, **answers: str) -> None:
        self.offers, self.heard, self.sessions, self.taken = offers, list[str](), 0, 0
        self.answers = {**TAKEN, **answers}

    def serve(self, connection: socket.socket) -> None:
        self.sessions += 1
        file = connection.makefile("rb")
        connection.sendall(b"220 ready\r\n")
        while line := file.readline().decode().rstrip("\r\n"):
            word = line.split()[0]
            self.heard.append(line)
            if word == "ehlo":
                lines = ["mx.example.net", *self.offers]
                said = [f"250{'-' if n < len(lines) else ' '}{each}" for n, each in enumerate(lines, 1)]
                connection.sendall("".join(f"{each}\r\n" for each in said).encode())
            elif word == "DATA" and self.answers["DATA"].startswith("354"):
                connection.sendall(b"354 go\r\n")
                while (text := file.readline()) not in {b".\r\n", b""}:
                    pass
                self.taken += bool(text)
                if not (text and self.answers["."]):
                    return
                connection.sendall(f"{self.answers['.']}\r\n".encode())
            else:
                connection.sendall(f"{self.answers.get(word, '250 ok')}\r\n".encode())


@contextlib.contextmanager
def playing(script: Script) -> Iterator[SmtpServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        script.serve(connection)

        threading.Thread(target=run, daemon=True).start()
        host, port = listener.getsockname()
        yield SmtpServer(host, port, timeout=2, last_wait=2, bounces="bounces@example.com")


def test_a_server_that_reports_is_asked_for_all_of_it_and_the_sender_carries_the_id() -> None:
    with playing(script := Script("DSN")) as server:
        sent = SmtpMailer(server).send(mail(nid=NID, to_address="ada+x=y@example.org"))
    assert isinstance(sent, Accepted)
    assert script.heard[1:3] == [
        f"MAIL FROM:<bounces+{NID}@example.com> RET=HDRS ENVID={NID}",
        "RCPT TO:<ada+x=y@example.org> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;ada+2Bx+3Dy@example.org",
    ]


def test_a_server_that_does_not_report_still_bounces_to_the_id() -> None:
    with playing(script := Script()) as server:
        SmtpMailer(server).send(mail(nid=NID))
    assert script.heard[1:3] == [f"MAIL FROM:<bounces+{NID}@example.com>", "RCPT TO:<ada@example.org>"]


def test_without_a_mailbox_for_reports_none_are_asked_for() -> None:
    with playing(script := Script("DSN")) as server:
        SmtpMailer(SmtpServer(server.host, server.port, timeout=2)).send(PLAIN)
    assert script.heard[1:3] == ["MAIL FROM:<privacy@example.com>", "RCPT TO:<ada@example.org>"]


@pytest.mark.parametrize(
    "mailbox",
    ["bounces", "a@b@example.com", "b+x@example.com", "x" * 32 + "@example.com", "b\r@example.com"],
)
def test_a_mailbox_that_no_id_fits_into_is_refused_at_the_start(mailbox: str) -> None:
    with pytest.raises(UsageError, match="bounces"):
        SmtpMailer(SmtpServer("127.0.0.1", bounces=mailbox))


SAID = "the server answered "
CASES: list[tuple[dict[str, str], Outcome | type, int]] = [
    ({}, Accepted("250 2.0.0"), 1),
    ({"RCPT": "550 5.1.1 no", "DATA": "503 no"}, Rejected(SAID + "550 (5.1.1) to the addressee"), 1),
    ({"RCPT": "450 4.2.1 later", "DATA": "503 no"}, NotSent(SAID + "450 (4.2.1) to the addressee"), 1),
    ({"MAIL": "550 5.7.1 no", "RCPT": "503 no", "DATA": "503 no"}, Stopped, 1),
    ({"MAIL": "452 full", "RCPT": "503 no", "DATA": "503 no"}, NotSent(SAID + "452 to the sender"), 2),
    # It would take a text though nobody is to get it: the session is left instead.
    ({"RCPT": "550 5.1.1 no"}, Rejected(SAID + "550 (5.1.1) to the addressee"), 2),
    ({".": "552 5.3.4 large"}, Rejected(SAID + "552 (5.3.4) to the text"), 1),
    ({".": ""}, Unknown, 2),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "outcome", "sessions"), CASES, ids=lambda v: ascii(v)[:50])
def test_in_one_go_each_answer_means_the_same_and_the_next_mail_is_not_harmed(
    answers: dict[str, str], outcome: Outcome | type, sessions: int
) -> None:
    with playing(script := Script("PIPELINING", **answers)) as server:
        mailer = SmtpMailer(server)
        found = mailer.send(mail(nid=NID))
        assert type(found) is outcome if isinstance(outcome, type) else found == outcome
        taken, script.answers = script.taken, dict(TAKEN)
        assert mailer.send(mail(nid="f" * 32)) == Accepted("250 2.0.0")
        mailer.close()
    assert script.sessions == sessions
    if isinstance(found, Rejected | NotSent | Stopped) and "text" not in found.reason:
        assert script.taken == taken + 1, "only the second one's text was taken"
