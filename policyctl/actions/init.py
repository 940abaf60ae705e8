# SPDX-License-Identifier: Apache-2.0
"""``policyctl init``: make a folder, usually a git repository, one that keeps policies."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from policyctl.adapters.files import decode, read_bytes
from policyctl.adapters.new_files import add_line, create
from policyctl.errors import CannotCompareError, RefusedError

KEY_FILE = ".policyctl/pseudonym.key"
IGNORED = ".policyctl/"
KEEP = "policies/.gitkeep"  # git keeps no empty folder
_KEY_BYTES = 32

SETTINGS = """\
# Settings of this policy repository. Secrets stand in the environment or in .policyctl/, never here.
# Every key: docs/reference/settings.md

[ledger]
url = "sqlite:///.policyctl/ledger.db"

[mail]
# folder writes .eml files and sends nothing; smtp and sendgrid send.
mailer = "folder"
folder = ".policyctl/outbox"
from = "privacy@example.com"

[site]
folder = ".policyctl/site"

[lead_time]
# days between publication and the effective date
notice = 30
choice = 30
transition = 30
"""


@dataclass(frozen=True, slots=True)
class Initialised:
    """``written``: paths relative to the folder; ``kept``: what was there already and stays as it is."""

    folder: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]
    is_git: bool


def init(folder: Path, *, dry_run: bool = False) -> Initialised:
    """Write ``policyctl.toml``, ``policies/``, the key for pseudonyms (0600) and a line of ``.gitignore``.

    Nothing is overwritten: ``RefusedError`` when there is a ``policyctl.toml``; a key that is there
    stays, for pseudonyms made with it would be lost with it.
    """
    if not folder.is_dir():
        raise CannotCompareError(f"{folder} is not a folder", hint="make it first: mkdir, then git init")
    if (folder / "policyctl.toml").exists():
        hint = "this is a policy repository already: policyctl new SLUG writes a policy"
        raise RefusedError("policyctl.toml is there already", hint=hint)
    files = {KEY_FILE: f"{secrets.token_hex(_KEY_BYTES)}\n", KEEP: "", "policyctl.toml": SETTINGS}
    there = tuple(name for name in files if _is_there(folder, name))
    missing = tuple(name for name in files if name not in there)
    ignored = _is_ignored(folder)
    if not dry_run:
        if not ignored:
            add_line(folder / ".gitignore", IGNORED)
        for name in missing:
            create(folder / name, files[name], mode=0o600 if name == KEY_FILE else 0o644)
    ignore = (".gitignore",)
    written, kept = (missing, there + ignore) if ignored else (missing + ignore, there)
    return Initialised(folder, written, kept, (folder / ".git").exists())


def _is_there(folder: Path, name: str) -> bool:
    """A file that is there; for the place holder, any ``policies`` folder will do."""
    return (folder / "policies").is_dir() if name == KEEP else (folder / name).exists()


def _is_ignored(folder: Path) -> bool:
    path = folder / ".gitignore"
    return path.exists() and IGNORED in decode(read_bytes(path), file=".gitignore").splitlines()
