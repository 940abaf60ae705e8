# SPDX-License-Identifier: Apache-2.0
"""Chunks of the outbox, on both databases: nobody lost, nobody twice, whatever is done to them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.sending import chunks
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.notice_json import notice_to_json
from policyctl.core.notices.outbox import (
    GONE,
    Chunk,
    DeliveryEvent,
    DeliveryName,
    OutboxState,
    Part,
)
from policyctl.core.policy import VersionKey
from policyctl.errors import CannotCompareError
from tests.adapters.ledger_samples import CONTACT, KEY, PHONE, TAXONOMY, customer, owed, subject, tag
from tests.adapters.test_ledger_contract import NOW, V1, V2
from tests.adapters.test_ledger_databases import upgrade_to
from tests.ledgers import new_ledger

S = OutboxState


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """Two customers and two users are owed a notice each."""
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        fill(opened)
        yield opened


def fill(ledger: Ledger) -> None:
    ledger.record_version(V1, (), now=NOW)
    ledger.import_customers([customer("acme"), customer("acme", "bob"), customer("bolt")], now=NOW)
    ledger.import_subjects([subject("u1", "acme"), subject("u2", "bolt"), subject("u3")], now=NOW)
    ledger.import_tags([tag("u1", "2026-02-01"), tag("u2", "2026-02-01", PHONE)], now=NOW)
    ledger.record_version(V2, owed(V2, CONTACT), now=NOW)


def crowd(ledger: Ledger, size: int, locales: tuple[str, ...] = ("en",)) -> None:
    """A version with a notice to the administrators of so many customers."""
    people = [
        customer(f"c{number:05}", locale=locales[number % len(locales)], line=number)
        for number in range(size)
    ]
    ledger.import_customers(people, now=NOW)
    ledger.record_version(V1, owed(V1)[:1], now=NOW)


def claim(ledger: Ledger, at=NOW, owner: str = "me", **more: object) -> Chunk:
    chunk = ledger.claim(at, mailer="test", owner=owner, **more)
    assert chunk is not None
    return chunk


def in_use(ledger: Ledger) -> tuple[Chunk, ...]:
    return ledger.chunks(*(state for state in S if state not in GONE))


def held_by_exactly_one(ledger: Ledger) -> bool:
    """Every place of every notice is in one chunk in use."""
    covered = Counter(
        (chunk.notice_no, place) for chunk in in_use(ledger) for place in range(chunk.lo, chunk.hi + 1)
    )
    with ledger._engine.connect() as connection:
        there = connection.execute(sa.text("SELECT notice_no, place FROM outbox")).all()
    return covered == Counter((row[0], row[1]) for row in there)


def states(ledger: Ledger) -> dict[str, int]:
    found: Counter[str] = Counter()
    for count in ledger.outbox_counts():
        found[count.state] += count.count
    return dict(found)


# Planning


def test_every_customer_gets_one_notice_to_its_first_administrator(ledger: Ledger) -> None:
    chunk = claim(ledger)
    items = ledger.addressees(chunk)
    assert {item.addressee: item.address for item in items} == {
        "acme": "ada@acme.example.com",
        "bolt": "ada@bolt.example.com",
    }
    assert all(item.addressee_kind == "customer" and item.name == "Ada" for item in items)
    assert chunk.notice.kind is NoticeKind.REVISION


def test_planning_again_adds_nothing_but_those_who_came_since(ledger: Ledger) -> None:
    assert ledger.enqueue(V2.key, now=NOW) == 0
    ledger.import_customers([customer("cargo")], now=NOW)
    assert ledger.enqueue(V2.key, now=NOW) == 1
    assert ledger.enqueue(V2.key, now=NOW) == 0
    assert states(ledger) == {"planned": 5}
    assert held_by_exactly_one(ledger)


def test_a_chunk_has_a_thousand_addressees_at_most_and_one_language(ledger_url: str) -> None:
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        crowd(ledger, 2500, ("en", "de", "fr", "en"))
        found = in_use(ledger)
        assert Counter({chunk.locale: chunk.size for chunk in found if chunk.locale != "en"}) == {
            "de": 625,
            "fr": 625,
        }
        assert sorted(chunk.size for chunk in found if chunk.locale == "en") == [250, 1000]
        assert held_by_exactly_one(ledger)
        for chunk in found:
            assert {item.locale for item in ledger.addressees(chunk)} == {chunk.locale}


def test_a_row_of_the_outbox_never_changes(ledger: Ledger) -> None:
    for attempt in ("UPDATE outbox SET place = 9", "DELETE FROM outbox"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), ledger._engine.begin() as connection:
            connection.execute(sa.text(attempt))


# Steps


def test_what_is_claimed_is_not_handed_out_again(ledger: Ledger) -> None:
    first, second = claim(ledger), claim(ledger)
    assert first.number != second.number
    assert ledger.claim(NOW, mailer="test", owner="me") is None
    far = NOW + timedelta(days=365)
    assert ledger.claim(far, mailer="test", owner="other") is None, "time alone takes nothing over"


def test_a_claim_can_be_for_one_policy_and_leave_notices_out(ledger: Ledger) -> None:
    assert ledger.claim(NOW, mailer="test", owner="me", slug="other") is None
    chunk = claim(ledger, slug="fax")
    other = claim(ledger, skip={chunk.notice_no})
    assert other.notice_no != chunk.notice_no
    assert ledger.claim(NOW, mailer="test", owner="me", skip={chunk.notice_no, other.notice_no}) is None


def test_a_step_is_made_once_and_from_the_state_that_was_seen(ledger: Ledger) -> None:
    seen = claim(ledger, to=S.STAGED)
    posting = ledger.move(seen, S.POSTING, NOW, batch_id="b1", send_at=NOW)
    assert posting is not None
    assert (posting.state, posting.batch_id) == (S.POSTING, "b1")
    assert ledger.move(seen, S.POSTING, NOW, batch_id="b2") is None
    assert ledger.split(seen, [Part(seen.lo, seen.hi, S.PLANNED)], NOW) is None
    assert not ledger.give_up(seen, NOW, "late")
    assert {chunk.batch_id for chunk in ledger.chunks(S.POSTING)} == {"b1"}


def test_what_did_not_leave_waits_until_it_may_be_tried_again(ledger: Ledger) -> None:
    chunk, later = claim(ledger), NOW + timedelta(minutes=5)
    ledger.move(chunk, S.PLANNED, NOW, reason="refused", not_before=later)
    assert claim(ledger).number != chunk.number
    assert ledger.claim(NOW, mailer="test", owner="me") is None
    again = claim(ledger, later)
    assert (again.number, again.attempts) == (chunk.number, 2)


def test_a_limit_is_one_for_every_worker(ledger: Ledger) -> None:
    later = NOW + timedelta(minutes=1)
    ledger.hold_back(later, now=NOW)
    assert ledger.claim(NOW, mailer="test", owner="me") is None
    assert claim(ledger, later)


def test_a_paused_chunk_stops_its_notice_and_no_other(ledger: Ledger) -> None:
    chunk = claim(ledger)
    parts = [Part(chunk.lo, chunk.lo, S.PAUSED, "403"), Part(chunk.lo + 1, chunk.hi, S.PLANNED)]
    assert ledger.split(chunk, parts, NOW)
    assert claim(ledger).notice_no != chunk.notice_no
    assert ledger.claim(NOW, mailer="test", owner="me") is None
    ledger.tidy(NOW)
    assert claim(ledger).notice_no == chunk.notice_no


def test_parts_that_leave_somebody_out_or_in_twice_are_no_split(ledger: Ledger) -> None:
    chunk = claim(ledger)
    for parts in ([Part(1, 1, S.PLANNED)], [Part(1, 2, S.PLANNED), Part(2, 2, S.PLANNED)], []):
        with pytest.raises(ValueError, match="cover"):
            ledger.split(chunk, parts, NOW)
    assert held_by_exactly_one(ledger)


def test_given_up_it_is_planned_again_without_its_old_batch_id(ledger: Ledger) -> None:
    chunk = claim(ledger, to=S.STAGED)
    posting = ledger.move(chunk, S.POSTING, NOW, batch_id="b1", send_at=NOW)
    assert posting is not None
    assert ledger.give_up(posting, NOW, "cancelled")
    assert ledger.chunks(S.VOID)[0].batch_id == "b1", "the cancelled id stays known"
    assert {c.batch_id for c in ledger.chunks(S.PLANNED)} == {""}
    assert held_by_exactly_one(ledger)


def test_released_is_what_was_scheduled_until_now(ledger: Ledger) -> None:
    for minutes in (10, 30):
        chunk = claim(ledger, to=S.STAGED)
        ledger.move(chunk, S.SCHEDULED, NOW, send_at=NOW + timedelta(minutes=minutes))
    ledger.tidy(NOW + timedelta(minutes=20))
    assert states(ledger) == {"released": 2, "scheduled": 2}


def test_an_address_that_was_erased_is_empty_and_the_others_are_there(ledger: Ledger) -> None:
    assert ledger.erase_addresses("customer", "acme", now=NOW) == 2
    items = ledger.addressees(claim(ledger))
    assert sorted(item.address for item in items) == ["", "ada@bolt.example.com"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "split", "give_up", "settle", "recall", "again", "enqueue"]),
        st.integers(0, 9),
    ),
    max_size=12,
)


@given(steps=STEPS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_done_every_addressee_is_in_exactly_one_chunk(tmp_path_factory, steps) -> None:
    folder: Path = tmp_path_factory.mktemp("steps")
    with new_ledger(folder / "l.db") as ledger:
        crowd(ledger, 12, ("en", "de"))
        recalled = False
        for name, number in steps:
            step(ledger, name, number)
            assert held_by_exactly_one(ledger)
            recalled = name == "recall" or (recalled and name != "again")
            if recalled:
                assert not ledger.chunks(S.PLANNED), "nothing of what is recalled is ever planned"
        assert sum(states(ledger).values()) == len(ledger.nids(V1.key))
        assert Counter(state.stands for state in ledger.addressee_states(V1.key)) == states(ledger)


def step(ledger: Ledger, name: str, number: int) -> None:
    found = in_use(ledger)
    chunk = found[number % len(found)]
    if name == "claim":
        ledger.claim(NOW, mailer="test", owner="me")
    elif name == "split" and chunk.size > 1:
        middle = chunk.lo + number % (chunk.size - 1)
        ledger.split(chunk, [Part(chunk.lo, middle, S.PLANNED), Part(middle + 1, chunk.hi, S.HELD)], NOW)
    elif name == "give_up":
        ledger.give_up(chunk, NOW, "interrupted")
    elif name == "settle":
        ledger.move(chunk, S.ACCEPTED, NOW)
    elif name == "recall":
        ledger.cancel(V1.key, now=NOW)
    elif name == "again":
        ledger.plan_again(V1.key, now=NOW)
    elif name == "enqueue":
        ledger.import_customers([customer(f"late{number}")], now=NOW)
        ledger.enqueue(V1.key, now=NOW)


# Recall


def test_recalled_before_release_nothing_more_is_sent(ledger: Ledger) -> None:
    chunk = claim(ledger, to=S.STAGED)
    posted = ledger.move(
        chunk, S.SCHEDULED, NOW, batch_id="b1", send_at=NOW + timedelta(minutes=25), owner=""
    )
    ledger.cancel(V2.key, now=NOW)
    assert ledger.claim(NOW, mailer="test", owner="me") is None
    assert states(ledger) == {"scheduled": 2, "recalled": 2}
    assert posted is not None
    assert [c.recalled for c in ledger.chunks(S.SCHEDULED)] == [True]
    assert ledger.give_up(posted, NOW, "cancelled")
    assert states(ledger) == {"recalled": 4}


def test_what_has_left_cannot_be_recalled(ledger: Ledger) -> None:
    chunk = claim(ledger)
    ledger.move(chunk, S.ACCEPTED, NOW)
    ledger.cancel(V2.key, NoticeKind.REVISION, now=NOW)
    assert states(ledger) == {"accepted": 2, "planned": 2}
    with pytest.raises(CannotCompareError):
        ledger.cancel(VersionKey("fax", 1), now=NOW)


# How everybody stands


def test_everybody_stands_where_his_highest_report_or_his_chunk_does(ledger: Ledger) -> None:
    first, second = (item.nid for item in ledger.addressees(claim(ledger)))
    reports = [
        DeliveryEvent(first, DeliveryName.BOUNCED, NOW),
        DeliveryEvent(first, DeliveryName.DELIVERED, NOW - timedelta(minutes=1)),
        DeliveryEvent(second, DeliveryName.DELIVERED, NOW),
        DeliveryEvent(second, DeliveryName.DEFERRED, NOW + timedelta(minutes=1)),
    ]
    for events in (reports, reports[::-1], reports):
        ledger.record_deliveries(events, now=NOW)
        assert states(ledger) == {"bounced": 1, "delivered": 1, "planned": 2}
    by_nid = {state.nid: state for state in ledger.addressee_states(V2.key)}
    assert (by_nid[first].stands, by_nid[first].event_at) == ("bounced", NOW)
    assert (by_nid[second].stands, by_nid[second].state) == ("delivered", S.POSTING)
    assert len(by_nid) == 4
    assert ledger.outbox_counts("other") == ()


def test_the_same_event_of_another_attempt_is_another_report(ledger: Ledger) -> None:
    (nid, *_), *_ = ledger.nids(V2.key)
    events = [DeliveryEvent(nid, DeliveryName.DEFERRED, NOW, attempt=attempt) for attempt in (1, 2)]
    assert ledger.record_deliveries(events, now=NOW).added == 2
    assert ledger.record_deliveries(events, now=NOW).repeated == 2
    assert ledger.first_bad_entry() is None


# An older ledger


def old_rows(ledger: Ledger) -> None:
    """As the release before chunks would have left it: a state for every row."""
    standing = (
        ("acme", 1, "accepted", "out/acme1.eml", ""),
        ("bolt", 1, "unknown", "", "the line broke"),
        ("acme", 2, "planned", "", ""),
        ("bolt", 2, "planned", "", ""),
    )
    body = notice_to_json(owed(V1)[0].notice)
    with ledger._engine.begin() as connection:

        def add(table: str, **row: object) -> None:
            names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), row)  # noqa: S608

        add("entry", seq=1, kind="version", recorded_at=1)
        add("policy", policy_no=1, slug="fax")
        add("version", version_no=1, policy_no=1, number=1, title="Fax", change_class="notice",
            published_at=1, effective_at=1, commit_id="c", text_sha256="t", entry=1)  # fmt: skip
        for number in (1, 2):
            add("customer", entry=1, tenant_no=number, id=("acme", "bolt")[number - 1], name="x")
            add("address", subject_no=number << 40, position=1, email="a@example.com", name="", locale="en")
            add("notice", notice_no=number, position=number, version_no=1, kind="revision", changes="[]",
                audience_kind="administrators", audience_categories="[]", body=body)  # fmt: skip
        for name, notice_no, state, receipt, reason in standing:
            key = {"subject_no": {"acme": 1, "bolt": 2}[name] << 40, "notice_no": notice_no, "contact": 1}
            add("outbox", **key, entry=1, nid=f"{name}{notice_no}")
            add("outbox_state", **key, changed_at=1, attempts=1, state=state, receipt=receipt, reason=reason)
        add("delivery_event", happened_at=1, entry=1, nid="acme1", event="bounced")


def test_the_states_of_an_older_ledger_are_moved_over(database_url: str) -> None:
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        upgrade_to(ledger, "0002")
        old_rows(ledger)
        assert ledger.upgrade() is True
        assert states(ledger) == {"bounced": 1, "planned": 2, "unknown": 1}
        assert held_by_exactly_one(ledger)
        with ledger._engine.connect() as connection:
            found = connection.execute(sa.text("SELECT state, receipt, reason FROM chunk ORDER BY lo, state"))
            assert {tuple(row) for row in found} == {
                ("accepted", "out/", ""), ("unknown", "", "the line broke"), ("planned", "", ""),
            }  # fmt: skip
        for attempt in ("UPDATE outbox SET place = 9", "DELETE FROM delivery_event"):
            with (
                pytest.raises(sa.exc.DatabaseError, match="append-only"),
                ledger._engine.begin() as connection,
            ):
                connection.execute(sa.text(attempt))


# Several workers

_WORKS = """
import sys
from policyctl.adapters.ledger import open_ledger
from policyctl.core.notices.outbox import OutboxState
from tests.adapters.ledger_samples import KEY, TAXONOMY
from tests.adapters.test_ledger_contract import NOW
with open_ledger(sys.argv[1], key=KEY, taxonomy=TAXONOMY) as ledger:
    while chunk := ledger.claim(NOW, mailer="test", owner=sys.argv[2]):
        for item in ledger.addressees(chunk):
            print(item.nid)
        assert ledger.move(chunk, OutboxState.ACCEPTED, NOW)
