# SPDX-License-Identifier: Apache-2.0
"""The states a file went through, along the main line of a history, its renames followed.

1. The main line is the chain of first parents: a merged branch is one step, the merge. Commits of
   side branches would be put in order by their dates, and compared with what they do not follow.
2. One ``git log --raw`` names all blobs of one path. Where a file appears, the commit is asked once
   whether it was renamed; then the old name is followed from the parent on. (``--follow --reverse``
   of git loses history.)
3. Only names and ids are read here: no text conversion, no filter, no signature program runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from policyctl.adapters.repository.run import GitRunner

_PLAIN = frozenset({b"100644", b"100755"})
_LOG = (
    "log", "--first-parent", "--diff-merges=first-parent", "--no-follow", "--raw", "-z", "--no-abbrev",
    "--no-renames", "--no-show-signature", "--no-notes", "--no-color", "--no-ext-diff", "--no-textconv",
    "--format=%H %ct",
)  # fmt: skip
_ROW = re.compile(
    rb"(?P<commit>[0-9a-f]{40}) (?P<seconds>\d+)\0"
    rb"\n:\d+ (?P<mode>\d+) [0-9a-f]+ (?P<blob>[0-9a-f]+) (?P<status>[A-Z])\d*\0[^\0]*\0"
)
_RENAME = re.compile(rb":\d+ \d+ [0-9a-f]+ [0-9a-f]+ R\d+\0(?P<old>[^\0]*)\0(?P<new>[^\0]*)\0")


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as a commit left it: when the commit was made (aware UTC), the path it had then, and
    the id of its blob.
    """

    commit: str
    at: datetime
    path: str
    blob: str


def walk(runner: GitRunner, commit: str, path: str) -> tuple[FileState, ...]:
    """The states of the file at ``path`` up to ``commit`` (a full id), oldest first. Where it was
    absent for a while, there is no state.
    """
    states: list[FileState] = []
    step: tuple[str, str] | None = (commit, path)
    while step is not None:
        step = _along(runner, *step, states)
    return tuple(reversed(states))


def _along(runner: GitRunner, commit: str, path: str, states: list[FileState]) -> tuple[str, str] | None:
    """Add the states under one name, newest first; where the file came from another name, that
    commit and name.
    """
    for row in _rows(runner, commit, path):
        if row["mode"] in _PLAIN:
            at = datetime.fromtimestamp(int(row["seconds"]), UTC)
            states.append(FileState(row["commit"].decode(), at, path, row["blob"].decode()))
        if row["status"] == b"A" and (source := _renamed(runner, row["commit"].decode(), path)):
            return source
    return None


def _rows(runner: GitRunner, commit: str, path: str) -> Iterator[re.Match[bytes]]:
    return _ROW.finditer(runner.call(*_LOG, commit, "--", path).out)


def _renamed(runner: GitRunner, commit: str, path: str) -> tuple[str, str] | None:
    """The parent, and the name the file had there; None when it is new or the commit is the first."""
    parent = runner.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^1")
    if parent.status:
        return None
    words = ("-r", "-M", "--raw", "-z", "--no-abbrev", "--no-commit-id", "--diff-filter=R", "--no-ext-diff")
    out = runner.call("diff-tree", *words, parent.text, commit).out
    wanted = path.encode("utf-8", "surrogateescape")
    for found in _RENAME.finditer(out):
        if found["new"] == wanted:
            return parent.text, found["old"].decode("utf-8", "surrogateescape")
    return None
