# SPDX-License-Identifier: Apache-2.0
"""Publishes on a disk with little room, again and again with a little more; then with room.

    python small_disk.py MODEL MOUNT      (in a mount namespace of its own, MOUNT a small file system)

prints a line for each: room in bytes, exit code, what was said, exit code with room, whether all held.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from tests.actions.instance import DAYS
from tests.actions.publisher import act
from tests.actions.test_publish_killed import LATER, assert_published_once, outbox
from tests.actions.test_publish_struck import assert_it_holds, is_published, pages
from tests.repos import Repo

ROOMS = (0, 65_536, 131_072, 262_144, 524_288)


def fill(disk: Path, room: int) -> Path:
    """Leave so many bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    os.truncate(filler, max(0, filler.stat().st_size - room))
    return filler


def in_a_fork(moment: str, root: Path, said: Path) -> int:
    """The exit code of publishing in a process of its own, and what it said in a file."""
    child = os.fork()
    if not child:
        code = 98
        try:
            out = os.open(said, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            code = act("publish", root, DAYS[2] if moment == "first" else LATER)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def attempt(model: Path, disk: Path, room: int, said: Path) -> str:
    """One of them, as a line."""
    root = disk / "repo"
    shutil.copytree(model, root)
    before = pages(Repo(root))
    filler = fill(disk, room)
    code = in_a_fork("first", root, said)
    told = said.read_text("utf-8").strip()
    there = pages(Repo(root))
    assert there == before or "example/v2/index.html" in there, "the old site or the new one"
    filler.unlink()
    assert is_published(Repo(root)) or outbox(Repo(root)) == []
    again = in_a_fork("again", root, said)
    assert_published_once(Repo(root))
    assert_it_holds(Repo(root))
    shutil.rmtree(root)
    return f"{room}\t{code}\t{' '.join(told.split())}\t{again}\tholds"


if __name__ == "__main__":
    for room in ROOMS:
        print(attempt(Path(sys.argv[1]), Path(sys.argv[2]), room, Path("/tmp") / f"said-{os.getpid()}"))  # noqa: T201, S108
