# SPDX-License-Identifier: Apache-2.0
"""Reading a real history by our adapter, and comparing every revision of it, against plain git.

    python bench/history_speed.py [COMMITS]      COMMITS: how many of the last (default 1000; 0: all)

reading   names and texts of all revisions by the adapter (GitPython, every id checked again) / one
          ``git log --raw -z`` and one ``git cat-file --batch``
whole     the same and every revision compared, with the redline of every clause that changed, in one
          process / ``git log -p --word-diff``, in seconds of computing, as both are one process
clauses   the same without redlines, which is what ``policyctl log`` asks for
memory    the most that process held at once
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

from figures import figure, milliseconds
from histories import bundles

from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.run import GitRunner
from policyctl.core.diff.compare import compare
from policyctl.core.policy import Document
from policyctl.core.revision import Kind, Revision
from policyctl.core.text.parse import parse

LOG = ("log", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=M", "--reverse", "--format=")
ROW = re.compile(rb":\d+ \d+ ([0-9a-f]{40}) ([0-9a-f]{40}) M\0([^\0]*)\0")
NAME = "pga-versions"
MEGABYTE = 1 << 20


def clone(bundle: Path) -> Path:
    """A clone with nothing checked out; kept between runs."""
    target = Path(tempfile.gettempdir()) / "policyctl-histories" / bundle.stem
    if not target.exists():
        subprocess.run(["git", "clone", "-q", "--no-checkout", str(bundle), str(target)], check=True)
    return target


def span(count: int) -> str:
    return f"HEAD~{count}..HEAD" if count else "HEAD"


def rows(out: bytes) -> list[tuple[str, str, str]]:
    """Old blob, new blob and path of every revision."""
    return [(a.decode(), b.decode(), path.decode("utf-8")) for a, b, path in ROW.findall(out)]


def blobs(found: list[tuple[str, str, str]]) -> list[str]:
    return list(dict.fromkeys(blob for old, new, _ in found for blob in (old, new)))


def read_plainly(repo: Path, count: int) -> None:
    """What no reader can do without: the names, and the bytes, by two processes."""
    git = ["git", "-C", str(repo)]
    out = subprocess.run([*git, *LOG, span(count)], check=True, capture_output=True).stdout
    with tempfile.TemporaryFile() as names:
        names.write("".join(f"{blob}\n" for blob in blobs(rows(out))).encode())
        names.seek(0)
        with subprocess.Popen([*git, "cat-file", "--batch"], stdin=names, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            while process.stdout.read(MEGABYTE):
                pass


def read_by_adapter(repo: Path, count: int) -> None:
    history = History(GitRunner(repo))
    for blob in blobs(rows(history.runner.call(*LOG, span(count)).out)):
        history.blob(blob)
    history.close()


def revisions(history: History, count: int) -> Iterator[tuple[Document, Document]]:
    """Every revision; texts that were parsed a short while ago are not parsed again."""

    @lru_cache(maxsize=256)
    def document(blob: str) -> Document:
        return parse(history.blob(blob).decode("utf-8"))

    seen: set[tuple[str, str]] = set()
    for old, new, _ in rows(history.runner.call(*LOG, span(count)).out):
        if (old, new) not in seen:  # a history goes back and forth between few texts
            seen.add((old, new))
            yield document(old), document(new)


def compare_all(repo: Path, count: int, *, redlines: bool = True) -> None:
    gc.set_threshold(200_000)  # as the command line does
    history = History(GitRunner(repo))
    for old, new in revisions(history, count):
        revision = compare(old, new)
        if redlines:
            make_redlines(revision)
    history.close()


def make_redlines(revision: Revision) -> None:
    """Redlines are made when first asked for: ask for those of all clauses that changed."""
    for change in revision.clauses:
        if change.kinds != {Kind.UNCHANGED}:
            len(change.blocks)


def process(words: list[str]) -> tuple[float, float]:
    """Seconds of computing and megabytes of a process that is alone with its work."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    _, status, used = os.wait4(os.posix_spawnp(words[0], words, os.environ, file_actions=quiet), 0)
    assert status == 0, words
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> int:
    if sys.argv[1:2] in (["--compare"], ["--clauses"]):
        compare_all(Path(sys.argv[2]), int(sys.argv[3]), redlines=sys.argv[1] == "--compare")
        return 0
    found = [bundle for bundle in bundles() if bundle.stem == NAME]
    if not found:
        return 0
    repo, count = clone(found[0]), int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    read_by_adapter(repo, 10)  # imports are not measured here
    turns = [
        [milliseconds(partial(read, repo, 0)) for read in (read_plainly, read_by_adapter)] for _ in range(3)
    ]
    plain, ours = (min(turn[side] for turn in turns) for side in (0, 1))
    figure(
        "reading all commits", ours / plain, 1.5, note=f"{ours / 1000:.2f} s, plain git {plain / 1000:.2f} s"
    )
    theirs, _ = process(["git", "-C", str(repo), "log", "-p", "--word-diff", "--no-renames", span(count)])
    spent, peak = process([sys.executable, __file__, "--compare", str(repo), str(count)])
    note = f"{spent:.1f} s, git {theirs:.1f} s, {count or 'all'} commits"
    figure("whole history", spent / theirs, 6.0, note=note)
    only, _ = process([sys.executable, __file__, "--clauses", str(repo), str(count)])
    figure("whole history, clauses only", only / theirs, 6.0, note=f"{only:.1f} s")
    figure("memory", peak, 300, "MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
