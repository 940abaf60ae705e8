# SPDX-License-Identifier: Apache-2.0
"""Files of the working tree: read as UTF-8, created whole or not at all, never overwritten."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from policyctl.errors import CannotCompareError, InputError, Place, PolicyctlError, RefusedError

MAX_BYTES = 4 * 1024 * 1024
_ENCODING_HINT = "save it as UTF-8 (in most editors: Save as, encoding UTF-8)"


class FileNotWrittenError(PolicyctlError):
    """The disk or its permissions said no; nothing half-written is left."""

    exit_code = 4


def read_text(path: Path, *, shown: str | None = None, max_bytes: int = MAX_BYTES) -> str:
    """The text of a file, line ends as they are. ``shown`` is how the user named it.

    ``CannotCompareError`` when it cannot be read, ``InputError`` when it is too large or not UTF-8.
    """
    name = shown or str(path)
    data = _read(path, name, max_bytes)
    if len(data) > max_bytes:
        message = f"larger than {max_bytes} bytes"
        raise InputError(message, hint="a policy is text: remove what is not", place=Place(name))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        place = Place(name, line)
        raise InputError("not UTF-8 text", hint=_ENCODING_HINT, place=place) from error


def _read(path: Path, name: str, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(max_bytes + 1)
    except OSError as error:
        hint = "check the path; it is taken from the folder you are in"
        raise CannotCompareError(f"{name}: {error.strerror}", hint=hint) from error


def create(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a new file, its folders included; ``RefusedError`` when there is one already.

    The text is flushed to disk under another name first and then linked into place, so that the
    file is there whole or not at all.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_flushed(fresh, text.encode("utf-8"), mode)
        try:
            os.link(fresh, path)
        finally:
            fresh.unlink()
    except FileExistsError as error:
        message = f"{path} is there already"
        raise RefusedError(message, hint="nothing is overwritten: move it away first") from error
    except OSError as error:
        hint = "make the folder writable, or work in another one"
        raise FileNotWrittenError(f"{path} cannot be written: {error.strerror}", hint=hint) from error


def _write_flushed(path: Path, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def add_line(path: Path, line: str) -> bool:
    """Make sure a text file holds ``line``; False when it did already."""
    before = read_text(path) if path.exists() else ""
    if line in before.splitlines():
        return False
    joint = "" if not before or before.endswith("\n") else "\n"
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_flushed(fresh, f"{before}{joint}{line}\n".encode(), 0o644)
        fresh.replace(path)
    except OSError as error:
        hint = "make the folder writable, or work in another one"
        raise FileNotWrittenError(f"{path} cannot be written: {error.strerror}", hint=hint) from error
    return True
