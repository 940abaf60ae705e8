# SPDX-License-Identifier: Apache-2.0
"""Running git so that nothing of the repository's own is run (docs/explanation/architecture.md).

A repository may be hostile: its ``.git/config``, ``.gitattributes`` and hooks can name programs. So

1. reads name objects by id: no diff, no filter, no text conversion, no work-tree scan;
2. every call turns hooks and the file-system monitor off, and knows no configuration of user or system;
3. no call may talk to a remote: a missing object of a partial clone is an error, not a fetch;
4. replacement objects, grafts and inherited ``GIT_*`` places are not honoured: an id means its bytes;
5. writes are flushed to disk before they are believed (``core.fsync=all``).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.errors import CannotCompareError

if TYPE_CHECKING:
    from git import Git, Repo

SECONDS = 120.0
"""The longest a plumbing call may take; git is killed then."""

_CHUNK = 1 << 20
_OPTIONS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.fsync=all",
    "core.splitIndex=false",
    "core.quotePath=false",
    "advice.detachedHead=false",
)
_FLAGS = ("--no-pager", *(word for option in _OPTIONS for word in ("-c", option)))
_OTHER_IDS = re.compile(r"^\s*objectformat\s*=\s*\"?sha256", re.MULTILINE | re.IGNORECASE)
_ALONE = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_CONFIG_COUNT": "0",
}
_CLOSED = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": "/dev/null",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "GIT_NAMESPACE": "",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_TRACE": "0",
    "GIT_TRACE2": "0",
    "GIT_EDITOR": "false",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call of git gave: exit status, standard output, the first line of standard error, and all of
    that.
    """

    status: int
    out: bytes
    error: str
    said: str = ""

    @property
    def text(self) -> str:
        """The output as one stripped line."""
        return self.out.decode("utf-8", "replace").strip()


class GitRunner:
    """One repository. ``root`` is the folder that holds ``.git``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._repo = _opened(root)
        self.git_dir = Path(self._repo.git_dir).absolute()
        self.common_dir = Path(self._repo.common_dir).absolute()
        _require_sha1(self.common_dir)
        self._reader = self._repo.git
        self._reader.update_environment(**self._environment())
        self._reader.set_persistent_git_options(c=list(_OPTIONS))

    def _environment(self) -> dict[str, str]:
        places = {
            "GIT_DIR": str(self.git_dir),
            "GIT_COMMON_DIR": str(self.common_dir),
            "GIT_WORK_TREE": str(self.root),
            "GIT_INDEX_FILE": str(self.git_dir / "index"),
            "GIT_OBJECT_DIRECTORY": str(self.common_dir / "objects"),
        }
        return {**_CLOSED, **places, **_ALONE}

    def ask(self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Reply:
        """Run git with nobody's configuration but the repository's own; never raises for its status."""
        return _run(self._reader, words, stdin, env)

    def call(self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Reply:
        """The same, and a failure is an error that says what git said."""
        reply = self.ask(*words, stdin=stdin, env=env)
        if reply.status:
            raise CannotCompareError(
                f"git {words[0]} failed: {reply.error}", hint="try `git fsck`, and `policyctl doctor`"
            )
        return reply

    def ask_as_user(self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Reply:
        """With the user's configuration too: for who they are and how they sign, and for nothing else."""
        from git import Git

        runner = Git(str(self.root))
        places = {key: value for key, value in self._environment().items() if key not in _ALONE}
        runner.update_environment(**places)
        return _run(runner, words, stdin, env)

    def read(self, oid: str, most: int) -> tuple[int, bytes] | None:
        """The size in bytes and the content of an object by its full id. No content when it has more
        than ``most`` bytes; None when the object is not there or not readable.
        """
        try:
            _, _, size, stream = self._reader.stream_object_data(oid)
            if size <= most:
                return size, stream.read()
            while stream.read(_CHUNK):
                pass  # git has begun to send it: let it pass by
        except (ValueError, OSError):
            self._reader.clear_cache()
            return None
        return size, b""

    def close(self) -> None:
        """End the git processes that wait for questions; idempotent."""
        self._repo.close()


def _opened(root: Path) -> Repo:
    try:
        from git import Repo
        from git.exc import GitError, InvalidGitRepositoryError, NoSuchPathError
    except ImportError as error:
        raise CannotCompareError("git is not installed", hint="install git 2.36 or newer") from error
    try:
        return Repo(str(root), expand_vars=False)
    except (InvalidGitRepositoryError, NoSuchPathError, GitError, OSError, ValueError) as error:
        raise CannotCompareError(
            f"{root} is not a git repository that can be read", hint="look at it with `git status`"
        ) from error


def _require_sha1(common_dir: Path) -> None:
    """Ids of 64 digits would be taken for no revision at all."""
    try:
        found = _OTHER_IDS.search((common_dir / "config").read_text("utf-8", "replace"))
    except OSError:
        return
    if found:
        raise CannotCompareError(
            "the objects of this repository are named by SHA-256, which is not known here",
            hint="make the policy repository with `git init --object-format=sha1`",
        )


def _run(runner: Git, words: tuple[str, ...], stdin: bytes, env: Mapping[str, str] | None) -> Reply:
    from git.exc import GitCommandNotFound

    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        try:
            status, out, error = runner.execute(
                ["git", *_FLAGS, *words],
                istream=given,
                env=dict(env or {}),
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                kill_after_timeout=SECONDS,
            )
        except GitCommandNotFound as missing:
            raise CannotCompareError("git is not installed", hint="install git 2.36 or newer") from missing
    return Reply(status, out, _first_line(error), str(error))


def _first_line(error: str) -> str:
    """What git said, in one printable line."""
    lines = [
        line
        for line in str(error).splitlines()
        if line.strip() and not line.startswith(("hint:", "warning:"))
    ]
    words = lines[0] if lines else "no reason given"
    return re.sub(r"^(fatal|error): ", "", "".join(char if char.isprintable() else "?" for char in words))[
        :300
    ]
