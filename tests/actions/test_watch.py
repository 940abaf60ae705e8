# SPDX-License-Identifier: Apache-2.0
"""A run is watched while it goes on, by itself and from outside; Ctrl-C ends it between two mails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from policyctl.actions.mailing.notify import notify
from policyctl.actions.mailing.watch import Watch
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.adapters.mail.interface import Accepted, Mail, Outcome
from policyctl.core.notices.underway import Step, Underway
from tests.actions.notify_scene import NOW, PEOPLE, new_scene, publish
from tests.core.notice_samples import SENDER


class Time:
    """A clock that goes on a second whenever it is looked at or waited for."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with new_scene(tmp_path) as opened:
        publish(opened)
        yield opened


def test_the_run_itself_is_seen_from_the_first_mail_to_the_last(ledger: Ledger, tmp_path: Path) -> None:
    looks: list[Underway] = []
    clock = Time()
    watch = Watch(ledger, clock, looks.append)
    watch.look()
    mailer = FolderMailer(tmp_path / "mail")
    notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER, clock=clock, progress=watch.tick)
    watch.look()
    waiting = [look.count(Step.WAITING, Step.IN_HAND) for look in looks]
    assert waiting == sorted(waiting, reverse=True)
    assert (waiting[0], waiting[-1], len(set(waiting)) > 2) == (4, 0, True)
    assert all(sum(count.count for count in look.counts) == 4 for look in looks)


def test_others_are_watched_until_nothing_is_on_its_way(ledger: Ledger, tmp_path: Path) -> None:
    looks: list[Underway] = []
    clock = Time()

    def others_work(seconds: float) -> None:
        clock.wait(seconds)
        if len(looks) == 3:
            notify(NOW, ledger=ledger, mailer=FolderMailer(tmp_path / "mail"), sender=SENDER)

    last = Watch(ledger, clock, looks.append).until(
        lambda look: look.done, wait=others_work, stop=lambda: False
    )
    assert [look.done for look in looks] == [False, False, False, True]
    assert last is looks[-1]


def test_a_watch_that_is_stopped_ends_and_changes_nothing(ledger: Ledger) -> None:
    before = ledger.outbox_counts()
    last = Watch(ledger, Time(), lambda _: None).until(
        lambda look: look.done, wait=lambda _: None, stop=lambda: True
    )
    assert not last.done
    assert ledger.outbox_counts() == before


def test_looks_that_take_long_are_rarer(ledger: Ledger) -> None:
    looks: list[Underway] = []
    clock = Time()  # a look takes a second of it
    watch = Watch(ledger, clock, looks.append)
    for _ in range(100):
        watch.tick()
    assert 5 <= len(looks) <= 15


class Counting(FolderMailer):
    """Somebody presses Ctrl-C while the second mail is written."""

    sent = 0

    def __init__(self, folder: Path, *, safe: bool) -> None:
        super().__init__(folder)
        self.resend_is_safe = safe

    def send(self, mail: Mail) -> Outcome:
        self.sent += 1
        outcome = super().send(mail)
        assert isinstance(outcome, Accepted)
        return outcome


@pytest.mark.parametrize("mailer", ["safe to send again", "not"])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_stopped_between_two_mails_the_next_run_sends_the_rest(
    ledger: Ledger, tmp_path: Path, mailer: str, after: int
) -> None:
    sent = Counting(tmp_path / "mail", safe=mailer != "not")
    first = notify(NOW, ledger=ledger, mailer=sent, sender=SENDER, stop=lambda: sent.sent >= after)
    assert (first.accepted, first.in_doubt, first.stopped) == (after, 0, "interrupted")
    assert {count.state for count in ledger.outbox_counts()} == {"accepted", "planned"}
    second = notify(NOW, ledger=ledger, mailer=sent, sender=SENDER)
    assert (second.accepted, second.complete) == (4 - after, True)
    assert sent.sent == len(PEOPLE) == len(list((tmp_path / "mail").glob("*.eml")))
