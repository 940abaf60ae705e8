# SPDX-License-Identifier: Apache-2.0
"""Files that are not there yet: created whole or not at all, and never over one that is there (but for
what says that it is made again).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from policyctl.errors import RefusedError


def create(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a new file, its folders included; ``RefusedError`` when there is one already.

    The text is flushed to disk under another name first and then linked into place, so that the
    file is there whole or not at all.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_flushed(fresh, text.encode("utf-8"), mode)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        os.link(fresh, path)
    except FileExistsError as error:
        message = f"{path} is there already"
        raise RefusedError(message, hint="nothing is overwritten: move it away first") from error
    finally:
        fresh.unlink()


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole, its folders included, over one that may be there: for what can be made again."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_flushed(fresh, data, 0o644)
        fresh.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder, unless it is there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def add_line(path: Path, line: str) -> None:
    """Add a line to the end of a text file, which need not be there yet."""
    try:
        before = path.read_bytes() if path.exists() else b""
        joint = b"" if not before or before.endswith(b"\n") else b"\n"
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        _write_flushed(fresh, before + joint + f"{line}\n".encode(), 0o644)
        fresh.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _write_flushed(path: Path, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _unwritable(path: Path, error: OSError) -> RefusedError:
    hint = "make the folder writable, or work in another one"
    return RefusedError(f"{path} cannot be written: {error.strerror}", hint=hint)
