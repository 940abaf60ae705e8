# SPDX-License-Identifier: Apache-2.0
"""Cut records in the ledger: how one is written, in the transaction that takes rows out, and read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import Driver
from policyctl.adapters.tables import CUT
from policyctl.core.proof.cuts import Cut, CutOf, governing

_LAST = 1 << 62

_CUTS = (
    "SELECT what, first_no, last_no, gone, left_digest, rule FROM cut WHERE what IN ('entry', 'batch') "
    "ORDER BY entry, first_no"
)


def add_cut(writer: Writer, cut: Cut) -> None:
    """Record what is taken out. ``cut.left`` is what ``left_of_entries`` (checking/entries.py) or
    ``left_of_batches`` (checking/tags.py) gives after they went, empty for a subject.
    """
    row = {
        "what": cut.what.value,
        "first_no": cut.first,
        "last_no": cut.last,
        "gone": cut.gone,
        "left_digest": cut.left,
        "rule": cut.rule,
    }
    writer.add(CUT, [row])


def read_cuts(driver: Driver) -> Sequence[Cut]:
    """The cuts of entries and batches, in the order in which they were written."""
    return [
        Cut(CutOf(what), first, last, gone, bytes(left), rule)
        for what, first, last, gone, left, rule in driver.rows(_CUTS)
    ]


def cut_batches(driver: Driver) -> tuple[tuple[int, int], ...]:
    """The stretches of batches that lost tags, as the cuts say that count."""
    return tuple((cut.first, cut.last) for cut in governing(read_cuts(driver), CutOf.BATCH))


def in_stretches(number: int, stretches: Sequence[tuple[int, int]]) -> bool:
    """Whether a number is in one of these stretches, which come in order and do not touch."""
    place = bisect_right(stretches, (number, _LAST)) - 1
    return place >= 0 and number <= stretches[place][1]


def count_cuts(driver: Driver) -> int:
    """How many cut records there are, those of people among them."""
    return int(driver.rows("SELECT count(*) FROM cut")[0][0])
