# SPDX-License-Identifier: Apache-2.0
"""Reminders as they leave: who gets one, what stands in it, and that it comes too late for nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from policyctl.actions.mailing.notify import Notified, newest_notices, notify, plan_notify
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.links import Links
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.adapters.mail.interface import Accepted, Mail, NotSent, Outcome
from policyctl.adapters.mail.sendgrid import SendGridMailer
from policyctl.core.links import LinkKey, LinkPurpose
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName, OutboxState
from policyctl.core.notices.progress import duties
from policyctl.core.policy import VersionKey
from policyctl.testing.sendgrid import Answer as Scripted
from policyctl.testing.sendgrid import Fake, fake_sendgrid
from tests.actions.notify_scene import new_scene
from tests.adapters.mail_samples import part, read_back
from tests.core.notice_samples import ASKED, OFFERS, QUOTE, SENDER
from tests.web.choice_scene import (
    ASKED_SURVEY,
    BASE,
    MARKETING,
    SLUG,
    SURVEY,
    SURVEYS,
    fill,
    notices,
    publish,
)

V3 = VersionKey(SLUG, 3)
EFFECTIVE_AT = BASE + timedelta(days=5)
REACHED, LAST = EFFECTIVE_AT - timedelta(days=3), EFFECTIVE_AT - timedelta(days=1)
LEADS = (3, 1)
ADA, BOB, U1, U2, U3 = (
    "ada@acme.example.org", "bob@best.example.org", "u1@example.org", "u2@example.org", "u3@example.org"
)  # fmt: skip
URL = "https://privacy.example.com/choices"
LINKS = Links(URL, lambda: (LinkKey("one", bytes(range(32)), BASE),), days=730)


@dataclass(frozen=True)
class Reminded:
    """A reminder as a mail program has it."""

    to: str
    subject: str
    text: str
    headers: dict[str, str]
    category: str

    @property
    def stop(self) -> str:
        """The link of its List-Unsubscribe."""
        return self.headers["List-Unsubscribe"].strip("<>")


class Post(Protocol):
    """Where mails go, and the reminders among those that went."""

    now: datetime

    def open(self) -> FolderMailer | SendGridMailer:
        """A mailer for one run."""

    def reminders(self) -> list[Reminded]:
        """What went out since it was last asked."""


class Folder:
    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, BASE

    def open(self) -> FolderMailer:
        return FolderMailer(self.folder)

    def reminders(self) -> list[Reminded]:
        found = []
        for file in sorted(self.folder.glob("*.eml")):
            message = read_back(file.read_bytes())
            file.unlink()
            if message["List-Unsubscribe"]:
                found.append(_from_file(message))
        return found


def _from_file(message: EmailMessage) -> Reminded:
    to = message["To"].addresses[0].addr_spec
    headers = {name: str(value) for name, value in message.items()}
    return Reminded(to, str(message["Subject"]), part(message, "plain"), headers, "choice-reminder")


class SendGrid:
    def __init__(self, fake: Fake) -> None:
        self.fake, self.now = fake, BASE
        fake.clock = lambda: self.now

    def open(self) -> SendGridMailer:
        return SendGridMailer(self.fake.key, host=self.fake.url, timeout=httpx.Timeout(2))

    def reminders(self) -> list[Reminded]:
        taken, self.fake.taken = self.fake.taken, []
        found = []
        for body in taken:
            assert datetime.fromtimestamp(body["send_at"], tz=BASE.tzinfo) < EFFECTIVE_AT
            for one in body["personalizations"]:
                headers = body["headers"] | one["headers"]
                if "List-Unsubscribe" in headers:
                    assert body["mail_settings"]["bypass_unsubscribe_management"] == {"enable": False}
                    text = body["content"][0]["value"]
                    for tag, value in one.get("substitutions", {}).items():
                        text = text.replace(tag, value)
                    to, category = one["to"][0]["email"], body["categories"][0]
                    found.append(Reminded(to, body["subject"], text, headers, category))
        return found


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Two administrators and three users are owed notices that ask two questions, in three languages."""
    with new_scene(tmp_path) as opened:
        publish(opened, 1, (QUOTE,))
        publish(opened, 2, (QUOTE,))
        fill(opened)
        owed = notices()
        publish(opened, 3, (QUOTE, OFFERS, SURVEY), (ASKED, ASKED_SURVEY), owed)
        yield opened


@pytest.fixture(params=["folder", "sendgrid"])
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    if request.param == "folder":
        yield Folder(tmp_path / "mail")
    else:
        with fake_sendgrid() as fake:
            yield SendGrid(fake)


