# SPDX-License-Identifier: Apache-2.0
"""The part of GitHub's REST API that one comment needs, on loopback, with its pages, rights and limits."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_test_token_0123456789"
REPOSITORY = "example-org/policies"
BOT = "github-actions[bot]"


@dataclass
class Fake:
    """What is there, what was asked, and what to answer out of turn (status, headers)."""

    url: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    script: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    read_only: bool = False
    _next: int = 100

    def pull(
        self, number: int, sha: str, *, owner: str = "example-org", branch: str = "edit", repo: int = 1
    ) -> None:
        head = {"sha": sha, "ref": branch, "label": f"{owner}:{branch}", "repo": {"id": repo}}
        self.pulls.append({"number": number, "state": "open", "head": head})

    def comment(self, number: int, body: str, author: str = BOT) -> int:
        self._next += 1
        user = {"login": author}
        self.comments[self._next] = {"id": self._next, "user": user, "body": body, "on": number}
        return self._next

    def bodies(self, author: str = BOT) -> list[str]:
        return [c["body"] for c in self.comments.values() if c["user"]["login"] == author]

    def writes(self) -> list[str]:
        return [line for line in self.requests if not line.startswith("GET")]


@contextlib.contextmanager
def fake_github() -> Iterator[Fake]:
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
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers for the fake it belongs to."""

    protocol_version = "HTTP/1.1"
    fake: Fake

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.fake.requests.append(f"{method} {url.path}")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Bad credentials"})
        elif self.fake.script:
            status, headers = self.fake.script.pop(0)
            self._answer(status, {"message": "no"}, headers)
        elif method != "GET" and self.fake.read_only:
            self._answer(403, {"message": "Resource not accessible by integration"})
        else:
            self._answer(*self._route(method, url.path, query, json.loads(data) if data else {}))

    def _route(self, method: str, path: str, query: dict[str, str], body: dict[str, str]) -> tuple[int, Any]:
        prefix = f"/repos/{REPOSITORY}"
        if method == "GET" and path == f"{prefix}/pulls":
            rows = [p for p in self.fake.pulls if p["head"]["label"] == query.get("head")]
            return 200, _page(rows, query)
        if match := re.fullmatch(rf"{prefix}/issues/(\d+)/comments", path):
            number = int(match[1])
            if method == "POST":
                if len(body["body"]) > 65_536:
                    return 422, {"message": "Body is too long"}
                return 201, {"id": self.fake.comment(number, body["body"])}
            return 200, _page([c for c in self.fake.comments.values() if c["on"] == number], query)
        if match := re.fullmatch(rf"{prefix}/issues/comments/(\d+)", path):
            return self._one(method, int(match[1]), body)
        return 404, {"message": "Not Found"}

    def _one(self, method: str, comment: int, body: dict[str, str]) -> tuple[int, Any]:
        if comment not in self.fake.comments:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            del self.fake.comments[comment]
            return 204, None
        self.fake.comments[comment]["body"] = body["body"]
        return 200, {"id": comment}

    def _answer(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response_only(status)
        for name, words in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, words)
        self.end_headers()
        self.wfile.write(body)


def _page(rows: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    return rows[(page - 1) * size : page * size]
