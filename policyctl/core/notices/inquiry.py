# SPDX-License-Identifier: Apache-2.0
"""What the addressee of a notice was asked, and what is on record of his answers: what his page shows.

1. An answer stands until another is given. Given once more, it is recorded once.
2. A question is open until a later version asks the same anew, or has no such practice any more. It is
   then answered there, or not at all: an answer to the old one would be about a text that is gone.
3. An organisation's refusal binds all of its people; what one of them says is kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from policyctl.core.notices.notice import Notice
from policyctl.core.policy import VersionKey
from policyctl.core.records import Answer, VersionRecord, split_change


@dataclass(frozen=True, slots=True)
class Standing:
    """The last answer, and when it was given (aware UTC)."""

    answer: Answer
    at: datetime

    @property
    def is_yes(self) -> bool:
        """A withdrawal protects like a refusal."""
        return self.answer is Answer.CONSENT


@dataclass(frozen=True, slots=True)
class Newer:
    """A later version that took the place of a question. ``asks``: it asks the same anew; ``nid`` is then
    its notice to the same addressee, empty where there is none.
    """

    version: VersionKey
    published_at: datetime
    asks: bool
    nid: str = ""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One notice to one addressee, and all that he has said to it. Times are aware UTC.

    ``customer`` is the id of the organisation that an administrator answers for, empty for a person who
    answers for herself; ``organisation`` the name of hers or theirs, empty for none. ``newest`` is the
    number of the policy's last version. ``answers``: by change, where one is on record. ``bound``: the
    changes that the person's organisation has refused. ``newer``: by change that is not open any more.
    """

    nid: str
    notice: Notice
    customer: str
    organisation: str
    locale: str
    newest: int
    answers: Mapping[str, Standing] = field(default_factory=dict)
    bound: frozenset[str] = frozenset()
    newer: Mapping[str, Newer] = field(default_factory=dict)
    acknowledged_at: datetime | None = None
    objected_at: datetime | None = None
    stopped_at: datetime | None = None

    def asks(self, change: str) -> bool:
        """Whether the notice asked about this change at all."""
        return any(offer.change == change for offer in self.notice.choices)


def word_for(standing: Standing | None, *, yes: bool) -> Answer | None:
    """What is recorded for a yes or a no after what stands; None where that says so already (1)."""
    if standing is not None and standing.is_yes is yes:
        return None
    if yes:
        return Answer.CONSENT
    return Answer.WITHDRAW if standing is not None else Answer.REFUSE


def newer_than(change: str, records: Iterable[VersionRecord]) -> Newer | None:
    """The last version that took the place of the question ``change`` (2); None while it is open."""
    named = split_change(change)
    if named is None:
        return None
    version, practice = named
    later = (each for each in records if each.key.slug == version.slug and each.key.number > version.number)
    for record in sorted(later, key=lambda each: each.key.number, reverse=True):
        if any(asked.practice == practice for asked in record.changes):
            return Newer(record.key, record.published_at, asks=True)
        if all(stated.id != practice for stated in record.practices):
            return Newer(record.key, record.published_at, asks=False)
    return None
