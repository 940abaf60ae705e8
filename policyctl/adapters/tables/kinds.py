# SPDX-License-Identifier: Apache-2.0
"""What the tables of the ledger are made of: kinds of columns, and the two kinds of tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, Dialect, ForeignKey, Integer, MetaData, Table, Text
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


def reference(name: str, *parts: Any) -> Table:
    """A table that is copied to every server."""
    return Table(name, METADATA, *parts, sqlite_strict=True, sqlite_with_rowid=False)


def spread(name: str, by: str, *parts: Any, metadata: MetaData = METADATA) -> Table:
    """A table that is cut by the column ``by``."""
    return Table(name, metadata, *parts, info={"spread_by": by}, sqlite_strict=True, sqlite_with_rowid=False)


def number(name: str, kind: Any = Integer, *rules: Any, **more: Any) -> Column[int]:
    """A whole number that is always there."""
    return Column(name, kind, *rules, nullable=False, **more)


def text(name: str, **more: Any) -> Column[str]:
    """A text that is always there."""
    return Column(name, Text, nullable=False, **more)


def time(name: str) -> Column[datetime]:
    """A moment that is always there."""
    return Column(name, UtcTime, nullable=False)


def entry() -> Column[int]:
    """The transaction that wrote the row."""
    return number("entry", Whole, ForeignKey("entry.seq"))


def entry_of_old() -> Column[int | None]:
    """The same in a table that was made without it; step 0009 gave every row of it one."""
    return Column("entry", Whole, ForeignKey("entry.seq"))


def subject(*rules: Any) -> Column[int]:
    """Who it is about; who is owed it."""
    return number("subject_no", Whole, *rules, autoincrement=False)


def version() -> Column[int]:
    """A version by its number."""
    return number("version_no", Small, ForeignKey("version.version_no"))


def own(name: str, kind: Any = Integer) -> Column[int]:
    """A table's own number, given out by us."""
    return Column(name, kind, primary_key=True, autoincrement=False)
