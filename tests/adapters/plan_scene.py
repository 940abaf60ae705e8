# SPDX-License-Identifier: Apache-2.0
"""A ledger large enough to have plans, the statements that its hot questions ask, and how they are run."""

from __future__ import annotations

import re
import sqlite3
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from policyctl.adapters.ledger import Ledger
from policyctl.adapters.ledger.asking.online import Online
from policyctl.adapters.ledger.base import engine
from policyctl.adapters.ledger.base.driver import PostgresDriver, SqliteDriver
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.records import Answer, EndRow
from policyctl.core.use.decision import UseRequest
from tests.adapters.ledger_samples import (
    CONTACT,
    EMAIL,
    MARKETING,
    SERVICE,
    at_line,
    choice,
    customer,
    day,
    owed,
    subject,
    tag,
)
from tests.adapters.test_ledger_contract import V1, V2

NOW = day("2026-11-01")
PEOPLE = 2000
Values = tuple[Any, ...] | dict[str, Any]


def fill(ledger: Ledger) -> None:
    """Two thousand people with a tag each, half of them with a choice, and all told."""
    ledger.upgrade()
    ledger.record_version(V1, (), now=NOW)
    ledger.import_customers([customer("acme")], now=NOW)
    ledger.import_subjects([subject(f"u{number}", "acme") for number in range(PEOPLE)], now=NOW)
    ledger.import_tags([tag(f"u{number}", "2026-02-01") for number in range(PEOPLE)], now=NOW)
    ledger.record_version(V2, owed(V2, CONTACT), now=NOW)
    said = [choice(f"u{n}", "fax@v1#news", Answer.REFUSE, "2026-03-01") for n in range(PEOPLE // 2)]
    ledger.import_choices(said, now=NOW)
    nids = [row[0] for row in ledger.nids(V2.key)]
    ledger.record_deliveries([DeliveryEvent(nid, DeliveryName.DELIVERED, NOW) for nid in nids], now=NOW)
    _analyze(ledger)


def correct(ledger: Ledger) -> None:
    """Half of the tags are corrected."""
    moved = [tag(f"u{number}", "2026-02-02", provenance="clock") for number in range(PEOPLE // 2)]
    ledger.import_tags(moved, now=NOW)
    _analyze(ledger)


def end(ledger: Ledger) -> None:
    """A tenth of the data was deleted."""
    gone = [EndRow(at_line(2), f"u{n}", EMAIL, "account", NOW) for n in range(PEOPLE // 10, PEOPLE // 5)]
    ledger.end_tags(gone, now=NOW)
    _analyze(ledger)


def _analyze(ledger: Ledger) -> None:
    """What the plans of PostgreSQL rest on; else it comes when the server finds the time."""
    if ledger._engine.dialect.name == "postgresql":
        with ledger._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


# The statements


# What every transaction asks first: the write lock, and whether the tables are of this release.
_HOUSEKEEPING = ("pg_advisory", "to_regclass", "sqlite_master")
_RELEASE = "SELECT version_num FROM alembic_version"


@dataclass
class Heard:
    """What was asked of the database, in order, each statement once."""

    statements: dict[str, Values] = field(default_factory=dict)

    def hear(self, statement: str, values: Values) -> None:
        own = statement == _RELEASE or any(words in statement for words in _HOUSEKEEPING)
        if statement.lstrip().startswith(("SELECT", "WITH")) and not own:
            self.statements.setdefault(statement, values)


class _Listening:
    """A connection of the short way, heard."""

    def __init__(self, raw: Any, heard: Heard) -> None:
        self._raw, self._heard = raw, heard

    def execute(self, query: str, values: Values = ()) -> Any:
        self._heard.hear(query, values)
        return self._raw.execute(query, values)

    def close(self) -> None:
        self._raw.close()


@contextmanager
def listening(ledger: Ledger) -> Iterator[Heard]:
    """Every way to the database: SQLAlchemy, the driver, and the connections of the short way."""
    heard = Heard()
    kind = SqliteDriver if ledger._engine.dialect.name == "sqlite" else PostgresDriver
    rows, rows_in, connect = kind.rows, kind.rows_in, Online._connect

    def hear_rows(self: Any, query: str, *values: Any) -> Any:
        heard.hear(query.replace("?", "%s") if kind is PostgresDriver else query, values)
        return rows(self, query, *values)

    def hear_rows_in(self: Any, query: str, wanted: Any, *values: Any) -> Any:
        wanted = list(wanted)
        if kind is PostgresDriver:
            said, given = query.replace("IN ?*", "= ANY(%s)").replace("?", "%s"), (wanted, *values)
        else:
            said, given = query.replace("?*", f"({', '.join('?' * len(wanted))})"), (*wanted, *values)
        heard.hear(said, given)
        return rows_in(self, query, wanted, *values)

    def before(_: Any, __: Any, statement: str, values: Values, *___: Any) -> None:
        heard.hear(statement, values)

    sa.event.listen(ledger._engine, "before_cursor_execute", before)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kind, "rows", hear_rows)
            patch.setattr(kind, "rows_in", hear_rows_in)
            patch.setattr(Online, "_connect", lambda self: _Listening(connect(self), heard))
            yield heard
    finally:
        sa.event.remove(ledger._engine, "before_cursor_execute", before)


# The questions


@dataclass(frozen=True)
class Question:
    """``ask``: what is done with the ledger, and the nid of a notice; it is done once before, so that
    what is kept is there already.
    """

    title: str
    words: str
    ask: Callable[[Ledger, str], object]


def _ask(who: str) -> UseRequest:
    return UseRequest(who, EMAIL, MARKETING, NOW)


def _claim(ledger: Ledger, _: str) -> object:
    chunk = ledger.claim(NOW, mailer="folder", owner="worker")
    return chunk and ledger.addressees(chunk)


def _report(ledger: Ledger, nid: str) -> object:
    return ledger.record_deliveries([DeliveryEvent(nid, DeliveryName.DELIVERED, NOW)], now=NOW).repeated


ONE = Question(
    "One decision",
    "`may-use`, and `POST /v1/decisions` with one question. The compiled cells are in memory; this is all "
    "that is asked beside them.",
    lambda ledger, _: ledger.online.decide(_ask("u7")),
)
# After some data was deleted.
ENDED = Question(
    "One decision where data was deleted",
    "The same in a ledger in which any tag has ended: one look more for each tag.",
    ONE.ask,
)
# After tags were corrected, too.
OTHERS = (
    Question(
        "Many decisions at once",
        "`POST /v1/decisions` with up to 1,000 questions; and one decision where there are corrections, or a "
        "second epoch.",
        lambda ledger, _: ledger.online.decide_many([_ask("u7"), _ask("u8")]),
    ),
    Question(
        "One decision with all facts",
        "The long way: `may-use --at` in the past, and whatever the short way does not know.",
        lambda ledger, _: ledger.facts_for(UseRequest("u7", EMAIL, SERVICE, NOW)).tags,
    ),
    Question("The next notices to send", "`notify`: a chunk that is due, and whom it goes to.", _claim),
    Question("What became of a mail", "`POST /webhooks/sendgrid`, `deliveries import`: one report.", _report),
)


def statements(ledger: Ledger, question: Question) -> dict[str, Values]:
    """What a question asks of the database once it has been asked before."""
    nid = ledger.nids(V2.key)[0][0]
    question.ask(ledger, nid)
    ledger.online.close()  # so that the next connection is one that is heard
    with listening(ledger) as heard:
        assert question.ask(ledger, nid)
    ledger.online.close()
    return heard.statements


def plan(ledger: Ledger, query: str, values: Values) -> list[str]:
    """How the database means to go about it, without what it costs. PostgreSQL would read a table of few
    pages through if it were let, which a large one forbids by itself.
    """
    with engine.reading(ledger._engine) as connection:
        raw: Any = connection.connection.driver_connection
        if ledger._engine.dialect.name == "sqlite":
            return _indented(raw.execute(f"EXPLAIN QUERY PLAN {query}", values))
        raw.execute("SET LOCAL enable_seqscan = off")
        raw.execute("SET LOCAL jit = off")
        return [row[0] for row in raw.execute(f"EXPLAIN (COSTS OFF) {query}", values)]


def _indented(rows: Any) -> list[str]:
    depth = {0: -1}
    found = []
    for number, above, _, words in rows:
        depth[number] = depth[above] + 1
        found.append(f"{'  ' * depth[number]}{words}")
    return found


# The page


def server(ledger: Ledger) -> str:
    """The database and its version, as far as a plan hangs on it."""
    if ledger._engine.dialect.name == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    with ledger._engine.connect() as connection:
        return f"PostgreSQL {str(connection.exec_driver_sql('SHOW server_version').scalar()).split('.')[0]}"


def page_of(ledger: Ledger) -> str:
    """The part of the page about one database."""
    fill(ledger)
    parts = [f"## {server(ledger)}\n", _section(ledger, ONE)]
    end(ledger)
    parts.append(_section(ledger, ENDED))
    correct(ledger)
    return "\n".join([*parts, *(_section(ledger, question) for question in OTHERS)])


def _section(ledger: Ledger, question: Question) -> str:
    parts = [f"### {question.title}\n\n{textwrap.fill(question.words, 118)}\n"]
    for query, values in statements(ledger, question).items():
        said = " ".join(_shortened(query).split())
        shown = "\n".join(textwrap.wrap(said, 110, break_long_words=False, break_on_hyphens=False))
        steps = "\n".join(_shortened(line) for line in plan(ledger, query, values))
        parts.append(f"```sql\n{shown}\n```\n\n```text\n{steps}\n```\n")
    return "\n".join(parts)


def _shortened(text: str) -> str:
    """Without the values of this one ledger, and long lists cut short."""
    text = re.sub(r"\((%\(\w+\)s(::\w+)?(, )?){4,}\)", "(...)", text)
    text = re.sub(r"\((\?(, )?){4,}\)", "(...)", text)
    text = re.sub(r"'\\x[0-9a-f]+'", "'...'", text)
    text = re.sub(r"'\{[^']{12,}\}'", "'{...}'", text)
    return re.sub(r"\b[0-9]{10,}\b", "N", text)
