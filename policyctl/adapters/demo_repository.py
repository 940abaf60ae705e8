# SPDX-License-Identifier: Apache-2.0
"""A git repository of our own making, for the demo: nothing of the user's configuration enters it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from git import Repo
from git.exc import GitError

from policyctl.errors import CannotCompareError, RefusedError

_SETTINGS = {
    "user.name": "Example Legal",
    "user.email": "legal@fax.example.com",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "core.hooksPath": "/dev/null",
    "core.autocrlf": "false",
}


class DemoRepository:
    """A repository in a folder that was empty or not there. ``named`` is how the user named it."""

    def __init__(self, named: Path) -> None:
        self.named = named
        self.root = named.absolute()
        self._repo = Repo(str(self.root))

    @classmethod
    def make(cls, root: Path) -> DemoRepository:
        """``git init``; ``RefusedError`` when the folder holds anything."""
        try:
            root.mkdir(parents=True, exist_ok=True)
            if any(root.iterdir()):
                hint = "name a folder that is empty or not there yet: policyctl demo my-demo"
                raise RefusedError(f"{root} is not empty", hint=hint)
            # "Unsafe" because a template can bring hooks: ours is empty, which keeps the user's out.
            repo = Repo.init(str(root), template="", initial_branch="main", allow_unsafe_options=True)
        except OSError as error:
            raise RefusedError(f"{root}: {error.strerror}", hint="name another folder") from error
        except GitError as error:
            raise CannotCompareError(
                "git cannot make a repository", hint="install git 2.36 or newer"
            ) from error
        for key, value in _SETTINGS.items():
            repo.git.config("--local", key, value)
        repo.close()
        return cls(root)

    def commit(self, files: Mapping[str, str], message: str, *, at: datetime) -> str:
        """Write the files, commit them as of ``at`` (aware UTC), give the commit's id."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="\n")
        stamp = f"{int(at.timestamp())} +0000"
        self._repo.git.add("--", *files)
        when = {"GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
        self._repo.git.commit("--quiet", "--message", message, env=when)
        return str(self._repo.git.rev_parse("--verify", "HEAD"))

    def close(self) -> None:
        """End the git processes that wait for questions."""
        self._repo.close()
