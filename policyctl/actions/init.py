# SPDX-License-Identifier: Apache-2.0
"""``policyctl init``: make a folder, usually a git repository, one that keeps policies."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from policyctl.adapters.files import decode, read_bytes
from policyctl.adapters.new_files import add_line, create, make_folder
from policyctl.errors import CannotCompareError, RefusedError

KEY_FILE = ".policyctl/pseudonym.key"
IGNORED = ".policyctl/"
POLICIES = "policies"
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
# Every notice says who sends it and who answers: these must be yours before one can leave.
from = "privacy@example.com"
from_name = ""
reply_to = ""
postal_address = ""

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
    there = {name: (folder / name).exists() for name in (KEY_FILE, POLICIES, "policyctl.toml")}
    there[".gitignore"] = _is_ignored(folder)
    missing = tuple(name for name, found in there.items() if not found)
    if not dry_run:
        for name in missing:
            _write(folder, name)
    kept = tuple(name for name, found in there.items() if found)
    return Initialised(folder, missing, kept, (folder / ".git").exists())


def _write(folder: Path, name: str) -> None:
    if name == KEY_FILE:
        create(folder / name, f"{secrets.token_hex(_KEY_BYTES)}\n", mode=0o600)
    elif name == POLICIES:
        make_folder(folder / name)
    elif name == ".gitignore":
        add_line(folder / name, IGNORED)
    else:
        create(folder / name, SETTINGS)


def _is_ignored(folder: Path) -> bool:
    path = folder / ".gitignore"
    return path.exists() and IGNORED in decode(read_bytes(path), file=".gitignore").splitlines()
