# SPDX-License-Identifier: Apache-2.0
"""``policyctl.verify/1``: what was verified, what is wrong, and what nobody can prove."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from policyctl.core.proof.flaws import Flaw
from policyctl.core.proof.heads import Anchor, LedgerHead
from policyctl.core.proof.refs import FoundRef, Signature, Signed
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.words import one_line

SCHEMA = "policyctl.verify/1"
HOLDS, UNPROVEN, BROKEN = "holds", "unproven", "broken"


@dataclass(frozen=True, slots=True)
class LedgerPart:
    """What was looked at of one server: the head it ends at, rows, the tags among them, cut records."""

    head: LedgerHead
    rows: int
    tags: int
    cuts: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What a report prints. ``refs``: each with whether it holds."""

    refs: Sequence[tuple[FoundRef, bool]]
    ledgers: Sequence[LedgerPart]
    anchors: Sequence[Anchor]
    flaws: Sequence[Flaw]
    first: Flaw | None

    @property
    def verdict(self) -> str:
        """One word for all of it."""
        if self.first is None:
            return HOLDS
        return BROKEN if self.first.broken else UNPROVEN


def verify_json(found: Verification) -> Json:
    """The verification as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "verdict": found.verdict,
        "first": flaw_json(found.first) if found.first else None,
        "flaws": [flaw_json(flaw) for flaw in found.flaws],
        "versions": [_ref(ref, holds=holds) for ref, holds in found.refs],
        "ledgers": [
            {"head": _head(part.head), "rows": part.rows, "tags": part.tags, "cuts": part.cuts}
            for part in found.ledgers
        ],
        "anchors": [
            {"source": anchor.source, "server": anchor.server, "head": _head(anchor.head)}
            for anchor in found.anchors
        ],
    }


def _head(head: LedgerHead) -> Json:
    return {"entry": head.entry, "root": head.root.hex()}


def flaw_json(flaw: Flaw) -> Json:
    """One flaw."""
    return {
        "kind": flaw.kind.value,
        "broken": flaw.broken,
        "where": flaw.where,
        "table": flaw.table or None,
        "entry": flaw.entry,
        "server": flaw.server,
        "message": flaw.message,
        "mend": flaw.hint,
    }


def _ref(ref: FoundRef, *, holds: bool) -> Json:
    return {
        "version": str(ref.key),
        "ref": ref.name,
        "tag": ref.oid,
        "commit": ref.commit,
        "holds": holds,
        "signature": ref.signature.state.value,
        "signer": ref.signature.signer,
        "key": ref.signature.key,
        "stamp": ref.stamp.state.value,
        "stamped_at": ref.stamp.at.isoformat() if ref.stamp.at else None,
    }


def verify_text(found: Verification) -> str:
    """The verification for a person: what was looked at, what is wrong, the verdict last."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Verification) -> Iterator[str]:
    for ref, holds in found.refs:
        yield f"{'holds' if holds else 'FAILS':<7}{ref.key}  {signature_line(ref.signature, ref.stamp.at)}"
    for number, part in enumerate(found.ledgers, start=1):
        name = "ledger" if len(found.ledgers) == 1 else f"server {number}"
        anchors = sum(anchor.server == number - 1 for anchor in found.anchors)
        entries = "1 entry" if part.head.entry == 1 else f"{part.head.entry:,} entries"
        yield f"{name}: {entries}, {part.rows:,} rows, {part.tags:,} tags among them"
        kept = f"{anchors} head{'s' * (anchors != 1)} kept outside"
        yield f"        held against {kept}; cut records: {part.cuts:,}"
        yield f"        head {part.head}"
    if not found.ledgers:
        yield "ledger: not looked at"
    yield from flaw_lines(found.flaws)
    yield verdict_line(found.first)


def flaw_lines(flaws: Sequence[Flaw]) -> Iterator[str]:
    """Each flaw, and what to do about it."""
    for flaw in flaws:
        yield f"{flaw.kind.value}: {one_line(flaw.message)}"
        if flaw.hint:
            yield f"        {'mend' if flaw.counts else 'note'}: {one_line(flaw.hint)}"


def signature_line(found: Signature, stamped_at: datetime | None = None) -> str:
    """Who signed, and when by a time stamp."""
    if found.state is Signed.GOOD:
        stamped = f", stamped {stamped_at:%Y-%m-%d %H:%M:%S} UTC" if stamped_at else ""
        return f"signed by {one_line(found.signer)} ({found.key}){stamped}"
    return _STATES[found.state]


_STATES = {
    Signed.NONE: "not signed",
    Signed.BAD: "its signature does not fit",
    Signed.STRANGER: "signed by a stranger",
    Signed.NO_LIST: "signed, and nobody told by whom it ought to be",
}


def verdict_line(first: Flaw | None) -> str:
    """The last line, by the first flaw that counts."""
    if first is None:
        return "everything that was looked at holds"
    if first.broken:
        return f"BROKEN, and first: {first.kind.value}, {one_line(first.where)}"
    return "nothing is known to be wrong, and not everything is proven"
