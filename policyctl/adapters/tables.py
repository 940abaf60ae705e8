# SPDX-License-Identifier: Apache-2.0
"""The tables of the ledger, the same on SQLite and PostgreSQL (migrations/ makes them).

Every row but those of :data:`MUTABLE` is written once: triggers refuse UPDATE and DELETE (and, on
SQLite, an INSERT OR REPLACE over a row; on PostgreSQL, TRUNCATE). ``entry`` numbers the transactions:
each row names the one that wrote it, so a question can be asked again as of any ledger sequence.

People: ``address`` is the only place with a name or an e-mail address and can be erased. A subject is
a keyed hash of the caller's id; a customer is an organisation and stands in clear.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import BigInteger, TypeDecorator, TypeEngine

METADATA = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """An aware moment: timestamptz on PostgreSQL; on SQLite a text of fixed width that sorts in time."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the database stores."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuses a moment without a time zone: it would be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time in the ledger needs a time zone")
        moment = value.astimezone(UTC)
        if dialect.name == "postgresql":
            return moment
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """An aware UTC moment."""
        del dialect
        if value is None:
            return None
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.astimezone(UTC)


Whole = BigInteger().with_variant(Integer(), "sqlite")


def _table(name: str, *parts: Any) -> Table:
    return Table(name, METADATA, *parts, sqlite_strict=True)


def _entry() -> Column[int]:
    return Column("entry", Whole, ForeignKey("entry.seq"), nullable=False)


ENTRY = _table(
    "entry",
    Column("seq", Whole, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
)
VERSION = _table(
    "version",
    Column("slug", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("change_class", Text, nullable=False),
    Column("published_at", UtcTime, nullable=False),
    Column("effective_at", UtcTime, nullable=False),
    Column("commit_id", Text, nullable=False),
    Column("text_sha256", Text, nullable=False),
    _entry(),
    PrimaryKeyConstraint("slug", "number"),
    CheckConstraint("number > 0", name="version_number"),
)
PRACTICE = _table(
    "practice",
    Column("slug", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("clause", Text, nullable=False),
    Column("categories", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("recipients", Text, nullable=False),
    Column("retention", Text, nullable=False),
    Column("choice", Text, nullable=False),
    Column("keep_existing", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    PrimaryKeyConstraint("slug", "number", "id"),
    ForeignKeyConstraint(["slug", "number"], ["version.slug", "version.number"]),
)
CHANGE = _table(
    "change",
    Column("slug", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("practice", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("mode", Text, nullable=False),
    Column("window_days", Integer, nullable=False),
    PrimaryKeyConstraint("slug", "number", "practice"),
    ForeignKeyConstraint(["slug", "number", "practice"], ["practice.slug", "practice.number", "practice.id"]),
)
NOTICE = _table(
    "notice",
    Column("id", Text, primary_key=True),
    Column("slug", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("audience_kind", Text, nullable=False),
    Column("audience_categories", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["slug", "number"], ["version.slug", "version.number"]),
)
OUTBOX = _table(
    "outbox",
    Column("nid", Text, primary_key=True),
    Column("notice_id", Text, ForeignKey("notice.id"), nullable=False),
    Column("addressee_kind", Text, nullable=False),
    Column("addressee", Text, nullable=False),
    Column("contact", Integer, nullable=False),
    _entry(),
    UniqueConstraint("notice_id", "addressee_kind", "addressee", "contact"),
    Index("outbox_addressee", "addressee_kind", "addressee"),
)
OUTBOX_STATE = _table(
    "outbox_state",
    Column("nid", Text, ForeignKey("outbox.nid"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", UtcTime),
    Column("changed_at", UtcTime, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint(
        "state IN ('planned', 'posting', 'accepted', 'unknown', 'rejected')", name="outbox_state_state"
    ),
    Index("outbox_state_state_nid", "state", "nid"),
)
DELIVERY_EVENT = _table(
    "delivery_event",
    Column("nid", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    _entry(),
    PrimaryKeyConstraint("nid", "event", "at"),
)
CUSTOMER = _table(
    "customer",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    _entry(),
)
SUBJECT = _table(
    "subject",
    Column("pseudonym", Text, primary_key=True),
    _entry(),
)
MEMBERSHIP = _table(
    "membership",
    Column("subject", Text, ForeignKey("subject.pseudonym"), primary_key=True),
    Column("customer", Text, ForeignKey("customer.id"), nullable=False),
    _entry(),
    Index("membership_customer", "customer"),
)
ADDRESS = _table(
    "address",
    Column("owner_kind", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("locale", Text, nullable=False),
    PrimaryKeyConstraint("owner_kind", "owner", "position"),
    UniqueConstraint("owner_kind", "owner", "email"),
    CheckConstraint("owner_kind IN ('customer', 'subject')", name="address_owner_kind"),
)
ADMISSION = _table(
    "admission",
    Column("subject", Text, ForeignKey("subject.pseudonym"), nullable=False),
    Column("slug", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    _entry(),
    PrimaryKeyConstraint("subject", "slug", "number"),
)
TAG = _table(
    "tag",
    Column("subject", Text, ForeignKey("subject.pseudonym"), nullable=False),
    Column("slug", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("correction", Integer, nullable=False),
    Column("collected_at", UtcTime, nullable=False),
    Column("number", Integer),
    Column("provenance", Text, nullable=False),
    _entry(),
    PrimaryKeyConstraint("subject", "slug", "category", "record", "correction"),
    ForeignKeyConstraint(["slug", "number"], ["version.slug", "version.number"]),
)
CHOICE = _table(
    "choice",
    Column("seq", Whole, primary_key=True, autoincrement=False),
    Column("scope", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("practice", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    _entry(),
    UniqueConstraint("scope", "who", "slug", "number", "practice", "at"),
    CheckConstraint("scope IN ('subject', 'customer')", name="choice_scope"),
    CheckConstraint("answer IN ('consent', 'refuse', 'withdraw')", name="choice_answer"),
    ForeignKeyConstraint(["slug", "number", "practice"], ["practice.slug", "practice.number", "practice.id"]),
)
ACKNOWLEDGEMENT = _table(
    "acknowledgement",
    Column("customer", Text, ForeignKey("customer.id"), nullable=False),
    Column("slug", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    _entry(),
    PrimaryKeyConstraint("customer", "slug", "number"),
    ForeignKeyConstraint(["slug", "number"], ["version.slug", "version.number"]),
)

MUTABLE = frozenset({OUTBOX_STATE.name, ADDRESS.name})
APPEND_ONLY = tuple(name for name in METADATA.tables if name not in MUTABLE)
