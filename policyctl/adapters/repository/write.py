# SPDX-License-Identifier: Apache-2.0
"""Writing to git without running anything of the repository's, and without touching what the user
has staged.

1. A commit is made beside the user's index: objects, a temporary index read from the parent, a tree,
   a commit. The branch moves to it by compare-and-swap.
2. The same rows then enter the user's index, and the files the work tree, so ``git status`` is clean.
3. The tag object of a version is written first, then its ref is created by compare-and-swap: it
   must not have existed. Of any number of publishers one wins.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from policyctl.adapters.repository.run import GitRunner, Reply
from policyctl.core.policy import VersionKey
from policyctl.errors import RefusedError

NO_OBJECT = "0" * 40
WAIT_SECONDS = 60.0
"""How long one publisher waits for another on the same machine."""
_SIGNATURE = re.compile(rb"-----BEGIN [A-Z ]*(SIGNATURE|MESSAGE)-----")
_LOCK_TRIES = 30
_PAUSE = 0.1


@contextmanager
def _said_plainly() -> Iterator[None]:
    """A disk that says no: what was not flushed is never called written, and is not tried again here."""
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"the repository cannot be written: {error.strerror}: {error.filename or 'a file of it'}",
            hint="make room, or mend the disk, and run it again: what is missing is done then",
        ) from error


@dataclass(frozen=True, slots=True)
class Identity:
    """Who writes: git's user.name and user.email."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class PreparedCommit:
    """A commit object that no ref names yet. ``oid`` equals ``parent`` when nothing had to change."""

    oid: str
    parent: str
    branch: str
    rows: Mapping[str, str]


