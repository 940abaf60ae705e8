# SPDX-License-Identifier: Apache-2.0
"""Reads the folder of a theme: templates (``*.j2``), and files that go onto the site as they are.

No script and no page: what runs or what looks like a page of the policy comes from templates only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from policyctl.errors import CannotCompareError, InputError, Place

_LARGEST, _MOST = 1_000_000, 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+", re.ASCII)
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
_ENDINGS = frozenset(
    {".css", ".svg", ".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".ico", ".woff2", ".txt"}
)
_OURS = frozenset({"style.css"})


@dataclass(frozen=True, slots=True)
class ThemeFiles:
    """Templates by name, files by their path on the site."""

    templates: Mapping[str, str]
    files: Mapping[str, bytes]


def read_theme(root: Path, folder: str, slugs: frozenset[str]) -> ThemeFiles:
    """The theme in ``folder`` below ``root``. InputError for what cannot be part of one; a folder of it
    may not be called as a policy is.
    """
    place = root / folder
    if place.is_symlink() or not place.is_dir():
        raise CannotCompareError(
            f"there is no folder {folder}",
            hint="[site] theme in policyctl.toml names it; make it, or leave it out",
        )
    paths = sorted(path for path in place.rglob("*") if path.is_symlink() or not path.is_dir())
    if len(paths) > _MOST:
        raise InputError(f"more than {_MOST} files", hint="keep what pages use", place=Place(folder))
    read = {path.relative_to(place).as_posix(): _bytes(path, place, folder, slugs) for path in paths}
    templates = {name: _text(data, f"{folder}/{name}") for name, data in read.items() if name.endswith(".j2")}
    return ThemeFiles(templates, {name: data for name, data in read.items() if name not in templates})


def _bytes(path: Path, place: Path, folder: str, slugs: frozenset[str]) -> bytes:
    name = path.relative_to(place).as_posix()
    if why := _wrong(path, name.split("/"), slugs):
        raise InputError(why[0], hint=why[1], place=Place(f"{folder}/{name}"))
    return path.read_bytes()


def _wrong(path: Path, parts: list[str], slugs: frozenset[str]) -> tuple[str, str] | None:
    """What is wrong with a file, and the mend."""
    *folders, name = parts
    if path.is_symlink() or not path.is_file():
        return "not a plain file", "put the file itself there"
    if not _NAME.fullmatch(name) or not all(map(_FOLDER.fullmatch, folders)):
        return "a name that is no good in an address", "use letters, digits, - and _, and one ending"
    if folders and folders[0] in slugs:
        return f"{folders[0]} is the name of a policy", "call the folder otherwise"
    if path.suffix not in {*_ENDINGS, ".j2"} or "/".join(parts) in _OURS:
        return "this is no part of a theme", f"one of: {', '.join(sorted(_ENDINGS))}, or a template .j2"
    if path.stat().st_size > _LARGEST:
        return f"larger than {_LARGEST:,} bytes", "make it smaller: every reader loads it"
    return None


def _text(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 at offset {error.start}", hint="save the file as UTF-8", place=Place(file)
        ) from error
