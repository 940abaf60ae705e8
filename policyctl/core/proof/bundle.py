# SPDX-License-Identifier: Apache-2.0
"""Is a bundle of evidence what it says it is? Pure: bytes of files in, flaws out. No ledger, no git, no
network.

1. ``manifest.json`` names every file with its size and SHA-256, and no other file is there.
2. The links lead from the root before the first of them to the head that the manifest names.
3. Each row has a path to the digest of its entry; each tag one to the root in the row of its batch.
4. ``facts.json`` says what the rows say, and nothing else.
5. Each version's files have the hashes of its tag object's message, which the ledger's row has too; the tag
   object is named after its version, and has the id and the one who decided that ``signatures.json`` gives.
6. A head in a tag object's message is the root at that entry.
7. Each notice is the one of its row, and each mail's form one whose hash a row holds.
8. What a posting sent has the hash that its row says; of other postings the hash alone is there.

What cannot be proven is a note, never a proof.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from policyctl.core.formats.version_note import VersionNote, read_note
from policyctl.core.merkle import Inclusion
from policyctl.core.policy import VersionKey
from policyctl.core.proof.flaws import Flaw, FlawKind
from policyctl.core.proof.heads import LedgerHead, read_heads
from policyctl.core.proof.rows import LedgerPart, entry_digest_by, part_from_json, part_json
from policyctl.core.proof.stamps import digest_of, stamp_of
from policyctl.core.proof.told_facts import Facts, facts_of
from policyctl.errors import PolicyctlError

SCHEMA = "policyctl.evidence/1"
MANIFEST, LEDGER, LINKS, FACTS, SIGNATURES = (
    "manifest.json", "ledger.json", "links.bin", "facts.json", "signatures.json",
)  # fmt: skip
NAME = re.compile(r"[a-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*){0,5}", re.ASCII)
"""The paths that files of a bundle may have."""

_TAG = re.compile(r"versions/([a-z0-9][a-z0-9-]{0,62})/v([1-9][0-9]{0,8})/tag", re.ASCII)
_FORM = re.compile(r"notices/[1-9][0-9]*/([1-9][0-9]*/)?form\.json", re.ASCII)
_SIGNATURE = re.compile(r"^-----BEGIN (PGP|SSH|SIGNED) (SIGNATURE|MESSAGE)-----$", re.MULTILINE)
_ASK = "ask who gave it to you for another copy"
_MANIFEST_KEYS = {"schema", "about", "from", "to", "ledger", "release", "files"}


@dataclass(frozen=True, slots=True)
class BundleTag:
    """A version's tag object: its bytes, and what ``signatures.json`` says of it."""

    key: VersionKey
    data: bytes
    oid: str
    decided_by: str = ""

    @property
    def name(self) -> str:
        """What its ref is called."""
        return f"policy/{self.key.slug}/v{self.key.number}"

    @property
    def message(self) -> str:
        """Its message, without a signature."""
        body = self.data.decode("utf-8", "replace").partition("\n\n")[2]
        return _SIGNATURE.split(body, maxsplit=1)[0]

    @property
    def stamp(self) -> tuple[bytes | None, bytes]:
        """The time stamp in the message, None where there is none, and what it has to be of."""
        return stamp_of(self.message), digest_of(self.message)


@dataclass(slots=True)
class CheckedBundle:
    """What was found. ``about`` as the manifest has it; ``proven`` of ``rows`` and of ``tags``."""

    about: Mapping[str, Any] = field(default_factory=dict)
    head: LedgerHead = field(default_factory=lambda: LedgerHead(0))
    roots: Mapping[int, bytes] = field(default_factory=dict)
    files: int = 0
    rows: int = 0
    proven: int = 0
    tags: list[BundleTag] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)


