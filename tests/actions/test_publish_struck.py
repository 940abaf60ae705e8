# SPDX-License-Identifier: Apache-2.0
"""Publishing and posting, killed at any of their writes, and on a disk that fails: old state or new state."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.evidence.verify import verify
from policyctl.errors import PolicyctlError
from tests.actions.instance import DAYS, SLUG, Opened
from tests.actions.test_publish_killed import LATER, assert_published_once, make_scene, outbox
from tests.peers.strace import WRITES, Striker, missing
from tests.repos import ALONE, Repo

TRACE = f"trace={','.join(WRITES)}"
IN_FORCE = DAYS[2] + timedelta(days=100)
KILLS = 9
EVERY = os.environ.get("POLICYCTL_SWEEP") == "all"
"""Kill at every call, not at some: a quarter of an hour (docs/explanation/faults.md)."""
KILLED = -9


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture(scope="module", autouse=True)
def _alone_too() -> object:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
            patch.setenv(name, ALONE[name])
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, _alone_too: object) -> Path:
    return make_scene(tmp_path_factory.mktemp("model") / "repo").root


@pytest.fixture
def repo(model: Path, tmp_path: Path) -> Repo:
    return copy(model, tmp_path / "repo")


def copy(model: Path, place: Path) -> Repo:
    shutil.copytree(model, place)
    return Repo(place)


def calls_of(lines: tuple[str, ...]) -> list[tuple[str, int]]:
    """Each call with its number among those of its name."""
    seen: Counter[str] = Counter()
    found = []
    for line in lines:
        if match := re.match(r"([a-z0-9]+)\(", line):
            seen[match[1]] += 1
            found.append((match[1], seen[match[1]]))
    return found


def some(calls: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The first, the last, and some in between; all of them when the environment says so."""
    if EVERY:
        return calls
    step = (len(calls) - 1) / (KILLS - 1)
    return [calls[round(number * step)] for number in range(KILLS)]


def assert_it_holds(repo: Repo) -> None:
    with Opened(repo.root) as opened:
        records = wiring.open_records(opened.settings)
        found = verify(
            history=opened.history, checker=opened.trust.checker, records=records, allow_unsigned=True
        )
    assert [flaw for flaw in found.flaws if flaw.broken] == []


def pages(repo: Repo) -> dict[str, bytes]:
    folder = repo.root / ".policyctl/site"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_published(repo: Repo) -> bool:
    return f"policy/{SLUG}/v2" in repo.git("tag").split()


def publish_again(repo: Repo) -> None:
    try:
        with Opened(repo.root) as opened:
            opened.publish(LATER)
    except PolicyctlError as error:
        assert "already published" in str(error)  # noqa: PT017 - all was done before the kill
    assert_published_once(repo)
    assert_it_holds(repo)


def test_published_is_said_when_objects_ref_ledger_and_pages_are_on_the_disk(
    repo: Repo, striker: Striker
) -> None:
    done = striker.strike("publish", repo.root, DAYS[2].isoformat(), "-f", "-e", TRACE)
    assert (done.code, "Published(" in done.said) == (0, True), done.said
    lines = [line.partition(" ")[2].strip() for line in done.calls]
    said = next(number for number, line in enumerate(lines) if "write(1<" in line and "Published(" in line)
    flushed = [line for line in lines[:said] if re.match(r"f(data)?sync\(", line)]
    for place in (
        r"\.git/objects/",
        rf"\.git/refs/tags/policy/{SLUG}/v2",
        r"\.git/refs/heads/main",
        r"ledger\.db-wal",
        r"\.site\.new/.*index\.html",
        r"\.policyctl>",
    ):
        assert any(re.search(place, line) for line in flushed), place
    ref = next(number for number, line in enumerate(lines) if re.search(rf"sync\(.*/{SLUG}/v2", line))
    outbox_rows = [
        number for number, line in enumerate(lines) if line.startswith("fdatasync(") and "ledger.db" in line
    ]
    assert max(outbox_rows) > ref, "nobody is planned to be told before the ref is on the disk"


def test_killed_at_any_write_and_published_again(model: Path, tmp_path: Path, striker: Striker) -> None:
    whole = copy(model, tmp_path / "whole")
    calls = calls_of(striker.strike("publish", whole.root, DAYS[2].isoformat(), "-e", TRACE).calls)
    assert len(calls) > 4 * KILLS
    print(f"publish: {len(calls)} calls that write, {len(some(calls))} kills")  # noqa: T201
    before = pages(Repo(model))
    for number, (name, nth) in enumerate(some(calls)):
        repo = copy(model, tmp_path / f"kill-{number}")
        inject = f"inject={name}:signal=SIGKILL:when={nth}"
        done = striker.strike("publish", repo.root, DAYS[2].isoformat(), "-e", f"trace={name}", "-e", inject)
        assert done.code == KILLED, (name, nth, done.said)
        there = pages(repo)
        assert there == before or f"{SLUG}/v2/index.html" in there, "the old site or the new one"
        assert is_published(repo) or outbox(repo) == []
        publish_again(repo)


