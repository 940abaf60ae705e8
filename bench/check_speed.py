# SPDX-License-Identifier: Apache-2.0
"""What ``policyctl check`` costs, against floors of the same run.


1. ``check`` of a 26 KB policy against its base, as a whole process: at most 3 x (``git diff --word-diff`` of
   the same two blobs + the bare start of the command line).
2. Judging grows with what changed, not faster: time per changed sentence of a 200 KB policy, at 8 x the
   sentences over 1 x, stays below 2.
3. A 1 MB policy: at most 10 s and 500 MB. A file over the limit of 5 MB is refused with exit code 3 at once.

The policy is the sample's text, its sections repeated under other headings. Each line ends with ``ok`` or
``SHORT``; the exit code is 1 when a figure is over its bar by more than a quarter, as machines differ.
The processes may keep the bytecode of what they import, as an installed tool does.
"""

from __future__ import annotations

import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from policyctl import wiring
from policyctl.core.diff.compare import compare
from policyctl.core.judge.verdict import JudgeContext, judge
from policyctl.core.text.parse import parse

ROOT = Path(__file__).resolve().parents[1]
POLICYCTL = [str(Path(sys.executable).parent / "policyctl")]
SAMPLE = ROOT / "policyctl" / "sample" / "v3" / "policy.md"
ROUNDS = 15
TOLERANCE = 1.25
RATIO, SECONDS, MEGABYTES, GROWTH = 3.0, 10.0, 500.0, 2.0
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def policy_of(size: int) -> str:
    """The sample's sections, repeated under numbered headings until there are ``size`` characters."""
    body = SAMPLE.read_text("utf-8").split("---\n", 2)[2]
    sections = re.split(r"(?m)^(?=## )", re.sub(r" \{#[a-z-]+\}", "", body))[1:]
    made, number = "# Example Fax Privacy Policy\n\n", 0
    while len(made) < size:
        number += 1
        heading, _, rest = sections[number % len(sections)].partition("\n")
        made += f"{heading} {number}\n{rest}"
    return made[:size].rsplit("\n\n", 1)[0] + "\n"


def edited(text: str, every: int) -> str:
    """Every so-many-th sentence says something else."""
    dice = random.Random(5)  # noqa: S311 - a fixed sample
    swaps = [("We ", "We and our partners "), (" may ", " will "), (" not ", " "), (" year", " month")]
    sentences = re.split(r"(?<=\.) ", text)
    for number in range(every - 1, len(sentences), every):
        old, new = dice.choice(swaps)
        changed = sentences[number].replace(old, new)
        sentences[number] = changed if changed != sentences[number] else f"From now on {changed}"
    return " ".join(sentences)


def seconds(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        check=False,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    run = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
    return run.stdout.strip()


def repository(folder: Path, old: str, new: str) -> tuple[str, str]:
    """``policy.md`` in two commits; the ids of both blobs."""
    git(folder, "init", "--quiet", "--initial-branch", "main")
    ids = []
    for text in (old, new):
        (folder / "policy.md").write_text(text, "utf-8")
        git(folder, "add", "policy.md")
        git(folder, "commit", "--quiet", "--message", "policy")
        ids.append(git(folder, "rev-parse", "HEAD:policy.md"))
    return ids[0], ids[1]


def verdict(name: str, figure: float, bar: float, unit: str) -> bool:
    print(f"{name}: {figure:.2f}{unit} (bar {bar:g}{unit}) {'ok' if figure <= bar else 'SHORT'}")
    return figure <= bar * TOLERANCE


def whole_process(folder: Path) -> bool:
    old = policy_of(26_000)
    ids = repository(folder, old, edited(old, 40))
    commands = {
        "git diff --word-diff": ["git", "diff", "--word-diff", *ids],
        "policyctl --version": [*POLICYCTL, "--version"],
        "policyctl check": [*POLICYCTL, "check", "policy.md", "--against", "HEAD~1", "--fail-on", "never"],
    }
    for command in commands.values():
        seconds(command, folder)
    rounds = [{name: seconds(command, folder) for name, command in commands.items()} for _ in range(ROUNDS)]
    for name in commands:
        print(f"  {name}: {statistics.median(each[name] for each in rounds) * 1000:.0f} ms")
    ratios = [e["policyctl check"] / (e["git diff --word-diff"] + e["policyctl --version"]) for e in rounds]
    return verdict("check of 26 KB over git diff + bare start", statistics.median(ratios), RATIO, " x")


def clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def growth() -> bool:
    standards = wiring.standards()
    context = JudgeContext(None, None, {}, date(2027, 1, 4))
    old = policy_of(200_000)
    per_word: list[float] = []
    for every in (16, 8, 4, 2):
        revision = compare(parse(old), parse(edited(old, every)))
        spent = min(
            clock(lambda r=revision: judge(r, catalogue=standards.catalogue, context=context))
            for _ in range(3)
        )
        changed = len(re.split(r"(?<=\.) ", old)) // every
        per_word.append(spent / changed)
        print(f"  {changed:5} sentences changed: judged in {spent * 1000:6.0f} ms")
    return verdict("time per changed sentence, 8 x over 1 x", per_word[-1] / per_word[0], GROWTH, " x")


def large(folder: Path) -> bool:
    old = policy_of(1_000_000)
    repository(folder, old, edited(old, 40))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    command = [*POLICYCTL, "check", "policy.md", "--against", "HEAD~1", "--fail-on", "never"]
    spent = seconds(command, folder)
    peak = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
    good = verdict("check of 1 MB", spent, SECONDS, " s")
    return verdict("check of 1 MB, largest process", peak, MEGABYTES, " MB") and good


def too_large(folder: Path) -> bool:
    (folder / "policy.md").write_text(policy_of(5_100_000), "utf-8")
    command = [*POLICYCTL, "check", "policy.md", "--against", "HEAD"]
    start = time.perf_counter()
    run = subprocess.run(command, cwd=folder, check=False, env=ENVIRONMENT, capture_output=True, text=True)
    refused = run.returncode == 3 and "larger than 5,000,000 bytes" in " ".join(run.stdout.split())
    print(f"5.1 MB: exit {run.returncode} {'refused plainly, ok' if refused else 'SHORT'}")
    return verdict("5.1 MB, time to say so", time.perf_counter() - start, 2.0, " s") and refused


def main() -> int:
    with tempfile.TemporaryDirectory() as bytecode:
        ENVIRONMENT["PYTHONPYCACHEPREFIX"] = bytecode
        return all_of_it()


def all_of_it() -> int:
    good = []
    for measure in (whole_process, large, too_large):
        with tempfile.TemporaryDirectory() as folder:
            if measure is too_large:
                repository(Path(folder), "# A\n\nb\n", "# A\n\nc\n")
            good.append(measure(Path(folder)))
    good.append(growth())
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
