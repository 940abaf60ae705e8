# SPDX-License-Identifier: Apache-2.0
"""The tables of what readers say on their pages besides choices, and of the receipts they are owed.

``objection`` and ``reminder_stop`` are written once, the last objection counts (``stands`` 0: taken
back). ``answer_receipt`` says how far one mail has come, and changes.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint

from policyctl.adapters.tables.kinds import (
    Small,
    UtcTime,
    entry,
    number,
    spread,
    subject,
    text,
    time,
    version,
)

OBJECTION = spread(
    "objection",
    "subject_no",
    subject(),
    time("objected_at"),
    entry(),
    version(),
    number("stands", Small),
    PrimaryKeyConstraint("subject_no", "version_no", "objected_at"),
    CheckConstraint("stands IN (0, 1)", name="objection_stands"),
    Index("objection_entry", "entry", "subject_no"),
)
REMINDER_STOP = spread(
    "reminder_stop",
    "subject_no",
    subject(),
    time("stopped_at"),
    entry(),
    number("contact", autoincrement=False),
    PrimaryKeyConstraint("subject_no", "contact"),
    Index("reminder_stop_entry", "entry", "subject_no"),
)
ANSWER_RECEIPT = spread(
    "answer_receipt",
    "subject_no",
    subject(),
    time("answered_at"),
    Column("owed_since", UtcTime),
    Column("not_before", UtcTime),
    number("notice_no", Integer, autoincrement=False),
    number("contact", autoincrement=False),
    number("attempts"),
    text("reason"),
    PrimaryKeyConstraint("subject_no", "notice_no", "contact"),
)
