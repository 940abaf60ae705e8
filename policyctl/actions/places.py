# SPDX-License-Identifier: Apache-2.0
"""What a name on the command line stands for on the disk; one that no disk can hold stands for nothing."""

from __future__ import annotations

from pathlib import Path


def is_there(path: Path) -> bool:
    """Something of that name is there, be it a link that leads nowhere."""
    try:
        return path.exists() or path.is_symlink()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """A file, or a link to one."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
