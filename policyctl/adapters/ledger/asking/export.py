# SPDX-License-Identifier: Apache-2.0
"""What a question about many records needs of the ledger, streamed in one look: where each subject
stands, and the tags. Everything comes in order of subjects, so that it is merged and never held.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from functools import cached_property
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.common import ENDED, administrator, is_administrator, pseudonym, tenant_of
from policyctl.adapters.ledger.base.driver import Driver, Row, driver_of
from policyctl.adapters.ledger.base.epochs import Epochs, read_epochs, table_name
from policyctl.adapters.ledger.ending.rows import any_ended
from policyctl.adapters.ledger.people.answers import ANSWER_OF
from policyctl.adapters.ledger.people.people import namesakes, tenant_no_of
from policyctl.adapters.ledger.upkeep.compaction import require_closed
from policyctl.adapters.ledger.upkeep.upkeep import EpochLook, names_of
from policyctl.adapters.ledger.versions.known import Known
from policyctl.adapters.tables import microseconds, moment_of
from policyctl.core.epochs import EpochNames
from policyctl.core.notices.outbox import DeliveryName
from policyctl.core.notices.progress import NOT_GIVEN
from policyctl.core.policy import VersionKey
from policyctl.core.practice import Taxonomy
from policyctl.core.records import Choice, Delivery, VersionRecord
from policyctl.core.use.matrix import UNKNOWN, BulkQuestion, Standing, Standings
from policyctl.errors import UsageError

_GIVEN = frozenset({DeliveryName.DELIVERED.value})
_FAILED = frozenset(name.value for name in NOT_GIVEN)
_NAMES = 10_000
_SUBJECTS = "SELECT subject_no, ext_id FROM subject WHERE ext_id IS NOT NULL AND {} ORDER BY subject_no"
_ADMISSIONS = "SELECT subject_no, version_no, admitted_at FROM admission WHERE {} ORDER BY subject_no"
_CHOICES = "SELECT subject_no, practice_no, answer, given_at, seq FROM choice WHERE {} ORDER BY subject_no"
_DELIVERIES = (
    "SELECT o.subject_no, o.nid, n.version_no, n.kind, n.changes, e.event, e.happened_at FROM outbox o "
    "JOIN notice n ON n.notice_no = o.notice_no JOIN delivery_event e ON e.nid = o.nid "
    "WHERE n.kind <> 'reminder' AND e.happened_at <= {} AND {} ORDER BY o.subject_no, o.nid"
)
_TAGS = (
    "SELECT t.subject_no, t.category, t.ref, t.collected_at, {2}, r.name FROM {0} t {3}"
    "LEFT JOIN record_name r ON r.subject_no = t.subject_no AND r.ref = t.ref AND t.ref < 0 WHERE {1}"
)
_ENDS = "JOIN tag_end x ON x.subject_no = t.subject_no AND x.category = t.category AND x.ref = t.ref "
_HAS_ENDED = "CASE WHEN x.ended_at <= {} THEN 1 ELSE 0 END"
_UNLESS_ENDED = f"CASE WHEN x.ended_at <= {{}} THEN {ENDED} ELSE t.version_no END"
_CORRECTED = (
    "EXISTS (SELECT 1 FROM tag_correction c WHERE c.subject_no = t.subject_no "
    "AND c.category = t.category AND c.ref = t.ref{})"
)
_KEY = "subject_no, category, ref"
_CHANGES = ("tag_correction", "tag_end")
_RECORD_NAMES = "SELECT subject_no, ref, name FROM record_name WHERE ref < 0 AND {}"
_LATER = " AND c.correction > t.correction"

SubjectStanding = tuple[int, int, str, str | None]


def valid_tags(driver: Driver, tables: Iterable[str], among: str) -> Iterator[tuple[str, str]]:
    """Where the tags are that hold, each table with what its rows ``t`` must meet: what was corrected is
    left out of its own and taken from the table of corrections. ``among``: which tags are meant.
    """
    corrected = bool(driver.rows("SELECT 1 FROM tag_correction LIMIT 1"))
    valid = f"{among} AND NOT {_CORRECTED.format('')}" if corrected else among
    yield from ((table, valid) for table in tables)
    if corrected:
        yield "tag_correction", f"{among} AND NOT {_CORRECTED.format(_LATER)}"


class Export:
    """One look. ``standings``: what the numbers given out so far stand for; 0 is an unknown subject.
    ``tenant_no``: only this customer's subjects are looked at.
    """

    def __init__(
        self,
        connection: Connection,
        question: BulkQuestion,
        *,
        known: Known,
        key: bytes,
        taxonomy: Taxonomy,
        tenant_no: int | None = None,
    ) -> None:
        self.tenant_no = tenant_no
        self._connection = connection
        self._driver: Driver = driver_of(connection)
        self._question = question
        self._known = known
        self._key = key
        self.taxonomy = taxonomy
        self.standings: dict[Standing, int] = {UNKNOWN: 0}
        self._reduce = Standings(known.records, question.at)
        self._dates = sorted({record.effective_at for record in known.records})
        self._usual: dict[tuple[tuple[int, int], ...], int] = {}

    @property
    def versions(self) -> tuple[VersionRecord, ...]:
        """Every version on record."""
        return self._known.records

    @property
    def categories(self) -> dict[int, tuple[str, str]]:
        """What the numbers of categories stand for: policy and category."""
        return self._known.category_of

    @property
    def version_keys(self) -> dict[int, VersionKey]:
        """What the numbers of versions stand for; that of no version stands for nothing."""
        return self._known.key_of

    @staticmethod
    def is_ended(version: int) -> bool:
        """Whether the number stands for data that was deleted."""
        return version == ENDED

    @property
    def sequence(self) -> int:
        """The last entry of the ledger."""
        return int(self._driver.rows("SELECT coalesce(max(seq), 0) FROM entry")[0][0])

    # Tags

    def one_tag_per_record(self) -> bool:
        """Whether no record can have two tags: a table of tags has each record of a policy once."""
        policies = {name[0] for name in self.categories.values() if self._question.asks(*name)}
        return len(policies) <= 1 and len(self._epochs.numbers) == 1

    def ended_by(self) -> tuple[str, str]:
        """Whether a tag ``t`` had ended by then, 1 or 0, and the join that tells; empty where none ever has,
        which spares the look at each.
        """
        if not any_ended(self._driver):
            return "", ""
        return _HAS_ENDED.format(microseconds(self._question.at)), f"LEFT {_ENDS}"

    @cached_property
    def _epochs(self) -> Epochs:
        return read_epochs(self._connection)

    def tags(self, beside: Collection[int] = ()) -> Iterator[list[Row]]:
        """(subject_no, category, ref, collected_at in seconds, version_no, name of the record where ref
        is a hash) of every tag that is asked about, what was corrected in the form of its correction; the
        version of what has ended by then is :data:`~policyctl.adapters.ledger.common.ENDED`. ``beside``:
        epochs whose tags are left out; what was corrected of them, or has ended, is not.
        """
        asked = [number for number, name in self.categories.items() if self._question.asks(*name)]
        if not asked:
            return
        among = f"t.category IN ({', '.join(map(str, asked))}) AND {self.among('t.subject_no')}"
        ended, numbers = any_ended(self._driver), self._epochs.numbers
        version = _UNLESS_ENDED.format(microseconds(self._question.at)) if ended else "t.version_no"
        tables = [table_name(number) for number in numbers if number not in beside]
        for table, valid in valid_tags(self._driver, tables, among):
            join = f"LEFT {_ENDS}" if ended else ""
            yield from self._driver.stream(_TAGS.format(table, valid, version, join))
        left_out = [table_name(number) for number in numbers if number in beside] if ended else []
        for table, valid in valid_tags(self._driver, left_out, among):
            if table in left_out:
                yield from self._driver.stream(_TAGS.format(table, valid, version, _ENDS))

    def changed(self) -> Iterator[Row]:
        """(subject_no, category, ref) of what was corrected or has ended, in whichever epoch it lies."""
        among = self.among("subject_no")
        query = " UNION ".join(f"SELECT {_KEY} FROM {table} WHERE {among}" for table in _CHANGES)  # noqa: S608 - our own names
        yield from _flat(self._driver.stream(query))

    def record_names(self) -> Iterator[Row]:
        """(subject_no, ref, name) of the records whose ref is a hash."""
        yield from _flat(self._driver.stream(_RECORD_NAMES.format(self.among("subject_no"))))

    def epoch(self, number: int) -> EpochLook:
        """All tags of a closed epoch, in this look. RefusedError for the newest."""
        require_closed(self._connection, number)
        return EpochLook(self._connection, number, self.names)

    @cached_property
    def names(self) -> EpochNames:
        """What the numbers in tags stand for."""
        return names_of(self._known)

    # Where subjects stand

    def among(self, column: str) -> str:
        """That a number of a subject is of those that are looked at: all of a tenant is one range."""
        if self.tenant_no is None:
            return "1 = 1"
        first, end = administrator(self.tenant_no), administrator(self.tenant_no + 1)
        return f"({column} >= {first} AND {column} < {end})"

    def subjects(self) -> Iterator[SubjectStanding]:
        """(subject_no, number of the standing, pseudonym, customer) of every known subject, in order."""
        customers: dict[int, str] = dict(self._driver.rows("SELECT tenant_no, id FROM customer"))
        others = self._merged()
        tenant, of_customer = -1, list[Row]()
        number, facts = next(others, (None, None))
        for subject_no, ext_id in _flat(self._driver.stream(_SUBJECTS.format(self.among("subject_no")))):
            if tenant_of(subject_no) != tenant:
                tenant, of_customer = tenant_of(subject_no), []
            while number is not None and number <= subject_no and facts is not None:
                if number == administrator(tenant):
                    of_customer = facts[1]
                if number == subject_no:
                    break
                number, facts = next(others, (None, None))
            own = facts if number == subject_no and facts else ([], [], [])
            standing = self._standing(own[0], [*of_customer, *own[1]], own[2])
            yield subject_no, standing, bytes(ext_id).hex(), customers.get(tenant)

    def named(self, ids: Iterable[Row], customer: str | None) -> Iterator[tuple[str, int]]:
        """The numbers of subjects by the caller's ids, a row each; those not known are left out."""
        tenant_no = tenant_no_of(self._connection, customer)
        rest = iter(ids)
        while portion := list(islice(rest, _NAMES)):
            names = {row[0]: pseudonym(self._key, row[0]) for row in portion if row[0] is not None}
            found = namesakes(self._driver, names.values(), tenant_no=tenant_no)
            for subject, name in names.items():
                numbers = list(found.get(name, {}).values())
                if len(numbers) > 1:
                    raise UsageError(
                        f"several customers have a subject {subject!r}",
                        hint="name the customer with --customer, and ask for each by itself",
                    )
                yield from ((subject, number) for number in numbers)

    def _merged(self) -> Iterator[tuple[int, tuple[list[Row], list[Row], list[Row]]]]:
        """Admissions, choices and reports of deliveries, by subject."""
        at = microseconds(self._question.at)
        own = self.among("subject_no")
        deliveries = _DELIVERIES.format(at, self.among("o.subject_no"))
        queries = (_ADMISSIONS.format(own), _CHOICES.format(own), deliveries)
        streams = [groupby(_flat(self._driver.stream(query)), key=itemgetter(0)) for query in queries]
        heads = [_next_group(stream) for stream in streams]
        while waiting := [head[0] for head in heads if head is not None]:
            number = min(waiting)
            found: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
            for place, head in enumerate(heads):
                if head is not None and head[0] == number:
                    found[place].extend(head[1])
                    heads[place] = _next_group(streams[place])
            yield number, found

    def _standing(self, admissions: list[Row], choices: list[Row], reports: list[Row]) -> int:
        if choices or reports:
            return self._number_of(admissions, choices, reports)
        # What hangs on dates of admission is only which effective dates lie before.
        key = tuple((row[1], bisect_right(self._dates, moment_of(row[2]))) for row in admissions)
        if any(moment_of(row[2]) > self._question.at for row in admissions):
            return self._number_of(admissions, choices, reports)
        if key not in self._usual:
            self._usual[key] = self._number_of(admissions, choices, reports)
        return self._usual[key]

    def _number_of(self, admissions: list[Row], choices: list[Row], reports: list[Row]) -> int:
        standing = self._reduce.of(
            [self._known.admission("", version, at) for _, version, at in admissions],
            [self._choice(*row) for row in choices],
            list(self._deliveries(reports)),
        )
        return self.standings.setdefault(standing, len(self.standings))

    def _choice(self, number: int, practice: int, answer: int, given_at: int, seq: int) -> Choice:
        scope = "customer" if is_administrator(number) else "subject"
        return Choice(scope, self._known.practice_of[practice], ANSWER_OF[answer], moment_of(given_at), seq)

    def _deliveries(self, reports: list[Row]) -> Iterator[Delivery]:
        for _, rows in groupby(reports, key=itemgetter(1)):
            found = list(rows)
            given, failed = _first(found, _GIVEN), _first(found, _FAILED)
            if given is not None:
                _, _, version_no, kind, changes, _, _ = found[0]
                yield Delivery(
                    self._known.key_of[version_no], kind, given, tuple(json.loads(changes)), failed
                )


def _flat(portions: Iterator[list[Row]]) -> Iterator[Row]:
    return chain.from_iterable(portions)


def _next_group(stream: Any) -> tuple[int, list[Row]] | None:
    found = next(stream, None)
    return None if found is None else (found[0], list(found[1]))


def _first(reports: list[Row], events: frozenset[str]) -> datetime | None:
    moments = [row[6] for row in reports if row[5] in events]
    return moment_of(min(moments)) if moments else None
