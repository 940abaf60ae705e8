# SPDX-License-Identifier: Apache-2.0
"""More PostgreSQL servers, which a test may kill: small ones, each in a folder of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.peers.postgres import Server


@contextmanager
def _started(model: Server) -> Iterator[Server]:
    top = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    top.chmod(0o755)
    server = Server(top / "s", model.initdb, model.pg_ctl)
    server.folder.mkdir()
    try:
        server.start()
        with (server.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write("shared_buffers = 8MB\nmax_connections = 40\n")
        server.stop()
        server.restart()
        yield server
        server.stop()
    finally:
        shutil.rmtree(top, ignore_errors=True)


@pytest.fixture(scope="module")
def three_servers(postgres: Server) -> Iterator[tuple[Server, ...]]:
    """Three of them, for the tests of one file."""
    with ExitStack() as stack:
        yield tuple(stack.enter_context(_started(postgres)) for _ in range(3))
