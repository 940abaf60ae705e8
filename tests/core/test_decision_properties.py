# SPDX-License-Identifier: Apache-2.0
"""What holds of every decision, whatever is known; and a second, slow reading of the rules beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.core.records import Admission, Answer, Choice, Delivery, PendingChange, Tag, VersionRecord
from policyctl.core.use.decision import Decision, Facts, UseAnswer, UseRequest, decide
from tests.adapters.ledger_samples import TAXONOMY, day, practice

CATEGORIES = ("user", "user.contact", "user.contact.email")
PURPOSES = ("marketing", "marketing.advertising")
RECIPIENTS = (None, "processor", "processor.mail", "partner", "partner:Example Ads")
IDS = ("a", "b", "c")
START = day("2026-01-01")

moments = st.integers(0, 300).map(lambda days: START + timedelta(days=days))
parties = st.sampled_from((Recipient("processor"), Recipient("partner", "Example Ads"), Recipient("partner")))


@st.composite
def practices(draw: st.DrawFn, name: str) -> Practice:
    return practice(
        name,
        draw(st.sampled_from(PURPOSES)),
        data=tuple(draw(st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=2, unique=True))),
        choice=draw(st.sampled_from(ChoiceMode)),
        to=tuple(draw(st.lists(parties, max_size=2, unique=True))),
        keep=draw(st.booleans()),
    )


@st.composite
def versions(draw: st.DrawFn, number: int) -> VersionRecord:
    key = VersionKey("fax", number)
    stated = tuple(
        draw(practices(name)) for name in draw(st.lists(st.sampled_from(IDS), min_size=1, unique=True))
    )
    asked = [
        (item, draw(st.sampled_from(ChoiceMode))) for item in stated if number > 1 and draw(st.booleans())
    ]
    effective = START + timedelta(days=60 * number)
    return VersionRecord(
        key=key, title="Example Fax", change_class=draw(st.sampled_from(ChangeClass)), published_at=effective,
        effective_at=effective, commit="", text_sha256="", practices=stated,
        changes=tuple(
            PendingChange(f"{key}#{item.id}", key, item.id, mode, draw(st.integers(0, 40)))
            for item, mode in asked
        ),
    )  # fmt: skip


names = st.builds(lambda number, name: f"fax@v{number}#{name}", st.integers(1, 3), st.sampled_from(IDS))
choices = st.builds(
    Choice,
    scope=st.sampled_from(("subject", "customer")),
    change=names,
    answer=st.sampled_from(Answer),
    at=moments,
    sequence=st.integers(1, 1000),
)
deliveries = st.builds(
    Delivery,
    version=st.integers(1, 3).map(lambda number: VersionKey("fax", number)),
    kind=st.sampled_from(("choice", "transition")),
    at=moments,
    changes=st.just(tuple(f"fax@v{number}#{name}" for number in (1, 2, 3) for name in IDS)),
    undone_at=st.none() | moments,
)
admissions = st.builds(
    Admission,
    subject=st.just("s"),
    at=moments,
    version=st.none() | st.integers(1, 3).map(lambda number: VersionKey("fax", number)),
)
tags = st.builds(
    Tag,
    subject=st.just("s"),
    category=st.sampled_from(CATEGORIES),
    record=st.sampled_from(("one", "two")),
    collected_at=st.just(START),
    version=st.sampled_from((1, 1, 2, 3, None)).map(lambda number: number and VersionKey("fax", number)),
    slug=st.just("fax"),
)


def some(strategy: st.SearchStrategy, least: int = 0) -> st.SearchStrategy:
    return st.lists(strategy, min_size=least, max_size=4).map(tuple)


worlds = st.builds(
    Facts,
    known_subject=st.sampled_from([True]),
    tags=some(tags, 1),
    versions=st.tuples(versions(1), versions(2), versions(3)),
    admissions=some(admissions).map(lambda others: (Admission("s", START), *others)),
    choices=some(choices),
    deliveries=some(deliveries),
    taxonomy=st.just(TAXONOMY),
)
requests = st.builds(
    UseRequest,
    subject=st.just("s"),
    category=st.sampled_from(CATEGORIES),
    purpose=st.sampled_from(PURPOSES),
    at=st.integers(200, 400).map(lambda days: START + timedelta(days=days)),
    recipient=st.none() | st.sampled_from(RECIPIENTS),
)


def permitted(decision: Decision) -> bool:
    return decision.answer is UseAnswer.PERMITTED


@given(worlds, requests)
def test_without_tags_or_versions_or_admissions_nothing_is_permitted(
    world: Facts, request: UseRequest
) -> None:
    for gone in ("tags", "versions", "admissions"):
        assert not permitted(decide(request, replace(world, **{gone: ()})))
    assert not permitted(decide(request, replace(world, known_subject=False)))


@given(worlds, requests, choices)
def test_a_refusal_or_withdrawal_never_makes_a_yes(world: Facts, request: UseRequest, more: Choice) -> None:
    against = replace(more, answer=Answer.WITHDRAW if more.answer is Answer.CONSENT else more.answer)
    if permitted(decide(request, replace(world, choices=(*world.choices, against)))):
        assert permitted(decide(request, world))


@given(worlds, requests, st.data())
def test_what_happens_later_changes_no_earlier_answer(
    world: Facts, request: UseRequest, data: st.DataObject
) -> None:
    later = st.integers(1, 100).map(lambda days: request.at + timedelta(days=days))
    more = data.draw(
        st.tuples(
            some(choices.flatmap(lambda item: later.map(lambda at: replace(item, at=at)))),
            some(deliveries.flatmap(lambda item: later.map(lambda at: replace(item, at=at)))),
            some(admissions.flatmap(lambda item: later.map(lambda at: replace(item, at=at)))),
            some(tags.flatmap(lambda item: later.map(lambda at: replace(item, collected_at=at)))),
            versions(4).flatmap(
                lambda item: later.map(lambda at: replace(item, published_at=at, effective_at=at))
            ),
        )
    )
    undone = data.draw(later)
    grown = replace(
        world,
        choices=world.choices + more[0],
        deliveries=tuple(
            given if given.undone_at is not None else replace(given, undone_at=undone)
            for given in world.deliveries
        )
        + more[1],
        admissions=world.admissions + more[2],
        tags=world.tags + more[3],
        versions=(*world.versions, more[4]),
    )
    assert decide(request, grown) == decide(request, world)


@given(worlds, requests, some(choices))
def test_a_subject_cannot_undo_its_customers_refusal(
    world: Facts, request: UseRequest, own: tuple[Choice, ...]
) -> None:
    every = [f"fax@v{record.key.number}#{item.id}" for record in world.versions for item in record.practices]
    refusals = tuple(Choice("customer", name, Answer.REFUSE, START, 0) for name in every)
    others = tuple(choice for choice in world.choices if choice.scope == "subject")
    mine = tuple(replace(choice, scope="subject") for choice in own)
    assert not permitted(decide(request, replace(world, choices=(*refusals, *others, *mine))))


@given(worlds, requests)
def test_a_customers_consent_gives_nothing_that_was_not_there(world: Facts, request: UseRequest) -> None:
    without = replace(world, choices=tuple(c for c in world.choices if c.scope == "subject"))
    consents = tuple(
        Choice("customer", f"fax@v{number}#{name}", Answer.CONSENT, START, 2000)
        for number in (1, 2, 3)
        for name in IDS
    )
    answer = decide(request, without).answer
    assert decide(request, replace(without, choices=without.choices + consents)).answer is answer


@given(worlds, requests)
def test_a_yes_to_a_purpose_is_a_yes_to_each_part_of_it(world: Facts, request: UseRequest) -> None:
    if permitted(decide(request, world)):
        for part in PURPOSES:
            if part.startswith(request.purpose + "."):
                assert permitted(decide(replace(request, purpose=part), world))


@given(worlds, requests)
def test_one_more_tag_never_turns_a_no_into_a_yes(world: Facts, request: UseRequest) -> None:
    for position in range(len(world.tags)):
        fewer = replace(world, tags=world.tags[:position] + world.tags[position + 1 :])
        if permitted(decide(request, world)) and any(
            tag in decide(request, fewer).tags for tag in fewer.tags
        ):
            assert permitted(decide(request, fewer))


@given(worlds, requests)
def test_every_answer_has_a_reason_and_every_no_says_what_is_missing(
    world: Facts, request: UseRequest
) -> None:
    decision = decide(request, world)
    assert decision.reasons
    assert [reason.number for reason in decision.reasons] == list(range(1, len(decision.reasons) + 1))
    assert bool(decision.missing) is not permitted(decision)


# The rules read a second time, for one category and flat purposes: cells of (version, purpose).

ABSENT = None


def slow(
    cells: list[ChoiceMode | None], asked: list[ChoiceMode | None], v: int, u: int, world: Facts, at: datetime
) -> bool:
    """May data tagged under v be used while u is in force? Cells are indexed by version number."""

    def last(scope: str, consent_for: set[int]) -> str | None:
        counted = [
            (choice.at, choice.sequence, choice.answer)
            for choice in world.choices
            if choice.at <= at
            and choice.scope == scope
            and (choice.answer is not Answer.CONSENT or int(choice.change[5]) in consent_for)
        ]
        if not counted:
            return None
        return "in" if max(counted)[2] is Answer.CONSENT else "out"

    stated = {number for number in range(1, u + 1) if cells[number] is not ABSENT}
    if cells[u] is ABSENT:
        return False
    if cells[v] is ABSENT:
        since = u
        while since - 1 > v and cells[since - 1] is not ABSENT:
            since -= 1
        mode = asked[since]
        if mode in {None, ChoiceMode.NONE} or "out" in {last("subject", {since}), last("customer", {since})}:
            return False
        told = [
            given.at
            for given in world.deliveries
            if given.version.number == since
            and f"fax@v{since}#a" in given.changes
            and given.at <= at
            and (given.undone_at is None or given.undone_at > at)
        ]
        waited = mode is ChoiceMode.OPT_OUT and told and at >= min(told) + timedelta(days=30)
        if last("subject", {since}) != "in" and not waited:
            return False
    if "out" in {last("subject", stated), last("customer", stated)}:
        return False
    needed = {cells[u]} | ({cells[v]} if v in stated else set())
    return ChoiceMode.OPT_IN not in needed or last("subject", stated) == "in"


modes = st.none() | st.sampled_from(ChoiceMode)


@settings(max_examples=300)
@given(st.lists(modes, min_size=3, max_size=3), st.lists(modes, min_size=3, max_size=3), st.data())
def test_the_slow_reading_of_the_rules_agrees(
    cells: list[ChoiceMode | None], asked: list[ChoiceMode | None], data: st.DataObject
) -> None:
    records = tuple(_flat(number, cells[number - 1], asked[number - 1]) for number in (1, 2, 3))
    v = data.draw(st.integers(1, 3))
    u = data.draw(st.integers(v, 3))
    at = START + timedelta(days=300)
    order = data.draw(st.permutations(range(1, 4)))
    said = data.draw(st.lists(choices, max_size=3))
    # Told in the order in which it was said, as a ledger that is written at once has it.
    said = [
        replace(choice, change=f"fax@v{number}#a", sequence=sequence)
        for sequence, (choice, number) in enumerate(zip(sorted(said, key=_at), order, strict=False), start=1)
    ]
    given_ = [
        replace(one, changes=(f"fax@v{one.version.number}#a",))
        for one in data.draw(st.lists(deliveries, max_size=3))
    ]
    world = Facts(
        known_subject=True,
        tags=(Tag("s", "user", "one", START, VersionKey("fax", v), slug="fax"),),
        versions=records,
        admissions=(Admission("s", START, VersionKey("fax", u)),),
        choices=tuple(said),
        deliveries=tuple(given_),
        taxonomy=TAXONOMY,
    )
    expected = slow([None, *cells], [None, *asked], v, u, world, at)
    decision = decide(UseRequest("s", "user", "essential", at), world)
    assert permitted(decision) is expected, decision


def _at(choice: Choice) -> datetime:
    return choice.at


def _flat(number: int, mode: ChoiceMode | None, asked: ChoiceMode | None) -> VersionRecord:
    key = VersionKey("fax", number)
    stated = () if mode is None else (practice("a", "essential", data=("user",), choice=mode),)
    changes = () if asked is None or mode is None else (PendingChange(f"{key}#a", key, "a", asked, 30),)
    far = START - timedelta(days=400)  # before the subject came, so that only its acceptance binds
    return VersionRecord(key, "Example Fax", ChangeClass.NOTICE, far, far, "", "", stated, changes)
