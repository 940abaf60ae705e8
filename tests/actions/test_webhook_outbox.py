# SPDX-License-Identifier: Apache-2.0
"""Webhooks from the outbox to a receiver: at least once under one id, tried again, given up, ended by 410."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from policyctl.actions.posting.send import Delivered, due_webhooks, retry, send_webhooks
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.posting.webhooks import Webhooks
from policyctl.core.place_standing import owed_at, standings
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.postings import WAITS, NewPosting, PlaceKind, PostingOutcome, PostingPlace
from policyctl.core.records import VersionRecord
from policyctl.errors import CannotCompareError, RefusedError
from tests.core.notice_samples import TAXONOMY
from tests.ledgers import new_ledger
from tests.peers.webhook_receiver import SECRET, Receiver, receiver

KEY = bytes(range(32))
NOW = datetime(2027, 1, 1, 9, tzinfo=UTC)
V1, V2 = VersionKey("example", 1), VersionKey("example", 2)
HOOKS = Webhooks({"POLICYCTL_WEBHOOK_SECRET": SECRET})


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        for key in (V1, V2):
            opened.record_version(
                VersionRecord(
                    key, "Example", ChangeClass.EDITORIAL, NOW, NOW, f"{key.number:040x}", "a" * 64, (), ()
                ),
                (),
                now=NOW,
            )
        yield opened


def planned(ledger: Ledger, server: Receiver, *versions: VersionKey) -> PostingPlace:
    """A place, and what is to be sent there."""
    place = PostingPlace("partner", PlaceKind.WEBHOOK, server.url)
    for key in versions or (V2,):
        ledger.enter_postings(
            [NewPosting(key, "partner", PlaceKind.WEBHOOK, server.url, "b" * 64, f'{{"v":{key.number}}}')],
            now=NOW,
        )
    return place


def send(ledger: Ledger, place: PostingPlace, at: datetime = NOW, hooks: Webhooks = HOOKS) -> Delivered:
    return send_webhooks(ledger=ledger, places=[place], webhooks=hooks, clock=lambda: at)


def test_what_is_planned_is_sent_once_and_recorded_with_its_time(ledger: Ledger) -> None:
    with receiver() as server:
        place = planned(ledger, server, V1, V2)
        planned(ledger, server, V1, V2)
        done = send(ledger, place)
        again = send(ledger, place, NOW + timedelta(days=9))
    assert (done.posted, done.failed, done.owed) == (2, 0, 0)
    assert again == Delivered()
    assert [got["json"] for got in server.got] == [{"v": 1}, {"v": 2}]
    assert len(set(server.ids())) == 2
    assert [each.posted_at for each in ledger.postings()] == [NOW, NOW]
    assert ledger.first_bad_entry() is None


def test_it_is_tried_again_later_each_time_under_the_same_id_and_given_up_at_last(ledger: Ledger) -> None:
    with receiver(500) as server:
        place, at = planned(ledger, server), NOW
        for wait in WAITS:
            assert send(ledger, place, at).failed == 1
            assert send(ledger, place, at + wait - timedelta(seconds=1)).failed == 0
            at += wait
        assert send(ledger, place, at).failed == 1
        assert send(ledger, place, at + timedelta(days=400)) == Delivered(owed=1)
        assert len(server.got) == len(WAITS) + 1
        assert len(set(server.ids())) == 1
        assert len({got["at"] for got in server.got}) == len(server.got), "each try is of its own moment"
        (seen,) = standings(V2, [place], ledger.postings(), newest=True)
        assert "given up after 10 tries: answered 500" in owed_at(seen, V2)
        server.answers[:] = [200]
        assert retry("partner", V2, ledger=ledger, now=at + timedelta(days=401)) == 1
        assert send(ledger, place, at + timedelta(days=401)).posted == 1
    (seen,) = standings(V2, [place], ledger.postings(), newest=True)
    assert (seen.state, seen.posted_at, owed_at(seen, V2)) == ("posted", at + timedelta(days=401), "")
    with pytest.raises(RefusedError):
        retry("partner", V2, ledger=ledger, now=at)
    with pytest.raises(CannotCompareError):
        retry("partner", V1, ledger=ledger, now=at)


def test_a_receiver_may_ask_for_a_longer_wait_but_not_for_ever(ledger: Ledger) -> None:
    with receiver((429, {"Retry-After": "7200"}, b""), (503, {"Retry-After": "99999999"}, b"")) as server:
        place = planned(ledger, server)
        send(ledger, place)
        assert due_webhooks(ledger, [place], NOW + timedelta(seconds=7199)) == ()
        send(ledger, place, NOW + timedelta(seconds=7200))
    (posting,) = ledger.postings(V2)
    assert posting.last
    assert posting.last.not_before == NOW + timedelta(seconds=7200) + timedelta(days=1)


def test_who_answers_410_gets_nothing_more_until_a_person_says_so(ledger: Ledger) -> None:
    with receiver(410) as server:
        place = planned(ledger, server, V1, V2)
        done = send(ledger, place)
        assert (done.posted, done.failed) == (0, 1)
        assert "410" in done.refused["partner"]
        assert send(ledger, place, NOW + timedelta(days=9)) == Delivered()
        assert len(server.got) == 1
        states = [
            seen for key in (V1, V2) for seen in standings(key, [place], ledger.postings(), newest=True)
        ]
        assert [seen.state for seen in states] == ["gone", "gone"]
        assert all("wants no more" in owed_at(seen, V2) for seen in states)
        server.answers[:] = [200]
        retry("partner", V1, ledger=ledger, now=NOW + timedelta(days=10))
        assert send(ledger, place, NOW + timedelta(days=10)).posted == 2


@pytest.mark.parametrize("harm", ["renamed", "elsewhere", "taken out"])
def test_what_was_planned_for_a_place_that_is_no_more_is_not_sent(ledger: Ledger, harm: str) -> None:
    with receiver() as server:
        place = planned(ledger, server)
        others = {
            "renamed": [PostingPlace("other", PlaceKind.WEBHOOK, server.url)],
            "elsewhere": [PostingPlace("partner", PlaceKind.WEBHOOK, f"{server.url}/new")],
            "taken out": [],
        }[harm]
        done = send_webhooks(ledger=ledger, places=others, webhooks=HOOKS, clock=lambda: NOW)
        assert (done.posted, done.owed, server.got) == (0, 0, [])
        assert send(ledger, place).posted == 1


def test_a_place_without_a_secret_stays_owed_and_does_not_stop_the_others(ledger: Ledger) -> None:
    with receiver() as server:
        place, other = planned(ledger, server), PostingPlace("archive", PlaceKind.WEBHOOK, server.url)
        ledger.enter_postings(
            [NewPosting(V2, "archive", PlaceKind.WEBHOOK, server.url, "c" * 64, "{}")], now=NOW
        )
        hooks = Webhooks({"POLICYCTL_WEBHOOK_SECRET_ARCHIVE": SECRET})
        done = send_webhooks(ledger=ledger, places=[place, other], webhooks=hooks, clock=lambda: NOW)
    assert (done.posted, done.failed, done.owed) == (1, 0, 1)
    assert "POLICYCTL_WEBHOOK_SECRET_PARTNER" in done.refused["partner"]


def test_asked_to_stop_it_ends_between_two(ledger: Ledger) -> None:
    with receiver() as server:
        place = planned(ledger, server, V1, V2)
        asked: Callable[[], bool] = lambda: bool(server.got)  # noqa: E731
        done = send_webhooks(ledger=ledger, places=[place], webhooks=HOOKS, clock=lambda: NOW, stop=asked)
    assert (done.posted, done.owed) == (1, 1)


def test_what_is_on_record_cannot_be_changed_and_a_change_behind_its_back_is_found(ledger: Ledger) -> None:
    with receiver(500) as server:
        send(ledger, planned(ledger, server))
    for change in ("UPDATE posting SET target = 'x'", "DELETE FROM posting_event", "DELETE FROM posting"):
        with pytest.raises(sa.exc.DBAPIError), ledger._engine.begin() as connection:
            connection.exec_driver_sql(change)
    sqlite = ledger._engine.dialect.name == "sqlite"
    with ledger._engine.begin() as connection:
        for statement in (
            ["DROP TRIGGER posting_event_no_update"]
            if sqlite
            else ["ALTER TABLE posting_event DISABLE TRIGGER USER"]
        ):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE posting_event SET outcome = 'posted'")
    (posting,) = ledger.postings()
    assert ledger.first_bad_entry() == posting.last.entry  # type: ignore[union-attr]


def test_no_posting_of_a_version_the_ledger_does_not_hold(ledger: Ledger) -> None:
    new = NewPosting(VersionKey("example", 9), "partner", PlaceKind.URL, "https://example.com/", "b" * 64)
    with pytest.raises(CannotCompareError):
        ledger.enter_postings([new], now=NOW)
    with pytest.raises(CannotCompareError):
        ledger.note_posting("post_none", PostingOutcome.POSTED, now=NOW)
    assert ledger.postings() == ()


def test_a_file_that_changes_there_and_back_is_three_postings(tmp_path: Path) -> None:
    with new_ledger(tmp_path / "l.db") as ledger:
        record = VersionRecord(V1, "Example", ChangeClass.EDITORIAL, NOW, NOW, "1" * 40, "a" * 64, (), ())
        ledger.record_version(record, (), now=NOW)
        added = [
            ledger.enter_postings(
                [NewPosting(V1, "app", PlaceKind.FILE, "a.md", digest * 64, posted_at=NOW)], now=NOW
            )
            for digest in ("a", "a", "b", "a")
        ]
        assert added == [1, 0, 1, 1]
        assert len({each.id for each in ledger.postings(V1)}) == 3
        assert [each.sha256[0] for each in ledger.postings(V1)] == ["a", "b", "a"]
