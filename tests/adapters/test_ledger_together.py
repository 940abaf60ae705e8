# SPDX-License-Identifier: Apache-2.0
"""Writes of many threads at once: gathered, and yet each as if it were alone. On both databases."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event

from policyctl.actions.recording import record
from policyctl.actions.recording.tagging import NewTag, add_tags
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import engine
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.people.answers import ANSWERS
from policyctl.core.policy import VersionKey
from policyctl.core.records import Answer, ClientBatch
from policyctl.errors import IntegrityError, OtherContentError, PolicyctlError
from tests.adapters.ledger_samples import KEY, TAXONOMY, day
from tests.web.service import CHANGE, EMAIL, NOW, make_repository


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path) -> Iterator[Ledger]:
    make_repository(tmp_path / "policies", ledger_url)
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as found:
        yield found


def choose(ledger: Ledger, subject: str, answer: str, number: int, batch: ClientBatch | None = None) -> bool:
    at = day("2026-04-01") + timedelta(seconds=number)
    return record.choose(
        CHANGE, answer, at=at, now=NOW, ledger=ledger, subject=subject, within="acme", batch=batch
    )


def tag(ledger: Ledger, subject: str, name: str) -> int:
    rows = [NewTag(subject, EMAIL, name, day("2026-04-01"))]
    return add_tags(rows, now=NOW, ledger=ledger, customer="acme").added


def at_once(ledger: Ledger, *works: Callable[[], Any]) -> list[Future[Any]]:
    """All wait while a first writer holds the ledger; then they are one group."""
    held, free = Event(), Event()

    def rows() -> Iterator[Any]:
        held.set()
        free.wait(30)
        yield from ()

    with ThreadPoolExecutor(len(works) + 2) as pool:
        holder = pool.submit(ledger.import_tags, rows(), now=NOW)
        assert held.wait(30)
        first = pool.submit(choose, ledger, "u2", "consent", 9_999)
        found = [pool.submit(work) for work in works]
        while len(ledger._gatherer._queue) < len(works):
            assert not first.done()
        free.set()
        holder.result(30)
    return found


def entries(ledger: Ledger) -> int:
    return ledger.sequence()


def test_those_that_wait_enter_with_one_entry_and_each_has_its_own_answer(ledger: Ledger) -> None:
    before = entries(ledger)
    once = ClientBatch("http", "k-1", "0" * 64)
    other = ClientBatch("http", "k-1", "1" * 64)
    found = at_once(
        ledger,
        lambda: choose(ledger, "u2", "consent", 1, once),
        lambda: choose(ledger, "nobody", "consent", 2),
        lambda: choose(ledger, "u1", "refuse", 3),
        lambda: choose(ledger, "u1", "refuse", 3),
    )
    assert [type(each.exception()).__name__ for each in found] == ["NoneType", "InputErrors"] + [
        "NoneType"
    ] * 2
    assert sorted(each.result() for each in found[2:]) == [False, True]
    assert entries(ledger) == before + 2  # the first went by itself; one for the group
    assert choose(ledger, "u2", "consent", 1, once)
    with pytest.raises(OtherContentError):
        choose(ledger, "u2", "consent", 1, other)
    assert ledger.first_bad_entry() is None


def test_one_key_twice_in_a_group_is_done_once_or_refused(ledger: Ledger) -> None:
    once, other = (ClientBatch("http", "k-2", digit * 64) for digit in "01")
    found = at_once(
        ledger,
        *[lambda: choose(ledger, "u2", "consent", 1, once)] * 3,
        lambda: choose(ledger, "u2", "refuse", 2, other),
    )
    failed = [each for each in found if each.exception()]
    assert all(isinstance(each.exception(), OtherContentError) for each in failed)
    assert len(failed) in {1, 3}  # whichever came first has the key
    assert sum(count.count for count in ledger.counts(NOW).stats.choices) == 2


def test_tags_acceptances_and_choices_share_a_group_and_a_bad_one_is_taken_back(ledger: Ledger) -> None:
    accepted = {"at": day("2026-04-01"), "now": NOW, "ledger": ledger, "within": "acme"}
    found = at_once(
        ledger,
        lambda: tag(ledger, "u2", "r-1"),
        lambda: tag(ledger, "stranger", "r-2"),
        lambda: tag(ledger, "u1", "r-3"),
        lambda: record.accept("new", VersionKey("fax", 2), **accepted),
        lambda: record.accept("newer", VersionKey("fax", 9), **accepted),
        lambda: choose(ledger, "u2", "withdraw", 5),
    )
    wrong = [place for place, each in enumerate(found) if isinstance(each.exception(), PolicyctlError)]
    assert wrong == [1, 4]
    assert [found[place].result() for place in (0, 2, 3, 5)] == [1, 1, True, True]
    assert sum(count.count for count in ledger.counts(NOW).stats.tags) == 2
    assert ledger.first_bad_entry() is None


def test_a_row_that_the_database_refuses_fails_by_itself_though_the_commit_was_on_its_way(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = entries(ledger)
    # A change of mind sent in the same group as an answer of no known kind, which only the table refuses.
    monkeypatch.setitem(ANSWERS, Answer.WITHDRAW, 9)
    found = at_once(
        ledger, lambda: choose(ledger, "u2", "consent", 1), lambda: choose(ledger, "u1", "withdraw", 2)
    )
    assert found[0].result() is True
    assert isinstance(found[1].exception(), IntegrityError)
    assert sum(count.count for count in ledger.counts(NOW).stats.choices) == 2  # with the one that went first
    assert entries(ledger) == before + 2
    assert ledger.first_bad_entry() is None


def test_answers_of_several_customers_in_one_group_have_numbers_of_their_own(ledger: Ledger) -> None:
    def answer(customer: str, subject: str) -> bool:
        return record.choose(
            CHANGE,
            "refuse",
            at=day("2026-04-02"),
            now=NOW,
            ledger=ledger,
            subject=subject,
            within=customer,
        )

    found = at_once(ledger, lambda: answer("acme", "u1"), lambda: answer("bolt", "u1"))
    assert all(each.result() for each in found)
    with engine.reading(ledger._engine) as connection:
        numbers = [row[0] for row in driver_of(connection).rows("SELECT seq FROM choice")]
    assert len(numbers) == len(set(numbers)) == 3


# Whose data it is takes no time either


def statements(ledger: Ledger, work: Callable[[], object]) -> list[str]:
    """What SQLite was asked, with the values."""
    seen: list[str] = []

    def trace(raw: Any, *_: object) -> None:
        raw.set_trace_callback(seen.append)

    event.listen(ledger._engine, "checkout", trace)
    try:
        work()
    except PolicyctlError:
        pass
    finally:
        event.remove(ledger._engine, "checkout", trace)
    return seen


def test_anothers_id_and_nobodys_ask_the_same_and_find_as_many_rows(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies")
    file = root / "ledger.db"
    with open_ledger(f"sqlite:///{file}", key=KEY, taxonomy=TAXONOMY) as ledger:

        def asked(subject: str, write: Callable[[str], object]) -> list[tuple[str, int]]:
            write("nobody-else")  # what is read once and kept is not to be told apart
            with closing(sqlite3.connect(file)) as database:
                return [
                    (re.sub(r"[xX]'[0-9A-Fa-f]+'", "X", said), len(database.execute(said).fetchall()))
                    for said in statements(ledger, lambda: write(subject))
                    if said.startswith("SELECT")
                ]

        def answered(subject: str) -> object:
            try:
                return record.choose(
                    CHANGE, "consent", at=NOW, now=NOW, ledger=ledger, subject=subject, within="bolt"
                )
            except PolicyctlError:
                return None

        def tagged(subject: str) -> object:
            try:
                return add_tags(
                    [NewTag(subject, EMAIL, "r", day("2026-04-01"))], now=NOW, ledger=ledger, customer="bolt"
                )
            except PolicyctlError:
                return None

        for write in (answered, tagged):
            theirs = asked("u2", write)  # acme's
            assert len(theirs) > 3
            assert theirs == asked("nobody", write)
