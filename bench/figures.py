# SPDX-License-Identifier: Apache-2.0
"""How a benchmark prints a figure: name, value, the bar it is held to, and ``ok`` or ``SHORT``."""

from __future__ import annotations

import time
from collections.abc import Callable


def figure(name: str, value: float, bar: float, unit: str = "x", note: str = "") -> bool:
    """Print one figure, which must not be over the bar; True when it is not."""
    fine = value <= bar
    print(f"{'ok   ' if fine else 'SHORT'} {name:44} {value:9.3f} {unit:3} (bar {bar:g})  {note}".rstrip())
    return fine


def milliseconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000
