# SPDX-License-Identifier: Apache-2.0
"""How long the command line takes to start, as a ratio to the floor: a process that imports typer alone.

The commands take turns, so that a slow moment of the machine falls on all of them; medians of 15 rounds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
BAR = 3.0
HERE = Path(sys.executable).parent
FLOOR = [sys.executable, "-c", "import typer"]
MEASURED = {
    "policyctl --version": [str(HERE / "policyctl"), "--version"],
    "policyctl --help": [str(HERE / "policyctl"), "--help"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one process, its output thrown away."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> int:
    """Print each ratio; exit code 1 when one is over the bar."""
    commands = {"floor": FLOOR, **MEASURED}
    for command in commands.values():
        seconds(command)
    rounds = [{name: seconds(command) for name, command in commands.items()} for _ in range(ROUNDS)]
    floor = statistics.median(each["floor"] for each in rounds)
    print(f"python -c 'import typer': {floor * 1000:.0f} ms, the floor")
    slow = False
    for name in MEASURED:
        ratio = statistics.median(each[name] / each["floor"] for each in rounds)
        slow |= ratio > BAR
        print(f"{name}: {ratio:.2f} x the floor (bar {BAR:g})")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
