# SPDX-License-Identifier: Apache-2.0
"""Writes that wait are done together, by one of the threads that brought them.

1. The first to come goes at once, by itself: who is alone never waits for company.
2. Those that come meanwhile wait, and are the next group. The first of them does the work of all; no
   thread but those of the callers is needed, and none works on for others once it has its own answer.
3. After a group that had company, the next one waits for as many again, but no longer than half the time
   that group took: those who just had their answer mostly come back with the next write, and a commit
   that waits for the disk costs the same for one as for all.
4. Each hears what became of its own write, and not before the group has ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from policyctl.errors import UnreachableError

MOST = 256
"""Writes in one group at most."""

_LONGEST = 0.02  # seconds that a group waits for company at most
_AGAIN = "send it again with the same key"
Task = TypeVar("Task")
Done = TypeVar("Done")


class _Signal:
    """Waited for by one thread, given by another; a bare lock, as an Event takes a third more time."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def give(self) -> None:
        """Let the other go on."""
        self._lock.release()

    def wait(self, timeout: float = -1) -> bool:
        """Until it is given, or that many seconds; False where it was not."""
        return self._lock.acquire(timeout=timeout)


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Task, Done]):
    """A write and what became of it; neither done nor wrong: its thread is to lead the next group."""

    task: Task
    done: Done | None = None
    wrong: Exception | None = None
    woken: _Signal = field(default_factory=_Signal)

    @property
    def is_settled(self) -> bool:
        return self.done is not None or self.wrong is not None

    def answer(self) -> Done:
        if self.wrong is not None:
            raise self.wrong
        return cast("Done", self.done)


class Gatherer(Generic[Task, Done]):
    """Hands writes to ``run``, one group at a time; ``run`` gives what became of each, in order."""

    def __init__(self, run: Callable[[Sequence[Task]], Sequence[Done | Exception]]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._queue: list[_Waiting[Task, Done]] = []
        self._busy = False
        # Of the last group: how many were there in all, when it began and ended.
        self._company, self._began, self._ended = 1, 0.0, 0.0
        self._enough: tuple[int, _Signal] | None = None

    def do(self, task: Task) -> Done:
        """Do it, with the others that wait; raises what was wrong with it."""
        mine: _Waiting[Task, Done] = _Waiting(task)
        with self._lock:
            self._queue.append(mine)
            leads, self._busy = not self._busy, True
            if self._enough and len(self._queue) >= self._enough[0]:
                self._enough[1].give()
                self._enough = None
        if not leads:
            self._wait(mine)
            if mine.is_settled:
                return mine.answer()
        return self._lead(mine)

    def _wait(self, mine: _Waiting[Task, Done]) -> None:
        try:
            mine.woken.wait()
        except BaseException:  # ended by force: the write may still be done, but must not be left to lead
            with self._lock:
                self._queue = [each for each in self._queue if each is not mine]
                leads = mine.woken.wait(0) and not mine.is_settled
            if leads:
                self._hand_over([])
            raise

    def _lead(self, mine: _Waiting[Task, Done]) -> Done:
        group = [mine]
        try:
            self._wait_for_company()
            with self._lock:
                group, self._queue = self._queue[:MOST], self._queue[MOST:]
                self._began = time.monotonic()
            outcomes = self._run([each.task for each in group])
            for each, outcome in zip(group, outcomes, strict=True):
                if isinstance(outcome, Exception):
                    each.wrong = copy(outcome)  # its thread adds its own trace
                else:
                    each.done = outcome
        except Exception as error:  # noqa: BLE001 - each of the group's threads raises it
            for each in group:
                each.wrong = error
        finally:
            self._hand_over(group)
        return mine.answer()

    def _wait_for_company(self) -> None:
        """As (3) says."""
        with self._lock:
            until = self._ended + min((self._ended - self._began) / 2, _LONGEST)
            wanted = min(self._company, MOST)
            if len(self._queue) >= wanted or (left := until - time.monotonic()) <= 0:
                return
            signal = _Signal()
            self._enough = (wanted, signal)
        signal.wait(left)
        with self._lock:
            self._enough = None

    def _hand_over(self, group: Sequence[_Waiting[Task, Done]]) -> None:
        with self._lock:
            if group and self._queue[:1] == group[:1]:  # ended by force before it took them
                del self._queue[0]
            self._ended, self._company = time.monotonic(), len(group) + len(self._queue)
            self._busy = bool(self._queue)
            for each in self._queue[:1]:
                each.woken.give()
        for each in group:
            if not each.is_settled:
                # The thread that led was ended by force: nobody knows whether it got as far as the commit.
                each.wrong = UnreachableError("the write was broken off", hint=_AGAIN)
        for each in group:
            each.woken.give()
