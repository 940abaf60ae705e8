# SPDX-License-Identifier: Apache-2.0
"""A SendGrid on loopback that refuses what the real one refuses, keeps every request, and follows a
script of faults: an answer, or a way to break off before or after the mail was taken.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "SG-test-key-0123456789"

ROOT = {
    "personalizations", "from", "reply_to", "subject", "content", "headers", "categories", "mail_settings",
    "tracking_settings", "attachments", "send_at", "batch_id",
}  # fmt: skip
PERSONAL = {"to", "custom_args", "substitutions", "headers", "subject"}
RESERVED = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to",
    "from", "subject", "reply-to", "cc", "bcc",
}  # fmt: skip
TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


def settings_of(mail: dict[str, Any]) -> dict[str, Any]:
    """Only the global unsubscribe list is passed by, and not even that by what can be unsubscribed from."""
    passed_by = "List-Unsubscribe" not in mail.get("headers", {})
    return {"bypass_unsubscribe_management": {"enable": passed_by}, "footer": {"enable": False}}


@dataclass
class Answer:
    """What to do with one request: ``status`` and ``headers``, or a ``fault`` by name."""

    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    fault: str = ""


@dataclass
class Fake:
    """What came in, what was taken, and what to do with the next requests (then: take them)."""

    url: str = ""
    script: list[Answer] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    release: threading.Event = field(default_factory=threading.Event)


def complaints(mail: Any) -> list[str]:
    """Why SendGrid would refuse this body, and what policyctl has promised never to leave out."""
    people = mail.get("personalizations") or []
    found = [f"unknown field {name}" for name in set(mail) - ROOT]
    found += [complaint for one in people for complaint in _personal(one)]
    found += _content(mail)
    addresses = [to["email"].lower() for one in people for to in one.get("to", [])]
    sender = mail.get("from", {}).get("email", "")
    wrong = {
        "personalizations: 1 to 1000": not 1 <= len(people) <= 1000,
        "personalizations.to: each address once": len(addresses) != len(set(addresses)),
        "from.email: malformed": not sender.isascii() or "@" not in sender,
        "subject: empty": not mail.get("subject"),
        "headers: reserved": bool({name.lower() for name in mail.get("headers", {})} & RESERVED),
        "tracking_settings: all four off, in so many words": mail.get("tracking_settings") != TRACKING,
        "mail_settings: only the global unsubscribe list is passed by": mail.get("mail_settings")
        != settings_of(mail),
    }
    return found + [complaint for complaint, is_so in wrong.items() if is_so]


def _personal(one: dict[str, Any]) -> list[str]:
    to, args = one.get("to", []), one.get("custom_args", {})
    wrong = {
        "personalizations: unknown field": bool(set(one) - PERSONAL),
        "personalizations.to: exactly one, or people see each other": len(to) != 1,
        "personalizations.to.email: malformed": any("@" not in person.get("email", "") for person in to),
        "personalizations.to.name: no comma, no semicolon": any(
            set(person.get("name", "")) & set(",;") for person in to
        ),
        "personalizations.custom_args: the nid and nothing else": set(args) != {"nid"}
        or not isinstance(args["nid"], str),
    }
    return [complaint for complaint, is_so in wrong.items() if is_so]


def _content(mail: dict[str, Any]) -> list[str]:
    parts = mail.get("content", [])
    if [part.get("type") for part in parts] == ["text/plain", "text/html"] and all(
        part["value"] for part in parts
    ):
        return []
    return ["content: plain text, then HTML, none empty"]


@contextlib.contextmanager
def fake_sendgrid() -> Iterator[Fake]:
    """The fake, listening."""
    fake = Fake()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"fake": fake}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        fake.release.set()
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers for the fake it belongs to."""

    protocol_version = "HTTP/1.1"
    fake: Fake

    def setup(self) -> None:
        self.fake.connections += 1
        super().setup()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.fake.requests.append((f"GET {self.path}", dict(self.headers), b""))
        self._answer(Answer(404))

    def do_POST(self) -> None:
        answer = self.fake.script.pop(0) if self.fake.script else Answer()
        if answer.fault == "reset-before":
            self.rfile.read(10)
            self._hang_up()
            return
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.fake.requests.append((f"POST {self.path}", dict(self.headers), data))
        if answer.fault == "close-before":
            self._hang_up()
        elif self.headers.get("Authorization") != f"Bearer {KEY}":
            self._answer(Answer(401))
        else:
            self._judge(answer, json.loads(data))

    def _judge(self, answer: Answer, mail: dict[str, Any]) -> None:
        if found := complaints(mail):
            errors = [{"message": f"{line} (ada@example.org)", "field": line.split(":")[0]} for line in found]
            self._answer(Answer(400, body={"errors": errors}))
            return
        if answer.status in {202, 500, 502, 503, 504}:
            self.fake.taken.append(mail)  # a mail may be taken and a 500 answered
        if not answer.fault:
            self._answer(answer)
            return
        if answer.fault == "hang-after":
            self.fake.release.wait(10)
        elif answer.fault == "rubbish-after":
            self.wfile.write(b"what?\r\n\r\n")
        self._hang_up()

    def _answer(self, answer: Answer) -> None:
        body = json.dumps(answer.body).encode() if answer.body else b""
        self.send_response_only(answer.status)
        for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()
