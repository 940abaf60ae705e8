# SPDX-License-Identifier: Apache-2.0
"""Decisions as JSON by the thousand: what all tags of one cell are answered alike is written once.

The same bytes as of ``decision_json``; a property test holds that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from msgspec.json import encode

from policyctl.core.policy import VersionKey
from policyctl.core.records import Tag
from policyctl.core.use.decision import Decision, UseRequest
from policyctl.core.use.wording import Spoken, TagValues, Told, Wording, fill
from policyctl.reports.deciding.decision_v1 import (
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
    """One decision, as :func:`policyctl.reports.deciding.decision_v1.decision_json` has it."""
    words = decision.words
    spoken = words.spoken() if isinstance(words, Told) else []
    said = _reasons(spoken)
    if not said:
        return encode(decision_json(request, decision, whole=whole))
    deciding = spoken[0][0]
    if deciding.finding is not decision.finding:
        deciding = next(wording for wording, _, _ in spoken if wording.finding is decision.finding)
    return b"".join(
        (
            _asked(request.category, request.purpose, request.recipient, request.slug, request.at),
            _opening(deciding),
            *said,
            b'],"tags":[',
            b",".join([_tag(tag) for _, tag, _ in spoken]),
            _missing(spoken),
            _ledger(decision.sequence, decision.root) if whole else b',"ledger":null}',
        )
    )


@lru_cache(maxsize=_MOST)
def _asked(category: str, purpose: str, recipient: str | None, slug: str | None, at: datetime) -> bytes:
    # Mostly a thousand ask about now. The subject is not repeated.
    return encode(request_json(UseRequest("", category, purpose, at, recipient, slug)))[:-1] + b","


@lru_cache(maxsize=_MOST)
def _opening(wording: Wording) -> bytes:
    return encode(finding_json(wording.finding))[1:-1] + b',"reasons":['


def _reasons(spoken: Sequence[Spoken]) -> list[bytes]:
    """Of each tag; none where they must be put together otherwise."""
    said: list[bytes] = []
    after = 0
    for wording, _, value in spoken:
        parts = _parts(wording, after)
        if parts is None or not (wording.of_tag or len(spoken) == 1):
            return []
        around, names = parts
        said.append(around[0])
        for name, rest in zip(names, around[1:], strict=True):
            said += (encode(value(name))[1:-1], rest)
        after += len(wording.reasons)
    return said


@lru_cache(maxsize=_MOST)
def _parts(wording: Wording, after: int) -> _Parts | None:
    """The reasons about a tag, after so many of others; None where they cannot be cut by the slots."""
    said = [
        reason_json(replace(reason, number=reason.number + after, text=_MARK.join(text)))
        for reason, text in zip(wording.reasons, wording.texts, strict=True)
    ]
    line = (b"," if after else b"") + encode(said)[1:-1]
    if b"\\" + _ESCAPED in line:
        return None
    parts = line.split(_ESCAPED)
    return tuple(parts[::2]), tuple(name.decode() for name in parts[1::2])


def _missing(spoken: Sequence[Spoken]) -> bytes:
    if len(spoken) == 1 and (found := _missing_anyway(spoken[0][0])):
        return found
    missing = [fill(text, value) for wording, _, value in spoken for text in wording.missing]
    return b'],"missing":' + encode(list(dict.fromkeys(missing)))


@lru_cache(maxsize=_MOST)
def _missing_anyway(wording: Wording) -> bytes:
    """What is missing of every tag of a cell; empty where that differs."""
    if any(len(text) > 1 for text in wording.missing):
        return b""
    return b'],"missing":' + encode(list(dict.fromkeys("".join(text) for text in wording.missing)))


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
