# SPDX-License-Identifier: Apache-2.0
"""The history of policies in git, read by object id, never checked out (GitPython behind it).

1. A name is resolved once, to a full commit id; from there on only ids are used.
2. A path in a commit is walked tree by tree. Only plain files are read: a symbolic link, a
   submodule or a folder is refused by name.
3. What git hands over is hashed again: an id that does not fit its bytes is an integrity error.
4. A version ref is believed only when it is an annotated tag whose inner name is the ref's own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from policyctl.adapters.repository.names import (
    VERSION_REF,
    require_path,
    require_revision_name,
    shown,
)
from policyctl.adapters.repository.run import GitRunner
from policyctl.core.formats.slugs import check_slug
from policyctl.core.formats.version_note import MarkedVersion, read_note
from policyctl.core.policy import VersionKey
from policyctl.errors import CannotCompareError, InputError, IntegrityError, Place

MAX_BYTES = 5_000_000
_PLAIN = frozenset({"100644", "100755"})
_WHAT = {"120000": "a symbolic link", "160000": "a submodule", "40000": "a folder"}
_ID = re.compile(r"[0-9a-f]{40}", re.ASCII)
_TAGGER = re.compile(r"tagger (?P<who>.*) (?P<seconds>\d{1,12}) [+-]\d{4}", re.ASCII)
_SIGNATURE = re.compile(r"^-----BEGIN (PGP|SSH|SIGNED) (SIGNATURE|MESSAGE)-----$", re.MULTILINE)
_STEP = re.compile(r"v[1-9]\d*\.\.v(?P<to>[1-9]\d{0,5})\.(md|json|html)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a tree: ``mode`` in git's octal digits, the object's id, the name."""

    mode: str
    oid: str
    name: str

    @property
    def is_folder(self) -> bool:
        """True for a tree inside this one."""
        return self.mode == "40000"


