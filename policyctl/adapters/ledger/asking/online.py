# SPDX-License-Identifier: Apache-2.0
"""Questions asked online: one statement on the driver, and cells that were compiled before.

What is kept between questions is good while the greatest numbers of the ledger stand: every look brings
the number of the last entry along, and where that has moved a probe tells whether a version, category,
epoch or notice (a reminder comes late) has come, whoever recorded it. Answers, acceptances, deliveries
and tags are never kept.

Where anything is out of the ordinary (an unknown word, a failing database, tables of another release)
the answer is None, and the caller asks the long way, which says what is wrong.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, exc

from policyctl.adapters.ledger.asking.answers import Asked, Few, of_few, of_look, of_rows
from policyctl.adapters.ledger.asking.rows import Book, Head, Look
from policyctl.adapters.ledger.asking.sql import (
    BATCH,
    MOST_ROWS,
    PROBE,
    SEQUENCE,
    STEP,
    SUBJECT,
    WHERE_IT_STANDS,
    customers_answers,
    few_subjects,
    many_subjects,
    one_subject,
)
from policyctl.adapters.ledger.base.common import administrator, pseudonym, tenant_of
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.engine import HEAD, reading
from policyctl.adapters.ledger.versions.known import Memory
from policyctl.core.practice import Taxonomy
from policyctl.core.use.cells import Cells, Column, NoticeRow, Numbers, micros
from policyctl.core.use.question import Decision, UseRequest
from policyctl.errors import PolicyctlError

_IDLE = 16
_MOST_ASKS, _MOST_BATCHES = 5_000, 100_000
_NAMES = 512  # in one statement
_TRIES = 3
_NOTICES = "SELECT notice_no, version_no, kind, changes FROM notice"
_FOREIGN = (exc.SQLAlchemyError, sqlite3.Error, PolicyctlError)
_BEGIN = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}


@dataclass(frozen=True, slots=True)
class _Ask:
    """One question, about whomever: its cells and its statements."""

    column: Column
    one: str
    one_of_tenant: str


@dataclass(slots=True)
class _State:
    """What is kept. ``heads``: the greatest numbers it was read at, good up to ``sequence``; ``since``:
    the entry that brought its newest version.
    """

    heads: tuple[int, ...]
    sequence: int
    since: int
    book: Book
    epochs: tuple[int, ...]
    simple: bool
    ended: bool
    head: Head = field(default_factory=Head)
    asks: dict[tuple[str, str, str | None, str | None], _Ask | None] = field(default_factory=dict)
    tenants: dict[str, int] = field(default_factory=dict)
    texts: dict[tuple[object, ...], str] = field(default_factory=dict)

    def keep_text(self, key: tuple[object, ...], make: Callable[[], str]) -> str:
        """A statement, made when it is first needed."""
        if key not in self.texts:
            if len(self.texts) >= _MOST_ASKS:
                self.texts.clear()
            self.texts[key] = make()
        return self.texts[key]

    def holds(self, sequence: int) -> bool:
        """Whether a look that saw this entry last may be read with it."""
        return self.since <= sequence <= self.sequence


class Online:
    """Decides by compiled cells; may be asked by several threads."""

    def __init__(self, database: Engine, *, key: bytes, taxonomy: Taxonomy, memory: Memory) -> None:
        self._engine = database
        self._sqlite = database.dialect.name == "sqlite"
        self._mark = "?" if self._sqlite else "%s"
        self._key = key
        self._taxonomy = taxonomy
        self._memory = memory
        self._state: _State | None = None
        self._idle: list[Any] = []  # append and pop are one step each

    def close(self) -> None:
        """Let go of every connection."""
        while self._idle:
            _close(self._idle.pop())

    def decide(self, request: UseRequest) -> Decision | None:
        """The answer; None where it must be asked the long way."""
        cursor = None
        try:
            cursor = self._idle.pop() if self._idle else self._connect()
            found = self._simple(cursor, request) if self._sqlite else None
            if found is None:
                found = self._many(cursor, [request])[0]
        except Exception as error:  # noqa: BLE001 - raised again where it is a bug
            self._failed(cursor, error)
            return None
        self._keep(cursor)
        return found

    def decide_many(self, requests: Sequence[UseRequest]) -> list[Decision | None]:
        """The answers, of one state of the ledger; None for each that must be asked the long way."""
        cursor = None
        try:
            cursor = self._idle.pop() if self._idle else self._connect()
            cursor.execute(_BEGIN[self._engine.dialect.name])
            found = self._many(cursor, requests)
            cursor.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - raised again where it is a bug
            self._failed(cursor, error)
            return [None] * len(requests)
        self._keep(cursor)
        return found

    def _connect(self) -> Any:
        """A cursor of a connection of its own: one for all questions is half a microsecond less for each."""
        pooled = self._engine.raw_connection()
        raw: Any = pooled.driver_connection
        pooled.detach()
        if not self._sqlite:
            raw.rollback()
            raw.autocommit = True
        return raw.cursor()

    def _keep(self, cursor: Any) -> None:
        if len(self._idle) < _IDLE:
            self._idle.append(cursor)
        else:
            _close(cursor)

    def _failed(self, cursor: Any, error: Exception) -> None:
        """Raise what is a bug; what a database may say is for the long way to tell."""
        # A server that was restarted has ended every connection that waits here.
        _close(cursor)
        self.close()
        if not (isinstance(error, _FOREIGN) or type(error).__module__.startswith("psycopg")):
            raise error

    # What is kept

    def _known_at(self, cursor: Any, sequence: int) -> _State:
        """What is kept, after it was seen whether that still stands at an entry of the ledger."""
        state = self._state
        if state is None:
            return self._load()
        if not state.holds(sequence):
            probed = tuple(cursor.execute(PROBE).fetchone())
            if probed[1:] != state.heads:
                return self._load()
            state.sequence = max(state.sequence, probed[0])
        return state

    def _head(self, cursor: Any, state: _State, sequence: int) -> Head:
        """With the root, which stays as it is."""
        head = state.head  # of another thread, a moment later, it may be another
        if head.sequence != sequence:
            query = f"SELECT root FROM chain WHERE entry = {self._mark}"  # noqa: S608 - a mark
            found = cursor.execute(query, (sequence,)).fetchone()
            head = state.head = Head(sequence, bytes(found[0]).hex() if found else "")
        return head

    def _load(self) -> _State:
        with reading(self._engine) as connection:
            rows = driver_of(connection).rows
            (probed,) = rows(PROBE)
            known = self._memory.known(connection)
            notices = {
                number: NoticeRow(known.key_of[version], kind, tuple(json.loads(changes)))
                for number, version, kind, changes in rows(_NOTICES)
            }
            epochs = tuple(row[0] for row in rows("SELECT epoch_no FROM epoch ORDER BY epoch_no DESC"))
        numbers = Numbers(known.key_of, known.category_of, known.practice_of, notices)
        provenance = self._state.book.provenance if self._state else dict[int, str]()
        book = Book(known, Cells(known.records, self._taxonomy, numbers), self._taxonomy, provenance)
        heads, simple, ended = tuple(probed[1:]), epochs == (1,) and not probed[4], bool(probed[5])
        since = max(known.entries.values(), default=0)
        self._state = _State(heads, probed[0], since, book, epochs, simple, ended)
        return self._state

    def _ask(self, state: _State, request: UseRequest) -> _Ask | None:
        key = (request.category, request.purpose, request.recipient, request.slug)
        try:
            return state.asks[key]
        except KeyError:
            return state.asks.setdefault(key, self._new_ask(state, request))

    def _new_ask(self, state: _State, request: UseRequest) -> _Ask | None:
        if len(state.asks) >= _MOST_ASKS:
            state.asks.clear()
        column = state.book.cells.column(request)
        if column is None:
            return None
        texts = [
            one_subject(column.categories, told=column.told, of_tenant=of, ended=state.ended)
            for of in (False, True)
        ]
        return _Ask(column, *texts)

    def _tenant(self, cursor: Any, state: _State, customer: str) -> int | None:
        if customer not in state.tenants:
            query = f"SELECT tenant_no FROM customer WHERE id = {self._mark}"  # noqa: S608 - a mark
            found = cursor.execute(query, (customer,)).fetchone()
            if found is None:
                return None
            if len(state.tenants) >= _MOST_ASKS:
                state.tenants.clear()
            state.tenants[customer] = found[0]
        return state.tenants[customer]

    def _meet(self, cursor: Any, book: Book, batches: Iterable[int | None]) -> None:
        """Learn where the tags of these batches are known from."""
        missing = {number for number in batches if number not in book.provenance} - {None}
        if missing:
            if len(book.provenance) >= _MOST_BATCHES:
                self._state = None  # what was answered may still be asked for its words
            among = ", ".join(map(str, missing))
            rows = cursor.execute(f"SELECT batch_no, provenance FROM batch WHERE batch_no IN ({among})")  # noqa: S608 - numbers of ours
            book.provenance.update(rows.fetchall())

    # One, on SQLite

    def _simple(self, cursor: Any, request: UseRequest) -> Decision | None:
        name = pseudonym(self._key, request.subject)
        for _ in range(_TRIES):
            state = self._state or self._load()
            ask = self._ask(state, request) if state.simple else None
            if ask is None:
                return None
            if request.customer is None:
                rows = cursor.execute(ask.one, (name,)).fetchall()
            else:
                tenant = self._tenant(cursor, state, request.customer)
                rows = cursor.execute(ask.one_of_tenant, (name, tenant)).fetchall()
            if not 0 < len(rows) < MOST_ROWS or rows[0][STEP] != HEAD:
                return None
            sequence = rows[0][SEQUENCE]
            if state.since <= sequence <= state.sequence or self._known_at(cursor, sequence) is state:
                book, head = state.book, state.head
                if len(rows) > 1 or rows[0][BATCH] not in book.provenance:
                    self._meet(cursor, book, (row[BATCH] for row in rows))
                if head.sequence != sequence:
                    head = self._head(cursor, state, sequence)
                one = Asked(0, request, micros(request.at), ask.column, name)
                return of_rows(one, rows, (), book, head)
        return None

    # Any number, of any shape

    def _many(self, cursor: Any, requests: Sequence[UseRequest]) -> list[Decision | None]:
        for _ in range(_TRIES):
            state = self._state or self._load()
            found = self._tried(cursor, state, requests)
            if found is not None:
                return found
        return [None] * len(requests)

    def _tried(
        self, cursor: Any, state: _State, requests: Sequence[UseRequest]
    ) -> list[Decision | None] | None:
        """The answers; None where the ledger has moved past what is kept."""
        found: list[Decision | None] = [None] * len(requests)
        for tenant, asked in self._by_tenant(cursor, state, requests).items():
            for start in range(0, len(asked), _NAMES):
                portion = asked[start : start + _NAMES]
                look = self._few(cursor, state, tenant, portion) or self._look(cursor, state, tenant, portion)
                if look.step != HEAD:
                    return found
                if self._known_at(cursor, look.sequence) is not state:
                    return None
                self._meet(cursor, state.book, look.batches())
                answer: Callable[..., Decision | None] = of_few if isinstance(look, Few) else of_look
                head = self._head(cursor, state, look.sequence)
                for one in portion:
                    found[one.place] = answer(one, look, state.book, head)
        return found

    def _few(self, cursor: Any, state: _State, tenant: int | None, portion: Sequence[Asked]) -> Few | None:
        """A look at subjects that have few of each, in a transaction; None where that cannot be."""
        if not (self._sqlite and state.simple and cursor.connection.in_transaction):
            return None
        names = _names_of(portion)
        key = (_categories_of(portion), len(names), _told(portion), tenant is not None)
        text = state.keep_text(
            key, lambda: few_subjects(*key[:2], told=key[2], of_tenant=key[3], ended=state.ended)
        )
        rows = cursor.execute(text, names if tenant is None else [*names, tenant]).fetchall()
        if len(rows) >= len(names) * MOST_ROWS:
            return None
        sequence, step = cursor.execute(WHERE_IT_STANDS).fetchone()
        tenants = {administrator(tenant_of(row[SUBJECT])) for row in rows}
        said = cursor.execute(customers_answers(tenants)).fetchall() if tenants else ()
        return Few(sequence, step, rows, said)

    def _by_tenant(
        self, cursor: Any, state: _State, requests: Sequence[UseRequest]
    ) -> dict[int | None, list[Asked]]:
        groups: dict[int | None, list[Asked]] = {}
        tenant, last, at = None, None, 0
        for place, request in enumerate(requests):
            ask = self._ask(state, request)
            if ask is None:
                continue
            if request.customer is not None:
                tenant = self._tenant(cursor, state, request.customer)
                if tenant is None:
                    continue
            if request.at is not last:  # mostly all ask about one moment
                last, at = request.at, micros(request.at)
            one = Asked(place, request, at, ask.column, pseudonym(self._key, request.subject))
            groups.setdefault(None if request.customer is None else tenant, []).append(one)
        return groups

    def _look(self, cursor: Any, state: _State, tenant: int | None, portion: Sequence[Asked]) -> Look:
        names = _names_of(portion) if self._sqlite else [[one.name for one in portion]]
        categories, told = _categories_of(portion), _told(portion)
        marks = f"IN ({', '.join('?' * len(names))})" if self._sqlite else "= ANY(%s)"
        text = state.keep_text(
            (categories, marks, told, tenant is not None),
            lambda: many_subjects(
                categories,
                marks,
                told=told,
                epochs=state.epochs,
                dialect=self._engine.dialect.name,
                tenant=None if tenant is None else self._mark,
                ended=state.ended,
            ),
        )
        return Look().take(cursor.execute(text, names if tenant is None else [*names, tenant]))


def _names_of(portion: Sequence[Asked]) -> list[bytes]:
    """Each once, and the last again up to a power of two: few different statements to prepare."""
    names = list(dict.fromkeys(one.name for one in portion))
    size = 1 << (len(names) - 1).bit_length()
    return names + [names[-1]] * (size - len(names))


def _categories_of(portion: Sequence[Asked]) -> frozenset[int]:
    return frozenset().union(*{id(one.column): one.column.categories for one in portion}.values())


def _told(portion: Sequence[Asked]) -> bool:
    return any(one.column.told for one in portion)


def _close(cursor: Any) -> None:
    if cursor is not None:
        with suppress(Exception):
            cursor.connection.close()
