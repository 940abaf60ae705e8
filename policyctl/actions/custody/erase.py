# SPDX-License-Identifier: Apache-2.0
"""``policyctl erase``: destroy what leads from the ledger to a person.

What was recorded stays, under a number that stands for nobody: tags, choices and their receipts still prove
what was done, and to whom nobody can tell. Every answer about the person is undecided from then on, and
nothing more is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.core.custody import Erasure, Scrub

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger


def erase(
    subject: str, *, now: datetime, ledger: Ledger, customer: str | None = None
) -> tuple[Erasure, Scrub]:
    """Erase one person, by the caller's id. UsageError where the id is of several customers' people and
    none is named. Nobody known by it: nothing is done.
    """
    return ledger.custody_of(subject, now).erase(subject, now=now, customer=customer)


def plan_erasure(subject: str, *, now: datetime, ledger: Ledger, customer: str | None = None) -> Erasure:
    """What :func:`erase` would do; nothing is done."""
    return ledger.custody_of(subject, now, dry_run=True).would_erase(subject, customer=customer)
