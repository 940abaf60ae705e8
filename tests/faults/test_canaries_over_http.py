# SPDX-License-Identifier: Apache-2.0
"""Whatever a caller sends in whatever place, no error, log line or figure of the service says it again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

from policyctl.web.app import ENDPOINTS
from tests.web.choice_scene import MARKETING, Written, mail_to, make_scene
from tests.web.service import Running, new_key, serving

EMAIL, NAME, KEY, WORD = "canary-4711@canary.example.org", "Quillfeather", "pk-canary-key", "canary-cookie"
MAILED = "u1@example.org"
"""Who is on record, and was written to."""
VALUES: tuple[object, ...] = (f"{EMAIL} " * 200, f"\x00{EMAIL}", {NAME: [EMAIL]}, f"2027-01-01T{NAME}")
GOOD: dict[str, dict[str, Any]] = {
    "/v1/decisions": {"subject": "u1", "category": "user.contact.email", "purpose": "marketing"},
    "/v1/tags": {"subject": "u1", "category": "user.contact.email", "collected_at": "2026-04-20T00:00:00Z",
                 "record": "r-1"},
    "/v1/choices": {"subject": "u1", "change": MARKETING, "answer": "refuse", "at": "2026-04-21T00:00:00Z"},
    "/v1/acceptances": {"subject": "u1", "version": "example-fax@v3", "at": "2026-04-21T00:00:00Z"},
}  # fmt: skip


class Listener:
    """Sends, and keeps what is said of it again."""

    def __init__(self, running: Running, secrets: tuple[str, ...]) -> None:
        self._http = httpx.Client(base_url=running.url, timeout=30)
        self._secrets = secrets
        self.statuses: set[int] = set()
        self.told: list[tuple[str, str, int, str]] = []

    def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {"Content-Type": "application/json", "Cookie": f"session={WORD}", **headers}
        found = self._http.request(method, path, content=content, headers=given)
        self.statuses.add(found.status_code)
        if found.status_code >= 400:
            self.hear(f"{method} {path.partition('?')[0]}", found)
        return found

    def hear(self, what: str, found: httpx.Response) -> None:
        said = unquote(found.text + repr(found.headers.multi_items()))
        self.told += [
            (what, secret, found.status_code, found.text[:300]) for secret in self._secrets if secret in said
        ]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def bodies(good: dict[str, Any]) -> Iterator[object]:
    """With a canary in every place of the body."""
    for field, value in product(good, VALUES):
        yield {**good, field: value}
    yield {**good, EMAIL: NAME}
    yield [{**good, "subject": EMAIL}]
    yield f'{{"subject": "{EMAIL}", "subject": "{NAME}"}}'.encode()
    yield f'{{"subject": "{EMAIL}'.encode()
    yield f'{{"subject": {EMAIL}}}'.encode()
    yield EMAIL.encode("utf-16")


def everywhere(listener: Listener, good_key: str, narrow: str) -> None:
    """Canaries in every place of every request, with keys that are good, wrong, narrow and none."""
    odd = f"?subject={quote(EMAIL)}&cursor={KEY}&{NAME}=1"
    for endpoint in ENDPOINTS:
        for token in (KEY, narrow, good_key):
            listener.send(endpoint.method, f"{endpoint.path}{odd}", {"subject": EMAIL}, **bearer(token))
        listener.send(endpoint.method, f"{endpoint.path}/{quote(EMAIL)}", None, **bearer(good_key))
        listener.send("DELETE", endpoint.path, None, **bearer(good_key))
        listener.send(endpoint.method, endpoint.path, {"a": EMAIL}, Authorization=f"Basic {NAME} {KEY}")
    for path, good in GOOD.items():
        for body in bodies(good):
            listener.send("POST", path, body, **bearer(good_key), **{"Idempotency-Key": KEY})
        listener.send("POST", path, EMAIL.encode(), **bearer(good_key), **{"Content-Type": f"text/{NAME}"})
        listener.send("POST", path, good, **bearer(good_key), **{"Idempotency-Key": f"{NAME} \t{KEY}"})


def by_link(listener: Listener, page: str) -> None:
    """The page of a link: forged, cut off, with forms that cannot be meant."""
    for path in (page[:-5], f"{page}AAAA", f"/answers/{KEY}", f"{page}/{NAME}", page.upper()):
        listener.send("GET", path)
        listener.send("POST", path, f"answer={EMAIL}".encode())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (f"change={quote(EMAIL)}&answer={NAME}", f"{NAME}={quote(EMAIL)}", "x=" + NAME * 2_000):
        listener.send("POST", page, body.encode(), **form)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scene(tmp_path_factory.mktemp("scene") / "repo")


def broken(root: Path) -> None:
    """Every further question of the ledger fails."""
    with sqlite3.connect(root / "ledger.db") as database:
        database.execute("ALTER TABLE subject RENAME TO gone")


def test_no_error_log_line_or_figure_says_again_what_was_sent(root: Path) -> None:
    good_key, narrow, operator = new_key(root), new_key(root, "decide"), new_key(root, "admin")
    mail: Written = mail_to(root, MAILED)
    token = mail.page.removeprefix("/answers/")
    tokens = (good_key, narrow, operator, token, token[:24], token[-24:])
    secrets = ("canary", NAME, NAME.lower(), MAILED, *tokens)
    with serving(root) as running:
        listener = Listener(running, secrets)
        everywhere(listener, good_key, narrow)
        by_link(listener, mail.page)
        signed = {
            "X-Twilio-Email-Event-Webhook-Signature": KEY,
            "X-Twilio-Email-Event-Webhook-Timestamp": NAME,
        }
        listener.send("POST", "/v1/events/sendgrid", [{"email": EMAIL}], **signed)
        listener.hear("figures", listener.send("GET", "/metrics", **bearer(operator)))
        listener.hear("ready", listener.send("GET", f"/readyz?{NAME}"))
        broken(root)
        for path, good in GOOD.items():
            listener.send("POST", path, {**good, "subject": EMAIL}, **bearer(good_key))
        listener.send("GET", mail.page)
        listener.hear("figures", listener.send("GET", "/metrics", **bearer(operator)))
        assert running.stop() == 0
    assert not listener.told, "\n".join(map(str, listener.told))
    assert listener.statuses >= {200, 400, 401, 403, 404, 405, 415, 422, 503}
    log = unquote("".join(running.log))
    assert '"event": "request"' in log
    assert [secret for secret in (*secrets, "example.org", MARKETING, "u1") if secret in log] == []
