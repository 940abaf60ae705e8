# SPDX-License-Identifier: Apache-2.0
"""A bundle of evidence as one zip, of which there is only one form for the same files.

1. Stored, not compressed: no size but what is seen, the same bytes whatever library wrote them.
2. Names in order, plain letters, no folders, no links, one time for all.
3. What is read is written again, and has to be the same to the byte: so a byte that is altered anywhere,
   something before or behind the zip, a name that comes twice, or a path that leads out of it is found out.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from policyctl.core.proof.bundle import NAME
from policyctl.errors import CannotCompareError, IntegrityError

MOST_BYTES = 1_000_000_000
_MOST_FILES = 20_000
_TIME = (1980, 1, 1, 0, 0, 0)
_ASK = "ask who gave it to you for another copy"


def write_bundle(files: Mapping[str, bytes]) -> bytes:
    """The zip of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            bundle.writestr(entry, files[name])
    return target.getvalue()


def read_bundle(path: Path) -> dict[str, bytes]:
    """The files of a zip. IntegrityError for one that :func:`write_bundle` would not have written;
    CannotCompareError where there is none, or one too large.
    """
    try:
        if not path.is_file() and not path.is_dir() and path.exists():
            raise CannotCompareError(f"{path} is no file", hint="name the file that you were given")
        if path.stat().st_size > MOST_BYTES:
            raise CannotCompareError(f"{path} is larger than {MOST_BYTES:,} bytes", hint="it is no bundle")
        data = path.read_bytes()
    except OSError as error:
        raise CannotCompareError(
            f"{path} cannot be read: {error.strerror}", hint="name the file that you were given"
        ) from error
    files = _files(data)
    if write_bundle(files) != data:
        raise _altered("it is not as it was written: something in it, before it or behind it is of others")
    return files


def _files(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            entries = bundle.infolist()
            if len(entries) > _MOST_FILES:
                raise _altered(f"it holds more than {_MOST_FILES:,} files")
            _require_plain(entries, len(data))
            return {entry.filename: bundle.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise _altered(f"it is no zip that can be read ({type(error).__name__})") from error


def _require_plain(entries: list[zipfile.ZipInfo], size: int) -> None:
    seen: set[str] = set()
    for entry in entries:
        if not NAME.fullmatch(entry.filename):
            raise _altered("it holds a name that no file of a bundle has")
        if entry.filename in seen:
            raise _altered(f"it holds {entry.filename} twice")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits:
            raise _altered(f"{entry.filename} is packed, and files of a bundle are not")
        seen.add(entry.filename)
    if sum(entry.file_size for entry in entries) > size:
        raise _altered("its files are larger than it is itself")


def _altered(why: str) -> IntegrityError:
    return IntegrityError(f"the bundle was altered: {why}", hint=_ASK)
