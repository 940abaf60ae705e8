# SPDX-License-Identifier: Apache-2.0
"""The tables of postings (core/postings.py): what was put where, and what became of it. Both only grow.

``body`` is what a webhook sends, to the byte, so that every try sends the same; empty elsewhere.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Integer, PrimaryKeyConstraint

from policyctl.adapters.tables.kinds import entry, number, own, reference, text, time, version

POSTING = reference(
    "posting",
    own("posting_no"),
    time("recorded_at"),
    entry(),
    version(),
    text("id", unique=True),
    text("place"),
    text("kind"),
    text("target"),
    text("sha256"),
    text("body"),
)
POSTING_EVENT = reference(
    "posting_event",
    number("posting_no", Integer, ForeignKey("posting.posting_no"), autoincrement=False),
    number("attempt", autoincrement=False),
    time("happened_at"),
    time("not_before"),
    entry(),
    text("outcome"),
    text("detail"),
    PrimaryKeyConstraint("posting_no", "attempt"),
    CheckConstraint("attempt > 0", name="posting_event_attempt"),
)
