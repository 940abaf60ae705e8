# SPDX-License-Identifier: Apache-2.0
"""The tables of the ledger, the same on SQLite and PostgreSQL (migrations/ makes them).

Every row but those of :data:`MUTABLE` is written once: triggers refuse UPDATE and DELETE (and
TRUNCATE on PostgreSQL). ``entry`` numbers the transactions: each row names the one that wrote it, so
a question can be asked again as of any ledger sequence.

**Numbers.** ``subject_no`` is ``tenant_no << 40 | local``: all of a tenant is one range, and the number
alone says whose it is. A tenant is a customer; subjects of no customer belong to tenant 0. Local
number 0 is the tenant's administrator, in whose name the organisation answers and is written to.
Versions, practices and notices are numbered in the order in which they came; a category number stands
for a category *within one policy*, so a tag needs no policy of its own.

**Tags.** One table an epoch, ``tag_<n>`` (epochs.py). ``version_no`` 0: none was in force. ``ref`` is
the caller's record key where that is a number, else a keyed hash below zero (common.ref_of).

**People.** A subject's name is a keyed hash; it, its salt, its addresses and the names of its records
can be erased. What stays is a number and a seal that nobody can test without the salt.

**Shape.** Kept so that it can be spread over several servers: a table is either small and copied to
each (reference), or cut by one column that is part of every key of it; see tests/adapters.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from policyctl.adapters.tables.answers import ANSWER_RECEIPT, OBJECTION, REMINDER_STOP
from policyctl.adapters.tables.kinds import (
    METADATA,
    Small,
    UtcTime,
    Whole,
    microseconds,
    moment_of,
    seconds,
)
from policyctl.adapters.tables.kinds import entry as _entry
from policyctl.adapters.tables.kinds import entry_of_old as _entry_of_old
from policyctl.adapters.tables.kinds import number as _number
from policyctl.adapters.tables.kinds import own as _own
from policyctl.adapters.tables.kinds import reference as _reference
from policyctl.adapters.tables.kinds import spread as _spread
from policyctl.adapters.tables.kinds import subject as _subject
from policyctl.adapters.tables.kinds import text as _text
from policyctl.adapters.tables.kinds import time as _time
from policyctl.adapters.tables.kinds import version as _version
from policyctl.adapters.tables.later import LEAF, REPORT_CUT, RUN, TAG_END
from policyctl.adapters.tables.outbox import CHUNK, DELIVERY_EVENT, INSTANCE, OUTBOX, REMINDER, SENT
from policyctl.adapters.tables.postings import POSTING, POSTING_EVENT

__all__ = [
    "ACKNOWLEDGEMENT", "ADDRESS", "ADMISSION", "ANSWER_RECEIPT", "APPEND_ONLY", "BATCH", "BATCH_SEAL",
    "CATEGORY", "CHAIN", "CHANGE", "CHOICE", "CHUNK", "CUSTOMER", "CUT", "DELIVERY_EVENT", "ENTRY",
    "ENTRY_TILE", "EPOCH", "ERASABLE",
    "INSTANCE", "LEAF", "METADATA", "MUTABLE", "NOTICE", "OBJECTION", "OUTBOX", "POLICY", "POSTING",
    "POSTING_EVENT", "PRACTICE", "PSEUDONYM",
    "RECEIPT", "RECORD_NAME", "REMINDER", "REMINDER_STOP", "REPORT_CUT", "RUN", "SENT",
    "SUBJECT", "TAG", "TAG_CORRECTION", "TAG_END", "VERSION",
    "Small", "UtcTime", "Whole", "microseconds", "moment_of", "seconds", "tag_table",
]  # fmt: skip

# Reference tables

ENTRY = _reference("entry", _own("seq", Whole), _text("kind"), _time("recorded_at"))
CHAIN = _reference(
    "chain",
    Column("entry", Whole, ForeignKey("entry.seq"), primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
)
# The tiles of the tree of an entry with very many rows (core/proof/tiles.py).
ENTRY_TILE = _reference(
    "entry_tile",
    Column("entry", Whole, ForeignKey("entry.seq"), primary_key=True, autoincrement=False),
    Column("tiles", LargeBinary, nullable=False),
)
POLICY = _reference("policy", _own("policy_no", Small), _text("slug", unique=True), _entry_of_old())
VERSION = _reference(
    "version",
    _time("published_at"),
    _time("effective_at"),
    _entry(),
    _number("number"),
    _own("version_no", Small),
    _number("policy_no", Small, ForeignKey("policy.policy_no")),
    _text("title"),
    _text("change_class"),
    _text("commit_id"),
    _text("text_sha256"),
    UniqueConstraint("policy_no", "number"),
    CheckConstraint("number > 0", name="version_number"),
    CheckConstraint("version_no > 0", name="version_version_no"),
)
PRACTICE = _reference(
    "practice",
    _own("practice_no"),
    _number("position"),
    _number("line"),
    _version(),
    _number("keep_existing", Small),
    _text("id"),
    _text("clause"),
    _text("categories"),
    _text("purpose"),
    _text("recipients"),
    _text("retention"),
    _text("choice"),
    _entry_of_old(),
    UniqueConstraint("version_no", "id"),
)
CHANGE = _reference(
    "change",
    Column("practice_no", Integer, ForeignKey("practice.practice_no"), primary_key=True, autoincrement=False),
    _number("position"),
    _number("window_days"),
    _text("name", unique=True),
    _text("mode"),
    _entry_of_old(),
)
CATEGORY = _reference(
    "category",
    _own("category_no", Small),
    _number("policy_no", Small, ForeignKey("policy.policy_no")),
    _text("id"),
    _entry_of_old(),
    UniqueConstraint("policy_no", "id"),
)
CUSTOMER = _reference(
    "customer",
    _entry(),
    _own("tenant_no"),
    _text("id", unique=True),
    _text("name"),
    CheckConstraint("tenant_no BETWEEN 1 AND 4194303", name="customer_tenant_no"),
    Index("customer_entry", "entry"),
)
NOTICE = _reference(
    "notice",
    _own("notice_no"),
    _number("position"),
    _version(),
    _text("kind"),
    _text("audience_kind"),
    _text("audience_categories"),
    _text("changes"),
    _text("body"),
    _entry_of_old(),
    UniqueConstraint("version_no", "position"),
)
EPOCH = _reference("epoch", _number("from_at", Whole), _own("epoch_no", Small))
BATCH = _reference(
    "batch",
    _entry(),
    _own("batch_no"),
    _number("tag_count"),
    _number("epoch_no", Small),
    Column("digest", LargeBinary, nullable=False),
    _text("provenance"),
    Column("root", LargeBinary),
    Column("tiles", LargeBinary),
    Index("batch_entry", "entry", "batch_no"),
)
BATCH_SEAL = _reference(
    "batch_seal",
    _own("batch_no"),
    _entry(),
    Column("root", LargeBinary, nullable=False),
    Column("tiles", LargeBinary, nullable=False),
    Index("batch_seal_entry", "entry", "batch_no"),
)
CUT = _reference(
    "cut",
    _number("first_no", Whole, autoincrement=False),
    _number("last_no", Whole),
    _entry(),
    _number("gone", Whole),
    _text("what"),
    _text("rule"),
    Column("left_digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("what", "first_no", "entry"),
    CheckConstraint("what IN ('entry', 'batch', 'subject')", name="cut_what"),
    Index("cut_entry", "entry"),
)
RECEIPT = _reference(
    "receipt",
    _number("tenant_no"),
    _text("source"),
    _text("client_batch_id"),
    _text("content_sha256"),
    _number("added"),
    _number("repeated"),
    _entry(),
    PrimaryKeyConstraint("tenant_no", "source", "client_batch_id"),
    Index("receipt_entry", "entry"),
)

# Tables that are cut by subject

SUBJECT = _spread(
    "subject",
    "subject_no",
    _subject(),
    Column("erased_at", UtcTime),
    _entry(),
    Column("seal", LargeBinary, nullable=False),
    Column("ext_id", LargeBinary),
    Column("salt", LargeBinary),
    PrimaryKeyConstraint("subject_no"),
    Index("subject_entry", "entry", "subject_no"),
)
ADDRESS = _spread(
    "address",
    "subject_no",
    _subject(),
    _number("position"),
    _text("email"),
    _text("name"),
    _text("locale"),
    PrimaryKeyConstraint("subject_no", "position"),
    UniqueConstraint("subject_no", "email"),
)
ADMISSION = _spread(
    "admission",
    "subject_no",
    _subject(ForeignKey("subject.subject_no")),
    _time("admitted_at"),
    _entry(),
    _number("version_no", Small),
    PrimaryKeyConstraint("subject_no", "version_no"),
    Index("admission_entry", "entry", "subject_no"),
)


def tag_table(epoch_no: int, metadata: MetaData = METADATA) -> Table:
    """The tags of one epoch. ``collected_at``: seconds since 1970. 8-byte columns come first."""
    return _spread(
        f"tag_{epoch_no}",
        "subject_no",
        _subject(),
        _number("ref", Whole, autoincrement=False),
        _number("collected_at", Whole),
        _number("batch_no"),
        _number("version_no", Small),
        _number("category", Small, autoincrement=False),
        PrimaryKeyConstraint("subject_no", "category", "ref"),
        metadata=metadata,
    )


TAG = tag_table(1)
TAG_CORRECTION = _spread(
    "tag_correction",
    "subject_no",
    _subject(),
    _number("ref", Whole, autoincrement=False),
    _number("collected_at", Whole),
    _number("batch_no"),
    _number("correction", autoincrement=False),
    _number("version_no", Small),
    _number("category", Small, autoincrement=False),
    PrimaryKeyConstraint("subject_no", "category", "ref", "correction"),
)
RECORD_NAME = _spread(
    "record_name",
    "subject_no",
    _subject(),
    _number("ref", Whole, autoincrement=False),
    _text("name"),
    PrimaryKeyConstraint("subject_no", "ref"),
)
CHOICE = _spread(
    "choice",
    "subject_no",
    _subject(),
    _time("given_at"),
    _number("seq", Whole),
    _entry(),
    _number("practice_no", Integer, ForeignKey("practice.practice_no"), autoincrement=False),
    _number("answer", Small),
    PrimaryKeyConstraint("subject_no", "given_at", "practice_no"),
    CheckConstraint("answer IN (1, 2, 3)", name="choice_answer"),
    Index("choice_entry", "entry", "subject_no"),
)
ACKNOWLEDGEMENT = _spread(
    "acknowledgement",
    "subject_no",
    _subject(),
    _time("seen_at"),
    _entry(),
    _version(),
    PrimaryKeyConstraint("subject_no", "version_no"),
    Index("acknowledgement_entry", "entry", "subject_no"),
)

# Tables that are cut otherwise: what leads from a name to a number

PSEUDONYM = _spread(
    "pseudonym",
    "ext_id",
    _number("subject_no", Whole, autoincrement=False),
    _entry(),
    _number("tenant_no", Integer, autoincrement=False),
    Column("ext_id", LargeBinary, nullable=False),
    PrimaryKeyConstraint("ext_id", "tenant_no"),
)

# Rows that may change at all: subject only by being erased, pseudonym and record_name only by going.
ERASABLE = frozenset({SUBJECT.name, PSEUDONYM.name, RECORD_NAME.name})
MUTABLE = frozenset({CHUNK.name, ADDRESS.name, ANSWER_RECEIPT.name, INSTANCE.name, RUN.name}) | ERASABLE
APPEND_ONLY = tuple(name for name in METADATA.tables if name not in MUTABLE)
