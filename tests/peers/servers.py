# SPDX-License-Identifier: Apache-2.0
"""More PostgreSQL servers, which a test may kill, each in a folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.peers.postgres import Server

_SMALL = "shared_buffers = 8MB\nmax_connections = 40\n"


@contextmanager
def _started(model: Server, settings: str = "") -> Iterator[Server]:
    top = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    top.chmod(0o755)
    server = Server(top / "s", model.initdb, model.pg_ctl)
    server.folder.mkdir()
    try:
        server.start(settings)
        yield server
        server.stop()
    finally:
        shutil.rmtree(top, ignore_errors=True)


@pytest.fixture(scope="module")
def three_servers(postgres: Server) -> Iterator[tuple[Server, ...]]:
    """Three of them, for the tests of one file."""
    with ExitStack() as stack:
        yield tuple(stack.enter_context(_started(postgres, _SMALL)) for _ in range(3))


@pytest.fixture
def own_server(postgres: Server) -> Iterator[Server]:
    """One that a test may stop."""
    with _started(postgres) as server:
        yield server