def manifest_json(
    files: Mapping[str, bytes],
    *,
    about: Mapping[str, Any],
    span: tuple[str | None, str],
    head: LedgerHead,
    release: str,
) -> dict[str, Any]:
    """The manifest of files. ``span``: from when (None: from the beginning) to when, ISO 8601."""
    return {
        "schema": SCHEMA,
        "about": dict(about),
        "from": span[0],
        "to": span[1],
        "ledger": {"entry": head.entry, "root": head.root.hex()},
        "release": release,
        "files": [
            {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for path, data in sorted(files.items())
        ],
    }


def dumps(value: Any) -> bytes:
    """JSON as it stands in a bundle: the same value gives the same bytes."""
    return (json.dumps(value, ensure_ascii=True, indent=1, sort_keys=True) + "\n").encode()


def check_bundle(files: Mapping[str, bytes]) -> CheckedBundle:
    """Check the files of a bundle; what is wrong is told in the order above, and the first of it keeps the
    rest from being looked at where that would rest on it.
    """
    found = CheckedBundle(files=len(files))
    manifest = _manifest(files, found)
    if manifest is None or found.flaws:
        return found
    try:
        part = part_from_json(_loads(files[LEDGER]), files[LINKS])
        facts = facts_of(part)
        if files[LEDGER] != dumps(part_json(part)):
            raise ValueError("there is one way to write it")  # noqa: TRY301 - as for what cannot be read
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        found.flaws.append(_flaw(FlawKind.ALTERED, LEDGER, f"it cannot be read ({type(error).__name__})"))
        return found
    roots = found.roots = dict(part.roots())
    found.head = LedgerHead(max(roots), roots[max(roots)])
    found.flaws += _chain(manifest, found.head)
    found.flaws += _rows(part, found)
    found.flaws += _tags(part, found)
    if files.get(FACTS) != dumps(facts):
        found.flaws.append(_flaw(FlawKind.ALTERED, FACTS, "it does not say what the rows of the ledger say"))
    found.flaws += _versions(files, facts, roots, found)
    found.flaws += _notices(files, part)
    found.flaws += _postings(part)
    return found


def _flaw(kind: FlawKind, where: str, message: str, entry: int | None = None, table: str = "") -> Flaw:
    return Flaw(kind, where, f"{where}: {message}", _ASK, table, entry)


def _loads(data: bytes) -> Any:
    return json.loads(data.decode())


# 1, 2


def _manifest(files: Mapping[str, bytes], found: CheckedBundle) -> dict[str, Any] | None:
    if MANIFEST not in files:
        found.flaws.append(_flaw(FlawKind.MISSING, MANIFEST, "it is not in the bundle"))
        return None
    manifest: dict[str, Any] = {}
    try:
        manifest = _loads(files[MANIFEST])
        named = {str(each["path"]): (str(each["sha256"]), each["size"]) for each in manifest["files"]}
        good = manifest["schema"] == SCHEMA and set(manifest) == _MANIFEST_KEYS
        good = good and len(named) == len(manifest["files"]) and files[MANIFEST] == dumps(manifest)
        found.about = dict(manifest["about"])
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        good, named = False, {}
    if not good:
        found.flaws.append(_flaw(FlawKind.ALTERED, MANIFEST, f"it is no manifest of {SCHEMA}"))
        return None
    found.flaws += _files(files, named)
    for path in (LEDGER, LINKS, FACTS, SIGNATURES):
        if path not in named and not found.flaws:
            found.flaws.append(_flaw(FlawKind.MISSING, path, "the manifest does not name it"))
    return manifest


def _files(files: Mapping[str, bytes], named: Mapping[str, tuple[str, Any]]) -> Iterator[Flaw]:
    for path, (digest, size) in named.items():
        data = files.get(path)
        if data is None:
            yield _flaw(FlawKind.MISSING, path, "the manifest names it, and it is not in the bundle")
        elif hashlib.sha256(data).hexdigest() != digest or len(data) != size:
            yield _flaw(FlawKind.ALTERED, path, "it is not the file that the manifest names")
    for path in sorted(set(files) - set(named) - {MANIFEST}):
        yield _flaw(FlawKind.ALTERED, path, "it is in the bundle, and the manifest does not name it")


def _chain(manifest: Mapping[str, Any], head: LedgerHead) -> Iterator[Flaw]:
    if manifest["ledger"] != {"entry": head.entry, "root": head.root.hex()}:
        message = "the links do not lead to the head that the manifest names"
        yield _flaw(FlawKind.ALTERED, LINKS, message, head.entry, "chain")


# 3


def _rows(part: LedgerPart, found: CheckedBundle) -> Iterator[Flaw]:
    found.rows = len(part.rows) + len(part.tags)
    why: dict[str, int] = {}
    for place, row in enumerate(part.rows):
        where = f"row {place} of {LEDGER}"
        if row.path is None:
            why[row.why] = why.get(row.why, 0) + 1
            continue
        link, own = row.entry - part.first, part.own.get(row.entry)
        if own is None or not 0 <= link < len(part.links):
            yield _flaw(
                FlawKind.MISSING, where, f"the link of entry {row.entry} is not here", row.entry, row.table
            )
        elif not own.startswith(f'["entry", {row.entry}, '):
            yield _flaw(FlawKind.REORDERED, where, f"entry {row.entry} is another one", row.entry, row.table)
        elif entry_digest_by(own, row.line, row.path) != part.links[link]:
            message = f"it is not part of entry {row.entry}"
            yield _flaw(FlawKind.ALTERED, where, message, row.entry, row.table)
        else:
            found.proven += 1
    for reason, count in sorted(why.items()):
        message = f"{count} rows cannot be proven alone: {reason}"
        yield Flaw(FlawKind.NOT_PROVEN, LEDGER, message, "hold the whole ledger against its heads instead")


def _tags(part: LedgerPart, found: CheckedBundle) -> Iterator[Flaw]:
    bare = 0
    for place, tag in enumerate(part.tags):
        where = f"tag {place} of {LEDGER}"
        row = part.rows[tag.row] if tag.row < len(part.rows) else None
        values = row.values() if row is not None and row.table in {"batch", "batch_seal"} else {}
        if row is None or values.get("batch_no") != tag.batch:
            yield _flaw(FlawKind.MISSING, where, f"the row of batch {tag.batch} is not here", None, "batch")
        elif tag.path is None or row.path is None:
            bare += 1
        else:
            root = bytes.fromhex(values.get("root") or "")
            path = tag.path
            if Inclusion(tag.leaf, path.index, path.size, path.hashes, root).holds():
                found.proven += 1
            else:
                message = f"it is not part of batch {tag.batch}"
                yield _flaw(FlawKind.ALTERED, where, message, row.entry, "batch")
    if bare:
        message = f"{bare} tags cannot be proven: their batch has no tree yet, or its row has no proof"
        yield Flaw(FlawKind.NOT_PROVEN, LEDGER, message, "run `policyctl ledger seal`, and export anew")


# 5, 6


def _versions(
    files: Mapping[str, bytes], facts: Facts, roots: Mapping[int, bytes], found: CheckedBundle
) -> Iterator[Flaw]:
    recorded = {fact["version"]: fact for fact in facts["versions"]}
    try:
        said = {
            str(each["version"]): (str(each["tag"]), str(each["decided_by"]))
            for each in _loads(files[SIGNATURES])["versions"]
        }
    except (KeyError, ValueError, TypeError, RecursionError):
        yield _flaw(FlawKind.ALTERED, SIGNATURES, "it cannot be read")
        return
    for path in sorted(files):
        if match := _TAG.fullmatch(path):
            key = VersionKey(match[1], int(match[2]))
            found.tags.append(BundleTag(key, files[path], *said.get(str(key), ("", ""))))
    found.tags.sort(key=lambda tag: tag.key)
    there = {str(tag.key) for tag in found.tags}
    for version in sorted(set(recorded) - there):
        message = f"{version}: its tag object and text are not in the bundle"
        yield Flaw(FlawKind.NOT_PROVEN, version, message, "export from a clone that holds the version refs")
    oids = {tag.key: tag.oid for tag in found.tags}
    for tag in found.tags:
        yield from _version(tag, files, recorded.get(str(tag.key)), roots, oids)


def _version(
    tag: BundleTag,
    files: Mapping[str, bytes],
    fact: Mapping[str, Any] | None,
    roots: Mapping[int, bytes],
    oids: Mapping[VersionKey, str],
) -> Iterator[Flaw]:
    folder = f"versions/{tag.key.slug}/v{tag.key.number}"
    if tag_id(tag.data) != tag.oid:
        yield _flaw(FlawKind.ALTERED, f"{folder}/tag", "its id is not the one that signatures.json gives")
        return
    head = tag.data.decode("utf-8", "replace").partition("\n\n")[0]
    fields = dict(line.partition(" ")[::2] for line in head.split("\n"))
    if fields.get("tag") != tag.name:
        yield _flaw(FlawKind.OTHER_NAME, f"{folder}/tag", f"it is not the tag object of {tag.name}")
        return
    try:
        note = read_note(tag.message, tag.key)
    except PolicyctlError as error:
        yield _flaw(FlawKind.ALTERED, f"{folder}/tag", error.message)
        return
    if note.decided_by != tag.decided_by:
        yield _flaw(FlawKind.ALTERED, SIGNATURES, f"{tag.key} was not decided by who it says")
    for name, wanted in (("policy.md", note.text_sha256), ("practices.yaml", note.practices_sha256)):
        data = files.get(f"{folder}/{name}")
        if ("" if data is None else hashlib.sha256(data).hexdigest()) != wanted:
            yield _flaw(FlawKind.ALTERED, f"{folder}/{name}", "it is not the text that the tag object names")
    if fact is not None and (fact["text_sha256"], fact["commit"]) != (note.text_sha256, fields.get("object")):
        yield _flaw(FlawKind.MOVED, f"{folder}/tag", "the ledger recorded another commit, or another text")
    before = oids.get(VersionKey(tag.key.slug, tag.key.number - 1))
    if before is not None and note.previous not in {"", before}:
        yield _flaw(
            FlawKind.MOVED, f"{folder}/tag", "it names another tag object as that of the version before"
        )
    yield from _anchors(tag, note, roots)


def tag_id(data: bytes) -> str:
    """The id that git gives to the bytes of a tag object."""
    return hashlib.sha1(b"tag %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _anchors(tag: BundleTag, note: VersionNote, roots: Mapping[int, bytes]) -> Iterator[Flaw]:
    """The head in a message; where the ledger is on several servers there is one of each, and the bundle is
    of one of them.
    """
    heads = read_heads(note.ledger_head)
    if not heads or any(roots.get(head.entry) == head.root or head.entry < min(roots) for head in heads):
        return
    head = max(heads)
    if head.entry > max(roots):
        message = (
            f"it holds the root of entry {head.entry}, and the ledger of the bundle ends at {max(roots)}"
        )
        yield _flaw(FlawKind.ROLLED_BACK, tag.name, message, head.entry, "chain")
    else:
        message = f"the root at entry {head.entry} is not the one that it holds"
        yield _flaw(FlawKind.ALTERED, tag.name, message, head.entry, "chain")


# 7


def _notices(files: Mapping[str, bytes], part: LedgerPart) -> Iterator[Flaw]:
    bodies = {row.values()["notice_no"]: row.values()["body"] for row in part.rows if row.table == "notice"}
    written = {path for path in files if path.startswith("notices/") and path.endswith("/notice.json")}
    for number, body in sorted(bodies.items()):
        path = f"notices/{number}/notice.json"
        if files.get(path) != body.encode():
            yield _flaw(FlawKind.ALTERED, path, "it is not the notice that the ledger holds")
        written.discard(path)
    hashes = {row.values()["form_sha256"] for row in part.rows if row.table == "sent"}
    for path in sorted(path for path in files if _FORM.fullmatch(path)):
        if hashlib.sha256(files[path]).hexdigest() not in hashes:
            yield _flaw(FlawKind.ALTERED, path, "the ledger holds no hash of such a mail")
    for path in sorted(written):
        yield _flaw(FlawKind.ALTERED, path, "the ledger holds no such notice")


# 8


def _postings(part: LedgerPart) -> Iterator[Flaw]:
    for row in part.rows:
        values = row.values() if row.table == "posting" else {}
        body = values.get("body", "")
        if body and hashlib.sha256(body.encode()).hexdigest() != values["sha256"]:
            message = "it has another hash than what was sent"
            yield _flaw(FlawKind.ALTERED, f"posting {values['id']}", message, row.entry, "posting")
