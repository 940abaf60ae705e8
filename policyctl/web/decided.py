# SPDX-License-Identifier: Apache-2.0
"""Decisions as JSON by the thousand: what all tags of one cell are answered alike is written once.

The same bytes as of ``decision_json``; a property test holds that.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from msgspec.json import encode

from policyctl.core.policy import VersionKey
from policyctl.core.records import Tag
from policyctl.core.use.decision import Decision, UseRequest
from policyctl.core.use.wording import Filler, TagValues, Told, Wording, fill
from policyctl.reports.decision_v1 import (
    decision_json,
    finding_json,
    ledger_json,
    reason_json,
    request_json,
    tag_json,
)

_MOST = 20_000  # cells whose words are kept in bytes, a kilobyte each
_WHENEVER = datetime(1970, 1, 1, tzinfo=UTC)
_MARK, _ESCAPED = "\0", b"\\u0000"

# What stands around the slots, and their names.
_Parts = tuple[tuple[bytes, ...], tuple[str, ...]]


def decision_bytes(request: UseRequest, decision: Decision, *, whole: bool) -> bytes:
    """One decision, as :func:`policyctl.reports.decision_v1.decision_json` has it."""
    words = decision.words
    spoken = words.spoken() if isinstance(words, Told) else []
    if len(spoken) != 1 or (parts := _reasons(spoken[0][0])) is None:
        return encode(decision_json(request, decision, whole=whole))
    wording, tag, value = spoken[0]
    around, names = parts
    said = [_asked(request.category, request.purpose, request.recipient, request.slug, request.at), around[0]]
    for name, after in zip(names, around[1:], strict=True):
        said += (encode(value(name))[1:-1], after)
    said += (_tag(tag), _missing(wording) or _missing_of(wording, value))
    said.append(_ledger(decision.sequence, decision.root) if whole else b',"ledger":null}')
    return b"".join(said)


@lru_cache(maxsize=_MOST)
def _asked(category: str, purpose: str, recipient: str | None, slug: str | None, at: datetime) -> bytes:
    # Mostly a thousand ask about now. The subject is not repeated.
    return encode(request_json(UseRequest("", category, purpose, at, recipient, slug)))[:-1] + b","


@lru_cache(maxsize=_MOST)
def _reasons(wording: Wording) -> _Parts | None:
    """From the answer up to where the tag goes; None where that cannot be cut by the slots."""
    said = [
        reason_json(replace(reason, text=_MARK.join(text)))
        for reason, text in zip(wording.reasons, wording.texts, strict=True)
    ]
    line = encode(finding_json(wording.finding) | {"reasons": said})[1:-1] + b',"tags":['
    if b"\\" + _ESCAPED in line:
        return None
    parts = line.split(_ESCAPED)
    return tuple(parts[::2]), tuple(name.decode() for name in parts[1::2])


@lru_cache(maxsize=_MOST)
def _missing(wording: Wording) -> bytes:
    """What is missing; empty where that differs from tag to tag."""
    plain = all(len(text) == 1 for text in wording.missing)
    return _missing_of(wording, str) if plain else b""


def _missing_of(wording: Wording, value: Filler) -> bytes:
    return b'],"missing":' + encode(list(dict.fromkeys(fill(text, value) for text in wording.missing)))


def _tag(values: TagValues) -> bytes:
    """As ``tag_json`` has it, of which the category, version and provenance are those of many."""
    subject, category, record, collected_at, version, provenance, _ = values
    before, after = _tag_parts(category, version, provenance)
    return b'{"subject":"%b%b%b,"collected_at":"%b%b' % (
        subject.encode(),
        before,
        encode(record),
        collected_at.isoformat().encode(),
        after,
    )


@lru_cache(maxsize=_MOST)
def _tag_parts(category: str, version: VersionKey | None, provenance: str) -> tuple[bytes, bytes]:
    """What stands between the subject and the record, and after the moment."""
    tag = tag_json(Tag("", category, "", _WHENEVER, version, provenance))
    _, _, after = encode(tag).partition(_WHENEVER.isoformat().encode())
    return b'","category":%b,"record":' % encode(category), after


@lru_cache(maxsize=64)
def _ledger(sequence: int, root: str) -> bytes:
    return b"," + encode({"ledger": ledger_json(sequence, root)})[1:]