def test_posting_killed_at_any_write_leaves_the_old_pages_or_the_new(
    model: Path, tmp_path: Path, striker: Striker
) -> None:
    """On the day the second version takes effect, the pages change and nothing else does."""
    published = copy(model, tmp_path / "published")
    with Opened(published.root) as opened:
        opened.publish(DAYS[2])
    old = pages(published)
    whole = copy(published.root, tmp_path / "whole")
    calls = calls_of(striker.strike("sync", whole.root, IN_FORCE.isoformat(), "-e", TRACE).calls)
    new = pages(whole)
    assert old != new
    print(f"site build: {len(calls)} calls that write, {len(some(calls))} kills")  # noqa: T201
    for number, (name, nth) in enumerate(some(calls)):
        repo = copy(published.root, tmp_path / f"kill-{number}")
        inject = f"inject={name}:signal=SIGKILL:when={nth}"
        done = striker.strike("sync", repo.root, IN_FORCE.isoformat(), "-e", f"trace={name}", "-e", inject)
        assert done.code == KILLED, (name, nth, done.said)
        assert pages(repo) in (old, new), (name, nth)
        with Opened(repo.root) as opened:
            opened.sync(IN_FORCE)
        assert pages(repo) == new
        assert sorted(path.name for path in (repo.root / ".policyctl").glob(".site.*")) in (
            [],
            [".site.lock"],
        )


FALLIBLE = {"pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat2", "link", "linkat", "mkdir"}


def test_any_one_call_that_fails_is_told_or_made_good_and_it_is_done_later(
    model: Path, tmp_path: Path, striker: Striker
) -> None:
    """By a disk that fails once: what is called published is whole."""
    whole = copy(model, tmp_path / "whole")
    calls = calls_of(striker.strike("publish", whole.root, DAYS[2].isoformat(), "-e", TRACE).calls)
    calls = [call for call in calls if call[0] in FALLIBLE]
    if not EVERY:
        calls = [calls[len(calls) // 3], calls[-2]]
    print(f"publish: {len(calls)} calls that fail")  # noqa: T201
    before = pages(Repo(model))
    for number, (name, nth) in enumerate(calls):
        repo = copy(model, tmp_path / f"fail-{number}")
        inject = f"inject={name}:error=EIO:when={nth}"
        done = striker.strike("publish", repo.root, DAYS[2].isoformat(), "-e", f"trace={name}", "-e", inject)
        assert (done.code == 0) == ("Published(" in done.said), (name, nth, done)
        assert done.code in {0, 3, 4, 5}, (name, nth, done)
        assert "Traceback" not in done.said
        there = pages(repo)
        assert there == before or f"{SLUG}/v2/index.html" in there, "the old site or the new one"
        assert is_published(repo) or outbox(repo) == []
        publish_again(repo)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("-e", "trace=fdatasync"), "fdatasync:error=EIO:when=1+"),
        (("-e", "trace=fdatasync"), "fdatasync:error=EIO:when=2+"),
        (("-e", "trace=pwrite64"), "pwrite64:error=ENOSPC:when=3+"),
        (("-e", "trace=pwrite64"), "pwrite64:error=EIO:when=20+"),
        (("-e", "trace=fsync"), "fsync:error=EIO:when=1+"),
        (("-f", "-e", "trace=fsync"), "fsync:error=EIO:when=1"),
        (("-f", "-e", "trace=rename,renameat,renameat2"), "rename,renameat,renameat2:error=ENOSPC:when=2+"),
        (("-e", "trace=mkdir,link,linkat"), "mkdir,link,linkat:error=ENOSPC:when=1+"),
    ],
)
def test_on_a_disk_that_fails_nothing_is_called_published_and_it_is_done_later(
    repo: Repo, striker: Striker, options: tuple[str, ...], fault: str
) -> None:
    before = pages(repo)
    done = striker.strike("publish", repo.root, DAYS[2].isoformat(), *options, "-e", f"inject={fault}")
    assert "Published(" not in done.said
    assert done.code in {3, 4, 5}, (done.code, done.said)
    assert "Traceback" not in done.said
    there = pages(repo)
    assert there == before or f"{SLUG}/v2/index.html" in there, "the old site or the new one"
    assert is_published(repo) or outbox(repo) == []
    publish_again(repo)


def test_on_a_disk_without_room_nothing_is_called_published_and_it_is_done_with_room(
    model: Path, tmp_path: Path
) -> None:
    """A small file system in memory, with a little more room each time: it gives out at another step."""
    disk, here = tmp_path / "disk", Path(__file__).resolve()
    disk.mkdir()
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=4m tmpfs {disk} && exec"
    if shutil.which("unshare") is None or subprocess.run([*alone, f"{mount} true"], check=False).returncode:
        missing("a file system of one's own cannot be mounted here")
    words = [sys.executable, str(here.with_name("small_disk.py")), str(model), str(disk)]
    done = subprocess.run(
        [*alone, f'{mount} "$0" "$@"', *words],
        env={**os.environ, "PYTHONPATH": str(here.parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[4] for row in rows] == ["holds"] * len(rows)
    assert (rows[0][1], rows[-1][1]) == ("4", "0")
    for room, code, said, again, _ in rows:
        assert ("Published(" in said) == (code == "0"), room
        assert code in {"0", "4"}, (room, said)
        assert "Traceback" not in said
        assert again == ("4" if code == "0" else "0"), room
    at = {part for part in ("ledger", "site", "repository") if any(part in row[2] for row in rows[:-1])}
    assert at == {"ledger", "site", "repository"}, "it gave out in each of them"
