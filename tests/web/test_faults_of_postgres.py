# SPDX-License-Identifier: Apache-2.0
"""The service while its PostgreSQL goes away: at the very COMMIT, and under load."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.peers.cutting import CuttingLine
from tests.peers.postgres import Server
from tests.web.service import CHANGE, EMAIL, SERVICE, Running, make_repository, new_key, problem, serving

pytestmark = pytest.mark.peer("postgres")

TAG = {"subject": "u2", "category": EMAIL, "record": "crm-1", "collected_at": "2026-02-01T00:00:00Z"}
CHOICE = {"subject": "u2", "change": CHANGE, "answer": "consent", "at": "2026-10-01T00:00:00Z"}
ACCEPTED = {"subject": "new", "version": "fax@v2", "at": "2026-10-01T00:00:00Z"}
WRITES = {
    "/v1/tags": (TAG, "tag_1"),
    "/v1/choices": (CHOICE, "choice"),
    "/v1/acceptances": (ACCEPTED, "admission"),
}
QUESTION = {"subject": "u2", "category": EMAIL, "purpose": SERVICE}
HEALED_WITHIN = 5.0
DIES_AT_COMMIT = """
CREATE FUNCTION dies() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON receipt DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dies();
"""


def rows(url: str, query: str, *, write: bool = False) -> Any:
    import psycopg

    with closing(psycopg.connect(url, autocommit=True)) as connection:
        found = connection.execute(query)  # type: ignore[arg-type]
        return None if write else found.fetchall()


def count(url: str, table: str) -> int:
    return int(rows(url, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - our own names


# At COMMIT: the caller cannot know what became of it, and says the same again


@pytest.mark.parametrize("cut", ["before", "after", "the backend dies"])
def test_a_write_cut_off_at_its_commit_and_sent_again_is_there_once(
    cut: str, postgres: Server, tmp_path: Path
) -> None:
    url = postgres.new_database()
    root = make_repository(tmp_path / "policies", url)
    folder = Path(tempfile.mkdtemp(prefix="cut", dir="/tmp"))
    line = CuttingLine(folder, postgres.folder)
    settings = (root / "policyctl.toml").read_text("utf-8").replace(str(postgres.folder), str(folder))
    (root / "policyctl.toml").write_text(settings, "utf-8")
    try:
        with serving(root) as running, running.client(new_key(root, customer="acme")) as caller:
            for path, (body, table) in WRITES.items():
                before = count(url, table)
                if cut == "the backend dies":
                    rows(url, DIES_AT_COMMIT, write=True)
                else:
                    line.cut = cut
                problem(caller.post(path, body, once=path), 503, "unavailable")
                there = count(url, table) - before
                assert there == (1 if cut == "after" else 0), path
                if cut == "the backend dies":
                    rows(url, "DROP TRIGGER dies ON receipt; DROP FUNCTION dies()", write=True)
                else:
                    assert line.cut is None, "no COMMIT passed"
                for _ in range(2):
                    again = caller.post(path, body, once=path)
                    assert (again.status_code, again.json()) == (201, {"added": 1, "repeated": 0}), path
                assert count(url, table) - before == 1, path
    finally:
        line.close()
        shutil.rmtree(folder)


# Under load


class Load:
    """Some callers that write and ask without a pause, until told to stop."""

    def __init__(self, running: Running, token: str) -> None:
        self.running, self.token = running, token
        self.stored: list[str] = []
        self.strange: list[str] = []
        self.asked: list[tuple[float, int, str]] = []
        self.refused = threading.Event()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(4)]
        self._threads += [threading.Thread(target=self._ask)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _note(self, found: httpx.Response, fine: int) -> None:
        if found.status_code == 503:
            self.refused.set()
        elif found.status_code != fine:
            self.strange.append(found.text)

    def _write(self, worker: int) -> None:
        number = 0
        with self.running.client(self.token) as caller:
            while not self._stop.is_set():
                number += 1
                record = f"w{worker}-{number}"
                found = caller.post("/v1/tags", {**TAG, "record": record}, once=record)
                self._note(found, 201)
                if found.status_code == 201:
                    self.stored.append(record)

    def _ask(self) -> None:
        with self.running.client(self.token) as caller:
            while not self._stop.is_set():
                begun = time.monotonic()
                found = caller.post("/v1/decisions", QUESTION)
                self._note(found, 200)
                self.asked.append((begun, found.status_code, found.text))


def test_a_server_that_restarts_under_load_loses_nothing_that_was_acknowledged(
    own_server: Server, tmp_path: Path
) -> None:
    url = own_server.new_database()
    root = make_repository(tmp_path / "policies", url)
    token = new_key(root, customer="acme")
    with serving(root) as running, running.client(token) as caller:
        assert caller.post("/v1/tags", TAG).status_code == 201
        load = Load(running, token)
        try:
            while len(load.stored) < 20:
                time.sleep(0.01)
            own_server.stop()  # -m immediate: as if it were killed
            gone = time.monotonic()
            assert load.refused.wait(30)
            problem(caller.get("/readyz"), 503, "unavailable")
            problem(caller.post("/v1/decisions", QUESTION), 503, "unavailable")
            back = time.monotonic()
            own_server.restart()
            until = time.monotonic() + HEALED_WITHIN
            while caller.get("/readyz").status_code != 200:
                assert time.monotonic() < until
            assert caller.answer("u2", SERVICE) == "permitted"
            before = len(load.stored)
            while len(load.stored) < before + 10:
                assert time.monotonic() < until + 30
                time.sleep(0.01)
        finally:
            load.stop()
        assert load.strange == []
        while_gone = [(status, text) for begun, status, text in load.asked if gone < begun < back]
        assert all(status == 503 and "permitted" not in text for status, text in while_gone)
        found = rows(url, "SELECT name FROM record_name")
        assert set(load.stored) <= {name for (name,) in found}
