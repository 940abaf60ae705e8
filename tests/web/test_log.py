# SPDX-License-Identifier: Apache-2.0
"""The log of the service: a JSON line a request, and nothing in it of whom it was about."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from policyctl.web import log
from tests.web.service import EMAIL, SERVICE, make_repository, new_key, serving

SECRET = "ada.lovelace@example.com"
HOSTILE = (
    f"/v1/tags?subject={SECRET}",
    f"/v1/choices?subject={SECRET}&cursor={SECRET}",
    f"/v1/subjects/{SECRET}/tags",
    f"/{SECRET}/..%2f..%2fetc/passwd",
    f"/v1/versions%0a{SECRET}",
    f"/v1/versions?{SECRET}=1",
    f"/stats?customer={SECRET}",
    f"/%0d%0a%22event%22:{SECRET}",
    f"//{SECRET}",
)
FIELDS = {"at", "event", "method", "route", "status", "ms", "key", "request_id"}


def raw(url: str, text: bytes) -> bytes:
    """What comes back for bytes that no client library would send."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while more := connection.recv(65_536):
            found += more
    return found


def test_no_line_names_anybody_whatever_is_sent(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies")
    token, narrow = new_key(root, customer="acme"), new_key(root, "read", customer="acme")
    with serving(root) as running:
        with running.client(token) as caller:
            ids = [caller.get(path).headers["x-request-id"] for path in HOSTILE]
            body = {"subject": SECRET, "category": EMAIL, "purpose": SERVICE}
            ids.append(caller.post("/v1/decisions", body, once=SECRET).headers["x-request-id"])
            ids.append(caller.post("/v1/tags", b'{"' + SECRET.encode()).headers["x-request-id"])
            ids.append(
                caller.get("/v1/versions", x_secret=SECRET, if_none_match=SECRET).headers["x-request-id"]
            )
            method = caller.http.request(SECRET.upper().replace("@", "").replace(".", ""), "/v1/versions")
            ids.append(method.headers["x-request-id"])
        with running.client(narrow) as caller:
            ids.append(caller.post("/v1/tags", {"subject": SECRET}).headers["x-request-id"])
        for line in (f"GET /{SECRET} HTTP/9.9", f"{SECRET}", f"GET /\x00{SECRET} HTTP/1.1\r\nHost: x"):
            raw(running.url, f"{line}\r\n\r\n".encode())
        assert running.stop() == 0
    text = "".join(running.log)
    for secret in (SECRET, "ADALOVELACE", token, narrow, "passwd"):
        assert secret.lower() not in text.lower()
    lines = [json.loads(line) for line in running.log]
    requests: list[dict[str, Any]] = [line for line in lines if line["event"] == "request"]
    assert [line["request_id"] for line in requests][: len(ids)] == ids
    routes = {"/v1/tags", "/v1/choices", "/v1/decisions", "/v1/versions", "/stats", "/{path:path}", "(none)"}
    for line in requests:
        assert set(line) == FIELDS
        assert line["route"] in routes
        assert line["method"] in {"GET", "POST", "OTHER"}
        assert line["ms"] >= 0
        assert line["key"] is None or re.fullmatch("[0-9a-f]{12}", line["key"])
    assert {line["status"] for line in requests} >= {200, 400, 403, 404, 405, 422}


def test_a_bug_is_told_by_its_kind_and_place_and_not_by_its_words(capsys: Any) -> None:
    try:
        int(SECRET)
    except ValueError as error:
        log.write_bug(error, "0" * 16)
    found = json.loads(capsys.readouterr().err)
    assert found["kind"] == "ValueError"
    assert re.fullmatch(r"test_log\.py:[0-9]+", found["places"])
    assert SECRET not in json.dumps(found)