def run(
    ledger: Ledger, post: Post, at: datetime, *, links: Links | None = LINKS, days: Sequence[int] = LEADS
) -> Notified:
    """One ``policyctl notify`` at a moment."""
    post.now, mailer = at, post.open()
    try:
        return notify(at, ledger=ledger, mailer=mailer, sender=SENDER, links=links, remind_days=days)
    finally:
        mailer.close()


def nid_of(ledger: Ledger, address: str) -> str:
    """The id of the notice to an address."""
    who = address.partition("@")[0]
    name = {"ada": "acme", "bob": "best"}.get(who) or ledger.pseudonym(who)
    (found,) = [
        state.nid
        for state in ledger.addressee_states(V3)
        if state.addressee == name and state.kind is not NoticeKind.REMINDER
    ]
    return found


def answer(ledger: Ledger, address: str, *changes: str, at: datetime = BASE) -> None:
    for change in changes:
        assert ledger.inquiries.answer(nid_of(ledger, address), change, yes=False, newest=3, now=at)


def to_whom(found: Sequence[Reminded]) -> list[str]:
    return sorted(one.to for one in found)


def test_the_whole_story(ledger: Ledger, post: Post) -> None:
    """Told in time; some answer; the others are reminded twice, until they answer or stop it."""
    first = run(ledger, post, BASE)
    assert (first.accepted, first.reminders, post.reminders()) == (5, 0, [])
    answer(ledger, U1, MARKETING, SURVEYS)
    answer(ledger, U2, SURVEYS)
    for address in (ADA, BOB, U1, U2, U3):
        word = DeliveryName.BOUNCED if address == BOB else DeliveryName.DELIVERED
        ledger.record_deliveries([DeliveryEvent(nid_of(ledger, address), word, BASE)], now=BASE)
    owed = list(duties(ledger.progress(LAST)[-1]))
    assert len(owed) == 2, "one came back, and there is no other contact"
    assert run(ledger, post, REACHED - timedelta(hours=1)).accepted == 0

    second = run(ledger, post, REACHED)
    found = {one.to: one for one in post.reminders()}
    assert (second.accepted, second.reminders, set(found)) == (3, 3, {ADA, U2, U3})
    for one in found.values():
        assert one.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert one.stop.startswith(f"{URL}/reminders/")
        assert f"{URL}/answers/" in one.text
        assert one.category == "choice-reminder"
    assert "reminder, your answer is still open until" in found[ADA].subject
    assert "This is a reminder." in found[ADA].text
    assert "the account acme" in found[ADA].text
    assert "inviting you to surveys" in found[U3].text
    assert "inviting you to surveys" not in found[U2].text, "that was answered"
    assert len({one.stop for one in found.values()}) == 3
    assert (run(ledger, post, REACHED + timedelta(hours=2)).accepted, post.reminders()) == (0, [])

    link = LINKS.read(LinkPurpose.REMINDERS, found[U2].stop.rpartition("/")[2], REACHED)
    assert link
    assert ledger.inquiries.stop_reminders(link.nid, now=REACHED)
    assert run(ledger, post, LAST).accepted == 2
    assert to_whom(post.reminders()) == [ADA, U3]
    assert run(ledger, post, EFFECTIVE_AT).reminders == 0
    assert run(ledger, post, EFFECTIVE_AT + timedelta(days=2), days=(1,)).accepted == 0
    assert list(duties(ledger.progress(LAST)[-1])) == owed, "a reminder is no duty, and meets none"
    assert ledger.first_bad_entry() is None


def test_it_is_shown_before_it_is_planned_and_planned_by_nobody_who_looks(ledger: Ledger, post: Post) -> None:
    run(ledger, post, BASE)
    run(ledger, post, BASE + timedelta(hours=1))  # what was scheduled has left
    plan = plan_notify(ledger=ledger, sender=SENDER, links=LINKS, now=REACHED, remind_days=LEADS)
    assert [(one.version, one.of.value, one.lead_days, one.count) for one in plan.reminders] == [
        (V3, "revision", 3, 2),
        (V3, "choice", 3, 3),
    ]
    assert {count.kind for count in ledger.outbox_counts()} == {NoticeKind.REVISION, NoticeKind.CHOICE}


def test_without_links_that_stop_them_there_are_no_reminders(ledger: Ledger, post: Post) -> None:
    run(ledger, post, BASE, links=None)
    done = run(ledger, post, REACHED, links=None)
    assert (done.accepted, done.reminders, done.complete) == (0, 0, True)
    plan = plan_notify(ledger=ledger, sender=SENDER, now=REACHED, remind_days=LEADS)
    assert plan.reminders == ()


