# SPDX-License-Identifier: Apache-2.0
"""Why a notice reaches whom it reaches, counted: every addressee for one reason, and who is held back.

1. Every customer's administrator gets a copy of a revised policy; a customer with no address on record is
   owed one all the same, so it is counted and held.
2. A choice is asked of those who have data in the categories that the change touches, collected under an
   older version. Of a change that reaches data of any kind, also of those who are bound by an older
   version without having data here.
3. Somebody whom a change reaches and who has no address on record is held: told in another way, or not.
4. A notice is late when it leaves with fewer days to the effective date than its class asks for. It is never
   dated back: it says when it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Reason(StrEnum):
    """Why somebody is an addressee."""

    ADMINISTRATOR = "administrator"
    NO_ADMINISTRATOR = "no-administrator"
    DATA = "data"
    BOUND = "bound"
    NO_ADDRESS = "no-address"


HELD = frozenset({Reason.NO_ADMINISTRATOR, Reason.NO_ADDRESS})
"""Reached, and nothing can be sent to them."""

_IN_OUTBOX = frozenset(Reason) - {Reason.NO_ADDRESS}

Groups = Mapping[Reason, int]


def addressees(groups: Groups) -> int:
    """How many rows of the outbox: a customer without address has one, which shows the open duty."""
    return sum(count for reason, count in groups.items() if reason in _IN_OUTBOX)


@dataclass(frozen=True, slots=True)
class Timing:
    """When a notice would leave, and for what it is: calendar days in UTC. ``lead_days``: what its class asks
    for between the notice and the effective date.
    """

    leaves: date
    effective: date
    lead_days: int

    @property
    def due(self) -> date:
        """The last day on which it is not late."""
        return self.effective - timedelta(days=self.lead_days)

    @property
    def late_days(self) -> int:
        """How many days too late; 0 where it is in time."""
        return max(0, (self.leaves - self.due).days)
