# SPDX-License-Identifier: Apache-2.0
"""Erased people held against the cut records that say so; rows that belong to no entry."""

from __future__ import annotations

from policyctl.adapters.ledger.driver import Driver
from policyctl.adapters.tables import CATEGORY, CHANGE, NOTICE, POLICY, PRACTICE, REMINDER
from policyctl.core.proof.flaws import Flaw, FlawKind
from policyctl.core.proof.walk import RESTORE

_ERASED = (
    "SELECT s.subject_no, s.entry FROM subject s WHERE s.erased_at IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM cut c WHERE c.what = 'subject' AND c.first_no = s.subject_no) "
    "ORDER BY s.subject_no LIMIT 1"
)
_BACK = (
    "SELECT s.subject_no, s.entry FROM cut c JOIN subject s ON s.subject_no = c.first_no "
    "WHERE c.what = 'subject' AND s.erased_at IS NULL ORDER BY s.subject_no LIMIT 1"
)
_STRAY = "SELECT count(*) FROM {} WHERE entry IS NULL"


def stray_flaws(driver: Driver, server: int) -> list[Flaw]:
    """People who are erased without a record, or not although there is one; rows that name no entry."""
    flaws = []
    for number, entry in driver.rows(_ERASED):
        message = f"subject {number} was erased, and no cut record says so"
        flaws.append(_flaw(FlawKind.ALTERED, message, "subject", entry, server))
    for number, entry in driver.rows(_BACK):
        message = f"subject {number} was erased, and is there again: an older state was put back"
        flaws.append(_flaw(FlawKind.ROLLED_BACK, message, "subject", entry, server))
    for table in (POLICY, PRACTICE, CHANGE, CATEGORY, NOTICE, REMINDER):
        ((count,),) = driver.rows(_STRAY.format(table.name))
        if count:
            message = f"{count} rows of {table.name} name no entry: they were slipped in"
            flaws.append(Flaw(FlawKind.ALTERED, table.name, message, RESTORE, table.name, None, server))
    return flaws


def _flaw(kind: FlawKind, message: str, table: str, entry: int, server: int) -> Flaw:
    return Flaw(kind, f"entry {entry}", message, RESTORE, table, entry, server)
