# SPDX-License-Identifier: Apache-2.0
"""The rules of core/use/decision.py as a small table, for questions about records by the million.

What the rules say of one tag hangs on little: its policy, category and version, and where its subject
*stands* at the moment asked about. Most subjects of a ledger stand where many others do. So each is
reduced to a :class:`Standing`, in which dates are only before or after, and the rules are asked once
for each cell (policy, category, version, standing), by the very function that decides one request.
A database or a cluster then joins the tags with the cells. A property test holds that reducing a
subject's facts to its standing changes no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Taxonomy, covers
from policyctl.core.records import (
    Admission,
    Answer,
    Choice,
    Delivery,
    PendingChange,
    Tag,
    VersionRecord,
    change_name,
    split_change,
)
from policyctl.core.use.decision import decide
from policyctl.core.use.in_force import version_in_force
from policyctl.core.use.question import Facts, UseAnswer, UseRequest
from policyctl.core.use.tag_decision import TRANSITION_NOTICE, told_of_transfer

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BulkQuestion:
    """May each of many records be used for ``purpose``? As a UseRequest, without a subject.

    ``category`` None asks of each record what it is; else only records of categories that meet it are
    asked about, and of those the narrower of the two.
    """

    purpose: str
    at: datetime
    category: str | None = None
    recipient: str | None = None
    slug: str | None = None

    def asks(self, slug: str, category: str) -> bool:
        """True when records of this category, collected under this policy, are asked about."""
        return self.slug in {None, slug} and (
            self.category is None or covers(category, self.category) or covers(self.category, category)
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What one scope has answered to one practice of a policy: whether it ever refused or withdrew, and
    the versions it consented under, oldest consent first, each with whether it is later than every no.
    """

    scope: str
    slug: str
    practice: str
    refused: bool
    consents: tuple[tuple[int, bool], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a subject stands at one moment. ``in_force``: the version that binds, by policy.
    ``told``: the changes it was told of under which silence binds, and whether its time is over.
    ``transfers``: the changes of ownership of which it was told.
    """

    known: bool = True
    in_force: tuple[VersionKey, ...] = ()
    said: tuple[Said, ...] = ()
    told: tuple[tuple[str, bool], ...] = ()
    transfers: tuple[VersionKey, ...] = ()

    def towards(self, slug: str) -> Standing:
        """What of it bears on one policy."""
        return Standing(
            self.known,
            tuple(key for key in self.in_force if key.slug == slug),
            tuple(said for said in self.said if said.slug == slug),
            tuple(told for told in self.told if told[0].startswith(f"{slug}@")),
            tuple(key for key in self.transfers if key.slug == slug),
        )


UNKNOWN = Standing(known=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """What the rules say of such a tag. ``code``: the finding that decides, as in Reason.code."""

    answer: UseAnswer
    code: str


@dataclass(frozen=True, slots=True)
class BulkCount:
    """How many records have this answer for this reason; ``code`` empty where that was not asked."""

    answer: str
    code: str
    records: int


@dataclass(frozen=True, slots=True)
class BulkDecision:
    """What came out. ``asked``: how many records; ``plan``: what ``explain`` asked for."""

    asked: int
    counts: tuple[BulkCount, ...]
    sequence: int
    plan: str = ""


class Standings:
    """Reduces subjects to where they stand at ``at``; asked once for each, so it keeps what it can."""

    def __init__(self, versions: Iterable[VersionRecord], at: datetime) -> None:
        self._at = at
        self._versions = tuple(r for r in versions if min(r.published_at, r.effective_at) <= at)
        self._slugs = sorted({record.key.slug for record in self._versions})
        self._changes = {
            change.name: (change, record)
            for record in self._versions
            for change in record.changes
            if change.mode is ChoiceMode.OPT_OUT
        }
        self._transitions = sorted(r.key for r in self._versions if r.change_class is ChangeClass.TRANSITION)

    def of(
        self, admissions: Sequence[Admission], choices: Sequence[Choice], deliveries: Sequence[Delivery]
    ) -> Standing:
        """Of a known subject with these facts; those later than the moment do not count."""
        entered = [entry for entry in admissions if entry.at <= self._at]
        given = [one for one in deliveries if one.tells and one.at <= self._at]
        given = [one for one in given if one.undone_at is None or one.undone_at > self._at]
        return Standing(
            in_force=tuple(self._in_force(admissions)),
            said=_said(choice for choice in choices if choice.at <= self._at),
            told=tuple(self._told(given)) if given else (),
            transfers=tuple(key for key in self._transitions if told_of_transfer(key, entered, given)),
        )

    def _in_force(self, admissions: Sequence[Admission]) -> Iterator[VersionKey]:
        for slug in self._slugs:
            found = version_in_force(slug, self._at, versions=self._versions, admissions=admissions)
            if found:
                yield found.key

    def _told(self, given: Sequence[Delivery]) -> Iterator[tuple[str, bool]]:
        for name, (change, record) in sorted(self._changes.items()):
            moments = [one.at for one in given if one.version == record.key and name in one.changes]
            if moments:
                yield name, self._over(change, record, min(moments))

    def _over(self, change: PendingChange, record: VersionRecord, told: datetime) -> bool:
        return self._at >= max(told + _DAY * change.window_days, record.effective_at)


def _said(choices: Iterable[Choice]) -> tuple[Said, ...]:
    answers: dict[tuple[str, str, str], list[tuple[int, Choice]]] = {}
    for choice in choices:
        if named := split_change(choice.change):
            version, practice = named
            answers.setdefault((choice.scope, version.slug, practice), []).append((version.number, choice))
    return tuple(_summed(*key, found) for key, found in sorted(answers.items()))


def _summed(scope: str, slug: str, practice: str, answers: Sequence[tuple[int, Choice]]) -> Said:
    against = [choice for _, choice in answers if choice.answer is not Answer.CONSENT]
    latest: dict[int, Choice] = {}
    for number, choice in answers:
        held = latest.get(number)
        if choice.answer is Answer.CONSENT and (held is None or _order(choice) > _order(held)):
            latest[number] = choice
    # Without a no the order of the consents says nothing, and must not make two standings of one.
    ordered = sorted(latest.items(), key=lambda item: (_order(item[1]) if against else (), item[0]))
    consents = tuple(
        (number, all(choice.at >= no.at and choice.sequence > no.sequence for no in against))
        for number, choice in ordered
    )
    return Said(scope, slug, practice, bool(against), consents)


def _order(choice: Choice) -> tuple[datetime, int]:
    return choice.at, choice.sequence


class Matrix:
    """The cells of one question. Pure: the same versions and taxonomy give the same cells."""

    def __init__(self, question: BulkQuestion, versions: Iterable[VersionRecord], taxonomy: Taxonomy) -> None:
        self.question = question
        self._versions = tuple(versions)
        self._taxonomy = taxonomy
        self._cells: dict[tuple[str, str, VersionKey | None, Standing, bool], Cell] = {}
        self._by_key: Mapping[VersionKey, VersionRecord] = {r.key: r for r in self._versions}

    def cell(
        self,
        slug: str,
        category: str,
        version: VersionKey | None,
        standing: Standing,
        *,
        ended: bool = False,
    ) -> Cell:
        """What the rules say of a tag of a subject that stands so; the record is asked about alone.
        ``ended``: its data was deleted.
        """
        key = (slug, category, version, standing.towards(slug), ended)
        if key not in self._cells:
            tag = Tag("", category, "", self.question.at, version, slug=slug)
            alone = replace(tag, ended_at=self.question.at) if ended else tag
            self._cells[key] = self._cell(alone, standing.towards(slug))
        return self._cells[key]

    def _cell(self, tag: Tag, standing: Standing) -> Cell:
        asked = self.question
        request = UseRequest(
            "", asked.category or tag.category, asked.purpose, asked.at, asked.recipient, asked.slug
        )
        decision = decide(request, self._facts(tag, standing))
        return Cell(decision.answer, decision.finding.code)

    def _facts(self, tag: Tag, standing: Standing) -> Facts:
        """Facts of which ``standing`` is the reduction. Their dates are made up and never shown."""
        return Facts(
            known_subject=standing.known,
            tags=(tag,),
            versions=self._versions,
            admissions=tuple(Admission("", self.question.at, key, assumed=True) for key in standing.in_force),
            choices=tuple(choice for said in standing.said for choice in self._choices(said)),
            deliveries=(
                *self._deliveries(standing),
                *(Delivery(key, TRANSITION_NOTICE, self.question.at) for key in standing.transfers),
            ),
            taxonomy=self._taxonomy,
        )

    def _choices(self, said: Said) -> Iterator[Choice]:
        start = self.question.at - _DAY
        if said.refused:
            name = change_name(VersionKey(said.slug, 1), said.practice)
            yield Choice(said.scope, name, Answer.REFUSE, start, 1)
        for place, (number, lifts) in enumerate(said.consents, start=1):
            name = change_name(VersionKey(said.slug, number), said.practice)
            given = start + timedelta(microseconds=place)
            yield Choice(said.scope, name, Answer.CONSENT, given, 1 + place if lifts else 0)

    def _deliveries(self, standing: Standing) -> Iterator[Delivery]:
        for name, over in standing.told:
            key = VersionKey(name.split("@", maxsplit=1)[0], int(name.split("@v")[1].split("#")[0]))
            windows = [c.window_days for c in self._by_key[key].changes if c.name == name]
            waited = _DAY * max(windows) if over else timedelta()
            yield Delivery(key, "choice", self.question.at - waited, (name,))
