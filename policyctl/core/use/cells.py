# SPDX-License-Identifier: Apache-2.0
"""The rules of core/use/decision.py compiled while they are asked, for one question at a time.

What the rules say of one tag hangs on little: its category and version, the version in force for its
subject, what was said to which practice in which order, of what it was told and whether its time is
over. All of that is small whole numbers here, so a finding that was made once is found again by them;
dates count only as before or after. One :class:`Column` holds the cells of one question (category,
purpose, recipient, policy). A cell is what ``decide`` itself found for the first tag that fell into it:
there is no second reading of the rules. A property test holds that no answer is changed by that.

Cells hold for the versions they were made from; whoever learns of another version makes them anew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Taxonomy, covers
from policyctl.core.records import REMINDER, Admission, VersionRecord, split_change
from policyctl.core.use.decision import decide_alone
from policyctl.core.use.in_force import version_in_force
from policyctl.core.use.question import Facts, UseRequest
from policyctl.core.use.tag_decision import TRANSITION_NOTICE
from policyctl.core.use.wording import ANSWERED, OVER, RECORD, TOLD, Filler, Wording

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY_US = 24 * 3600 * 1_000_000
# More than any honest ledger needs; people who change their minds all day must not fill the memory.
_MOST_CELLS = 100_000
NONE_IN_FORCE = 0

DELIVERED, FAILED = 1, 2

# (version_no or 0 where it was known before, moment)
AdmissionRow = tuple[int, int]
# (the customer's own, practice_no, answer, moment, order in the ledger)
ChoiceRow = tuple[bool, int, int, int, int]
# (notice_no, contact, DELIVERED or FAILED, moment)
ReportRow = tuple[int, int, int, int]
Standing = tuple[int, tuple[object, ...], tuple[object, ...], tuple[int, ...]]
CellKey = tuple[int, int, int, Standing | None]


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - _START) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """What a notice tells of: of which version, and of which changes."""

    version: VersionKey
    kind: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the numbers of a ledger stand for. ``categories``: policy and category; ``practices``: the
    name of a change, ``fax@v3#ads``.
    """

    versions: Mapping[int, VersionKey]
    categories: Mapping[int, tuple[str, str]]
    practices: Mapping[int, str]
    notices: Mapping[int, NoticeRow]


@dataclass(slots=True)
class Column:
    """The cells of one question: (era, category_no, version_no, standing) -> what was found there.
    ``categories``: the numbers of those it asks about. ``told``: whether it can matter what the subject
    was told. Without a standing the cell is that of whoever was there before, never accepted a version and
    said nothing, which most are; without a category, that of a subject without tags.
    """

    categories: frozenset[int]
    told: bool
    found: dict[CellKey, Wording] = field(default_factory=dict)

    def keep(self, key: CellKey, request: UseRequest, facts: Facts) -> Wording:
        """Fill a cell with what the rules say of these facts, which have at most one tag."""
        if len(self.found) >= _MOST_CELLS:
            self.found.clear()
        cell = self.found[key] = decide_alone(request, facts)
        return cell


@dataclass(frozen=True, slots=True)
class _Told:
    """What one notice has to say of one policy: the changes under which silence binds (place, days to
    answer and effective date in microseconds), and the number of the version where it names a new owner.
    """

    slug: str
    changes: tuple[tuple[str, int, int], ...]
    transfer: int | None


