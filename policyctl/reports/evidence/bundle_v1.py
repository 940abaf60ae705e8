# SPDX-License-Identifier: Apache-2.0
"""``policyctl.bundle/1``: what was found in a bundle of evidence, in the words of ``policyctl.verify/1``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policyctl.core.proof.bundle import BundleTag, CheckedBundle
from policyctl.core.proof.flaws import Flaw
from policyctl.core.proof.refs import Signature
from policyctl.reports.comparing.json_v1 import Json
from policyctl.reports.evidence.verify_v1 import (
    BROKEN,
    HOLDS,
    UNPROVEN,
    flaw_json,
    flaw_lines,
    signature_line,
    verdict_line,
)
from policyctl.reports.words import one_line

SCHEMA = "policyctl.bundle/1"
_Signatures = Sequence[tuple[BundleTag, Signature]]


def bundle_json(found: CheckedBundle, signatures: _Signatures) -> Json:
    """As plain dicts and lists."""
    first = _first(found.flaws)
    verdict = HOLDS if first is None else BROKEN if first.broken else UNPROVEN
    return {
        "schema": SCHEMA,
        "verdict": verdict,
        "first": flaw_json(first) if first else None,
        "flaws": [flaw_json(flaw) for flaw in found.flaws],
        "about": {key: found.about.get(key) for key in ("kind", "name", "customer")},
        "head": {"entry": found.head.entry, "root": found.head.root.hex()},
        "files": found.files,
        "rows": found.rows,
        "proven": found.proven,
        "versions": [
            {
                "version": str(tag.key),
                "tag": tag.oid,
                "signature": signature.state.value,
                "signer": signature.signer,
                "key": signature.key,
            }
            for tag, signature in signatures
        ],
    }


def bundle_text(found: CheckedBundle, signatures: _Signatures) -> str:
    """For a person: what was looked at, what is wrong, the verdict last."""
    return "\n".join(_lines(found, signatures)) + "\n"


def _lines(found: CheckedBundle, signatures: _Signatures) -> Iterator[str]:
    if found.about:
        yield f"evidence on {one_line(str(found.about.get('kind')))} {one_line(str(found.about.get('name')))}"
        yield f"        {found.files:,} files; {found.proven:,} of {found.rows:,} rows and tags proven"
        yield f"        head {found.head}"
    for tag, signature in signatures:
        yield f"version {tag.key}  {signature_line(signature)}"
    yield from flaw_lines(found.flaws)
    yield verdict_line(_first(found.flaws))


def _first(flaws: Sequence[Flaw]) -> Flaw | None:
    counting = [flaw for flaw in flaws if flaw.counts]
    return next(iter(sorted(counting, key=lambda flaw: not flaw.broken)), None)
