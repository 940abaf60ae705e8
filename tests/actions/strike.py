# SPDX-License-Identifier: Apache-2.0
"""A process that imports everything once and then forks for each line it is given (tests/peers/strace.py).

    verb <tab> root <tab> moment <tab> file for what is said

prints the fork's process id; then `go` lets it act and prints its exit code, `leave` ends it.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

from tests.actions.publisher import act


def wait_and_act(gate: int, line: str) -> None:
    """What a fork does."""
    verb, root, now, said = line.split("\t")
    out = os.open(said, os.O_CREAT | os.O_WRONLY, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    if os.read(gate, 2) != b"go":
        os._exit(99)
    code = 98
    try:
        code = act(verb, Path(root), datetime.fromisoformat(now))
    finally:
        os._exit(code)


def serve() -> None:
    """Until the lines end."""
    while line := sys.stdin.readline().strip():
        theirs, ours = os.pipe()
        child = os.fork()
        if not child:
            wait_and_act(theirs, line)
        print(child, flush=True)  # noqa: T201
        os.write(ours, sys.stdin.readline().strip().ljust(2)[:2].encode())
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201
        os.close(theirs)
        os.close(ours)


if __name__ == "__main__":
    serve()