def test_one_that_was_planned_is_withheld_when_the_links_are_gone(ledger: Ledger, post: Post) -> None:
    run(ledger, post, BASE)
    run(ledger, post, BASE + timedelta(hours=1))
    ledger.add_reminders(REACHED, LEADS)
    done = run(ledger, post, REACHED, links=None)
    assert (done.accepted, {one.kind for one in done.withheld}) == (0, {NoticeKind.REMINDER})
    assert all("link that stops reminders" in one.reason for one in done.withheld)
    plan = plan_notify(ledger=ledger, sender=SENDER)
    assert {(one.kind, one.reason) for one in plan.withheld} == {
        (one.kind, one.reason) for one in done.withheld
    }
    assert run(ledger, post, REACHED + timedelta(hours=1)).accepted == 5


def test_who_answers_or_stops_before_it_leaves_gets_none(ledger: Ledger, post: Post) -> None:
    run(ledger, post, BASE)
    run(ledger, post, BASE + timedelta(hours=1))
    ledger.add_reminders(REACHED, LEADS)  # as a run that was cut off then and there
    answer(ledger, U1, MARKETING, SURVEYS, at=REACHED)
    answer(ledger, U3, MARKETING, at=REACHED)
    ledger.inquiries.stop_reminders(nid_of(ledger, ADA), now=REACHED)
    ledger.erase_addresses("customer", "best", now=REACHED)
    done = run(ledger, post, REACHED + timedelta(hours=1))
    found = {one.to: one for one in post.reminders()}
    assert (done.accepted, done.rejected, set(found)) == (2, 0, {U2, U3})
    assert "a business partner" not in found[U3].text, "the question of the offers was answered"
    assert "a business partner" in found[U2].text
    assert sum(ledger.progress(LAST)[-1].groups(NoticeKind.REMINDER).values()) == 2


def test_no_reminder_leaves_on_the_effective_date_or_later(ledger: Ledger, post: Post) -> None:
    run(ledger, post, BASE)
    run(ledger, post, BASE + timedelta(hours=1))
    ledger.add_reminders(LAST, LEADS)
    held_back = isinstance(post, SendGrid)
    done = run(ledger, post, EFFECTIVE_AT - timedelta(minutes=20))
    assert done.accepted == (0 if held_back else 5), "SendGrid would release it after midnight"
    assert len(post.reminders()) == done.accepted
    late = run(ledger, post, EFFECTIVE_AT + timedelta(minutes=1))
    assert (late.accepted, late.complete) == (0, True)


def test_a_test_and_a_look_at_the_newest_notices_leave_reminders_out(ledger: Ledger, post: Post) -> None:
    run(ledger, post, BASE)
    run(ledger, post, BASE + timedelta(hours=1))
    before = list(newest_notices(ledger, SLUG))
    assert ledger.add_reminders(REACHED, LEADS) == 5
    assert list(newest_notices(ledger, SLUG)) == before


def test_in_doubt_with_sendgrid_a_reminder_is_cancelled_and_looked_at_again(ledger: Ledger) -> None:
    with fake_sendgrid() as fake:
        post = SendGrid(fake)
        run(ledger, post, BASE)
        answer(ledger, U1, MARKETING, SURVEYS)
        fake.taken = []
        fake.script = [Scripted(fault="close-after")]
        done = run(ledger, post, REACHED)
        assert (done.accepted, done.in_doubt) == (4, 0)
        assert fake.delivered() == Counter(dict.fromkeys((ADA, BOB, U2, U3), 1))
        assert [chunk.reason for chunk in ledger.chunks(OutboxState.VOID)] == [
            "cancelled, as it was in doubt"
        ]


class Flaky:
    """A mailer at the edge of the machine that takes one mail at a time, and some only the second time."""

    name = "flaky"
    resend_is_safe = False

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.broken = False

    def send(self, mail: Mail) -> Outcome:
        if self.broken:
            return NotSent("refused")
        self.sent.append(mail)
        return Accepted("ok")

    def close(self) -> None:
        """Nothing is held open."""


def test_what_could_not_be_handed_over_is_not_sent_later_to_who_has_answered(ledger: Ledger) -> None:
    mailer = Flaky()

    def go(at: datetime) -> Notified:
        return notify(
            at, ledger=ledger, mailer=mailer, sender=SENDER, links=LINKS, remind_days=LEADS
        )  # fmt: skip

    go(BASE)
    mailer.sent, mailer.broken = [], True
    assert go(REACHED).postponed > 0
    answer(ledger, U1, MARKETING, SURVEYS, at=REACHED)
    mailer.broken = False
    assert go(REACHED + timedelta(hours=1)).accepted == 4
    assert {mail.to_address for mail in mailer.sent} == {ADA, BOB, U2, U3}
    assert all(mail.unsubscribe for mail in mailer.sent)
    assert [chunk.size for chunk in ledger.chunks(OutboxState.MOOT)] == [1]
