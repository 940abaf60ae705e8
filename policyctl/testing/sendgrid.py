# SPDX-License-Identifier: Apache-2.0
"""A SendGrid on loopback: refuses what the real one refuses, holds mails back until their ``send_at``,
drops cancelled batches, and follows a script of faults before and after it has taken a mail.

::

    with fake_sendgrid() as fake:
        fake.script = [Answer(fault="close-after")]
        ...  # post to fake.url with fake.key
        assert fake.delivered() == {"ada@example.org": 1}

``clock`` tells its time, also in the ``Date`` header; sped up, 25 minutes pass in seconds.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from policyctl.testing.sendgrid_rules import complaints

OPEN_CANCELLATIONS = 10
"""Batches that can be cancelled at once; one is free again when its time has come."""

SUPPRESSION_LISTS = ("bounces", "blocks", "spam_reports", "invalid_emails")

LAST_CALL = 600
"""Seconds before ``send_at`` from which on nothing can be cancelled."""


@dataclass
class Answer:
    """What to do with one request: ``status`` and ``headers``, or a ``fault`` by name.

    Faults: ``reset-before``, ``close-before`` (nothing is taken); ``close-after``, ``hang-after``,
    ``rubbish-after`` (the mail is taken, the answer is lost). A 5xx of the script takes the mail too,
    unless ``taken`` is False.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    fault: str = ""
    taken: bool = True


@dataclass
class Fake:
    """What came in, what was taken, and what to do with the next mails (then: take them).

    ``scripts`` are for other paths: ``{"/v3/mail/batch": [...]}``. ``choose`` is asked where a script has
    no answer left. A mail to one of ``refused`` is refused with all that is in its call. ``suppressed``:
    by list (``bounces``, ``blocks``, ``spam_reports``, ``invalid_emails``) its entries, as SendGrid has them.
    """

    url: str = ""
    key: str = "SG-test-key-0123456789"
    clock: Callable[[], datetime] = lambda: datetime.fromtimestamp(time.time(), UTC)
    script: list[Answer] = field(default_factory=list)
    scripts: dict[str, list[Answer]] = field(default_factory=dict)
    choose: Callable[[str], Answer | None] = lambda _path: None
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    batches: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    suppressed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    connections: int = 0
    release: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def next_answer(self, path: str) -> Answer:
        """The next of the script of a path."""
        script = self.script if path == "/v3/mail/send" else self.scripts.get(path, [])
        with self.lock:
            return script.pop(0) if script else self.choose(path) or Answer()

    def leaving(self) -> list[dict[str, Any]]:
        """The calls whose mails left or will leave: taken, and not of a batch that was cancelled."""
        with self.lock:
            return [mail for mail in self.taken if self.batches.get(mail.get("batch_id", "")) != "cancel"]

    def delivered(self) -> Counter[str]:
        """How many mails each address got or will get."""
        return Counter(one["to"][0]["email"] for mail in self.leaving() for one in mail["personalizations"])

    def nids(self) -> Counter[str]:
        """How many mails left or will leave for each nid."""
        return Counter(
            one["custom_args"]["nid"] for mail in self.leaving() for one in mail["personalizations"]
        )

    def mail(self, body: dict[str, Any]) -> list[str]:
        """Take a mail, or say why not."""
        found = complaints(body, now=int(self.clock().timestamp()))
        if body.get("batch_id") and body["batch_id"] not in self.batches:
            found.append("batch_id: unknown")
        people = {one["to"][0]["email"] for one in body.get("personalizations", []) if one.get("to")}
        found += ["personalizations.to.email: refused"] if people & self.refused else []
        if not found:
            with self.lock:
                self.taken.append(body)
        return found

    def cancel(self, body: dict[str, Any]) -> tuple[int, str]:
        """Status and complaint of a cancellation."""
        batch, now = str(body.get("batch_id")), self.clock().timestamp()
        with self.lock:
            if set(body) != {"batch_id", "status"} or body["status"] not in {"cancel", "pause"}:
                return 400, "status: cancel or pause"
            if batch not in self.batches:
                return 400, "batch_id: unknown"
            if self.batches[batch]:
                return 400, "batch_id: it has a status already"
            if any(mail["send_at"] - now < LAST_CALL for mail in self._of(batch)):
                return 400, "batch_id: less than ten minutes are left"
            if sum(1 for one, status in self.batches.items() if status and self._is_open(one, now)) >= (
                OPEN_CANCELLATIONS
            ):
                return 400, "batch_id: ten are cancelled or paused already"
            self.batches[batch] = body["status"]
        return 201, ""

    def listed(self, name: str, query: dict[str, list[str]]) -> tuple[int, list[dict[str, Any]]]:
        """Status and one page of a list of suppressed addresses."""
        known = {"start_time": 0, "end_time": 10**10, "limit": 500, "offset": 0}
        given = {key: int(values[0]) for key, values in query.items() if values[0].isdecimal()}
        if name not in SUPPRESSION_LISTS or len(given) < len(query) or set(given) - set(known):
            return 400, []
        asked = {**known, **given}
        if not 1 <= asked["limit"] <= 500:  # noqa: PLR2004 - as SendGrid's document says
            return 400, []
        entries = [
            entry
            for entry in self.suppressed.get(name, [])
            if asked["start_time"] <= entry["created"] <= asked["end_time"]
        ]
        return 200, entries[asked["offset"] : asked["offset"] + asked["limit"]]

    def _of(self, batch: str) -> list[dict[str, Any]]:
        return [mail for mail in self.taken if mail.get("batch_id") == batch]

    def _is_open(self, batch: str, now: float) -> bool:
        return any(mail["send_at"] > now for mail in self._of(batch))