class GitWriter:
    """The writes of one repository, as one person at one moment (``at``, aware UTC). ``sign``: ``auto`` signs
    version refs where git is set up to, ``always`` and ``never`` say it themselves.
    """

    def __init__(self, runner: GitRunner, *, at: datetime, sign: str = "auto") -> None:
        self._runner = runner
        self._at = at
        self._sign = sign
        self._who = read_identity(runner)

    # --- a commit

    def branch(self) -> str:
        """The full name of the branch that is checked out; RefusedError on a detached HEAD."""
        reply = self._runner.ask("symbolic-ref", "--quiet", "HEAD")
        if reply.status or not reply.text.startswith("refs/heads/"):
            raise RefusedError(
                "HEAD is detached: there is no branch that could hold what publishing writes",
                hint="go to a branch first, such as `git switch main`",
            )
        return reply.text

    @_said_plainly()
    def prepare(self, files: Mapping[str, bytes], *, parent: str, message: str) -> PreparedCommit:
        """Write objects for ``parent`` plus ``files`` (paths from the top of the tree to bytes)."""
        branch = self.branch()
        rows = {path: self._write_blob(data) for path, data in files.items()}
        tree = self._write_tree(rows, parent)
        if tree == self._runner.call("rev-parse", "--verify", f"{parent}^{{tree}}").text:
            return PreparedCommit(parent, parent, branch, rows)
        return PreparedCommit(self._write_commit(tree, parent, message), parent, branch, rows)

    def _write_commit(self, tree: str, parent: str, message: str) -> str:
        sign = ("-S",) if self._wants("commit.gpgSign") else ()
        reply = self._runner.ask_as_user(
            "commit-tree", *sign, "-p", parent, tree, stdin=message.encode(), env=self._environment()
        )
        oid = _must(reply, "the commit could not be written").text
        if sign:
            self._require_signed(oid, reply, "the commit")
        return oid

    def advance(self, commit: PreparedCommit) -> None:
        """Move the branch, if it still stands where the commit was made from."""
        if commit.oid == commit.parent:
            return
        reply = self._runner.ask(
            "update-ref", "-m", "policyctl publish", commit.branch, commit.oid, commit.parent,
            env=self._environment(),
        )  # fmt: skip
        if reply.status:
            raise RefusedError(
                f"the branch could not be moved: {reply.error}",
                hint="somebody else has written to it, or left a lock: run `policyctl doctor`, then again",
            )

    @_said_plainly()
    def settle(self, commit: PreparedCommit, files: Mapping[str, bytes]) -> None:
        """Bring the committed files into the user's index and work tree; all else stays as it is."""
        rows = "".join(f"100644 {oid}\t{path}\0" for path, oid in sorted(commit.rows.items()))
        if rows:
            self._update_index(rows.encode())
        for path, data in files.items():
            _write_in_tree(self._runner.root, path, data)

    def _write_blob(self, data: bytes) -> str:
        return self._runner.call("hash-object", "-w", "--stdin", "--no-filters", stdin=data).text

    def _write_tree(self, rows: Mapping[str, str], parent: str) -> str:
        with tempfile.TemporaryDirectory(prefix="policyctl-index-") as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._runner.call("read-tree", parent, env=env)
            given = "".join(f"100644 {oid}\t{path}\0" for path, oid in sorted(rows.items()))
            self._runner.call("update-index", "--add", "-z", "--index-info", stdin=given.encode(), env=env)
            return self._runner.call("write-tree", env=env).text

    def _update_index(self, rows: bytes) -> None:
        """Git compares files that are as young as the index with what it holds, and runs their
        clean filter for that; so every filter of the repository is made empty for this call.
        """
        found = self._runner.ask("config", "-z", "--name-only", "--get-regexp", r"^filter\.").out
        keys = sorted(set(filter(None, found.decode("utf-8", "surrogateescape").split("\0"))))
        env = {"GIT_CONFIG_COUNT": str(len(keys))}
        for number, key in enumerate(keys):
            env[f"GIT_CONFIG_KEY_{number}"] = key
            env[f"GIT_CONFIG_VALUE_{number}"] = "false" if key.endswith(".required") else ""
        self._patiently(
            lambda: self._runner.ask("update-index", "--add", "-z", "--index-info", stdin=rows, env=env)
        )

    def _patiently(self, attempt: Callable[[], Reply]) -> Reply:
        """Another git process may hold the index for a moment."""
        for _ in range(_LOCK_TRIES):
            if not (reply := attempt()).status:
                return reply
            time.sleep(_PAUSE)
        return _must(attempt(), "the index could not be written")

    # --- a version ref

    @_said_plainly()
    def write_tag(self, key: VersionKey, commit: str, message: str) -> str:
        """Write the annotated tag object, signed when git is set up to; no ref names it yet.

        It is made in an empty repository that shares our objects, since ``git tag`` cannot sign
        without creating the ref, and the ref must be ours to create.
        """
        name = f"policy/{key.slug}/v{key.number}"
        with tempfile.TemporaryDirectory(prefix="policyctl-tag-") as folder:
            place = {"GIT_DIR": folder, "GIT_COMMON_DIR": folder, "GIT_TEMPLATE_DIR": ""}
            self._runner.call("init", "--quiet", "--template=", env={**place, "GIT_WORK_TREE": folder})
            sign, settings = ("--sign", self._signing()) if self._signs() else ("--no-sign", ())
            reply = self._runner.ask_as_user(
                *settings, "tag", "--annotate", sign, "--cleanup=verbatim", "--file=-", name, commit,
                stdin=message.encode(), env={**self._environment(), **place},
            )  # fmt: skip
            _must(reply, f"{key} could not be {'signed' if sign == '--sign' else 'written'}")
            tag = self._runner.call("rev-parse", "--verify", f"refs/tags/{name}", env=place).text
        if sign == "--sign":
            self._require_signed(tag, reply, str(key))
        return tag

    def _require_signed(self, oid: str, reply: Reply, what: str) -> None:
        """Git 2.39 ends well and writes an unsigned object when ssh cannot find the key."""
        data = self._runner.call("cat-file", "-p", oid).out
        if not _SIGNATURE.search(data):
            raise RefusedError(
                f"{what} could not be signed: {reply.error}",
                hint="look at user.signingKey and gpg.format (docs/how-to/sign-and-verify.md)",
            )

    def create_ref(self, key: VersionKey, tag: str) -> None:
        """Create the version ref; RefusedError when it is there already. This is the act of publishing."""
        reply = self._runner.ask(
            "update-ref", "--stdin",
            stdin=f"create {key.ref} {tag}\n".encode(), env=self._environment(),
        )  # fmt: skip
        if not reply.status:
            return
        if self._runner.ask("rev-parse", "--verify", "--quiet", key.ref).status == 0:
            raise RefusedError(
                f"{key} is already published", hint="see what is there with `policyctl status`"
            )
        raise RefusedError(
            f"the version ref of {key} could not be created: {reply.error}",
            hint="look for a left-over lock with `policyctl doctor`",
        )

    def _signs(self) -> bool:
        """What the settings say; on ``auto`` tag.gpgSign decides, and where it says nothing, a configured
        key means yes.
        """
        if self._sign != "auto":
            return self._sign == "always"
        said = self._runner.ask_as_user("config", "--type=bool", "--get", "tag.gpgSign")
        if said.status == 0:
            return said.text == "true"
        return self._runner.ask_as_user("config", "--get", "user.signingKey").status == 0

    def _wants(self, switch: str) -> bool:
        return self._runner.ask_as_user("config", "--type=bool", "--get", switch).text == "true"

    def _signing(self) -> tuple[str, ...]:
        """The settings of this repository that say how to sign, for the empty one beside it."""
        found = self._runner.ask_as_user("config", "-z", "--get-regexp", r"^(gpg\.|user\.signingkey$)")
        pairs = [row.partition("\n")[::2] for row in found.out.decode("utf-8", "replace").split("\0") if row]
        return tuple(word for key, value in pairs for word in ("-c", f"{key}={value}"))

    # --- who and when

    def _environment(self) -> dict[str, str]:
        date = f"{int(self._at.timestamp())} +0000"
        return {
            "GIT_AUTHOR_NAME": self._who.name,
            "GIT_AUTHOR_EMAIL": self._who.email,
            "GIT_AUTHOR_DATE": date,
            "GIT_COMMITTER_NAME": self._who.name,
            "GIT_COMMITTER_EMAIL": self._who.email,
            "GIT_COMMITTER_DATE": date,
        }


