# SPDX-License-Identifier: Apache-2.0
"""Real histories for the benchmarks: every revision of a modified file, read by plain git.

The bundles are not part of this repository; they are looked for in ``../shared/histories`` or where
``POLICYCTL_HISTORIES`` points. Without them a benchmark says so and ends well.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACE = Path(os.environ.get("POLICYCTL_HISTORIES", ROOT.parent / "shared" / "histories"))


@dataclass(frozen=True, slots=True)
class Pair:
    """One revision of one file: where it stands, and the two blobs."""

    repo: Path
    path: str
    old: str
    new: str


def bundles() -> list[Path]:
    """The bundles that are there, in order of name."""
    found = sorted(PLACE.glob("*.bundle")) if PLACE.is_dir() else []
    if not found:
        print(f"no histories in {PLACE}: nothing measured")
    return found


def clones(folder: Path) -> list[Path]:
    """Bare clones of the bundles in ``folder``, made when missing."""
    made = []
    for bundle in bundles():
        target = folder / f"{bundle.stem}.git"
        if not target.exists():
            subprocess.run(["git", "clone", "-q", "--bare", str(bundle), str(target)], check=True)
        made.append(target)
    return made


def pairs(repo: Path) -> list[Pair]:
    """Every modified file of every commit, oldest first."""
    log = ["git", "-C", str(repo), "log", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=M",
           "--reverse", "--format="]  # fmt: skip
    fields = subprocess.run(log, check=True, capture_output=True).stdout.decode("utf-8").split("\0")
    found = []
    for head, path in zip(fields[::2], fields[1::2], strict=False):
        _, _, old, new, _ = head.strip("\n:").split(" ")
        found.append(Pair(repo, path, old, new))
    return found


def texts(repo: Path, blobs: list[str]) -> Iterator[tuple[str, str]]:
    """Each blob once, as text, in the order given."""
    wanted = list(dict.fromkeys(blobs))
    with tempfile.TemporaryFile() as names:
        names.write("".join(f"{blob}\n" for blob in wanted).encode())
        names.seek(0)
        with subprocess.Popen(
            ["git", "-C", str(repo), "cat-file", "--batch"], stdin=names, stdout=subprocess.PIPE
        ) as git:
            out = git.stdout
            assert out is not None
            for blob in wanted:
                size = int(out.readline().split()[2])
                yield blob, out.read(size).decode("utf-8")
                out.read(1)


def all_pairs(folder: Path | None = None) -> list[tuple[Pair, str, str]]:
    """Every revision of every history with its two texts."""
    place = folder or Path(tempfile.gettempdir()) / "policyctl-histories"
    place.mkdir(exist_ok=True)
    found = []
    for repo in clones(place):
        of_repo = pairs(repo)
        text = dict(texts(repo, [blob for pair in of_repo for blob in (pair.old, pair.new)]))
        found += [(pair, text[pair.old], text[pair.new]) for pair in of_repo]
    return found


def all_texts(folder: Path | None = None) -> Iterator[tuple[str, str]]:
    """Every distinct Markdown text of every history, with a name that says where it stood first."""
    place = folder or Path(tempfile.gettempdir()) / "policyctl-histories"
    place.mkdir(exist_ok=True)
    for repo in clones(place):
        log = ["git", "-C", str(repo), "log", "--raw", "-z", "--no-abbrev", "--no-renames", "--reverse",
               "--diff-filter=AM", "--format="]  # fmt: skip
        fields = subprocess.run(log, check=True, capture_output=True).stdout.decode("utf-8").split("\0")
        first: dict[str, str] = {}
        for head, path in zip(fields[::2], fields[1::2], strict=False):
            first.setdefault(head.strip("\n:").split(" ")[3], path)
        for blob, text in texts(repo, [blob for blob, path in first.items() if path.endswith(".md")]):
            yield f"{first[blob]} {blob[:10]}", text
