# SPDX-License-Identifier: Apache-2.0
"""Files, read with care and written whole.

A text is UTF-8, with or without a byte-order mark, without NUL, and not too large. What is read is
kept to the byte: neither line ends nor the mark are dropped, since hashes and redlines rest on them.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from policyctl.errors import CannotCompareError, InputError, Place, RefusedError

MAX_BYTES = 5_000_000
_LOOK = 8000  # bytes in which a NUL makes a file binary, as git has it


def read_bytes(path: Path, *, file: str = "", max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a plain file. ``file`` is how the user named it. CannotCompareError when there is
    none; InputError when it is too large. A link is followed: whoever names a file may name a link.
    """
    name = file or str(path)
    try:
        _require_plain(path.stat(), name)
        with path.open("rb") as opened:
            data = opened.read(max_bytes + 1)
    except OSError as error:
        raise _unreadable(path, name, error) from error
    if len(data) > max_bytes:
        raise InputError(
            f"larger than {max_bytes:,} bytes",
            hint="raise [limits] max_bytes in policyctl.toml when the file is meant to be this large",
            place=Place(name),
        )
    return data


def read_below(root: Path, path: str, *, max_bytes: int = MAX_BYTES) -> bytes | None:
    """The bytes of a file of the work tree, ``path`` from its top; None when there is none.

    No link is followed, on any part of the way: a policy that is a link would be published as the
    text it points to, which is not in the repository.
    """
    place = root
    for part in path.split("/"):
        place = place / part
        if place.is_symlink():
            raise CannotCompareError(f"{path} is a symbolic link", hint="put the text itself there")
    if not place.exists():
        return None
    return read_bytes(place, file=path, max_bytes=max_bytes)


def decode(data: bytes, *, file: str) -> str:
    """Bytes as text. InputError names line and byte offset of what is not UTF-8, and of a NUL."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        binary = b"\0" in data[:_LOOK]
        what = "a binary file, not a text" if binary else "not UTF-8"
        raise InputError(
            f"{what}: byte 0x{data[error.start]:02x} at offset {error.start}",
            hint="name the Markdown it was made from" if binary else "save the file as UTF-8",
            place=Place(file, _line(data, error.start)),
        ) from error
    if "\0" in text:
        offset = data.index(b"\0")
        raise InputError(
            f"a NUL byte at offset {offset}",
            hint="remove it; a policy is plain text",
            place=Place(file, _line(data, offset)),
        )
    return text


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all, flushed to disk; folders above it are made.

    The file is new in its folder and then renamed, so a reader sees the old bytes or the new ones.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".policyctl-", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(mode)
        fresh.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        fresh.unlink(missing_ok=True)


def _require_plain(seen: os.stat_result, name: str) -> None:
    """Said before it is opened: opening a pipe would wait for a writer."""
    if stat.S_ISDIR(seen.st_mode):
        raise CannotCompareError(f"{name} is a folder", hint="name a file in it, such as policy.md")
    if not stat.S_ISREG(seen.st_mode):
        raise CannotCompareError(f"{name} is not a plain file", hint="name a file")


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _unreadable(path: Path, name: str, error: OSError) -> CannotCompareError:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return CannotCompareError(
            f"{name} is a symbolic link to something that is not there", hint="mend the link"
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return CannotCompareError(f"there is no file {name}", hint="look at the path, and where you are")
    return CannotCompareError(f"{name} cannot be read: {error.strerror}", hint="look at its permissions")


def _unwritable(path: Path, error: OSError) -> RefusedError:
    return RefusedError(
        f"{path} cannot be written: {error.strerror}", hint="look at its permissions and the free space"
    )


def _flush_folder(folder: Path) -> None:
    """A rename is on disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