def read_identity(runner: GitRunner) -> Identity:
    """Who git says the user is: its environment, then its configuration. RefusedError for nobody."""
    found = {
        key: os.environ.get(f"GIT_COMMITTER_{key.upper()}")
        or runner.ask_as_user("config", "--get", f"user.{key}").text
        for key in ("name", "email")
    }
    missing = [key for key, value in found.items() if not value]
    if missing:
        raise RefusedError(
            "git does not know who publishes: " + " and ".join(f"user.{key}" for key in missing) + " not set",
            hint='run `git config user.name "Your Name"` and `git config user.email you@example.com`',
        )
    return Identity(found["name"], found["email"])


@contextmanager
def publishing_alone(runner: GitRunner) -> Iterator[None]:
    """One publisher at a time on this machine. The kernel lets go of the lock when its holder dies,
    so none is ever left over; between machines the compare-and-swap of the refs decides.
    """
    with _said_plainly():
        lock = (runner.common_dir / "policyctl.lock").open("a")
    with lock:
        _wait_for(lock.fileno())
        yield


def _wait_for(handle: int) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() > until:
                raise RefusedError(
                    "another publication is running here", hint="wait for it to end, then run again"
                ) from error
            time.sleep(_PAUSE)
        else:
            return


def uncommitted(runner: GitRunner, folder: str, committed: Mapping[str, str]) -> tuple[str, ...]:
    """Which files of a work-tree folder differ from the committed ones (name to blob id), in the
    work tree or in the index. Bytes are compared, so that no filter of the repository is run; line
    ends that git turned around at check-out are not a difference.
    """
    staged = dict(_staged(runner, folder))
    found = {name for name, oid in committed.items() if not _same(runner.root / folder / name, oid)}
    found |= {name for name in staged.keys() | committed.keys() if staged.get(name) != committed.get(name)}
    here = runner.root / folder
    present = {path.name for path in here.iterdir() if not path.is_dir()} if here.is_dir() else set()
    ours = {name for name in present if name.endswith((".md", ".yaml"))}
    return tuple(sorted(found | (ours - committed.keys())))


def _staged(runner: GitRunner, folder: str) -> Iterator[tuple[str, str]]:
    rows = runner.call("ls-files", "--stage", "-z", "--", folder).out.decode("utf-8", "surrogateescape")
    for row in filter(None, rows.split("\0")):
        facts, _, path = row.partition("\t")
        mode, oid, _ = facts.split(" ")
        name = path.removeprefix(f"{folder}/")
        if "/" not in name and mode in {"100644", "100755"}:
            yield name, oid


def _same(path: Path, oid: str) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    data = path.read_bytes()
    return oid in {blob_id(data), blob_id(data.replace(b"\r\n", b"\n"))}


def blob_id(data: bytes) -> str:
    """The id git gives to these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _must(reply: Reply, failed: str) -> Reply:
    if reply.status:
        raise RefusedError(f"{failed}: {reply.error}", hint="see `policyctl doctor`, then run it again")
    return reply


def _write_in_tree(root: Path, path: str, data: bytes) -> None:
    """A generated file, whole or not at all; never through a link that leads elsewhere."""
    place = root
    for part in path.split("/")[:-1]:
        place = place / part
        if place.is_symlink():
            raise RefusedError(f"{place} is a symbolic link", hint="make it a folder of the repository")
        place.mkdir(exist_ok=True)
    target, fresh = root / path, (root / path).with_name(f".policyctl-{Path(path).name}")
    if target.is_file() and not target.is_symlink() and target.read_bytes() == data:
        return
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(target)
