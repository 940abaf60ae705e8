# SPDX-License-Identifier: Apache-2.0
"""Notices are recalled: what has not left never leaves, what has is counted, and any crash ends the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from policyctl.actions.mailing.notify import notify
from policyctl.actions.mailing.recall import Recalled, plan_again, recall
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.ledger.sending import chunks
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.adapters.mail.interface import Mail, Outcome
from policyctl.adapters.mail.sendgrid import SendGridMailer
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName, OutboxState
from policyctl.core.notices.progress import duties
from policyctl.core.records import CustomerRow
from policyctl.errors import CannotCompareError
from policyctl.faults import KILLED
from policyctl.testing.sendgrid import OPEN_CANCELLATIONS, Answer, fake_sendgrid
from tests.actions.notify_scene import NOW, PLACE, new_scene, open_scene, publish
from tests.actions.test_notify_batches import EVERYBODY, World
from tests.core.notice_samples import SENDER, V3

S = OutboxState
MANY = 60


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with fake_sendgrid() as fake:
        made = World(tmp_path, fake)
        publish(made.ledger)
        with made.ledger:
            yield made


def take_back(world: World, kind: NoticeKind | None = None, after: timedelta = timedelta()) -> Recalled:
    world.now += after
    mailer = SendGridMailer(world.fake.key, host=world.fake.url, timeout=httpx.Timeout(0.4))
    try:
        return recall(
            V3, kind, now=world.now, ledger=world.ledger, mailer=mailer, sender=SENDER, clock=world.clock
        )
    finally:
        mailer.close()


def add_customers(world: World, count: int) -> None:
    rows = [
        CustomerRow(PLACE, f"c{n}", "C", f"a{n}@c{n}.example.org", "Ada Example", "en") for n in range(count)
    ]
    world.ledger.import_customers(rows, now=NOW)
    world.ledger.enqueue(V3, now=NOW)


def test_nothing_was_handed_over_yet(world: World) -> None:
    done = take_back(world)
    assert (done.recalled, done.left, done.open, done.complete) == (4, 0, 0, True)
    assert world.notify(timedelta(hours=1)).accepted == 0
    assert world.fake.delivered() == Counter()
    assert world.states() == {"recalled": 4}


def test_what_the_service_holds_is_called_off_and_confirmed(world: World) -> None:
    world.notify()
    done = take_back(world, after=timedelta(minutes=1))
    assert (done.recalled, done.left, done.open) == (4, 0, 0)
    assert world.fake.delivered() == Counter()
    assert take_back(world, after=timedelta(minutes=1)) == done, "again it ends the same"
    assert world.notify(timedelta(hours=1)).accepted == 0
    assert world.states() == {"recalled": 4}


def test_status_shows_it_as_recalled_and_not_complete(world: World) -> None:
    take_back(world)
    (progress,) = world.ledger.progress(world.now)
    assert list(duties(progress)) == [
        "2 choice notices recalled before they left, so not given",
        "2 revision notices recalled before they left, so not given",
    ]


def test_one_kind_only(world: World) -> None:
    world.notify()
    done = take_back(world, NoticeKind.CHOICE)
    assert (done.recalled, done.left, done.open) == (2, 0, 0)
    assert set(world.fake.delivered()) == {"ada@acme.example.org", "bob@best.example.org"}


def test_a_version_that_owes_nothing_is_said(world: World) -> None:
    with pytest.raises(CannotCompareError, match="owes no reminder notice"):
        take_back(world, NoticeKind.REMINDER)


def test_too_late_it_says_how_many_have_left(world: World) -> None:
    world.notify()
    late = take_back(world, after=timedelta(minutes=20))
    assert (late.recalled, late.left, late.open, late.until) == (0, 0, 4, None)
    gone = take_back(world, after=timedelta(minutes=10))
    assert (gone.recalled, gone.left, gone.open) == (0, 4, 0)
    assert world.fake.delivered() == EVERYBODY


def test_many_more_calls_than_batches_that_can_be_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "SIZE", 1)
    add_customers(world, MANY)
    world.notify()
    assert world.calls("/v3/mail/send") >= MANY > 5 * OPEN_CANCELLATIONS
    assert take_back(world, after=timedelta(minutes=1)).recalled == MANY + 4
    assert world.fake.delivered() == Counter()


def test_with_other_cancellations_open_the_largest_go_first_and_the_rest_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "SIZE", 1)
    add_customers(world, MANY)
    world.notify()
    others_leave = (world.now + timedelta(minutes=3)).timestamp()
    for other in range(OPEN_CANCELLATIONS - 1):
        world.fake.batches[f"other{other}"] = "cancel"
        mail = {"batch_id": f"other{other}", "send_at": others_leave, "personalizations": []}
        world.fake.taken.append(mail)
    first = take_back(world)
    assert (first.left, first.recalled + first.open) == (0, MANY + 4)
    assert first.recalled >= MANY // 4, "a small batch was called off before a large one"
    assert first.until is not None
    assert "not cancelled" in first.stopped
    assert take_back(world, after=timedelta(minutes=4)).recalled == MANY + 4
    assert world.fake.delivered() == Counter()


def test_a_cancellation_in_doubt_is_asked_about_again(world: World) -> None:
    world.notify()
    world.fake.scripts = {"/v3/user/scheduled_sends": [Answer(fault="close-after")] * 3}
    assert take_back(world).open == 4
    assert take_back(world, after=timedelta(minutes=1)).recalled == 4
    assert world.fake.delivered() == Counter()


def test_without_the_permission_it_says_which(world: World) -> None:
    world.notify()
    world.fake.scripts = {"/v3/user/scheduled_sends": [Answer(403)]}
    done = take_back(world)
    assert "Scheduled Sends" in done.stopped
    assert done.open == 4


def test_held_by_another_mailer_than_the_settings_name(world: World, tmp_path: Path) -> None:
    world.notify()
    folder = FolderMailer(tmp_path / "mail")
    done = recall(V3, now=world.now, ledger=world.ledger, mailer=folder, sender=SENDER)
    assert (done.open, done.stopped) == (
        4,
        "sendgrid holds some of them, and [mail] mailer is folder",
    )


def test_recalled_while_a_run_goes_on_nothing_more_is_posted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "SIZE", 1)
    add_customers(world, MANY)

    def after_some(_done: int) -> None:
        if world.calls("/v3/mail/send") == MANY // 2:
            world.ledger.cancel(V3, now=world.now)

    world.notify(progress=after_some)
    assert world.calls("/v3/mail/send") == MANY // 2
    take_back(world, after=timedelta(minutes=1))
    assert world.fake.delivered() == Counter()
    assert world.states() == {"recalled": MANY + 4}


def test_recalled_between_the_claim_and_the_call(world: World) -> None:
    claimed = world.ledger.claim(world.now, mailer="sendgrid", owner="w", to=S.STAGED)
    assert claimed is not None
    world.ledger.cancel(V3, now=world.now)
    assert world.ledger.post(claimed, world.now, batch_id="b", send_at=world.now) is None
    assert world.states() == {"recalled": 4}


def test_one_mail_at_a_time_stops_at_the_recall(tmp_path: Path) -> None:
    with new_scene(tmp_path) as ledger:
        publish(ledger)
        for number, mailer in enumerate((Interrupted(tmp_path, ledger), Unsafe(tmp_path, ledger))):
            done = notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
            assert (done.accepted, mailer.sent) == (1, 1), number
            told = recall(V3, now=NOW, ledger=ledger, mailer=mailer, sender=SENDER)
            assert (told.left, told.recalled, told.open) == (number + 1, 3 - number, 0)
            assert not told.complete
            plan_again(V3, now=NOW, ledger=ledger)


class Interrupted(FolderMailer):
    """Somebody recalls the notice while its first mail is written."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        super().__init__(folder / "mail")
        self.ledger = ledger
        self.sent = 0

    def send(self, mail: Mail) -> Outcome:
        self.sent += 1
        self.ledger.cancel(V3, now=NOW)
        return super().send(mail)


