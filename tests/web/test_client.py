# SPDX-License-Identifier: Apache-2.0
"""The async client against the real service, and against servers that answer otherwise than it would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from policyctl.client import AsyncClient
from policyctl.core.use.question import UseAnswer
from policyctl.errors import UnreachableError, UsageError
from tests.adapters.ledger_samples import day
from tests.web.service import CHANGE, EMAIL, NEWS, SERVICE, make_repository, new_key, serving


def called(url: str, key: str, work: Callable[[AsyncClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with AsyncClient(url, key) as client:
            return await work(client)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    root: Path = make_repository(tmp_path_factory.mktemp("client") / "policies")
    with serving(root) as running:
        yield running.url, new_key(root, customer="acme")


def test_a_program_tags_asks_and_hears_of_a_choice_at_once(address: tuple[str, str]) -> None:
    async def work(client: AsyncClient) -> None:
        assert await client.tag("u2", EMAIL, "crm-1", collected_at=day("2026-02-01"))
        assert not await client.tag("u2", EMAIL, "crm-1", collected_at=day("2026-02-01"))
        assert (await client.may_use("u2", EMAIL, SERVICE)).permitted
        refused = await client.may_use("u2", EMAIL, NEWS)
        assert refused.answer is UseAnswer.REFUSED
        assert refused.reasons
        assert await client.choose("u2", CHANGE, "consent")
        assert (await client.may_use("u2", EMAIL, NEWS)).permitted
        question = {"subject": "u2", "category": EMAIL}
        both = await client.may_use_many([{**question, "purpose": each} for each in (NEWS, "nonsense")])
        assert [each.answer for each in both] == [UseAnswer.PERMITTED, UseAnswer.UNDECIDED]
        assert await client.accept("u2", "fax@v2")

    called(*address, work)


def test_a_program_reads_all_pages_of_what_is_on_record(address: tuple[str, str]) -> None:
    async def work(client: AsyncClient) -> None:
        for number in range(5):
            assert await client.tag("u1", EMAIL, str(number), collected_at=day("2026-02-01"))
        assert await client.choose("u1", CHANGE, "consent", at=day("2026-04-01"))
        assert [tag["record"] async for tag in client.tags_of("u1", page=2)] == ["0", "1", "2", "3", "4"]
        assert [said["answer"] async for said in client.choices_of("u1")] == ["consent"]
        assert [tag async for tag in client.tags_of("nobody")] == []
        with pytest.raises(UsageError, match="not-allowed"):
            _ = [tag async for tag in client.tags_of("u1", customer="bolt")]

    called(*address, work)


def test_what_the_service_refuses_is_an_error_that_says_why(address: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="no-key"):
        called(address[0], "nonsense", lambda client: client.may_use("u2", EMAIL, SERVICE))
    with pytest.raises(UsageError, match="this subject is not known"):
        called(*address, lambda client: client.tag("stranger", EMAIL, "x"))
    naive = day("2026-02-01").replace(tzinfo=None)
    with pytest.raises(UsageError, match="time zone"):
        called(*address, lambda client: client.tag("u2", EMAIL, "x", collected_at=naive))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>welcome</html>"),
        (200, b'{"answer": "yes", "reasons": [], "missing": []}'),
        (200, b'["permitted"]'),
        (500, b""),
        (503, b'{"answer": "permitted", "reasons": [], "missing": []}'),
    ],
)
def test_an_answer_that_cannot_be_read_is_never_a_yes(status: int, body: bytes) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(UnreachableError):
            called(url, "key", lambda client: client.may_use("u2", EMAIL, SERVICE))
        server.shutdown()


def test_a_service_that_is_not_there_is_never_a_yes() -> None:
    with pytest.raises(UnreachableError, match="no answer"):
        called("http://127.0.0.1:9", "key", lambda client: client.may_use("u2", EMAIL, SERVICE))
