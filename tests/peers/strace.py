# SPDX-License-Identifier: Apache-2.0
"""A process whose calls to the system fail or kill it, by strace. Linux only.

One process imports everything once; each strike is a fork of it, which waits until strace holds it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

WRITES = (
    "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "renameat2", "link", "linkat", "mkdir",
    "unlink", "unlinkat", "rmdir",
)  # fmt: skip
"""What changes files, or sees to it that they stay."""


@dataclass(frozen=True)
class Struck:
    """How a strike ended: exit code (-9: killed), what it said, the calls that were seen."""

    code: int
    said: str
    calls: tuple[str, ...]


class Striker:
    """Forks that publish or sync a repository, under strace."""

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        """``path``: a folder whose programs are found before all others."""
        self._folder = folder
        first = f"{path}{os.pathsep}" if path else ""
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(
            [sys.executable, str(root / "tests/actions/strike.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root), "PATH": f"{first}{os.environ['PATH']}"},
        )

    def act(self, verb: str, root: Path, now: str) -> Struck:
        """Do it without strace."""
        said = self._folder / "said"
        said.unlink(missing_ok=True)
        self._ask(f"{verb}\t{root}\t{now}\t{said}")
        code = int(self._ask("go"))
        return Struck(code, said.read_text("utf-8"), ())

    def strike(self, verb: str, root: Path, now: str, *options: str) -> Struck:
        """Do it under strace with these options."""
        said, calls = self._folder / "said", self._folder / "calls"
        for file in (said, calls):
            file.unlink(missing_ok=True)
        pid = int(self._ask(f"{verb}\t{root}\t{now}\t{said}"))
        words = ["strace", "-qq", "-y", "-o", str(calls), "-p", str(pid), *options]
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
            held = self._held(pid, tracer)
            code = int(self._ask("go" if held else "leave"))
            tracer.wait(60)
            if not held:
                assert tracer.stderr
                missing(f"strace cannot take hold of a process here: {tracer.stderr.read()}")
        return Struck(code, said.read_text("utf-8"), tuple(calls.read_text("utf-8").splitlines()))

    def _ask(self, line: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    @staticmethod
    def _held(pid: int, tracer: subprocess.Popen[str]) -> bool:
        while tracer.poll() is None:
            if "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text("utf-8"):
                return True
            time.sleep(0.005)
        return False

    def close(self) -> None:
        """End the process that forks."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


def missing(why: str) -> None:
    """Skip, or fail where every peer must be there."""
    if os.environ.get("POLICYCTL_REQUIRE") == "all":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="module")
def striker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Striker]:
    """What strikes, one for the tests of a file."""
    if shutil.which("strace") is None:
        missing("strace is not installed")
    made = Striker(tmp_path_factory.mktemp("strikes"))
    yield made
    made.close()
