# SPDX-License-Identifier: Apache-2.0
"""What is said of the entries that are not as they were written: altered, missing or in another place."""

from __future__ import annotations

from collections.abc import Iterator

from policyctl.adapters.ledger.base.driver import Driver
from policyctl.core.proof.flaws import Flaw, FlawKind
from policyctl.core.proof.walk import MOST, RESTORE, ChainWalk, Suspect, places_changed

# The tables whose rows we number ourselves without a gap, with the column of the number.
_NUMBERED = {
    "version": "version_no", "practice": "practice_no", "notice": "notice_no", "category": "category_no",
    "customer": "tenant_no", "batch": "batch_no", "posting": "posting_no",
}  # fmt: skip
# What an entry of a kind is about, for one that has no rows any more.
_ABOUT = {
    "version": "version", "customers": "customer", "subjects": "subject", "tags": "batch",
    "choices": "choice", "acceptance": "admission", "acknowledgement": "acknowledgement",
    "seal": "batch_seal", "erasure": "cut", "posting": "posting",
}  # fmt: skip
_CHOICES = "SELECT seq FROM choice WHERE entry = ? ORDER BY seq"
_IN_ENTRY = 1 << 24  # a choice is numbered within its entry, from this times the number of that
_GAP = (
    "SELECT before_it + 1, before_entry, entry FROM (SELECT {0} AS number, entry, "
    "lag({0}) OVER (ORDER BY {0}) AS before_it, lag(entry) OVER (ORDER BY {0}) AS before_entry "
    "FROM {1}) AS n "
    "WHERE number > before_it + 1 ORDER BY number"
)


def tell(driver: Driver, walk: ChainWalk) -> Iterator[Flaw]:
    """The flaws of a walk that has ended."""
    yield from walk.flaws
    moved = places_changed(walk.bad)
    gaps = _gaps(driver) if walk.bad else {}
    for entry in walk.bad:
        if "choice" in entry.counts and (gone := _choice_gone(driver, entry)) is not None:
            gaps.setdefault("choice", []).append((gone, entry.seq, entry.seq))
        yield _of(entry, moved.get(entry.seq), gaps, walk.server)
    if walk.bad_count > MOST:
        message = f"{walk.bad_count - MOST} more entries are not as they were written"
        last = walk.bad[-1].seq + 1
        yield Flaw(FlawKind.ALTERED, "the ledger", message, RESTORE, "entry", last, walk.server)


def _of(entry: Suspect, moved: int | None, gaps: dict[str, list[tuple[int, int, int]]], server: int) -> Flaw:
    where = f"entry {entry.seq}"
    tables = ", ".join(f"{count} of {table}" for table, count in sorted(entry.counts.items()))
    table = next(iter(entry.counts)) if len(entry.counts) == 1 else ""
    if moved is not None:
        said = f"{where} ({entry.kind}) holds what was written as entry {moved}"
        return Flaw(FlawKind.REORDERED, where, said, RESTORE, table, entry.seq, server)
    for name, found in gaps.items():
        for number, before, after in found:
            if before <= entry.seq <= after and _fits(entry, name, before, after):
                said = f"row {number} of {name} is missing from {where} ({entry.kind})"
                return Flaw(FlawKind.MISSING, where, said, RESTORE, name, entry.seq, server)
    if not entry.counts:
        said = f"the rows of {where} ({entry.kind}) are missing"
        return Flaw(FlawKind.MISSING, where, said, RESTORE, _ABOUT.get(entry.kind, ""), entry.seq, server)
    said = f"the rows of {where} ({entry.kind}) are not those that were written; there are {tables}"
    return Flaw(FlawKind.ALTERED, where, said, RESTORE, table, entry.seq, server)


def _fits(entry: Suspect, table: str, before: int, after: int) -> bool:
    """A gap between two entries is of the one that has no rows of the table any more, if any has none."""
    return table in entry.counts or not entry.counts or entry.seq not in {before, after}


def _choice_gone(driver: Driver, entry: Suspect) -> int | None:
    """The first number of a choice of an entry that is not there; None where no gap tells of one."""
    found = [row[0] for row in driver.rows(_CHOICES, entry.seq)]
    expected = range(entry.seq * _IN_ENTRY, entry.seq * _IN_ENTRY + len(found))
    return next((number for number, seen in zip(expected, found, strict=True) if number != seen), None)


def _gaps(driver: Driver) -> dict[str, list[tuple[int, int, int]]]:
    """The numbers that are not there, with the entries of the rows on either side."""
    return {
        table: [(first, before, after) for first, before, after in driver.rows(_GAP.format(column, table))]
        for table, column in _NUMBERED.items()
    }
