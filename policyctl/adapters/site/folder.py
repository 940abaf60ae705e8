# SPDX-License-Identifier: Apache-2.0
"""Writes a set of pages into a folder, all or nothing, and keeps of it what is there already.

1. One builder at a time: the folder above is locked.
2. The pages are written into a new folder beside the site, every file and folder flushed to disk. Those
   that stay are not written but linked: they are on the disk.
3. New and old folder change places in one step (``renameat2``), and the old one is removed. Where the
   system cannot do that, the old one is renamed aside first; a crash in between is mended by the next call.

A crash therefore leaves the old site or the new one. A folder that is not ours is never replaced: ours
holds the file ``.policyctl-site``, which also says what was made of what, with the SHA-256 of each page.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from policyctl.errors import IntegrityError, PolicyctlError, RefusedError
from policyctl.faults import fault_point

MARKER = ".policyctl-site"
_ABOUT = "This folder is written by policyctl; what is put here by hand is lost."
_PATIENCE, _PAUSE = 60.0, 0.05
_FLUSHERS = 8
_LOOKS = 3
_EXCHANGE, _HERE = 2, -100  # RENAME_EXCHANGE, AT_FDCWD


class SiteNotWrittenError(PolicyctlError):
    """The disk said no. Nothing of the old site is lost."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Earlier:
    """The site that is there: what it was made of, and its pages, each only while its bytes are those
    that were written.
    """

    folder: Path
    notes: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        """The bytes of a page; None where it is gone, or was changed by another hand."""
        try:
            data = (self.folder / path).read_bytes() if path in self.files else None
        except OSError:
            return None
        return data if data is not None and _digest(data) == self.files[path] else None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def earlier_site(folder: Path) -> Earlier:
    """What stands in ``folder``; empty where nothing does, or where it cannot be told."""
    try:
        record = json.loads((folder / MARKER).read_bytes())
        notes, files = record["notes"], record["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return Earlier(folder)
    return (
        Earlier(folder, notes, files)
        if isinstance(notes, dict) and isinstance(files, dict)
        else Earlier(folder)
    )


def posted_digests(folder: Path) -> Mapping[str, str]:
    """The SHA-256 of every file that is there, by its path; but for the record of what was made."""
    with _said_plainly():
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        return {name: _digest(path.read_bytes()) for name, path in files.items() if name != MARKER}


class PostedFolder:
    """The site that is there, for who serves it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[tuple[int, ...], Mapping[str, str]] = ((), {})

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, None where there is none. ``path`` holds no part that leads upwards.
        IntegrityError where they are not those that were written: a promise is shown as it was made.
        """
        for _ in range(_LOOKS):
            data = self._bytes(path)
            wanted = self._written().get(path)
            if data is None or wanted is None or _digest(data) == wanted:
                return data
            self._known = ((), {})  # the folders may have changed places between the two looks
        raise IntegrityError(f"{path} of the site is damaged", hint="run `policyctl site build`")

    def _written(self) -> Mapping[str, str]:
        """The SHA-256 of each page, read anew when a new site is there."""
        try:
            found = (self._folder / MARKER).stat()
        except OSError:
            return {}
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._known[0] != seen:
            self._known = (seen, earlier_site(self._folder).files)
        return self._known[1]

    def _bytes(self, path: str) -> bytes | None:
        for _ in range(_LOOKS):
            try:
                return (self._folder / path).read_bytes()
            except (IsADirectoryError, NotADirectoryError, ValueError):
                return None
            except OSError:
                if self._folder.is_dir():
                    return None
                time.sleep(_PAUSE)  # between two renames, where folders cannot change places in one step
        return None

    def written_at(self, path: str) -> datetime | None:
        """When a file was written (aware UTC, to the second); None where there is none. A page that a new
        build keeps keeps its moment.
        """
        try:
            return datetime.fromtimestamp(int((self._folder / path).stat().st_mtime), UTC)
        except (OSError, ValueError, OverflowError):
            return None


@contextmanager
def building_alone(folder: Path) -> Iterator[None]:
    """Hold the place of the site; RefusedError where another builder does for a minute."""
    if not folder.name:
        raise RefusedError(f"{folder} is no folder that can be replaced", hint="name one below it")
    with _said_plainly():
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder.parent, os.O_RDONLY)
    try:
        _lock(handle, folder)
        with _said_plainly():
            _put_back(folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise RefusedError(
                    f"{folder} is being built by another process", hint="try again later"
                ) from None
            time.sleep(_PAUSE)
        else:
            return


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "make the folder writable, or name another one under [site] in policyctl.toml"
        if error.errno in {errno.EBUSY, errno.EXDEV}:
            hint = "a disk that is mounted there cannot change places: name a folder on it"
        raise SiteNotWrittenError(
            f"the site cannot be written: {error.strerror}: {error.filename or 'a page'}", hint=hint
        ) from error


def write_site(
    folder: Path,
    pages: Mapping[str, bytes],
    *,
    kept: Mapping[str, str] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> bool:
    """Make ``folder`` hold exactly ``pages`` (path below it, ``/`` between parts, to bytes). Those of
    ``kept`` (path to SHA-256) stand there with these very bytes (``Earlier.read``). ``notes`` are handed to
    the next builder.

    True when anything had to be written. RefusedError when the folder holds something that is not ours.
    Call it within ``building_alone``.
    """
    wanted = {_checked(path): data for path, data in pages.items()}
    known = kept or {}
    wanted[MARKER] = _record(wanted, known, notes or {})
    with _said_plainly():
        _refuse_foreign(folder)
        if _holds(folder, wanted, known):
            return False
        fresh = _beside(folder, "new")
        _build(fresh, wanted, {path: folder / path for path in known})
        fault_point("site.built")
        _swap(folder, fresh)
    return True


def _record(pages: Mapping[str, bytes], kept: Mapping[str, str], notes: Mapping[str, Any]) -> bytes:
    files = {path: kept.get(path) or _digest(data) for path, data in pages.items()}
    return json.dumps({"about": _ABOUT, "notes": notes, "files": files}, sort_keys=True).encode() + b"\n"


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{folder.name}.{what}")


def _checked(path: str) -> str:
    """A path that stays below the folder, or ValueError: only a bug of ours makes another."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or path == MARKER:
        raise ValueError(path)
    return path


def _put_back(folder: Path) -> None:
    """Mend a crash before, between or after the renames: nobody else is building."""
    aside, fresh = _beside(folder, "old"), _beside(folder, "new")
    if fresh.exists():
        shutil.rmtree(fresh)
    if not aside.exists():
        return
    if folder.exists():
        shutil.rmtree(aside)
    else:
        aside.rename(folder)


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or (folder / MARKER).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise RefusedError(
            f"{folder} is there and was not written by policyctl",
            hint="empty it, or name another folder under [site] in policyctl.toml",
        )


def _holds(folder: Path, wanted: Mapping[str, bytes], kept: Mapping[str, str]) -> bool:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return found.keys() == wanted.keys() and all(
        name in kept or path.read_bytes() == wanted[name] for name, path in found.items()
    )


def _build(fresh: Path, wanted: Mapping[str, bytes], there: Mapping[str, Path]) -> None:
    fresh.mkdir(parents=True)
    for folder in sorted({path.parent for path in map(fresh.joinpath, wanted)}):
        folder.mkdir(parents=True, exist_ok=True)
    new = [fresh / name for name in wanted if not (name in there and _linked(there[name], fresh / name))]
    for path in new:
        path.write_bytes(wanted[path.relative_to(fresh).as_posix()])
    folders = [fresh, *(path for path in fresh.rglob("*") if path.is_dir())]
    with ThreadPoolExecutor(_FLUSHERS) as pool:  # one after the other, each would wait for the disk alone
        list(pool.map(_flush, new))
        list(pool.map(_flush, folders))


def _linked(there: Path, here: Path) -> bool:
    """False where the disk knows no hard links: then the page is written like a new one."""
    try:
        os.link(there, here, follow_symlinks=False)
    except OSError:
        return False
    return True


def _flush(path: Path) -> None:
    """What was written is on disk only when it was flushed; a rename, when its folder was."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(folder: Path, fresh: Path) -> None:
    aside = _beside(folder, "old")
    if not folder.exists():
        fresh.rename(folder)
    elif _exchanged(fresh, folder):
        fault_point("site.exchanged")
        aside = fresh
    else:
        folder.rename(aside)
        fault_point("site.moved-aside")
        fresh.rename(folder)
    _flush(folder.parent)
    fault_point("site.swapped")
    if aside.exists():
        _remove(aside)


def _remove(folder: Path) -> None:
    """The files at once, as each waits for the disk alone; then the folders."""
    files = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]  # noqa: PTH118
    with ThreadPoolExecutor(_FLUSHERS) as pool:
        list(pool.map(os.unlink, files))
    shutil.rmtree(folder)


def _exchanged(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the system or the disk cannot."""
    if not sys.platform.startswith("linux"):
        return False
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    if call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
        return False
    raise OSError(number, os.strerror(number), str(other))
