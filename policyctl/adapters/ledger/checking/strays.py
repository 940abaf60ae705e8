# SPDX-License-Identifier: Apache-2.0
"""What no hash of an entry tells: erased people without a cut record, rows that belong to no entry,
corrections that do not come in the order of their batches.
"""

from __future__ import annotations

from policyctl.adapters.ledger.base.driver import Driver
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
# The last correction of a tag counts, so their numbers matter as much as what they say.
_UNORDERED = (
    "SELECT batch_no FROM (SELECT batch_no, correction, row_number() OVER "
    "(PARTITION BY subject_no, category, ref ORDER BY batch_no) AS place FROM tag_correction) AS c "
    "WHERE correction <> place ORDER BY batch_no LIMIT 1"
)
_STRAY = "SELECT count(*) FROM {} WHERE entry IS NULL"


def stray_flaws(driver: Driver, server: int) -> list[Flaw]:
    """People who are erased without a record, or not although there is one; rows out of place."""
    flaws = []
    for number, entry in driver.rows(_ERASED):
        message = f"subject {number} was erased, and no cut record says so"
        flaws.append(_flaw(FlawKind.ALTERED, message, "subject", entry, server))
    for number, entry in driver.rows(_BACK):
        message = f"subject {number} was erased, and is there again: an older state was put back"
        flaws.append(_flaw(FlawKind.ROLLED_BACK, message, "subject", entry, server))
    for (number,) in driver.rows(_UNORDERED):
        message = f"the corrections of a tag are not in their order, at batch {number}"
        place = "tag_correction"
        flaws.append(Flaw(FlawKind.REORDERED, place, message, RESTORE, place, None, server))
    for table in (POLICY, PRACTICE, CHANGE, CATEGORY, NOTICE, REMINDER):
        ((count,),) = driver.rows(_STRAY.format(table.name))
        if count:
            message = f"{count} rows of {table.name} name no entry: they were slipped in"
            flaws.append(Flaw(FlawKind.ALTERED, table.name, message, RESTORE, table.name, None, server))
    return flaws


def _flaw(kind: FlawKind, message: str, table: str, entry: int, server: int) -> Flaw:
    return Flaw(kind, f"entry {entry}", message, RESTORE, table, entry, server)
