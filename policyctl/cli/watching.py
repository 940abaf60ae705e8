# SPDX-License-Identifier: Apache-2.0
"""What a long run shows on standard error, and how Ctrl-C and SIGTERM end it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from policyctl.cli.printing import is_terminal, say

if TYPE_CHECKING:
    from policyctl.core.notices.underway import Underway


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Whether somebody pressed Ctrl-C, or a supervisor sent SIGTERM: once ends the run between two calls,
    twice in the middle of one.
    """
    asked: list[int] = []

    def ask(number: int, _frame: Any) -> None:
        asked.append(number)
        signal.signal(number, before[signal.Signals(number)])
        say("stopping after this call; Ctrl-C again stops in the middle of it, which the next run looks into")

    if threading.current_thread() is not threading.main_thread():  # only there can signals be heard
        yield lambda: False
        return
    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def showing() -> Iterator[Callable[[Underway], None]]:
    """Bars that are drawn anew on a terminal; elsewhere a line whenever something changed."""
    from policyctl.reports.notices.watching import frame, line

    if not is_terminal():
        told = [""]

        def tell(now: Underway) -> None:
            text = line(now)
            if text.partition(" UTC ")[2] != told[0]:
                told[0] = text.partition(" UTC ")[2]
                say(text)

        yield tell
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), auto_refresh=False) as live:
        yield lambda now: live.update(Text(frame(now), no_wrap=True, overflow="ellipsis"), refresh=True)
