# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks on this machine: checks every signature by the Standard Webhooks scheme, from the
specification and not with our code, keeps what it was sent, and answers as it is told.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
DRIP = "drip"
HANG = "hang"


@dataclass
class Receiver:
    """``answers`` are given in their order, the last one for good: a status, one with headers, or a fault."""

    port: int = 0
    answers: list[Any] = field(default_factory=lambda: [204])
    got: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def next(self) -> Any:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def ids(self) -> list[str]:
        return [each["id"] for each in self.got]


def verified(headers: Any, body: bytes, secret: str = SECRET) -> bool:
    """By the words of the specification."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    given = [part.partition(",") for part in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(wanted, said) for version, _, said in given)


@contextmanager
def receiver(*answers: Any) -> Iterator[Receiver]:
    """A server that runs until the end of the block."""
    seen = Receiver(answers=list(answers) or [204])
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.paths.append(self.path)
            seen.got.append(
                {
                    "id": self.headers["webhook-id"],
                    "at": int(self.headers["webhook-timestamp"]),
                    "signed": verified(self.headers, body),
                    "body": body,
                    "json": json.loads(body),
                    "headers": dict(self.headers),
                }
            )
            self.reply(seen.next())

        def do_GET(self) -> None:
            seen.paths.append(self.path)
            self.reply(seen.next())

        def reply(self, answer: Any) -> None:
            if answer == HANG:
                done.wait(20)
                return
            if answer == DRIP:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not done.wait(0.2):
                    self.wfile.write(b".")
                    self.wfile.flush()
                return
            status, headers, body = answer if isinstance(answer, tuple) else (answer, {}, b"")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # who went away in the middle of an answer

    server = Server(("127.0.0.1", 0), Handler)
    seen.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield seen
    finally:
        done.set()
        server.shutdown()
        server.server_close()
