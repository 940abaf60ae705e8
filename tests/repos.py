# SPDX-License-Identifier: Apache-2.0
"""Real git repositories for tests, built from folders or dicts named v1, v2, v3."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ALONE = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": "2027-01-01T12:00:00Z",
    "GIT_COMMITTER_DATE": "2027-01-01T12:00:00Z",
}
"""Nothing of the machine's own configuration or clock enters a test's repository."""


@dataclass(frozen=True)
class Repo:
    """A repository that a test may do anything to."""

    root: Path

    def git(self, *words: str, stdin: str = "") -> str:
        run = subprocess.run(
            ["git", *words],
            cwd=self.root,
            env={**os.environ, **ALONE},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"git {' '.join(words)}: {run.stderr}"
        return run.stdout.strip()

    def write(self, path: str, content: str | bytes) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    def commit(self, message: str, files: Mapping[str, str | bytes] | None = None) -> str:
        """Write the files, commit everything, give the commit's id."""
        for path, content in (files or {}).items():
            self.write(path, content)
        self.git("add", "--all", "--force", "--", *(files or ["."]))
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


def make_repo(root: Path, *, identity: bool = True) -> Repo:
    """An empty repository with a branch main and, unless told otherwise, somebody who commits."""
    root.mkdir(parents=True, exist_ok=True)
    repo = Repo(root)
    repo.git("init", "--quiet", "--initial-branch", "main", "--template=")
    if identity:
        repo.git("config", "user.name", "Example Legal")
        repo.git("config", "user.email", "legal@example.com")
    return repo


def repo_of_versions(
    root: Path, versions: Path | Mapping[str, Mapping[str, str]], *, slug: str = "example"
) -> Repo:
    """One commit for each of v1, v2, v3 (folders of a folder, or dicts of file name to text), its
    files below ``policies/<slug>/``.
    """
    repo = make_repo(root)
    for name, files in _steps(versions).items():
        repo.commit(name, {f"policies/{slug}/{path}": text for path, text in files.items()})
    return repo


def _steps(versions: Path | Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(versions, Path):
        return versions
    return {
        folder.name: {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.is_file()}
        for folder in sorted(versions.glob("v[0-9]*"))
    }
