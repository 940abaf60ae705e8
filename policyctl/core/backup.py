# SPDX-License-Identifier: Apache-2.0
"""``policyctl.backup/1``: what a backup of a ledger says of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policyctl.core.proof.heads import LedgerHead, read_head

SCHEMA = "policyctl.backup/1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """``database`` is sqlite or postgresql, ``step`` that of its tables, ``instance`` which ledger it is a
    copy of, ``head`` its last entry. ``counts``: rows by table. ``file`` lies beside the manifest, with its
    bytes and SHA-256 (hex). ``key_check``: tells whether a pseudonym key is the ledger's, and not which.
    """

    made_at: datetime
    policyctl: str
    database: str
    step: str
    instance: str
    head: LedgerHead
    counts: tuple[tuple[str, int], ...]
    file: str
    bytes: int
    sha256: str
    key_check: str


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that is a ledger again: its manifest, how many on the list of erasures were in it and are
    erased again, and how many rows were verified.
    """

    manifest: Manifest
    erased: int
    rows: int


def manifest_text(found: Manifest) -> str:
    """The manifest as it lies beside the copy."""
    value = {
        "schema": SCHEMA,
        "made_at": found.made_at.isoformat(),
        "policyctl": found.policyctl,
        "database": found.database,
        "step": found.step,
        "instance": found.instance,
        "head": str(found.head),
        "counts": dict(found.counts),
        "file": found.file,
        "bytes": found.bytes,
        "sha256": found.sha256,
        "key_check": found.key_check,
    }
    return json.dumps(value, indent=2) + "\n"


def read_manifest(text: str) -> Manifest:
    """What :func:`manifest_text` wrote. ValueError for any other text."""
    try:
        raw = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        raise ValueError("not a manifest of a backup")
    try:
        return _manifest(raw)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("a manifest that lacks something") from error


def _manifest(raw: dict[str, Any]) -> Manifest:
    file, size, made_at = str(raw["file"]), int(raw["bytes"]), datetime.fromisoformat(raw["made_at"])
    if "/" in file or file.startswith(".") or made_at.tzinfo is None:
        raise ValueError("a manifest that names another folder, or no time")
    names = ("policyctl", "database", "step", "instance", "sha256", "key_check")
    return Manifest(
        made_at=made_at,
        head=read_head(raw["head"]),
        counts=tuple((str(table), int(count)) for table, count in raw["counts"].items()),
        file=file,
        bytes=size,
        **{name: str(raw[name]) for name in names},
    )
