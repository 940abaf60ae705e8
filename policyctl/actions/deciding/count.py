# SPDX-License-Identifier: Apache-2.0
"""What is in the ledger, and how much of it may be used for what."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.core.use.share import LedgerReport, report_of

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger


def count_ledger(*, at: datetime, ledger: Ledger, customer: str | None = None) -> LedgerReport:
    """Count the ledger as it is at ``at``; ``customer``: only this one's part. CannotCompareError for a
    customer that is not known.
    """
    return report_of(ledger.counts(at, customer=customer), at=at, customer=customer)