class Cells:
    """The columns of all questions, over the versions of one moment in the life of a ledger."""

    def __init__(self, records: Sequence[VersionRecord], taxonomy: Taxonomy, numbers: Numbers) -> None:
        self._records = records
        self._taxonomy = taxonomy
        self.numbers = numbers
        self._moments = sorted({micros(m) for r in records for m in (r.published_at, r.effective_at)})
        self._number_of = {key: number for number, key in numbers.versions.items()}
        self._timelines = {slug: self._timeline(slug) for slug in {r.key.slug for r in records}}
        self._told = {number: self._notice(notice) for number, notice in numbers.notices.items()}
        self._slug_of = {number: _policy_of(name) for number, name in numbers.practices.items()}
        self._in_force: dict[tuple[object, ...], int] = {}
        self._transfers = {slug: self._transfers_of(slug) for slug in self._timelines}

    def column(self, request: UseRequest) -> Column | None:
        """The cells for this question; None where only the rules themselves can answer it."""
        terms = self._taxonomy
        known = request.category in terms.categories and request.purpose in terms.purposes
        party = request.recipient
        # A bare name stands for whoever the practices of the subject's own policies call so.
        of_class = party is None or party.partition(":")[0] in terms.recipients
        if not known or not of_class:
            return None
        asked = frozenset(
            number
            for number, (slug, category) in self.numbers.categories.items()
            if request.slug in {None, slug} and _meets(category, request.category)
        )
        told = party is not None or any(self._transfers.values()) or any(self._by_silence(request))
        return Column(asked, told)

    def _by_silence(self, request: UseRequest) -> Iterator[bool]:
        """Of each change under which silence binds, whether it might be this use that it brought."""
        for record in self._records:
            asked = {change.practice for change in record.changes if change.mode is ChoiceMode.OPT_OUT}
            for practice in record.practices:
                if practice.id in asked:
                    yield covers(practice.purpose, request.purpose) and any(
                        _meets(category, request.category) for category in practice.categories
                    )

    def era(self, at: int) -> int:
        """Between which of all dates of publication and effect a moment lies."""
        return bisect_right(self._moments, at)

    # Where a subject stands

    def standing(
        self,
        slug: str,
        at: int,
        admissions: Sequence[AdmissionRow],
        choices: Sequence[ChoiceRow],
        reports: Sequence[ReportRow],
    ) -> Standing:
        """Where the subject with these facts stands towards a policy at a moment."""
        sold = self._transfers[slug]
        if not choices and not reports and not sold:
            return self._version(slug, at, admissions), (), (), ()
        told, transfers = self._told_of(slug, at, reports) if reports else ((), frozenset())
        if sold:
            transfers |= self._accepted(slug, at, admissions)
        return (
            self._version(slug, at, admissions),
            self._said(slug, at, choices) if choices else (),
            told,
            tuple(sorted(transfers)),
        )

    def _transfers_of(self, slug: str) -> tuple[int, ...]:
        """The numbers of the versions of a policy that name a new owner."""
        return tuple(
            record.key.number
            for record in self._records
            if record.key.slug == slug and record.change_class is ChangeClass.TRANSITION
        )

    def _accepted(self, slug: str, at: int, admissions: Sequence[AdmissionRow]) -> frozenset[int]:
        """The changes of ownership that the subject knows by accepting such a version or a later one."""
        keys = (self.numbers.versions.get(number) for number, given in admissions if given <= at)
        newest = max((key.number for key in keys if key is not None and key.slug == slug), default=0)
        return frozenset(number for number in self._transfers[slug] if number <= newest)

    def _version(self, slug: str, at: int, admissions: Sequence[AdmissionRow]) -> int:
        moments, numbers = self._timelines[slug]
        if len(admissions) == 1 and admissions[0][0] == 0:
            # Most people: those who were there, and never accepted a version.
            place = bisect_right(moments, at) if admissions[0][1] <= at else 0
            return numbers[place - 1] if place else NONE_IN_FORCE
        entered = tuple((number, bisect_right(moments, given)) for number, given in admissions if given <= at)
        key = (slug, self.era(at), entered)
        if key not in self._in_force:
            if len(self._in_force) >= _MOST_CELLS:
                self._in_force.clear()
            self._in_force[key] = self._asked_of_core(slug, at, admissions)
        return self._in_force[key]

    def _asked_of_core(self, slug: str, at: int, admissions: Sequence[AdmissionRow]) -> int:
        moment = _moment(at)
        known = [r for r in self._records if min(r.published_at, r.effective_at) <= moment]
        entries = [
            Admission("", _moment(given), self.numbers.versions.get(number)) for number, given in admissions
        ]
        found = version_in_force(slug, moment, versions=known, admissions=entries)
        return NONE_IN_FORCE if found is None else self._number_of[found.key]

    def _timeline(self, slug: str) -> tuple[list[int], list[int]]:
        """From which moment on which version is the greatest in effect."""
        own = sorted((micros(r.effective_at), r.key.number) for r in self._records if r.key.slug == slug)
        greatest = [max(number for _, number in own[: place + 1]) for place in range(len(own))]
        return [at for at, _ in own], [self._number_of[VersionKey(slug, number)] for number in greatest]

    def _said(self, slug: str, at: int, choices: Sequence[ChoiceRow]) -> tuple[object, ...]:
        """What was said to which practice, in the order of the ledger, and how the moments lie in turn."""
        said = self._about(slug, at, choices)
        if len(said) <= 1:
            return tuple(row[:3] for row in said)
        ranks = {moment: rank for rank, moment in enumerate(sorted({row[3] for row in said}))}
        return tuple((*row[:3], ranks[row[3]]) for row in said)

    def _about(self, slug: str, at: int, choices: Sequence[ChoiceRow]) -> list[ChoiceRow]:
        """The answers that count for a policy by then, in the order of the ledger."""
        said = [row for row in choices if row[3] <= at and self._slug_of[row[1]] == slug]
        return sorted(said, key=itemgetter(4)) if len(said) > 1 else said

    def _told_of(
        self, slug: str, at: int, reports: Sequence[ReportRow]
    ) -> tuple[tuple[object, ...], frozenset[int]]:
        """Of which changes the subject was told, and whether its time is over; and of which new owners."""
        first, transfers = self._arrived(slug, at, reports)
        return tuple(sorted((name, at >= over) for name, (_, over) in first.items())), frozenset(transfers)

    def _arrived(
        self, slug: str, at: int, reports: Sequence[ReportRow]
    ) -> tuple[dict[str, tuple[int, int]], set[int]]:
        """By change, when the subject was first told of it and when its time is over; and of new owners."""
        first: dict[str, tuple[int, int]] = {}
        transfers = set()
        for notice_no, given in _given(at, reports):
            told = self._told[notice_no]
            if told.slug != slug:
                continue
            if told.transfer is not None:
                transfers.add(told.transfer)
            for name, window, effective in told.changes:
                before = first.get(name, (given, 0))[0]
                arrived = min(before, given)
                first[name] = (arrived, max(arrived + window, effective))
        return first, transfers

    # What differs in words between those who stand alike

    def filler(
        self, record: str, slug: str, at: int, choices: Sequence[ChoiceRow], reports: Sequence[ReportRow]
    ) -> Filler:
        """What belongs into the slots about a record of a subject with these facts."""

        def value(name: str) -> str:
            if name == RECORD:
                return repr(record)
            kind, _, which = name.partition(" ")
            if kind == ANSWERED:
                return _day(self._about(slug, at, choices)[int(which)][3])
            arrived, over = self._arrived(slug, at, reports)[0][which]
            return {TOLD: _day(arrived), OVER: f"{_moment(over):%Y-%m-%d %H:%M}"}[kind]

        return value

    def _notice(self, notice: NoticeRow) -> _Told:
        if notice.kind == REMINDER:
            return _Told(notice.version.slug, (), None)
        record = next(record for record in self._records if record.key == notice.version)
        changes = tuple(
            (change.name, change.window_days * _DAY_US, micros(record.effective_at))
            for change in record.changes
            if change.mode is ChoiceMode.OPT_OUT and change.name in notice.changes
        )
        names_owner = notice.kind == TRANSITION_NOTICE and record.change_class is ChangeClass.TRANSITION
        return _Told(notice.version.slug, changes, notice.version.number if names_owner else None)


def _given(at: int, reports: Iterable[ReportRow]) -> Iterable[tuple[int, int]]:
    """The notices that had arrived by then, and first when; none that was found to have failed."""
    first: dict[tuple[int, int], int] = {}
    failed = set()
    for notice_no, contact, event, moment in reports:
        if moment > at:
            continue
        if event == FAILED:
            failed.add((notice_no, contact))
        elif event == DELIVERED:
            key = (notice_no, contact)
            first[key] = min(moment, first.get(key, moment))
    return [(key[0], moment) for key, moment in first.items() if key not in failed]


def _moment(at: int) -> datetime:
    return _START + at * _MICROSECOND


def _day(at: int) -> str:
    return _moment(at).date().isoformat()


def _meets(one: str, other: str) -> bool:
    return covers(one, other) or covers(other, one)


def _policy_of(change: str) -> str:
    named = split_change(change)
    return named[0].slug if named else ""
