# SPDX-License-Identifier: Apache-2.0
"""Publishing, while git is killed at any of its own writes: by itself, and together with who called it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from policyctl.errors import PolicyctlError
from tests.actions.examining import examine
from tests.actions.instance import DAYS, SLUG, Opened
from tests.actions.test_publish_killed import LATER, assert_published_once, make_scene, outbox
from tests.actions.test_publish_struck import EVERY, KILLED, assert_it_holds, copy, is_published, pages
from tests.faults.shim import GitShim, Write
from tests.peers.strace import Striker, missing
from tests.repos import ALONE, Repo

SOME = 3


@pytest.fixture(scope="module", autouse=True)
def _alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
            patch.setenv(name, ALONE[name])
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, _alone: None) -> Path:
    return make_scene(tmp_path_factory.mktemp("model") / "repo").root


@pytest.fixture
def shim(tmp_path: Path) -> GitShim:
    return GitShim(tmp_path / "shim")


@pytest.fixture
def striker(shim: GitShim, tmp_path: Path) -> Iterator[Striker]:
    """One that finds this git."""
    if shutil.which("strace") is None:
        missing("strace is not installed")
    made = Striker(tmp_path, shim.path)
    yield made
    made.close()


def left_over(repo: Repo) -> list[Path]:
    """The locks that doctor names, each with how to mend it."""
    found = [check for check in examine(repo.root, LATER) if check.name == "locks" and check.state != "ok"]
    assert all("remove it" in check.mend for check in found)
    return [repo.root / check.seen.removesuffix(" is there") for check in found]


def publish_again(repo: Repo) -> None:
    """As its user would: run it again, and where a lock is in the way do what doctor says."""
    try:
        with Opened(repo.root) as opened:
            opened.publish(LATER)
    except PolicyctlError as error:
        locks = left_over(repo)
        assert locks or "already published" in str(error), error  # noqa: PT017
        for lock in locks:
            lock.unlink()
        if locks:
            publish_again(repo)
            return
    assert_published_once(repo)
    assert_it_holds(repo)


def some(writes: list[Write]) -> list[Write]:
    step = (len(writes) - 1) / (SOME - 1)
    return writes if EVERY else [writes[round(number * step)] for number in range(SOME)]


def test_git_killed_at_any_write_and_published_again(
    model: Path, tmp_path: Path, striker: Striker, shim: GitShim
) -> None:
    whole = copy(model, tmp_path / "whole")
    shim.note()
    assert striker.act("publish", whole.root, DAYS[2].isoformat()).code == 0
    writes = shim.noted(whole.root)
    assert len(writes) > 4 * SOME
    kills = list(product(some(writes), (True, False)))
    print(f"git of one publish: {len(writes)} calls that write, {len(kills)} kills")  # noqa: T201
    before = pages(Repo(model))
    for number, (write, both) in enumerate(kills if EVERY else kills[::2] + kills[1:2]):
        repo = copy(model, tmp_path / f"kill-{number}")
        shim.kill_at(write, both=both)
        done = striker.act("publish", repo.root, DAYS[2].isoformat())
        shim.leave_alone()
        assert "Traceback" not in done.said
        if both:
            assert done.code == KILLED, (write, done)
        elif done.code:
            assert (done.code in {3, 4, 5}, "Published(" in done.said) == (True, False), (write, done)
        there = pages(repo)
        assert there == before or f"{SLUG}/v2/index.html" in there, "the old site or the new one"
        assert is_published(repo) or outbox(repo) == []
        assert is_published(repo) or done.code
        publish_again(repo)
