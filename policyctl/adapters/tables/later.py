# SPDX-License-Identifier: Apache-2.0
"""Tables about what becomes of a record later: data that was deleted, leaves of trees whose tags were cut
out, and the runs of commands that are started by a timer.

``tag_end`` is part of the record: a piece of data that was deleted has one row, whatever tags it has.
So is ``report_cut``: what became of notices, in numbers, when the reports themselves were taken out.
``leaf`` holds hashes, which a tree still needs when the tag is gone; wrong ones give no proof, so they are
no part of the chain. ``run`` is a log: each row is written twice, at the start and at the end of a run.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint

from policyctl.adapters.tables.kinds import (
    Small,
    UtcTime,
    Whole,
    entry,
    number,
    own,
    reference,
    spread,
    subject,
    text,
    time,
)

TAG_END = spread(
    "tag_end",
    "subject_no",
    subject(),
    number("ref", Whole, autoincrement=False),
    time("ended_at"),
    entry(),
    number("category", Small, autoincrement=False),
    PrimaryKeyConstraint("subject_no", "category", "ref"),
    Index("tag_end_entry", "entry", "subject_no"),
)
# Of how many addressees of a notice the reports were cut out, by the one that had decided.
REPORT_CUT = reference(
    "report_cut",
    number("notice_no", Integer, ForeignKey("notice.notice_no"), autoincrement=False),
    entry(),
    number("addressees"),
    text("event"),
    PrimaryKeyConstraint("notice_no", "event", "entry"),
)
# ``place``: of the leaf in the tree of its batch, from 0.
LEAF = spread(
    "leaf",
    "batch_no",
    number("batch_no", autoincrement=False),
    number("place", autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("batch_no", "place"),
)
# ``ended_at`` null: still at work, or ended by force. ``counts``: a JSON object of numbers.
RUN = reference(
    "run",
    own("run_no"),
    time("started_at"),
    Column("ended_at", UtcTime),
    text("command"),
    text("outcome"),
    text("counts"),
    CheckConstraint("outcome IN ('', 'done', 'failed', 'refused')", name="run_outcome"),
    Index("run_command", "command", "run_no"),
)
