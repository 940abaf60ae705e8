# SPDX-License-Identifier: Apache-2.0
"""``policyctl.posting/1``: what a webhook tells of a version that was published."""

from __future__ import annotations

import json

from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.proof.heads import heads_json, read_heads
from policyctl.reports.site.posted import moment

SCHEMA = "policyctl.posting/1"
PUBLISHED = "policy.version.published"


def posting_json(mark: MarkedVersion, base_url: str) -> str:
    """The body to the byte: the same version always gives the same. Addresses are null where the site has
    none of its own.
    """
    key, note = mark.key, mark.note
    top = f"{base_url.rstrip('/')}/{key.slug}/" if base_url else None
    step = f"changes/v{key.number - 1}..v{key.number}/" if key.number > 1 else f"v{key.number}/"
    value = {
        "schema": SCHEMA,
        "type": PUBLISHED,
        "timestamp": moment(mark.published_at),
        "data": {
            "policy": key.slug,
            "version": str(key),
            "number": key.number,
            "title": note.title,
            "class": note.change_class.value if note.change_class else None,
            "effective": note.effective.isoformat(),
            "summary": note.summary.strip(),
            "url": f"{top}v{key.number}/" if top else None,
            "changes_url": f"{top}{step}" if top else None,
            "commit": mark.commit,
            "text_sha256": note.text_sha256,
            "ledger_head": heads_json(read_heads(note.ledger_head)),
        },
    }
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
