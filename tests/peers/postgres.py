# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for the tests, from the binaries of the system, on a socket of its own.

It needs `initdb` and `pg_ctl` (on PATH, or where distributions keep them). They refuse to run as
root, so root hands them to the user `postgres`, else to `nobody`. Without them the tests are skipped,
or fail where POLICYCTL_REQUIRE=all says that every peer must be there.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from policyctl.adapters.ledger import Ledger, open_ledger
from tests.adapters.ledger_samples import KEY, TAXONOMY
from tests.ledgers import make_tables, new_ledger, settle

_BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer("postgres"))]
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


def _binary(name: str) -> str | None:
    if found := shutil.which(name):
        return found
    places = (path for pattern in _PLACES for path in Path("/").glob(pattern.lstrip("/")))
    return next(
        (str(place / name) for place in sorted(places, reverse=True) if (place / name).exists()), None
    )


def _user() -> str | None:
    """Whom the server runs as; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _missing(why: str) -> None:
    if os.environ.get("POLICYCTL_REQUIRE") == "all":
        pytest.fail(f"PostgreSQL is required and {why}")
    pytest.skip(why)


class Server:
    """A server in a folder of its own; databases are made from it one a test."""

    fsync = "off"  # a benchmark of what is durable sets it on

    def __init__(self, folder: Path, initdb: str, pg_ctl: str) -> None:
        self.folder, self.initdb, self.pg_ctl = folder, initdb, pg_ctl
        self._model: str | None = None
        self.user = _user()

    def run(self, *command: str) -> None:
        # To a file, not a pipe: the server that pg_ctl leaves behind would hold a pipe open.
        with (self.folder.parent / "output").open("ab") as output:
            subprocess.run(
                command, check=True, stdout=output, stderr=output, stdin=subprocess.DEVNULL, user=self.user,
                cwd="/", extra_groups=[] if self.user else None,
            )  # fmt: skip

    def start(self, settings: str = "") -> None:
        """Make it, with further lines of postgresql.conf, and start it."""
        if self.user:
            shutil.chown(self.folder, self.user)
        data = str(self.folder / "data")
        self.run(self.initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        with Path(data, "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(settings)
        self.restart()

    def restart(self) -> None:
        """Start it on the data that is there."""
        data = str(self.folder / "data")
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync={self.fsync}"
        self.run(self.pg_ctl, "-D", data, "-w", "-t", "60", "-o", options, "start")

    def stop(self) -> None:
        self.run(self.pg_ctl, "-D", str(self.folder / "data"), "-m", "immediate", "stop")

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        import psycopg

        name = f"ledger_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return self.url(name)

    def new_ledger(self) -> str:
        """The URL of an empty ledger, copied from one that is made when it is first asked for."""
        if self._model is None:
            url = self.new_database()
            make_tables(url)
            self._model = url
        url = self.copy_of(self._model)
        settle(url)
        return url

    def copy_of(self, url: str) -> str:
        """The URL of a database that begins as another, to which nobody is connected."""
        import psycopg

        name, model = f"ledger_{uuid.uuid4().hex}", url.partition("@/")[2].partition("?")[0]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {model}")  # type: ignore[arg-type]
        return self.url(name)


@contextmanager
def server_in(top: Path) -> Iterator[Server]:
    """A running server whose files lie in a folder, which another user must be able to enter."""
    initdb, pg_ctl = _binary("initdb"), _binary("pg_ctl")
    if initdb is None or pg_ctl is None:
        _missing("initdb and pg_ctl are not installed")
    assert initdb
    assert pg_ctl
    server = Server(top / "s", initdb, pg_ctl)
    server.folder.mkdir()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A running server, one for the session."""
    top = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    top.chmod(0o755)
    try:
        with server_in(top) as server:
            yield server
    finally:
        shutil.rmtree(top, ignore_errors=True)


@pytest.fixture(params=_BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new database without tables, on SQLite and then on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(params=_BOTH)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger."""
    if request.param == "sqlite":
        new_ledger(tmp_path / "ledger.db").close()
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.new_ledger()


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """The same, open."""
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        yield opened
