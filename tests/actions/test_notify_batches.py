# SPDX-License-Identifier: Apache-2.0
"""Notices by the thousand over SendGrid: every fault on the way, and still each addressee once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from policyctl.actions.mailing.notify import Notified, notify
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.sendgrid import SendGridMailer
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName, OutboxState
from policyctl.core.records import CustomerRow
from policyctl.testing.sendgrid import Answer, Fake, fake_sendgrid
from tests.actions.notify_scene import NOW, PEOPLE, PLACE, new_scene, publish
from tests.core.notice_samples import SENDER, V3

S = OutboxState


class World:
    """A ledger that owes notices, a SendGrid, and a clock that both read."""

    def __init__(self, folder: Path, fake: Fake) -> None:
        self.now = NOW
        self.fake = fake
        fake.clock = lambda: self.now
        self.ledger: Ledger = new_scene(folder)

    def notify(self, after: timedelta = timedelta(), **more: object) -> Notified:
        self.now += after
        mailer = SendGridMailer(self.fake.key, host=self.fake.url, timeout=httpx.Timeout(0.4))
        try:
            return notify(
                self.now, ledger=self.ledger, mailer=mailer, sender=SENDER, clock=self.clock, **more
            )
        finally:
            mailer.close()

    def clock(self) -> datetime:
        return self.now

    def states(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for count in self.ledger.outbox_counts():
            found[count.state] += count.count
        return found

    def calls(self, path: str) -> int:
        return sum(line == f"POST {path}" for line, _, _ in self.fake.requests)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with fake_sendgrid() as fake:
        made = World(tmp_path, fake)
        publish(made.ledger)
        with made.ledger:
            yield made


EVERYBODY = Counter(dict.fromkeys(PEOPLE, 1))


def test_everybody_gets_one_mail_in_as_few_calls_as_there_are_forms(world: World) -> None:
    done = world.notify()
    assert (done.accepted, done.complete) == (4, True)
    assert world.fake.delivered() == EVERYBODY
    assert world.calls("/v3/mail/send") == 3, "two languages of administrators, one of users"
    assert world.states() == {"scheduled": 4}
    assert world.notify(timedelta(hours=1)).accepted == 0
    assert world.states() == {"released": 4}


def test_a_call_says_what_section_4_of_the_promise_says(world: World) -> None:
    world.notify()
    for body in world.fake.taken:
        assert body["send_at"] >= NOW.timestamp() + 25 * 60
        assert (body["send_at"] // 60) % 2 == 1
        assert body["headers"] == {
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        }
        for one in body["personalizations"]:
            assert set(one["custom_args"]) == {"nid"}
            assert one["headers"]["Message-ID"] == f"<{one['custom_args']['nid']}@example.com>"
            assert all(tag.startswith("%pc") for tag in one.get("substitutions", {}))
    ids = [body["batch_id"] for body in world.fake.taken]
    assert len(set(ids)) == len(ids)


def test_names_are_put_in_escaped_in_the_html_and_plain_in_the_text(world: World) -> None:
    name = "<b>Ada</b> & Co"
    world.ledger.import_customers(
        [CustomerRow(PLACE, "odd", "Odd", "o@odd.example.org", name, "en")], now=NOW
    )
    world.ledger.enqueue(V3, now=NOW)
    world.notify()
    values = {
        tag.rsplit(".", 1)[1]: value
        for body in world.fake.taken
        for one in body["personalizations"]
        if one["to"][0]["email"] == "o@odd.example.org"
        for tag, value in one["substitutions"].items()
        if ".name." in tag
    }
    assert values == {"t%": name, "h%": "&lt;b&gt;Ada&lt;/b&gt; &amp; Co"}


# The fault table

IN_DOUBT = {
    "reset before the body ended": Answer(fault="reset-before"),
    "closed before it was taken": Answer(fault="close-before"),
    "closed after it was taken": Answer(fault="close-after"),
    "no answer after it was taken": Answer(fault="hang-after"),
    "a broken status line": Answer(fault="rubbish-after"),
    **{f"{status} and taken": Answer(status) for status in (500, 502, 503, 504)},
    **{f"{status} and not taken": Answer(status, taken=False) for status in (500, 503)},
}


@pytest.mark.parametrize("answer", IN_DOUBT.values(), ids=IN_DOUBT)
def test_in_doubt_the_batch_is_cancelled_and_posted_again_under_a_new_id(
    world: World, answer: Answer
) -> None:
    world.fake.script = [answer]
    done = world.notify()
    assert (done.accepted, done.in_doubt) == (4, 0)
    assert world.fake.delivered() == EVERYBODY
    assert len([status for status in world.fake.batches.values() if status == "cancel"]) == 1
    assert [chunk.reason for chunk in world.ledger.chunks(S.VOID)] == ["cancelled, as it was in doubt"]


def test_no_connection_is_tried_again_later(world: World) -> None:
    url, world.fake.url = world.fake.url, "http://127.0.0.1:9"
    first = world.notify()
    assert (first.accepted, first.in_doubt, bool(first.stopped)) == (0, 0, True)
    world.fake.url = url
    assert world.notify(timedelta(minutes=1)).accepted == 4
    assert world.fake.delivered() == EVERYBODY


@pytest.mark.parametrize("status", [200, 301, 302, 307])
def test_sandbox_or_a_wrong_host_stops_and_is_never_followed(world: World, status: int) -> None:
    world.fake.script = [Answer(status, {"Location": "/v3/elsewhere"})]
    done = world.notify()
    assert (done.accepted, str(status) in done.stopped) == (0, True)
    assert not any("elsewhere" in line for line, _, _ in world.fake.requests)
    assert world.states()["paused"] > 0
    assert world.notify(timedelta(minutes=1)).accepted == 4


def test_one_bad_address_in_many_is_found_by_halves_and_the_rest_is_sent(world: World) -> None:
    people = [
        CustomerRow(PLACE, f"c{n}", "C", f"a{n}@c{n}.example.org", "Ada Example", "en") for n in range(60)
    ]
    world.ledger.import_customers(people, now=NOW)
    world.ledger.enqueue(V3, now=NOW)
    world.fake.refused = {"a17@c17.example.org"}
    done = world.notify()
    assert (done.accepted, done.rejected) == (63, 1)
    assert world.calls("/v3/mail/send") < 20
    assert "a17@c17.example.org" not in world.fake.delivered()
    assert set(world.fake.delivered().values()) == {1}
    (bad,) = world.ledger.chunks(S.REJECTED)
    assert bad.size == 1


def test_too_large_is_halved(world: World) -> None:
    world.fake.script = [Answer(413)]
    people = [
        CustomerRow(PLACE, f"c{n}", "C", f"a{n}@c{n}.example.org", "Ada Example", "en") for n in range(9)
    ]
    world.ledger.import_customers(people, now=NOW)
    world.ledger.enqueue(V3, now=NOW)
    world.notify()
    world.notify(timedelta(minutes=1))
    assert sum(world.fake.delivered().values()) + world.states()["rejected"] == 13


@pytest.mark.parametrize(("status", "told"), [(401, "SENDGRID_API_KEY"), (403, "Mail Send")])
def test_without_the_permission_the_notice_stops_and_says_which_is_missing(
    world: World, status: int, told: str
) -> None:
    world.fake.script = [Answer(status)]
    done = world.notify()
    assert told in done.stopped
    assert (done.accepted, world.calls("/v3/mail/send")) == (0, 1)
    assert world.notify(timedelta(minutes=1)).accepted == 4


def test_without_the_permission_to_cancel_it_says_that_one(world: World) -> None:
    world.fake.script = [Answer(500)]
    world.fake.scripts = {"/v3/user/scheduled_sends": [Answer(403)]}
    done = world.notify()
    assert "Scheduled Sends" in done.stopped
    assert done.in_doubt > 0
    assert world.notify(timedelta(minutes=1)).in_doubt == 0
    assert world.fake.delivered() == EVERYBODY


def test_a_wait_that_is_asked_for_is_kept_by_every_worker(world: World) -> None:
    world.fake.script = [Answer(429, {"X-RateLimit-Reset": str(int(NOW.timestamp()) + 60)})]
    done = world.notify()
    assert (done.accepted, done.retry_after) == (0, 60.0)
    assert world.notify(timedelta(seconds=30)).accepted == 0
    assert world.calls("/v3/mail/send") == 1
    assert world.notify(timedelta(seconds=60)).accepted == 4


@pytest.mark.parametrize("fault", ["close-before", "close-after"])
def test_a_cancellation_in_doubt_is_repeated_and_asked_about(world: World, fault: str) -> None:
    world.fake.script = [Answer(fault="close-after")]
    world.fake.scripts = {"/v3/user/scheduled_sends": [Answer(fault=fault)]}
    world.notify()
    world.notify(timedelta(minutes=1))
    assert world.fake.delivered() == EVERYBODY
    assert world.states() == {"scheduled": 4}


def test_with_ten_cancellations_open_it_waits_and_then_for_the_reports(world: World) -> None:
    world.fake.script = [Answer(fault="close-after")]
    world.fake.scripts = {"/v3/user/scheduled_sends": [Answer(400)] * 20}
    assert world.notify().in_doubt > 0
    world.notify(timedelta(minutes=18))
    (waiting,) = world.ledger.chunks(S.AWAITING)
    nid = world.ledger.addressees(waiting)[0].nid
    world.ledger.record_deliveries([DeliveryEvent(nid, DeliveryName.DELIVERED, world.now)], now=world.now)
    assert world.notify(timedelta(minutes=1)).in_doubt == 0
    assert world.fake.delivered() == EVERYBODY


def test_too_late_to_cancel_and_no_reports_it_is_held_for_a_person(world: World) -> None:
    world.fake.script = [Answer(fault="close-after")]
    world.fake.scripts = {"/v3/user/scheduled_sends": [Answer(400)] * 20}
    world.notify()
    world.notify(timedelta(minutes=18))
    held = world.notify(timedelta(hours=3))
    assert held.in_doubt == world.states()["held"] > 0
    assert world.fake.delivered() == EVERYBODY, "nobody twice"


def test_reports_about_later_mails_and_none_about_these_say_they_never_left(world: World) -> None:
    world.fake.script = [Answer(fault="close-before")]
    world.fake.scripts = {"/v3/user/scheduled_sends": [Answer(400)] * 20}
    world.notify()
    world.notify(timedelta(minutes=18))
    (waiting,) = world.ledger.chunks(S.AWAITING)
    people = [CustomerRow(PLACE, "late", "Late", "l@late.example.org", "Ada Example", "en")]
    world.ledger.import_customers(people, now=NOW)
    world.ledger.enqueue(V3, now=world.now)
    world.notify(timedelta(minutes=5))
    later = next(row[0] for row in world.ledger.nids(V3) if row[3] == "late")
    world.ledger.record_deliveries([DeliveryEvent(later, DeliveryName.DELIVERED, world.now)], now=world.now)
    world.notify(timedelta(hours=3))
    assert world.fake.delivered() == EVERYBODY + Counter({"l@late.example.org": 1})
    assert waiting.number in {chunk.number for chunk in world.ledger.chunks(S.VOID)}


@pytest.mark.parametrize("minutes", [2, -2])
def test_a_clock_that_is_off_pauses(world: World, minutes: int) -> None:
    world.fake.clock = lambda: NOW + timedelta(minutes=minutes)
    done = world.notify()
    assert "clock" in done.stopped
    assert (done.accepted, world.calls("/v3/mail/send")) == (0, 0)
    world.fake.clock = lambda: world.now
    assert world.notify().accepted == 4


def test_recalled_before_release_every_batch_is_cancelled(world: World) -> None:
    world.notify()
    world.ledger.cancel(V3, now=world.now)
    world.notify(timedelta(minutes=1))
    assert world.fake.delivered() == Counter()
    assert world.states() == {"recalled": 4}


def test_one_address_for_two_customers_is_in_two_calls(world: World) -> None:
    rows = [
        CustomerRow(PLACE, name, name, "Agency@agency.example.org", "Ada Example", "en")
        for name in ("one", "two")
    ]
    world.ledger.import_customers(rows, now=NOW)
    world.ledger.enqueue(V3, now=NOW)
    assert world.notify().accepted == 6
    assert world.fake.delivered()["Agency@agency.example.org"] == 2
    assert set(world.fake.nids().values()) == {1}


def test_no_key_and_no_address_is_in_a_url_or_an_error(world: World) -> None:
    world.fake.script = [Answer(500), Answer(400, body={"errors": [{"field": "from", "message": "a@b.c"}]})]
    done = world.notify()
    shown = " ".join((done.stopped, *(w.reason for w in done.withheld)))
    assert world.fake.key not in shown
    assert "@" not in shown
    assert all("@" not in line for line, _, _ in world.fake.requests)
    sizes = [len(json.loads(data)["personalizations"]) for line, _, data in world.fake.requests if "send" in
             line and data and b"personalizations" in data]  # fmt: skip
    assert max(sizes) <= 1000