class Unsafe(Interrupted):
    """One that cannot send a mail twice."""

    resend_is_safe = False
    resend_after = None


def test_planned_again_on_purpose_everybody_gets_it_once(world: World) -> None:
    world.notify()
    before = {row[0] for row in world.ledger.nids(V3)}
    take_back(world)
    assert plan_again(V3, now=world.now, ledger=world.ledger) == 4
    assert world.notify(timedelta(minutes=1)).accepted == 4
    assert world.fake.delivered() == EVERYBODY
    assert {row[0] for row in world.ledger.nids(V3)} == before
    assert plan_again(V3, now=world.now, ledger=world.ledger) == 0


def test_nobody_else_is_written_to_after_a_recall(world: World) -> None:
    """Neither a next contact nor a customer who is imported later, until it is planned again."""
    rows = [CustomerRow(PLACE, "acme", "Acme", "second@acme.example.org", "Second", "en")]
    world.ledger.import_customers(rows, now=NOW)
    world.notify()
    world.notify(timedelta(hours=1))
    take_back(world)
    nid = next(row[0] for row in world.ledger.nids(V3) if row[3] == "acme")
    world.ledger.record_deliveries([DeliveryEvent(nid, DeliveryName.BOUNCED, world.now)], now=world.now)
    add_customers(world, 2)
    assert world.notify(timedelta(minutes=1)).accepted == 0
    plan_again(V3, now=world.now, ledger=world.ledger)
    add_customers(world, 2)
    assert world.notify(timedelta(minutes=1)).accepted == 3
    assert "second@acme.example.org" in world.fake.delivered()


# Killed in the middle

STEPS = ("recall.marked", "notify.cancelling", "notify.cancelled")


@pytest.mark.parametrize("step", STEPS)
def test_killed_and_run_again_it_ends_the_same(world: World, tmp_path: Path, step: str) -> None:
    world.fake.clock = lambda: NOW + timedelta(hours=1)
    world.now = world.fake.clock()
    world.notify()
    environment = {**os.environ, "POLICYCTL_FAULT": step}
    command = [sys.executable, "-m", "tests.actions.test_recall", str(tmp_path), world.fake.url]
    killed = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert killed.returncode == KILLED, killed.stderr
    done = take_back(world, after=timedelta(minutes=1))
    assert (done.recalled, done.left, done.open) == (4, 0, 0)
    assert world.fake.delivered() == Counter()
    assert world.notify(timedelta(hours=1)).accepted == 0


def main(folder: str, url: str) -> None:
    """A recall as a process of its own."""
    now = NOW + timedelta(hours=1)
    mailer = SendGridMailer("SG-test-key-0123456789", host=url)
    with open_scene(Path(folder)) as ledger:
        recall(V3, now=now, ledger=ledger, mailer=mailer, sender=SENDER)


if __name__ == "__main__":
    main(*sys.argv[1:])
