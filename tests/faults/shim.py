# SPDX-License-Identifier: Apache-2.0
"""A ``git`` that stands before the real one on PATH: it notes what each call of git writes, or dies at one of
these writes and takes the program that called it along, as when the machine kills them both.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.peers.strace import WRITES

_SCRIPT = """#!/bin/sh
n=$(($(cat "{folder}/count") + 1))
echo $n > "{folder}/count"
if [ -e "{folder}/note" ]; then
    exec strace -qq -y -o "{folder}/calls.$n" -e trace={writes} {git} "$@"
fi
read -r at call nth whom < "{folder}/order"
if [ $n = "$at" ]; then
    strace -qq -o /dev/null -e trace=$call -e inject=$call:signal=SIGKILL:when=$nth {git} "$@"
    code=$?
    [ "$whom" = both ] && kill -9 $PPID
    exit $code
fi
exec {git} "$@"
"""


@dataclass(frozen=True, order=True)
class Write:
    """The ``nth`` call of a name in the ``git``-th run of git."""

    git: int
    call: str
    nth: int


class GitShim:
    """The folder to put first on PATH."""

    def __init__(self, folder: Path) -> None:
        self.path, self._folder = folder / "bin", folder
        self.path.mkdir(parents=True)
        real = shutil.which("git")
        script = self.path / "git"
        script.write_text(_SCRIPT.format(folder=folder, git=real, writes=",".join(WRITES)), "utf-8")
        script.chmod(0o755)
        self._begin("0 none 0 git")

    def _begin(self, order: str) -> None:
        (self._folder / "count").write_text("0\n", "utf-8")
        (self._folder / "order").write_text(f"{order}\n", "utf-8")

    def note(self) -> None:
        """Note what comes."""
        self._begin("0 none 0 git")
        (self._folder / "note").touch()

    def noted(self, below: Path) -> list[Write]:
        """What was written to files below a folder since :meth:`note`; no longer noting."""
        (self._folder / "note").unlink()
        found = []
        for file in sorted(self._folder.glob("calls.*"), key=lambda each: int(each.suffix[1:])):
            seen: Counter[str] = Counter()
            for line in file.read_text("utf-8", "replace").splitlines():
                if match := re.match(r"([a-z0-9]+)\(", line):
                    seen[match[1]] += 1
                    if str(below) in line:
                        found.append(Write(int(file.suffix[1:]), match[1], seen[match[1]]))
            file.unlink()
        return found

    def kill_at(self, write: Write, *, both: bool) -> None:
        """Have git die there; ``both``: and who called it."""
        self._begin(f"{write.git} {write.call} {write.nth} {'both' if both else 'git'}")

    def leave_alone(self) -> None:
        """Nothing more happens."""
        self._begin("0 none 0 git")
