# SPDX-License-Identifier: Apache-2.0
"""The version refs of a repository as they are, sound or not: what is wrong with one is told, and never
keeps the others from being looked at.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from policyctl.adapters.repository.names import VERSION_REF, shown
from policyctl.adapters.repository.run import GitRunner
from policyctl.adapters.repository.signatures import SignatureChecker
from policyctl.core.formats.slugs import check_slug
from policyctl.core.formats.version_note import VersionNote, read_note
from policyctl.core.policy import VersionKey
from policyctl.core.proof.refs import FoundRef, Signature, Signed
from policyctl.core.proof.stamps import digest_of, stamp_of
from policyctl.errors import PolicyctlError

_LONGEST = 1_000_000
_SIGNATURE = re.compile(r"^-----BEGIN (PGP|SSH|SIGNED) (SIGNATURE|MESSAGE)-----$", re.MULTILINE)
_UNSIGNED = Signature(Signed.NONE)


def find_refs(runner: GitRunner, slug: str | None, checker: SignatureChecker) -> tuple[FoundRef, ...]:
    """The version refs of a policy, or of all, by slug and number; what is at their commits is not read."""
    return tuple(sorted(_found(runner, slug, checker), key=lambda ref: ref.key))


def _found(runner: GitRunner, slug: str | None, checker: SignatureChecker) -> Iterator[FoundRef]:
    under = "refs/tags/policy/" + (f"{check_slug(slug)}/" if slug else "")
    rows = runner.call("for-each-ref", "--format=%(objectname) %(refname)", under).out
    for row in rows.decode("utf-8", "replace").splitlines():
        oid, _, name = row.partition(" ")
        if match := VERSION_REF.fullmatch(name):
            yield _ref(runner, VersionKey(match["slug"], int(match["number"])), oid, checker)


def _ref(runner: GitRunner, key: VersionKey, oid: str, checker: SignatureChecker) -> FoundRef:
    found = runner.read(oid, _LONGEST)
    if found is None:
        return FoundRef(key, oid, "", "", _UNSIGNED, None, "is not in this clone", damaged=True)
    kind = _kind(oid, found[1])
    if kind is None:
        return FoundRef(key, oid, "", "", _UNSIGNED, None, "is damaged, or too large", damaged=True)
    if kind != "tag":
        return FoundRef(key, oid, "", "", _UNSIGNED, None, f"the ref leads to a {kind}, without a tag object")
    return _tag(key, oid, found[1].decode("utf-8", "replace"), checker)


def _kind(oid: str, data: bytes) -> str | None:
    """What object these bytes are, by the id that they must have."""
    for kind in ("tag", "commit", "tree", "blob"):
        frame = f"{kind} {len(data)}\0".encode()
        if hashlib.sha1(frame + data, usedforsecurity=False).hexdigest() == oid:
            return kind
    return None


def _tag(key: VersionKey, oid: str, raw: str, checker: SignatureChecker) -> FoundRef:
    head, _, message = raw.partition("\n\n")
    fields = dict(line.partition(" ")[::2] for line in head.split("\n"))
    inner = fields.get("tag", "")
    if fields.get("type") != "commit" or not inner:
        return FoundRef(key, oid, "", "", _UNSIGNED, None, "its tag object does not lead to a commit")
    note, unread = _note(message, key)
    plain = _SIGNATURE.split(message, maxsplit=1)[0]
    safe = inner if inner == key.ref.removeprefix("refs/tags/") else shown(inner)
    return FoundRef(
        key,
        oid,
        safe,
        fields.get("object", ""),
        checker.check(oid),
        note,
        unread,
        digest=digest_of(plain),
        reply=stamp_of(plain),
    )


def _note(message: str, key: VersionKey) -> tuple[VersionNote | None, str]:
    try:
        return read_note(_SIGNATURE.split(message, maxsplit=1)[0], key), ""
    except PolicyctlError as error:
        return None, error.message
