# SPDX-License-Identifier: Apache-2.0
"""A policy repository with two customers, and the real service on it, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from policyctl import wiring
from policyctl.actions.recording import imports, keys
from policyctl.core.practice import ChoiceMode
from policyctl.settings import load_settings
from tests.adapters.ledger_samples import KEY, day, practice, version
from tests.cli.run import CLEAN
from tests.ledgers import new_ledger

EMAIL, NEWS, SERVICE = "user.contact.email", "marketing.communications.email", "essential.service"
NOW = day("2026-11-01")
ALL = ("tag", "decide", "choose", "read")
CHANGE = "fax@v2#news"


def make_repository(root: Path, url: str = "sqlite:///ledger.db", shards: Sequence[str] = ()) -> Path:
    """v1 states the service; v2 adds a newsletter that must be consented to. Customers acme and bolt have
    a subject of one id, acme one more.
    """
    root.mkdir(exist_ok=True)
    where = f"shards = {json.dumps(list(shards))}" if shards else f'url = "{url}"'
    (root / "policyctl.toml").write_text(f"[ledger]\n{where}\n", "utf-8")
    os.environ["POLICYCTL_PSEUDONYM_KEY"] = KEY.hex()
    try:
        ledger = wiring.open_ledger(load_settings(root))
    finally:
        del os.environ["POLICYCTL_PSEUDONYM_KEY"]
    if url == "sqlite:///ledger.db" and not shards:
        new_ledger(root / "ledger.db").close()
    with ledger:
        ledger.upgrade()
        service = practice("service", SERVICE)
        news = practice("news", NEWS, choice=ChoiceMode.OPT_IN)
        ledger.record_version(version(1, "2026-01-01", service), (), now=NOW)
        second = version(2, "2026-03-01", service, news, asks={"news": ChoiceMode.OPT_IN})
        ledger.record_version(second, (), now=NOW)
        rows = b"customer,name,admin_email,admin_name,locale\n" + b"".join(
            f"{name},{name} Ltd,ada@{name}.example.com,Ada,en\n".encode() for name in ("acme", "bolt")
        )
        imports.import_customers(rows, file="customers.csv", now=NOW, ledger=ledger)
        for customer, people in (("acme", ("u1", "u2")), ("bolt", ("u1",))):
            lines = "".join(f"{who},{customer},,en,2026-01-02\n" for who in people)
            content = f"subject,customer,email,locale,known_since\n{lines}".encode()
            imports.import_subjects(content, file="s.csv", now=NOW, ledger=ledger, customer=customer)
    return root


def new_key(root: Path, *scopes: str, customer: str | None = None) -> str:
    file = wiring.open_keys(load_settings(root))
    return keys.new_key("a test", scopes or ALL, customer, now=NOW, keys=file).token


class Running:
    """The service, running; ``log`` has what it wrote so far."""

    def __init__(self, root: Path, *, before: Sequence[str] = ()) -> None:
        """``before``: a command that runs the one which comes after it."""
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "policyctl", "serve", "--port", "0"],
            cwd=root,
            env={**CLEAN, "POLICYCTL_PSEUDONYM_KEY": KEY.hex()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr
        self.log: list[str] = []
        for line in iter(self.process.stderr.readline, ""):
            if '"listening"' in line:
                self.url = json.loads(line)["url"]
                break
            self.log.append(line)
        else:
            raise AssertionError("".join(self.log))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        self.log += iter(self.process.stderr)

    def client(self, token: str = "") -> Caller:
        return Caller(self.url, token)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        self._reader.join(timeout=5)
        return code


class Caller:
    """A program that calls the service with one key."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})

    def post(self, path: str, body: Any, once: str = "") -> httpx.Response:
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": once} if once else {})
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post(path, content=content, headers=headers)

    def answer(self, subject: str, purpose: str, **more: Any) -> str:
        found = self.post(
            "/v1/decisions", {"subject": subject, "category": EMAIL, "purpose": purpose, **more}
        )
        assert found.status_code == 200, found.text
        return str(found.json()["answer"])


@contextmanager
def serving(root: Path) -> Iterator[Running]:
    running = Running(root)
    try:
        yield running
    finally:
        running.process.kill() if running.process.poll() is None else None
        running.process.wait()


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The body of a problem, which must be the one named."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["type"] == f"urn:policyctl:problem:{name}"
    assert found["status"] == status
    return found
