# SPDX-License-Identifier: Apache-2.0
"""How far the sending of notices has come: what `notify --watch` shows.

Other than the groups of a publication (``progress``), which say who was given his notice, these say who is
at work: a mail that waits and one that the mail service took are the same to the law and not to the sender.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import TAKEN, DeliveryName, OutboxCount, OutboxState
from policyctl.core.policy import VersionKey


class Step(StrEnum):
    """Where an addressee's mail is: reported as delivered; taken by the mailer; with a run that hands it over
    or finds out about it; waiting for one; known to have failed; set aside for a person, or recalled.
    """

    DELIVERED = "delivered"
    HANDED_OVER = "handed over"
    IN_HAND = "in hand"
    WAITING = "waiting"
    FAILED = "failed"
    SET_ASIDE = "set aside"


_STEPS: Mapping[str, Step] = {
    DeliveryName.DELIVERED: Step.DELIVERED,
    **dict.fromkeys((*TAKEN, DeliveryName.PROCESSED, DeliveryName.DEFERRED), Step.HANDED_OVER),
    **dict.fromkeys((OutboxState.PLANNED, OutboxState.PAUSED), Step.WAITING),
    **dict.fromkeys(
        (OutboxState.STAGED, OutboxState.POSTING, OutboxState.UNKNOWN, OutboxState.CANCELLING), Step.IN_HAND
    ),
    **dict.fromkeys((OutboxState.AWAITING, OutboxState.HELD, OutboxState.RECALLED), Step.SET_ASIDE),
}


def step_of(state: str) -> Step:
    """The step of a state, or of the report of highest rank; what is neither counts as failed."""
    return _STEPS.get(state, Step.FAILED)


@dataclass(frozen=True, slots=True)
class Underway:
    """The notices at ``at``, ``seconds`` after the first look, at which ``before`` had left already."""

    at: datetime
    seconds: float
    counts: tuple[OutboxCount, ...]
    before: int = 0

    def steps(self) -> Mapping[tuple[VersionKey, NoticeKind], Mapping[Step, int]]:
        """Addressees by step, every step named, of each version and kind of notice."""
        found: dict[tuple[VersionKey, NoticeKind], Counter[Step]] = {}
        for one in self.counts:
            found.setdefault((one.version, one.kind), Counter())[step_of(one.state)] += one.count
        return {key: {step: counts[step] for step in Step} for key, counts in found.items()}

    def count(self, *steps: Step) -> int:
        """Addressees at any of these steps."""
        return sum(one.count for one in self.counts if step_of(one.state) in steps)

    @property
    def left(self) -> int:
        """Addressees whose mail has left, or never will."""
        return left(self.counts)

    @property
    def done(self) -> bool:
        """Nothing waits, and nothing is in hand."""
        return not self.count(Step.WAITING, Step.IN_HAND)


def left(counts: Iterable[OutboxCount]) -> int:
    """Addressees whose mail has left, or never will."""
    return sum(one.count for one in counts if step_of(one.state) not in {Step.WAITING, Step.IN_HAND})
