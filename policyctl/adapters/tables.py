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

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import BigInteger, SmallInteger, TypeDecorator, TypeEngine

METADATA = MetaData()
_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly. ValueError for a moment without a time zone: it would be a guess."""
    if moment.tzinfo is None:
        raise ValueError("a time in the ledger needs a time zone")
    return (moment - _START) // _MICROSECOND


def seconds(moment: datetime) -> int:
    """Since 1970, whole ones: how finely a tag keeps when its data was collected."""
    return microseconds(moment) // 1_000_000


def moment_of(value: int) -> datetime:
    """The aware UTC moment of :func:`microseconds`."""
    return _START + timedelta(microseconds=value)


class UtcTime(TypeDecorator[datetime]):
    """An aware moment, kept as whole microseconds since 1970 on both databases."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the database stores; a STRICT table of SQLite knows one word for it."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Refuses a moment without a time zone."""
        del dialect
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """An aware UTC moment."""
        del dialect
        return None if value is None else moment_of(value)


Whole = BigInteger().with_variant(Integer(), "sqlite")
Small = SmallInteger().with_variant(Integer(), "sqlite")


def _reference(name: str, *parts: Any) -> Table:
    """A table that is copied to every server."""
    return Table(name, METADATA, *parts, sqlite_strict=True, sqlite_with_rowid=False)


def _spread(name: str, by: str, *parts: Any, metadata: MetaData = METADATA) -> Table:
    """A table that is cut by the column ``by``."""
    return Table(name, metadata, *parts, info={"spread_by": by}, sqlite_strict=True, sqlite_with_rowid=False)


def _number(name: str, kind: Any = Integer, *rules: Any, **more: Any) -> Column[int]:
    return Column(name, kind, *rules, nullable=False, **more)


def _text(name: str, **more: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **more)


def _time(name: str) -> Column[datetime]:
    return Column(name, UtcTime, nullable=False)


def _entry() -> Column[int]:
    return _number("entry", Whole, ForeignKey("entry.seq"))


def _subject(*rules: Any) -> Column[int]:
    return _number("subject_no", Whole, *rules, autoincrement=False)


def _version() -> Column[int]:
    return _number("version_no", Small, ForeignKey("version.version_no"))


def _own(name: str, kind: Any = Integer) -> Column[int]:
    """A table's own number, given out by us."""
    return Column(name, kind, primary_key=True, autoincrement=False)


# Reference tables

ENTRY = _reference("entry", _own("seq", Whole), _text("kind"), _time("recorded_at"))
CHAIN = _reference(
    "chain",
    Column("entry", Whole, ForeignKey("entry.seq"), primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
)
POLICY = _reference("policy", _own("policy_no", Small), _text("slug", unique=True))
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
    UniqueConstraint("version_no", "id"),
)
CHANGE = _reference(
    "change",
    Column("practice_no", Integer, ForeignKey("practice.practice_no"), primary_key=True, autoincrement=False),
    _number("position"),
    _number("window_days"),
    _text("name", unique=True),
    _text("mode"),
)
CATEGORY = _reference(
    "category",
    _own("category_no", Small),
    _number("policy_no", Small, ForeignKey("policy.policy_no")),
    _text("id"),
    UniqueConstraint("policy_no", "id"),
)
CUSTOMER = _reference(
    "customer",
    _entry(),
    _own("tenant_no"),
    _text("id", unique=True),
    _text("name"),
    CheckConstraint("tenant_no BETWEEN 1 AND 4194303", name="customer_tenant_no"),
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
    Index("batch_entry", "entry", "batch_no"),
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
)
ACKNOWLEDGEMENT = _spread(
    "acknowledgement",
    "subject_no",
    _subject(),
    _time("seen_at"),
    _entry(),
    _version(),
    PrimaryKeyConstraint("subject_no", "version_no"),
)
OUTBOX = _spread(
    "outbox",
    "subject_no",
    _subject(),
    _entry(),
    _number("notice_no", Integer, ForeignKey("notice.notice_no"), autoincrement=False),
    _number("contact", autoincrement=False),
    _text("nid"),
    PrimaryKeyConstraint("subject_no", "notice_no", "contact"),
    Index("outbox_nid", "nid"),
)
OUTBOX_STATE = _spread(
    "outbox_state",
    "subject_no",
    _subject(),
    Column("not_before", UtcTime),
    _time("changed_at"),
    _number("notice_no", Integer, autoincrement=False),
    _number("contact", autoincrement=False),
    _number("attempts"),
    _text("state"),
    _text("receipt"),
    _text("reason"),
    PrimaryKeyConstraint("subject_no", "notice_no", "contact"),
    CheckConstraint(
        "state IN ('planned', 'posting', 'accepted', 'unknown', 'rejected')", name="outbox_state_state"
    ),
    Index("outbox_state_state", "state", "subject_no"),
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
DELIVERY_EVENT = _spread(
    "delivery_event",
    "nid",
    _time("happened_at"),
    _entry(),
    _text("nid"),
    _text("event"),
    PrimaryKeyConstraint("nid", "event", "happened_at"),
)

# Rows that may change at all: subject only by being erased, pseudonym and record_name only by going.
ERASABLE = frozenset({SUBJECT.name, PSEUDONYM.name, RECORD_NAME.name})
MUTABLE = frozenset({OUTBOX_STATE.name, ADDRESS.name}) | ERASABLE
APPEND_ONLY = tuple(name for name in METADATA.tables if name not in MUTABLE)
