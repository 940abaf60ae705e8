# SPDX-License-Identifier: Apache-2.0
"""Rows of a ledger as they stand in a bundle of evidence: each as the line that the chain hashed.

1. A line is JSON: the table's name, then the values of its columns in the order of :data:`COLUMNS`. Times are
   microseconds since 1970, hashes hex digits.
2. It is proven by a path of the Merkle tree of its entry (adapters/ledger/base/chain.py): the digest of
   an entry is the SHA-256 of a byte 2, the entry's own line, and the root of the tree.
3. A tag is 28 bytes, the leaf of the tree of its batch; the root of that stands in the line of the batch,
   or of its seal.

Nothing but these is read as a fact: who writes facts of his own beside them is found out.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from policyctl.core.merkle import leaf_hash, root_by_path

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "policy": ("policy_no", "slug"),
    "version": (
        "published_at", "effective_at", "number", "version_no", "policy_no", "title", "change_class",
        "commit_id", "text_sha256",
    ),
    "practice": (
        "practice_no", "position", "line", "version_no", "keep_existing", "id", "clause", "categories",
        "purpose", "recipients", "retention", "choice",
    ),
    "change": ("practice_no", "position", "window_days", "name", "mode"),
    "category": ("category_no", "policy_no", "id"),
    "customer": ("tenant_no", "id", "name"),
    "notice": (
        "notice_no", "position", "version_no", "kind", "audience_kind", "audience_categories", "changes",
        "body",
    ),
    "batch": ("batch_no", "tag_count", "epoch_no", "digest", "provenance", "root"),
    "batch_seal": ("batch_no", "root"),
    "sent": ("sent_no", "notice_no", "lo", "hi", "form_sha256", "form"),
    "subject": ("subject_no", "seal"),
    "admission": ("subject_no", "admitted_at", "version_no"),
    "choice": ("subject_no", "given_at", "seq", "practice_no", "answer"),
    "acknowledgement": ("subject_no", "seen_at", "version_no"),
    "objection": ("subject_no", "objected_at", "version_no", "stands"),
    "tag_end": ("subject_no", "ref", "ended_at", "category"),
    "cut": ("first_no", "last_no", "gone", "what", "rule", "left_digest"),
    "reminder": ("notice_no", "of_notice", "lead_days"),
    "reminder_stop": ("subject_no", "stopped_at", "contact"),
    "delivery_event": ("happened_at", "attempt", "by_address", "nid", "event", "status"),
    "posting": (
        "posting_no", "recorded_at", "version_no", "id", "place", "kind", "target", "sha256", "body",
    ),
    "posting_event": ("posting_no", "attempt", "happened_at", "not_before", "outcome", "detail"),
}  # fmt: skip
"""The tables whose rows may stand in a bundle."""

_SHORT = {"delivery_event": ("happened_at", "nid", "event"), "batch": COLUMNS["batch"][:-1]}
_HASH = 32  # bytes of a SHA-256
_LEAF = struct.Struct(">qhqqh")


@dataclass(frozen=True, slots=True)
class Path:
    """Where a leaf stands in a tree, and the hashes that lead to its root, from below."""

    index: int
    size: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``line`` without its end. ``path`` is None where it cannot be proven alone: ``why`` says
    so.
    """

    entry: int
    line: str
    path: Path | None = None
    why: str = ""

    @property
    def table(self) -> str:
        """The table that it is of."""
        return str(json.loads(self.line)[0])

    def values(self) -> dict[str, Any]:
        """Its values by the names of their columns. ValueError for a line that is none."""
        table, *values = json.loads(self.line)
        names = COLUMNS[table]
        short = _SHORT.get(table, ())
        if len(values) not in {len(names), len(short)}:
            raise ValueError(f"a line of {table} with {len(values)} values")
        return dict(zip(names if len(values) == len(names) else short, values, strict=True))


