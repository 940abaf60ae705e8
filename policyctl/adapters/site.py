# SPDX-License-Identifier: Apache-2.0
"""Writes a set of pages into a folder, all or nothing.

1. The pages are written into a new folder beside the site, every file and folder flushed to disk.
2. The old site is renamed aside, the new one renamed into its place, the old one removed.

A crash during 1 leaves the old site; one during 2 is mended by the next call, which first puts an
old site that was renamed aside back. A folder that is not ours is never replaced: ours holds
the file ``.policyctl-site``. Written pages that are already there, byte for byte, are not written again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from policyctl.errors import PolicyctlError, RefusedError
from policyctl.faults import fault_point

_MARKER = ".policyctl-site"
_MARKER_TEXT = b"This folder is written by policyctl; what is put here by hand is lost.\n"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the site is written, and where it is served (empty when nobody said)."""

    folder: Path
    base_url: str = ""

    def write(self, pages: Mapping[str, bytes]) -> bool:
        """``write_site`` into this folder."""
        return write_site(self.folder, pages)


def write_site(folder: Path, pages: Mapping[str, bytes]) -> bool:
    """Make ``folder`` hold exactly ``pages`` (path below it, ``/`` between parts, to bytes).

    True when anything had to be written. RefusedError when the folder holds something that is not ours.
    """
    wanted = {_checked(path): data for path, data in pages.items()} | {_MARKER: _MARKER_TEXT}
    fresh, aside = _beside(folder, "new"), _beside(folder, "old")
    try:
        _put_back(folder, aside)
        _refuse_foreign(folder)
        if _holds(folder, wanted):
            return False
        _build(fresh, wanted)
        fault_point("site.built")
        _swap(folder, fresh, aside)
    except OSError as error:
        raise SiteNotWrittenError(
            f"the site cannot be written: {error.strerror}: {error.filename}",
            hint="make the folder writable, or name another one under [site] in policyctl.toml",
        ) from error
    return True


class SiteNotWrittenError(PolicyctlError):
    """The disk said no. Nothing of the old site is lost."""

    exit_code = 4


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{folder.name}.{what}")


def _checked(path: str) -> str:
    """A path that stays below the folder, or ValueError: only a bug of ours makes another."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or path == _MARKER:
        raise ValueError(path)
    return path


def _put_back(folder: Path, aside: Path) -> None:
    """Mend a crash between the two renames, or after them."""
    if not aside.exists():
        return
    if folder.exists():
        shutil.rmtree(aside)
    else:
        aside.rename(folder)


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or (folder / _MARKER).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise RefusedError(
            f"{folder} is there and was not written by policyctl",
            hint="empty it, or name another folder under [site] in policyctl.toml",
        )


def _holds(folder: Path, wanted: Mapping[str, bytes]) -> bool:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return found.keys() == wanted.keys() and all(
        path.read_bytes() == wanted[name] for name, path in found.items()
    )


def _build(fresh: Path, wanted: Mapping[str, bytes]) -> None:
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(parents=True)
    for name, data in wanted.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    for place in (fresh, *(path for path in fresh.rglob("*") if path.is_dir())):
        _flush_folder(place)


def _swap(folder: Path, fresh: Path, aside: Path) -> None:
    if folder.exists():
        folder.rename(aside)
        fault_point("site.moved-aside")
    fresh.rename(folder)
    _flush_folder(folder.parent)
    fault_point("site.swapped")
    if aside.exists():
        shutil.rmtree(aside)


def _flush_folder(folder: Path) -> None:
    """A rename is on disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
