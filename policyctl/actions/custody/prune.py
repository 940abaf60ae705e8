# SPDX-License-Identifier: Apache-2.0
"""``policyctl prune``: proof is kept as long as the data it is about, plus a period; then it goes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.core.custody import Pruned
from policyctl.core.retention import before
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger


def prune(period: str, *, now: datetime, ledger: Ledger, plan: bool = False) -> Pruned:
    """Take out what was proven about people and pieces of data that have been gone for longer than
    ``period``; with ``plan`` only say how much. UsageError without a period: then proof is kept for ever.
    """
    if not period:
        raise UsageError(
            "no period is set, so proof is kept for ever",
            hint='set [retention] proof_after_data = "P3Y" in policyctl.toml',
        )
    limit = before(now, period)
    planned = ledger.custody.would_prune(limit)
    if plan or not any(count for _, count in planned.rows):
        return planned
    if planned.people:
        # The tags that stay in a batch that loses some can be proven only by a tree from before.
        ledger.upkeep.seal(now=now)
    return ledger.custody.prune(limit, f"retention: kept for {period} after the data was gone", now=now)