@dataclass(frozen=True, slots=True)
class TagLeaf:
    """One tag: ``row`` is the place among the rows of the batch, or its seal, that holds the root of the
    tree. ``path`` is None where its batch has no tree yet.
    """

    leaf: bytes
    batch: int
    row: int
    path: Path | None

    def values(self) -> dict[str, int]:
        """What it says. ValueError for bytes that are none."""
        try:
            found = _LEAF.unpack(self.leaf)
        except struct.error as error:
            raise ValueError("a tag of another length") from error
        return dict(zip(("subject_no", "category", "ref", "collected_at", "version_no"), found, strict=True))


@dataclass(frozen=True, slots=True)
class LedgerPart:
    """What a bundle has of a ledger. ``before``: the root before the first link; ``first`` the number of
    the entry of that link; ``links`` the digests of the entries from there to the head, in order. ``own``:
    by number, the line of each entry whose rows are here. ``names``: what the numbers of records below zero
    stand for, as far as known.
    """

    first: int
    before: bytes
    links: tuple[bytes, ...]
    own: Mapping[int, str]
    rows: tuple[Row, ...]
    tags: tuple[TagLeaf, ...]
    names: Mapping[int, str]

    def roots(self) -> Iterable[tuple[int, bytes]]:
        """The roots from the one before the first link on, each with its entry's number."""
        root = self.before
        yield self.first - 1, root
        for place, digest in enumerate(self.links):
            root = sha256(root + digest).digest()
            yield self.first + place, root


def entry_digest_by(own: str, line: str, path: Path) -> bytes | None:
    """The digest that an entry must have which holds this line at that path (2); None for no path."""
    root = root_by_path(leaf_hash(line.encode() + b"\n"), path.index, path.size, path.hashes)
    return None if root is None else sha256(b"\2" + own.encode() + b"\n" + root).digest()


def part_json(part: LedgerPart) -> dict[str, Any]:
    """As it stands in ``ledger.json``; the links stand in ``links.bin``."""
    return {
        "first": part.first,
        "before": part.before.hex(),
        "links": len(part.links),
        "entries": {str(seq): line for seq, line in sorted(part.own.items())},
        "rows": [
            {"entry": row.entry, "line": row.line, "path": _path_json(row.path), "why": row.why}
            for row in part.rows
        ],
        "tags": [
            {"leaf": tag.leaf.hex(), "batch": tag.batch, "row": tag.row, "path": _path_json(tag.path)}
            for tag in part.tags
        ],
        "records": {str(ref): name for ref, name in sorted(part.names.items())},
    }


def _path_json(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    return {"index": path.index, "size": path.size, "hashes": [found.hex() for found in path.hashes]}


def part_from_json(data: Mapping[str, Any], links: bytes) -> LedgerPart:
    """The other way. ValueError, KeyError, TypeError for what is none."""
    if len(links) != _HASH * data["links"]:
        raise ValueError("links.bin has another length")
    return LedgerPart(
        first=_whole(data["first"]),
        before=_hash(data["before"]),
        links=tuple(links[place : place + _HASH] for place in range(0, len(links), _HASH)),
        own={_whole(int(seq)): str(line) for seq, line in data["entries"].items()},
        rows=tuple(
            Row(_whole(row["entry"]), str(row["line"]), _path(row["path"]), str(row["why"]))
            for row in data["rows"]
        ),
        tags=tuple(
            TagLeaf(bytes.fromhex(tag["leaf"]), _whole(tag["batch"]), _whole(tag["row"]), _path(tag["path"]))
            for tag in data["tags"]
        ),
        names={int(ref): str(name) for ref, name in data["records"].items()},
    )


def _path(data: Mapping[str, Any] | None) -> Path | None:
    if data is None:
        return None
    return Path(_whole(data["index"]), _whole(data["size"]), tuple(map(_hash, data["hashes"])))


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a number from 0 on")
    return value


def _hash(value: str) -> bytes:
    found = bytes.fromhex(value)
    if len(found) != _HASH or value != found.hex():
        raise ValueError("not a SHA-256")
    return found
