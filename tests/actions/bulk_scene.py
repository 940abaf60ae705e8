# SPDX-License-Identifier: Apache-2.0
"""Ledgers with whatever may be in one, and the same question put to each record by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import strategies as st

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import epochs
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.policy import VersionKey
from policyctl.core.records import Answer, EndRow, Tag, TagRow, VersionRecord
from policyctl.core.use.decision import UseRequest, decide
from policyctl.core.use.matrix import BulkQuestion
from tests.adapters.ledger_samples import (
    KEY,
    NEWS,
    TAXONOMY,
    at_line,
    choice,
    customer,
    owed,
    practice,
    subject,
    version,
)
from tests.core.test_decision_properties import CATEGORIES, IDS, PURPOSES, RECIPIENTS, START, versions
from tests.ledgers import new_ledger

DESK = version(1, "2026-01-10", practice("a", "marketing", data=("user",)), slug="desk")
Answers = Counter[tuple[tuple[str, str, str, str], str, str]]
PEOPLE = (("s", None), ("t", None), ("u", "clinic"), ("v", "clinic"), ("w", "kite"))

days = st.integers(0, 300).map(lambda number: START + timedelta(days=number))


@dataclass(frozen=True)
class Said:
    who: str
    scope: str
    change: str
    answer: Answer
    at: datetime


@dataclass(frozen=True)
class World:
    """What enters a ledger, in this order."""

    records: tuple[VersionRecord, ...]
    late: frozenset[str]
    tags: tuple[TagRow, ...]
    said: tuple[Said, ...]
    accepted: tuple[tuple[str, int, datetime], ...]
    reports: tuple[tuple[int, str, datetime], ...]
    erased: str | None
    epoch: bool
    ended: tuple[EndRow, ...] = ()


def _tag(who: str, category: str, record: str, at: datetime, number: int, slug: str) -> TagRow:
    claim = (number, f"form {number}") if slug == "fax" and number else (None, "")
    return TagRow(at_line(2), who, category, record, at, slug, *claim)


def _end(who: str, category: str, record: str, at: datetime) -> EndRow:
    return EndRow(at_line(2), who, category, record, at)


who = st.sampled_from([name for name, _ in PEOPLE])
tags = st.builds(
    _tag, who, st.sampled_from(CATEGORIES), st.sampled_from(("7", "form")), days, st.integers(0, 3),
    st.sampled_from(("fax", "fax", "desk")),
)  # fmt: skip
said = st.builds(
    Said,
    who=st.sampled_from(("s", "t", "u", "v", "w", "clinic", "clinic", "kite")),
    scope=st.just(""),
    change=st.builds(lambda number, name: f"fax@v{number}#{name}", st.integers(1, 3), st.sampled_from(IDS)),
    answer=st.sampled_from(Answer),
    at=days,
)


def some(strategy: st.SearchStrategy, least: int, most: int) -> st.SearchStrategy:
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


ends = st.builds(
    _end, who, st.sampled_from(CATEGORIES), st.sampled_from(("7", "form")),
    st.integers(100, 350).map(lambda number: START + timedelta(days=number)),
)  # fmt: skip
events = st.sampled_from(("delivered", "delivered", "bounced"))
worlds = st.builds(
    World,
    records=st.tuples(versions(1), versions(2), versions(3)),
    late=st.frozensets(who, max_size=2),
    tags=some(tags, 8, 24),
    said=some(said, 4, 20),
    accepted=some(st.tuples(who, st.integers(1, 3), days), 0, 4),
    reports=some(st.tuples(st.integers(0, 99), events, days), 4, 20),
    erased=st.none() | who,
    epoch=st.booleans(),
    ended=some(ends, 0, 12),
)
questions = st.builds(
    BulkQuestion,
    purpose=st.sampled_from(PURPOSES),
    at=st.integers(150, 400).map(lambda number: START + timedelta(days=number)),
    category=st.sampled_from((None, None, *CATEGORIES)),
    recipient=st.sampled_from((*[None] * 5, *RECIPIENTS[1:4])),
    slug=st.sampled_from((None, None, None, "fax", "desk")),
)


@contextmanager
def filled(world: World, place: Path | str) -> Iterator[Ledger]:
    """The ledger that the world makes."""
    with (
        new_ledger(place)
        if isinstance(place, Path)
        else open_ledger(place, key=KEY, taxonomy=TAXONOMY) as ledger
    ):
        ledger.import_customers([customer("clinic"), customer("kite")], now=NEWS)
        since = {True: None, False: "2026-01-02"}
        rows = [subject(name, of, since[name in world.late]) for name, of in PEOPLE]
        ledger.import_subjects(rows, now=NEWS)
        for record in (DESK, *world.records):
            ledger.record_version(record, owed(record), now=NEWS)
        if world.epoch:
            with ledger._writing("epoch", NEWS) as writer:
                epochs.open_epoch(writer.connection, 2, int((START + timedelta(days=150)).timestamp()))
        for row in world.tags:
            _try(ledger.import_tags, row)
        end(ledger, world)
        _answers(ledger, world)
        if world.erased:
            ledger.erase_subject(world.erased, now=NEWS)
        yield ledger


def end(ledger: Ledger, world: World) -> None:
    """Say of some data that it was deleted; of what was never tagged, or later, nothing is said."""
    for row in world.ended:
        _try(ledger.end_tags, row)


def _answers(ledger: Ledger, world: World) -> None:
    for one in world.said:
        scope = "customer" if one.who in {"clinic", "kite"} else "subject"
        row = choice(one.who, one.change, one.answer, "2026-01-01", scope)
        _try(ledger.import_choices, replace(row, at=one.at))
    for name, number, at in world.accepted:
        ledger.accept(name, VersionKey("fax", number), at, now=NEWS)
    nids = [nid for record in world.records for nid, *_ in ledger.nids(record.key)]
    for place, name, at in world.reports:
        event = DeliveryEvent(nids[place % len(nids)], DeliveryName(name), at)
        ledger.record_deliveries([event], now=NEWS)


def _try(action: Any, row: Any) -> None:
    """What a ledger refuses does not enter: a practice that no version states, a record tagged twice."""
    from policyctl.errors import InputErrors

    try:
        action([row], now=NEWS)
    except InputErrors:
        return


def one_by_one(ledger: Ledger, question: BulkQuestion) -> Answers:
    """Each record asked about by itself: the record, the answer, its code; and how often."""
    found: Answers = Counter()
    for name, _ in PEOPLE:
        request = UseRequest(name, "user", question.purpose, question.at, question.recipient, question.slug)
        whole = ledger.facts_for(replace(request, at=NEWS, slug=None))
        for tag in whole.tags:
            if not question.asks(tag.slug, tag.category):
                continue
            asked = replace(request, category=question.category or tag.category)
            facts = ledger.facts_for(asked)
            same = [t for t in facts.tags if _record(t) == _record(tag)]
            mine = [t for t in same if (t.slug, t.collected_at) == (tag.slug, tag.collected_at)]
            decision = decide(asked, replace(facts, tags=tuple(same if mine else ())))
            own = decide(asked, replace(facts, tags=tuple(mine)))
            code = own.finding.code if own.answer is decision.answer else "another_tag"
            key = (ledger.pseudonym(name), tag.record, tag.category, tag.collected_at.isoformat())
            found[key, decision.answer.value, code] += 1
    return found


def _record(tag: Tag) -> tuple[str, str]:
    return tag.category, tag.record


def read(path: Path) -> Answers:
    """The same of an output."""
    key = ("subject", "record", "category")
    return Counter(
        ((*(row[name] for name in key), row["collected_at"].isoformat()), row["answer"], row["code"])
        for row in pq.read_table(path).to_pylist()
    )
