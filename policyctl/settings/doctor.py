# SPDX-License-Identifier: Apache-2.0
"""``[doctor]``: after what time without anybody at work it says so."""

from __future__ import annotations

from policyctl.settings.tables import Table

EXPECTED = ("notify", "sync", "prune", "backup", "seal")
"""Commands that a timer may be expected to start."""
DOCTOR_KEYS = ("heartbeat_hours", *(f"{name}_hours" for name in EXPECTED))
_MOST = 24 * 400


def read_heartbeat_hours(table: Table) -> int:
    """How long notices may wait for a run of ``notify``."""
    return table.number("heartbeat_hours", 24, (1, 24 * 30))


def read_expected_hours(table: Table) -> tuple[tuple[str, int], ...]:
    """Every how many hours a run of a command is expected; those of which nothing is said are left out."""
    found = ((name, table.number(f"{name}_hours", 0, (0, _MOST))) for name in EXPECTED)
    return tuple((name, hours) for name, hours in found if hours)
