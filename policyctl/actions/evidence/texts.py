# SPDX-License-Identifier: Apache-2.0
"""What git holds of the versions in a bundle: tag objects, texts, and what publishing wrote about each
step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.signatures import SignatureChecker
from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.policy import VersionKey

_LONGEST = 5_000_000
_STEP = {"html": "redline.html", "md": "redline.md", "json": "findings.json"}
_WORDS = {
    "policy.md": "The text",
    "practices.yaml": "The declared practices",
    "redline.html": "What changed",
    "redline.md": "What changed, as plain text",
    "findings.json": "What was found in the change, and what legal decided",
    "tag": "The tag object, with its signature",
}


@dataclass(frozen=True, slots=True)
class PublishedText:
    """One version: its files by their paths in the bundle; what is said of its signature."""

    key: VersionKey
    files: dict[str, bytes]
    signature: dict[str, Any]
    links: tuple[tuple[str, str], ...]


def published_texts(
    keys: Sequence[VersionKey], *, history: History, checker: SignatureChecker
) -> tuple[PublishedText, ...]:
    """The versions that the clone holds; those it does not hold are left out, and the bundle says so."""
    known = {mark.key: mark for slug in sorted({key.slug for key in keys}) for mark in history.versions(slug)}
    return tuple(_text(known[key], history, checker) for key in sorted(keys) if key in known)


def _text(mark: MarkedVersion, history: History, checker: SignatureChecker) -> PublishedText:
    folder = f"versions/{mark.key.slug}/v{mark.key.number}"
    files = {f"{folder}/{name}": data for name, data in _files(mark, history)}
    found = checker.check(mark.tag)
    signature = {
        "version": str(mark.key),
        "tag": mark.tag,
        "signature": found.state.value,
        "signer": found.signer,
        "key": found.key,
        "decided_by": mark.note.decided_by,
    }
    links = tuple((path, _WORDS[path.rpartition("/")[2]]) for path in files)
    return PublishedText(mark.key, files, signature, links)


def _files(mark: MarkedVersion, history: History) -> Iterator[tuple[str, bytes]]:
    tag = history.runner.read(mark.tag, _LONGEST)
    slug, number = mark.key.slug, mark.key.number
    for name in ("policy.md", "practices.yaml"):
        data = history.find(mark.commit, f"policies/{slug}/{name}")
        if data is not None:
            yield name, data
    for ending, name in _STEP.items() if number > 1 else ():
        data = history.find(mark.commit, f"diffs/{slug}/v{number - 1}..v{number}.{ending}")
        if data is not None:
            yield name, data
    if tag is not None:
        yield "tag", tag[1]