"""


def test_several_workers_hand_out_each_addressee_once(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "SIZE", 25)
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        crowd(ledger, 600)
        command = [sys.executable, "-c", _WORKS, ledger_url]
        workers = [
            subprocess.Popen([*command, f"w{number}"], stdout=subprocess.PIPE, text=True)
            for number in range(4)
        ]
        handed = Counter(line for worker in workers for line in worker.communicate()[0].split())
        assert [worker.returncode for worker in workers] == [0] * 4
        assert handed == Counter(row[0] for row in ledger.nids(V1.key))
        assert states(ledger) == {"accepted": 600}
        owners = ledger.chunks(S.ACCEPTED)
        assert len(owners) == 24


@pytest.fixture
def crowded(ledger_url: str) -> Iterator[Ledger]:
    """One notice in three languages."""
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        crowd(opened, 10, ("en", "de", "fr"))
        yield opened


def post(ledger: Ledger, batch_id: str, to: OutboxState) -> Chunk:
    """The next chunk, posted under a batch, and what came of it."""
    posted = ledger.post(claim(ledger, to=S.STAGED), NOW, batch_id=batch_id, send_at=NOW)
    assert posted is not None
    moved = ledger.move(posted, to, NOW, owner="")
    assert moved is not None
    return moved


def test_a_batch_is_put_in_doubt_and_given_up_with_all_that_shares_it(crowded: Ledger) -> None:
    fine, doubtful = post(crowded, "b1", S.SCHEDULED), post(crowded, "b1", S.UNKNOWN)
    other = post(crowded, "b2", S.SCHEDULED)
    marked = crowded.put_in_doubt(doubtful, NOW)
    assert marked is not None
    assert {chunk.number for chunk in crowded.chunks(S.CANCELLING)} == {fine.number, doubtful.number}
    assert crowded.put_in_doubt(doubtful, NOW) is None, "it is not as it was seen any more"
    assert crowded.give_up_batch(marked, NOW, "why") == 2
    assert crowded.give_up_batch(marked, NOW, "why") == 0
    assert sum(chunk.size for chunk in crowded.chunks(S.PLANNED)) == fine.size + doubtful.size
    assert [chunk.number for chunk in crowded.chunks(S.SCHEDULED)] == [other.number]
    assert held_by_exactly_one(crowded)


def test_nothing_is_posted_under_a_batch_that_is_in_doubt_or_of_a_recalled_notice(crowded: Ledger) -> None:
    post(crowded, "b1", S.UNKNOWN)
    second, third = claim(crowded, to=S.STAGED), claim(crowded, to=S.STAGED)
    assert crowded.post(second, NOW, batch_id="b1", send_at=NOW) is None
    assert crowded.post(second, NOW, batch_id="b2", send_at=NOW) is not None
    crowded.cancel(V1.key, now=NOW)
    assert crowded.post(third, NOW, batch_id="b3", send_at=NOW) is None
    assert [chunk.number for chunk in crowded.chunks(S.RECALLED)] == [third.number]
    assert crowded.plan_again(V1.key, now=NOW) == third.size
    assert [chunk.size for chunk in crowded.chunks(S.PLANNED)] == [third.size]
    assert held_by_exactly_one(crowded)