@contextlib.contextmanager
def fake_sendgrid(port: int = 0) -> Iterator[Fake]:
    """The fake, listening."""
    fake = Fake()
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"fake": fake}))
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


class _Handler(BaseHTTPRequestHandler):
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
        path = self.path.partition("?")[0]
        of_list = path.startswith("/v3/suppression/")
        answer = self.fake.next_answer(path if of_list else path.rpartition("/")[0])
        if answer.fault:
            self._hang_up()
        elif answer.status:
            self._answer(answer)
        elif self.headers.get("Authorization") != f"Bearer {self.fake.key}":
            self._answer(Answer(401))
        elif of_list:
            code, entries = self.fake.listed(path.rpartition("/")[2], parse_qs(urlsplit(self.path).query))
            self._answer(Answer(code, body=entries))  # type: ignore[arg-type]
        elif self.path.startswith("/v3/user/scheduled_sends/"):
            batch = self.path.rpartition("/")[2]
            status = self.fake.batches.get(batch)
            self._answer(Answer(200, body=[{"batch_id": batch, "status": status}] if status else []))  # type: ignore[arg-type]
        else:
            self._answer(Answer(404))

    def do_POST(self) -> None:
        answer = self.fake.next_answer(self.path)
        if answer.fault == "reset-before":
            self.rfile.read(10)
            self._hang_up()
            return
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.fake.requests.append((f"POST {self.path}", dict(self.headers), data))
        if answer.fault == "close-before":
            self._hang_up()
        elif self.headers.get("Authorization") != f"Bearer {self.fake.key}":
            self._answer(Answer(401))
        elif answer.status not in {0, 202} and not (answer.status >= 500 and answer.taken):  # noqa: PLR2004
            self._answer(answer)
        else:
            self._do(answer, json.loads(data or b"{}"))

    def _do(self, answer: Answer, body: dict[str, Any]) -> None:
        done = self._work(body)
        if done.status >= 400:  # noqa: PLR2004
            self._answer(done)
        elif answer.fault:
            self._lose(answer.fault)
        else:
            self._answer(Answer(answer.status or done.status, {**done.headers, **answer.headers}, done.body))

    def _work(self, body: dict[str, Any]) -> Answer:
        if self.path == "/v3/mail/batch":
            batch = secrets.token_urlsafe(24)
            self.fake.batches[batch] = ""
            return Answer(201, body={"batch_id": batch})
        if self.path == "/v3/user/scheduled_sends":
            status, said = self.fake.cancel(body)
            return Answer(status, body={"errors": [{"message": said, "field": "batch_id"}]} if said else body)
        found = self.fake.mail(body)
        errors = [{"message": f"{line} (ada@example.org)", "field": line.split(":")[0]} for line in found]
        return (
            Answer(400, body={"errors": errors})
            if found
            else Answer(202, {"X-Message-Id": secrets.token_hex(8)})
        )

    def _lose(self, fault: str) -> None:
        if fault == "hang-after":
            self.fake.release.wait(10)
        elif fault == "rubbish-after":
            self.wfile.write(b"what?\r\n\r\n")
        self._hang_up()

    def _answer(self, answer: Answer) -> None:
        body = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response_only(answer.status)
        clock = format_datetime(self.fake.clock(), usegmt=True)
        for name, value in {"Content-Length": str(len(body)), "Date": clock, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()
