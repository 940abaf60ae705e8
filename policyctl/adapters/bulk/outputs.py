# SPDX-License-Identifier: Apache-2.0
"""Outputs that are there whole or not at all. DuckDB writes a file; Spark a folder of Parquet parts, as
its workers write side by side. Each is made under a name of its own beside its place, then renamed.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from policyctl.errors import RefusedError, UsageError


def check_target(path: Path, *, over: bool) -> None:
    """Raise before the work what would stop it after."""
    if path.exists() and not over:
        raise RefusedError(f"{path} is there already", hint="name another file, or add --force")
    if (path.is_dir() and not is_output(path)) or not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written there", hint="name a file in a folder that is there")


def is_output(folder: Path) -> bool:
    """Whether a folder holds nothing but what Spark writes, so that --force may put another in its place."""
    names = [each.name for each in folder.iterdir()]
    return "_SUCCESS" in names and all(_is_part(name) for name in names)


def _is_part(name: str) -> bool:
    return name == "_SUCCESS" or (name.startswith("part-") and name.endswith(".parquet"))


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A name beside ``path`` that nothing else has; what is left under it at the end is removed."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield fresh
    finally:
        _remove(fresh)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """RefusedError where the block cannot write."""
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be written: {error.strerror}", hint="name a file in a folder you may write to"
        ) from error


def settle(fresh: Path, path: Path, *, over: bool) -> None:
    """Give what was made its name, for good. RefusedError where there is something, unless ``over``."""
    with writing(path):
        for file in sorted(fresh.iterdir()) if fresh.is_dir() else [fresh]:
            _to_disk(file)
        if over:
            _replace(fresh, path)
        else:
            _name(fresh, path)
        _to_disk(path.absolute().parent)


def _name(fresh: Path, path: Path) -> None:
    try:
        if fresh.is_dir():
            fresh.rename(path)
        else:
            os.link(fresh, path)
    except (FileExistsError, NotADirectoryError) as error:
        raise RefusedError(f"{path} is there already", hint="name another file, or add --force") from error


def _replace(fresh: Path, path: Path) -> None:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise RefusedError(f"{path} is not a plain file", hint="name another file")
    if not (fresh.is_dir() or path.is_dir()):
        fresh.replace(path)
        return
    # A folder cannot take the place of another in one step: the old one goes last, or back again.
    old = path.with_name(f"{fresh.name}.old")
    if path.exists():
        path.rename(old)
    try:
        fresh.rename(path)
    except OSError:
        old.rename(path)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
