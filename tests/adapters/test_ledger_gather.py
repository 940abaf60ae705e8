# SPDX-License-Identifier: Apache-2.0
"""Writes of many threads done in groups: nobody is left waiting, or told what is of another."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock, Thread

import pytest

from policyctl.adapters.ledger.base.gather import MOST, Gatherer

PATIENCE = 30


class Desk:
    """Does groups and notes them; refuses odd numbers."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.inside = Lock()
        self.gatherer = Gatherer[int, str](self.run)

    def run(self, tasks: Sequence[int]) -> list[str | Exception]:
        assert self.inside.acquire(blocking=False), "two groups at once"
        try:
            self.groups.append(list(tasks))
            return [ValueError(str(task)) if task % 2 else str(task) for task in tasks]
        finally:
            self.inside.release()

    def ask(self, task: int) -> str:
        try:
            return self.gatherer.do(task)
        except ValueError as error:
            return f"refused {error}"


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_each_of_many_threads_hears_of_its_own_write_and_each_is_done_once(threads: int) -> None:
    desk, each = Desk(), 200

    def client(number: int) -> list[str]:
        return [desk.ask(number * each + turn) for turn in range(each)]

    with ThreadPoolExecutor(threads) as pool:
        found = [answer for answers in pool.map(client, range(threads)) for answer in answers]
    assert found == [f"refused {task}" if task % 2 else str(task) for task in range(threads * each)]
    assert sorted(task for group in desk.groups for task in group) == list(range(threads * each))


def test_one_alone_is_never_kept_waiting_for_company() -> None:
    desk = Desk()
    for task in range(0, 2000, 2):
        assert desk.ask(task) == str(task)
    assert {len(group) for group in desk.groups} == {1}
    assert desk.gatherer._enough is None


def test_a_group_has_so_many_at_most_and_the_rest_comes_next() -> None:
    begun, free, groups = Event(), Event(), list[int]()

    def run(tasks: Sequence[int]) -> list[int]:
        begun.set()
        free.wait(PATIENCE)
        groups.append(len(tasks))
        return list(tasks)

    gatherer = Gatherer[int, int](run)
    with ThreadPoolExecutor(MOST + 2) as pool:
        first = pool.submit(gatherer.do, 0)
        assert begun.wait(PATIENCE)
        rest = [pool.submit(gatherer.do, task) for task in range(1, MOST + 2)]
        while len(gatherer._queue) < MOST + 1:
            assert not first.done()
        free.set()
        assert [one.result(PATIENCE) for one in (first, *rest)] == list(range(MOST + 2))
    assert groups == [1, MOST, 1]


def test_a_group_that_breaks_is_told_to_all_of_it_and_the_next_one_goes_on() -> None:
    begun, free = Event(), Event()

    def run(tasks: Sequence[str]) -> list[str]:
        begun.set()
        free.wait(PATIENCE)
        if "bad" in tasks:
            raise OSError("the disk")
        return list(tasks)

    gatherer = Gatherer[str, str](run)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(gatherer.do, "first")
        assert begun.wait(PATIENCE)
        group = [pool.submit(gatherer.do, name) for name in ("good", "bad", "fair")]
        while len(gatherer._queue) < len(group):
            assert not first.done()
        free.set()
        assert first.result(PATIENCE) == "first"
        assert [str(one.exception(PATIENCE)) for one in group] == ["the disk"] * 3
    assert gatherer.do("after") == "after"


def test_a_leader_that_is_ended_by_force_leaves_nobody_waiting() -> None:
    begun, free = Event(), Event()

    def run(tasks: Sequence[str]) -> list[str]:
        begun.set()
        free.wait(PATIENCE)
        if "first" in tasks:
            raise KeyboardInterrupt
        return list(tasks)

    gatherer = Gatherer[str, str](run)
    ended: list[type[BaseException]] = []

    def lead() -> None:
        try:
            gatherer.do("first")
        except BaseException as error:  # noqa: BLE001 - it is what the test is about
            ended.append(type(error))

    leader = Thread(target=lead)
    leader.start()
    assert begun.wait(PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(gatherer.do, "second")
        while not gatherer._queue:
            assert leader.is_alive()
        free.set()
        assert second.result(PATIENCE) == "second"
    leader.join(PATIENCE)
    assert ended == [KeyboardInterrupt]
