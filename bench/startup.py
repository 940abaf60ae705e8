# SPDX-License-Identifier: Apache-2.0
"""How long the command line takes to start, as a ratio to ``python -c "import typer"`` in the same run.

Runs alternate, so that a busy machine slows both alike; the medians are compared. Exit 1 when a
ratio is over the bar (issue 2, item 12).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15
BAR = 3.0
PEER = [sys.executable, "-c", "import typer"]
SUBJECTS = {
    "--version": [sys.executable, "-m", "policyctl", "--version"],
    "--help": [sys.executable, "-m", "policyctl", "--help"],
}


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> int:
    commands = {"import typer": PEER, **SUBJECTS}
    for command in commands.values():
        seconds(command)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(seconds(command))
    floor = statistics.median(times["import typer"])
    worst = 0.0
    for name, values in times.items():
        ratio = statistics.median(values) / floor
        worst = max(worst, ratio)
        print(f"{name:14} {statistics.median(values) * 1000:7.0f} ms   {ratio:4.2f}x")
    print(f"bar {BAR:.1f}x: {'held' if worst <= BAR else 'MISSED'}")
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
