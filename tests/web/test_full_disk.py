# SPDX-License-Identifier: Apache-2.0
"""The service when the disk below its ledger takes nothing in: full, or failing to write."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.adapters.ledger_samples import KEY
from tests.cli.run import CLEAN
from tests.web.service import (
    CHANGE,
    EMAIL,
    SERVICE,
    Caller,
    Running,
    make_repository,
    new_key,
    problem,
    serving,
)

TAG = {"subject": "u2", "category": EMAIL, "collected_at": "2026-02-01T00:00:00Z"}
QUESTION = {"subject": "u2", "category": EMAIL, "purpose": SERVICE}
MANY = 200  # tags in one request: more than fits into what is left


def tags(first: int, count: int) -> dict[str, object]:
    return {"tags": [{**TAG, "record": f"r{n}-{'x' * 150}"} for n in range(first, first + count)]}


def recorded(caller: Caller) -> int:
    return len(caller.post("/v1/decisions", QUESTION).json()["tags"])


def assert_it_refuses_and_then_recovers(caller: Caller, fail: object, mend: object) -> None:
    assert callable(fail)
    assert callable(mend)
    assert caller.post("/v1/tags", tags(0, 1)).status_code == 201
    fail()
    body = tags(1_000, MANY)
    for _ in range(2):
        found = caller.post("/v1/tags", body, once="k-1")
        problem(found, 503, "unavailable")
        assert found.headers["retry-after"]
    consent = {"subject": "u2", "change": CHANGE, "answer": "consent"}
    choice = caller.post("/v1/choices", consent, once="k-2")
    assert choice.status_code in {201, 503}  # where one small row still fits
    assert caller.answer("u2", SERVICE) == "permitted", "what is there can be asked about"
    assert recorded(caller) == 1, "nothing is half written"
    mend()
    assert caller.get("/readyz").status_code == 200
    for _ in range(2):
        assert caller.post("/v1/tags", body, once="k-1").json() == {"added": MANY, "repeated": 0}
        assert caller.post("/v1/choices", consent, once="k-2").json() == {"added": 1, "repeated": 0}
    assert recorded(caller) == 1 + MANY


@pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="the limit of a running process is set on Linux only"
)
def test_a_write_that_fails_is_503_and_enters_whole_once_the_disk_takes_it(tmp_path: Path) -> None:
    """The kernel lets the service's files grow no further: a write fails with EFBIG, an I/O error."""
    root = make_repository(tmp_path / "policies")
    with serving(root) as running, running.client(new_key(root, customer="acme")) as caller:
        pid = running.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)

        def fail() -> None:
            size = (root / "ledger.db-wal").stat().st_size
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 20_000, before[1]))

        def mend() -> None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

        assert_it_refuses_and_then_recovers(caller, fail, mend)


def test_the_command_line_tells_of_it_and_the_same_file_enters_later(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies")
    rows = "".join(f"u2,{EMAIL},r{n}-{'x' * 150},2026-02-01\n" for n in range(MANY))
    (root / "tags.csv").write_text(f"subject,category,record,collected_at\n{rows}", "utf-8")
    command = [sys.executable, "-m", "policyctl", "tags", "import", "tags.csv", "--customer", "acme"]
    environment = {**CLEAN, "POLICYCTL_PSEUDONYM_KEY": KEY.hex()}
    limit = ["sh", "-c", 'ulimit -f 60; exec "$0" "$@"']  # of 512 bytes
    failed = subprocess.run(
        [*limit, *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert failed.returncode == 4
    assert "nothing was written" in failed.stderr
    assert "Traceback" not in failed.stderr
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert str(MANY) in done.stdout


def test_a_full_disk_is_503_and_what_was_asked_enters_whole_once_there_is_room(tmp_path: Path) -> None:
    """On a small file system in memory, which the service alone sees; it is filled up from outside."""
    root = make_repository(tmp_path / "policies")
    token = new_key(root, customer="acme")
    with serving_on_small_disk(root, tmp_path / "disk") as (running, disk), running.client(token) as caller:
        filler = disk / "filler"

        def fail() -> None:
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(b"x" * 65536):
                    pass

        assert_it_refuses_and_then_recovers(caller, fail, filler.unlink)


@contextmanager
def serving_on_small_disk(root: Path, mount: Path) -> Iterator[tuple[Running, Path]]:
    """The service with its ledger on 4 MB of memory, and the disk as it is reached from outside."""
    mount.mkdir()
    (root / "policyctl.toml").write_text(f'[ledger]\nurl = "sqlite:///{mount}/ledger.db"\n', "utf-8")
    enter = f"mount -t tmpfs -o size=4m tmpfs {mount} && cp {root}/ledger.db* {mount}/ && exec"
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*alone, f"{enter} true"], check=False).returncode:
        pytest.skip("a file system of one's own cannot be mounted here")
    shutil.rmtree(mount)
    mount.mkdir()
    running = Running(root, before=[*alone, f'{enter} "$0" "$@"'])
    try:
        yield running, Path(f"/proc/{running.process.pid}/root{mount}")
    finally:
        running.process.kill()
        running.process.wait()
