# SPDX-License-Identifier: Apache-2.0
"""How long the command line takes, as a ratio to a floor: a process that only imports what it must.

The commands take turns, so that a slow moment of the machine falls on all of them; medians of 15 rounds.
The exit code tells of the start alone. What ``diff`` can reach: a Typer command with two arguments that
does nothing takes twice its floor, since Typer loads pydantic to read arguments.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from figures import figure, milliseconds

ROUNDS = 15
START = ("policyctl --version", "policyctl --help")
HERE = Path(sys.executable).parent
SAMPLE = Path(__file__).resolve().parents[1] / "policies"
ENV = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}  # as installed
FLOORS = {"typer": "import typer", "typer and markdown_it": "import typer, markdown_it"}


def measured(folder: Path) -> dict[str, tuple[list[str], str, float]]:
    """By name: the command, the floor it is held against, the bar."""
    text = next(iter(sorted(SAMPLE.glob("*/policy.md")))).read_text("utf-8").split("\n---\n", 1)[1]
    old, new = folder / "old.md", folder / "new.md"
    old.write_text(text, "utf-8")
    new.write_text(text.replace(" we ", " we may ", 3), "utf-8")
    program = str(HERE / "policyctl")
    return {
        "policyctl --version": ([program, "--version"], "typer", 3.0),
        "policyctl --help": ([program, "--help"], "typer", 3.0),
        "policyctl diff OLD NEW": ([program, "diff", str(old), str(new)], "typer and markdown_it", 1.5),
    }


def wall(command: list[str]) -> float:
    """Milliseconds of one process, its output thrown away."""
    return milliseconds(lambda: subprocess.run(command, env=ENV, stdout=subprocess.DEVNULL, check=True))


def main() -> int:
    """Print each ratio; exit code 1 when the start is over its bar."""
    with tempfile.TemporaryDirectory() as folder:
        asked = measured(Path(folder))
        commands = {floor: [sys.executable, "-c", code] for floor, code in FLOORS.items()}
        commands |= {name: command for name, (command, _, _) in asked.items()}
        rounds = [{name: wall(command) for name, command in commands.items()} for _ in range(ROUNDS + 1)][1:]
    for floor in FLOORS:
        middle = statistics.median(each[floor] for each in rounds)
        print(f"a process that imports {floor}: {middle:.0f} ms")
    fine = True
    for name, (_, floor, bar) in asked.items():
        ratio = statistics.median(each[name] / each[floor] for each in rounds)
        fine &= figure(name, ratio, bar) or name not in START
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