def find_root(start: Path) -> Path | None:
    """The nearest folder from ``start`` upwards that holds ``.git``; a bare repository that lies
    about in a work tree is not one. None outside of any repository.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / ".git").exists():
            return folder
    return None


def open_history(start: Path) -> History:
    """The history of the repository that ``start`` lies in. CannotCompareError outside of one."""
    root = find_root(start)
    if root is None:
        raise CannotCompareError(
            f"{start} is not in a git repository",
            hint="go to the folder of the repository, or make one with `git init`",
        )
    return History(GitRunner(root))


class History:
    """Reads of one repository. ``root`` is the folder that holds ``.git``."""

    def __init__(self, runner: GitRunner) -> None:
        self.runner = runner
        self.root = runner.root

    def close(self) -> None:
        """End the git processes that wait for questions; idempotent."""
        self.runner.close()

    # --- names

    def resolve(self, name: str) -> str:
        """The full id of the commit a name stands for now."""
        require_revision_name(name)
        reply = self.runner.ask("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
        if reply.status == 0 and _ID.fullmatch(reply.text):
            return reply.text
        if self.runner.ask("rev-parse", "--verify", "HEAD").status:
            raise CannotCompareError("the repository has no commits yet", hint="commit the policy first")
        raise CannotCompareError(
            f"{shown(name)} is not a revision of this repository", hint=self._fetch_hint()
        )

    def _fetch_hint(self) -> str:
        if self.is_shallow:
            return "this clone is shallow: fetch the rest with `git fetch --unshallow --tags`"
        return (
            "list the revisions with `git branch --all` and `git tag`, or fetch them with `git fetch --tags`"
        )

    def head(self) -> str:
        """The id of the commit that is checked out."""
        return self.resolve("HEAD")

    @property
    def is_shallow(self) -> bool:
        """True when the clone was cut off: versions may be missing."""
        return (self.runner.common_dir / "shallow").exists()

    @property
    def is_new(self) -> bool:
        """True right after `git init`. A branch without commits beside others is not that: its refs tell."""
        unborn = self.runner.ask("rev-parse", "--verify", "--quiet", "HEAD").status != 0
        refs = self.runner.ask("for-each-ref", "--count=1")
        return unborn and refs.status == 0 and not refs.text

    # --- objects

    def read(self, commit: str, path: str, *, max_bytes: int = MAX_BYTES) -> bytes:
        """The bytes of a plain file at a commit (full id). CannotCompareError when it is not there."""
        data = self.find(commit, path, max_bytes=max_bytes)
        if data is None:
            raise CannotCompareError(
                f"there is no {shown(path)} at {commit[:12]}",
                hint=f"list what is there with `git ls-tree -r --name-only {commit[:12]}`",
            )
        return data

    def find(self, commit: str, path: str, *, max_bytes: int = MAX_BYTES) -> bytes | None:
        """The same, None when there is no such path."""
        entry = self.entry(commit, path)
        if entry is None:
            return None
        if entry.mode not in _PLAIN:
            what = _WHAT.get(entry.mode, f"of mode {entry.mode}")
            raise CannotCompareError(
                f"{shown(path)} at {commit[:12]} is {what}, not a file", hint="name the file itself"
            )
        return self._object(entry.oid, "blob", shown(path), max_bytes)

    def blob(self, oid: str, what: str = "", *, max_bytes: int = MAX_BYTES) -> bytes:
        """The bytes of a file by the full id of its blob, as a walk along a history names it; ``what``
        is what an error calls it.
        """
        return self._object(oid, "blob", what or f"blob {oid[:12]}", max_bytes)

    def entry(self, commit: str, path: str) -> Entry | None:
        """The tree row of a path at a commit (full id), None when there is none."""
        row: Entry | None = Entry("40000", self._tree_of(commit), "")
        for part in require_path(path).split("/"):
            if row is None or not row.is_folder:
                return None
            row = next((each for each in self._rows(row.oid) if each.name == part), None)
        return row

    def folder(self, commit: str, path: str) -> tuple[Entry, ...]:
        """The rows of a folder at a commit (full id), none when there is no such folder."""
        row = self.entry(commit, path)
        return tuple(self._rows(row.oid)) if row is not None and row.is_folder else ()

    def _tree_of(self, commit: str) -> str:
        first = self._object(commit, "commit", f"commit {commit[:12]}", MAX_BYTES).split(b"\n", 1)[0]
        return first.removeprefix(b"tree ").decode("ascii")

    def _rows(self, tree: str) -> Iterator[Entry]:
        data, at = self._object(tree, "tree", f"tree {tree[:12]}", 10 * MAX_BYTES), 0
        while at < len(data):
            space, end = data.index(b" ", at), data.index(b"\0", at)
            name = data[space + 1 : end].decode("utf-8", "surrogateescape")
            yield Entry(data[at:space].decode("ascii"), data[end + 1 : end + 21].hex(), name)
            at = end + 21

    def _object(self, oid: str, kind: str, what: str, max_bytes: int) -> bytes:
        found = self.runner.read(oid, max_bytes)
        if found is None:
            raise self._damaged(oid, what)
        size, data = found
        if size > max_bytes:
            message = f"{size:,} bytes, the limit is {max_bytes:,}"
            raise InputError(message, hint="raise [limits] max_bytes in policyctl.toml", place=Place(what))
        frame = f"{kind} {len(data)}\0".encode()
        if hashlib.sha1(frame + data, usedforsecurity=False).hexdigest() != oid:
            raise self._damaged(oid, what)
        return data

    def _damaged(self, oid: str, what: str) -> CannotCompareError | IntegrityError:
        if self.runner.ask("config", "--get", "extensions.partialClone").status == 0:
            hint = "read it in a full clone, or fetch it with `git fetch --refetch`"
            return CannotCompareError(f"this partial clone does not hold {what} ({oid[:12]})", hint=hint)
        hint = "look with `git fsck`, then fetch the object from another clone"
        return IntegrityError(f"{what} ({oid[:12]}) is missing or damaged in git", hint=hint)

    # --- versions

    def versions(self, slug: str | None = None) -> tuple[MarkedVersion, ...]:
        """The version refs this clone holds, by slug and number. IntegrityError for a ref that is
        not what its name says.
        """
        under = "refs/tags/policy/" + (f"{check_slug(slug)}/" if slug else "")
        form = "--format=%(objecttype) %(objectname) %(refname)"
        lines = self.runner.call("for-each-ref", form, under).out.decode("utf-8", "replace").splitlines()
        rows = [line.split(" ", 2) for line in lines]
        found = [(VERSION_REF.fullmatch(ref), kind, oid) for kind, oid, ref in rows]
        marked = [
            self._marked(VersionKey(match["slug"], int(match["number"])), kind, oid)
            for match, kind, oid in found
            if match
        ]
        return tuple(sorted(marked, key=lambda each: each.key))

    def published(self, slug: str | None = None) -> tuple[MarkedVersion, ...]:
        """All versions ever published, for those who build on the last one. CannotCompareError when
        this clone may lack some, IntegrityError when one in the middle is gone.
        """
        if self.is_shallow:
            raise CannotCompareError(
                "this clone is shallow, so published versions may be missing from it",
                hint="fetch the rest with `git fetch --unshallow --tags`",
            )
        marked = self.versions(slug)
        for each in {mark.key.slug for mark in marked} | ({slug} if slug else set()):
            self._require_complete(each, [mark.key.number for mark in marked if mark.key.slug == each])
        return marked

    def _require_complete(self, slug: str, numbers: list[int]) -> None:
        missing = sorted(set(range(1, len(numbers) + 1)) - set(numbers))
        if missing:
            raise IntegrityError(
                f"the version refs of {slug} have a gap: v{missing[0]} is missing",
                hint="fetch it from where it was published with `git fetch --tags`",
            )
        if not numbers and self.is_new:
            return
        steps = [_STEP.fullmatch(entry.name) for entry in self.folder(self.head(), f"diffs/{slug}")]
        # One step ahead of the refs is a publication that was interrupted; two are refs not fetched.
        if any(int(step["to"]) > len(numbers) + 1 for step in steps if step) or (not numbers and any(steps)):
            raise CannotCompareError(
                f"diffs/{slug}/ knows versions whose refs are not in this clone",
                hint="fetch them with `git fetch --tags`",
            )

    def version(self, key: VersionKey) -> MarkedVersion:
        """One version. CannotCompareError names the versions there are."""
        marked = self.versions(key.slug)
        for mark in marked:
            if mark.key == key:
                return mark
        known = ", ".join(f"v{mark.key.number}" for mark in marked)
        hint = f"published are: {known}" if known else f"none of {key.slug} is published in this clone"
        raise CannotCompareError(f"there is no {key}", hint=f"{hint}; fetch others with `git fetch --tags`")

    def _marked(self, key: VersionKey, kind: str, oid: str) -> MarkedVersion:
        if kind != "tag":
            raise _unlike(key, "it is not an annotated tag")
        raw = self._object(oid, "tag", f"the tag of {key}", MAX_BYTES).decode("utf-8", "replace")
        head, _, message = raw.partition("\n\n")
        lines = head.split("\n")
        fields = dict(line.partition(" ")[::2] for line in lines)
        if fields.get("type") != "commit" or fields.get("tag") != f"policy/{key.slug}/v{key.number}":
            raise _unlike(key, f"the tag object in it is {shown(fields.get('tag', ''))}")
        tagger = next(filter(None, map(_TAGGER.fullmatch, lines)), None)
        if tagger is None:
            raise _unlike(key, "it does not say who made it, and when")
        at = datetime.fromtimestamp(int(tagger["seconds"]), UTC)
        note = read_note(_SIGNATURE.split(message, maxsplit=1)[0], key)
        return MarkedVersion(key, fields["object"], oid, at, note)


def _unlike(key: VersionKey, why: str) -> IntegrityError:
    return IntegrityError(
        f"policy/{key.slug}/v{key.number} is not a version ref that publish made: {why}",
        hint="fetch the ref again from where it was published",
    )
