# SPDX-License-Identifier: Apache-2.0
"""Writes that wait are done together, by one of the threads that brought them.

1. The first to come goes at once, by itself: nobody waits for company.
2. Those that come meanwhile wait, and are the next group. The first of them does the work of all; no
   thread but those of the callers is needed, and none works on for others once it has its own answer.
3. Each hears what became of its own write, and not before the group has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from policyctl.errors import UnreachableError

MOST = 256
"""Writes in one group at most."""

_AGAIN = "send it again with the same key"
Task = TypeVar("Task")
Done = TypeVar("Done")


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Task, Done]):
    """A write and what became of it; neither done nor wrong: its thread is to lead the next group."""

    task: Task
    done: Done | None = None
    wrong: Exception | None = None
    woken: threading.Event = field(default_factory=threading.Event)

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

    def do(self, task: Task) -> Done:
        """Do it, with the others that wait; raises what was wrong with it."""
        mine: _Waiting[Task, Done] = _Waiting(task)
        with self._lock:
            self._queue.append(mine)
            leads, self._busy = not self._busy, True
        if not leads:
            mine.woken.wait()
            if mine.is_settled:
                return mine.answer()
        return self._lead(mine)

    def _lead(self, mine: _Waiting[Task, Done]) -> Done:
        with self._lock:
            group, self._queue = self._queue[:MOST], self._queue[MOST:]
        try:
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

    def _hand_over(self, group: Sequence[_Waiting[Task, Done]]) -> None:
        with self._lock:
            following = self._queue[:1]
            self._busy = bool(following)
        for each in group:
            if not each.is_settled:
                # The thread that led was ended by force: nobody knows whether it got as far as the commit.
                each.wrong = UnreachableError("the write was broken off", hint=_AGAIN)
        for each in (*following, *group):
            each.woken.set()
