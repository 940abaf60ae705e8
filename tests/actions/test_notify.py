# SPDX-License-Identifier: Apache-2.0
"""Sending what is owed: once, to whom it is owed, with all it must say, however runs end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from policyctl.actions.mailing.notify import Trial, notify, plan_notify, send_test
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.adapters.mail.interface import Accepted, Mail, NotSent, Outcome, Rejected, Stopped, Unknown
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import PlannedNotice
from policyctl.errors import CannotCompareError, RefusedError
from policyctl.faults import KILLED
from tests.actions.notify_scene import NOW, PEOPLE, SLUG, new_scene, publish
from tests.adapters.mail_samples import part, read_back
from tests.adapters.test_mail_smtp import Mailbox, free_port
from tests.core.notice_samples import NEW_TEXT, SENDER, V3, planned


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with new_scene(tmp_path) as opened:
        publish(opened)
        yield opened


def states(ledger: Ledger) -> dict[tuple[str, str], int]:
    return {(count.kind.value, count.state): count.count for count in ledger.outbox_counts()}


def mails(folder: Path) -> list[EmailMessage]:
    return [read_back(file.read_bytes()) for file in sorted(folder.glob("*.eml"))]


def sent_to(messages: list[EmailMessage]) -> Counter[str]:
    return Counter(message["To"].addresses[0].addr_spec for message in messages)


ALL_ACCEPTED = {("revision", "accepted"): 2, ("choice", "accepted"): 2}


class Scripted:
    """A mailer at the edge of the machine: answers by a script, keeps what it was handed."""

    name = "scripted"
    resend_is_safe = False
    resend_after: timedelta | None = None

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> Outcome:
        self.sent.append(mail)
        return self.outcomes.pop(0) if self.outcomes else Accepted("ok")

    def close(self) -> None:
        """Nothing is held open."""


def test_a_sender_without_a_proper_address_loses_no_mail(ledger: Ledger, tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "mail")
    wrong = replace(SENDER, reply_to="answers at example.com")
    done = notify(NOW, ledger=ledger, mailer=mailer, sender=wrong)
    assert (done.accepted, done.rejected, len(done.withheld)) == (0, 0, 2)
    assert all("reply_to" in withheld.reason for withheld in done.withheld)
    assert notify(NOW + timedelta(hours=1), ledger=ledger, mailer=mailer, sender=SENDER).accepted == 4


def test_administrators_get_the_policy_as_a_file_and_users_do_not(ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    notify(
        NOW,
        ledger=ledger,
        mailer=FolderMailer(folder),
        sender=SENDER,
        printer=lambda html: b"%PDF-" + html.encode(),
    )
    files = {
        message["To"].addresses[0].addr_spec: [file.get_filename() for file in message.iter_attachments()]
        for message in mails(folder)
    }
    administrators = {address for address, names in files.items() if names}
    assert administrators == {"ada@acme.example.org", "bob@best.example.org"}
    assert {tuple(names) for names in files.values()} == {(), ("example-fax-v3.pdf",)}


def test_a_policy_that_cannot_be_printed_withholds_its_notice_and_leaves_no_mail_in_doubt(
    ledger: Ledger,
) -> None:
    def broken(_: str) -> bytes:
        raise RefusedError("the policy cannot be written as a PDF (RecursionError)")

    mailer = Scripted()
    done = notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER, printer=broken)
    assert [(one.kind, one.reason) for one in done.withheld] == [
        (NoticeKind.REVISION, "the policy cannot be written as a PDF (RecursionError)")
    ]
    assert (done.accepted, done.in_doubt) == (2, 0)
    assert {mail.category for mail in mailer.sent} == {"choice-notice"}


def test_everybody_who_is_owed_a_notice_gets_one_and_nobody_else(ledger: Ledger, tmp_path: Path) -> None:
    done = notify(NOW, ledger=ledger, mailer=FolderMailer(tmp_path / "mail"), sender=SENDER)
    assert (done.accepted, done.complete) == (4, True)
    assert sent_to(mails(tmp_path / "mail")) == Counter(dict.fromkeys(PEOPLE, 1))
    assert states(ledger) == ALL_ACCEPTED


def test_a_second_run_sends_nothing(ledger: Ledger, tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "mail")
    notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
    for file in (tmp_path / "mail").iterdir():
        file.unlink()  # as if they had been passed on
    again = notify(NOW + timedelta(days=1), ledger=ledger, mailer=mailer, sender=SENDER)
    assert (again.accepted, again.complete) == (0, True)
    assert mails(tmp_path / "mail") == []


def test_an_administrators_mail_holds_the_revised_policy_and_a_users_mail_the_choice(
    ledger: Ledger, tmp_path: Path
) -> None:
    notify(NOW, ledger=ledger, mailer=FolderMailer(tmp_path / "mail"), sender=SENDER)
    by_address = {message["To"].addresses[0].addr_spec: message for message in mails(tmp_path / "mail")}
    ada, bob, user = (
        by_address[who] for who in ("ada@acme.example.org", "bob@best.example.org", "u1@example.org")
    )
    assert NEW_TEXT.split("---\n", 2)[2].strip("\n") in part(ada, "plain")
    assert "administrator of the account acme" in part(ada, "plain")
    assert bob["Subject"].startswith("Example Fax Privacy Policy: Änderungen")
    assert bob["To"].addresses[0].display_name == "Bob, of Best"
    assert "your choice about a new use of your data" in user["Subject"]
    assert "[ No, do not use it in this way ]" in part(user, "plain")
    assert "acme" not in part(user, "plain")


def test_no_mail_leaves_without_its_mandatory_content_and_the_others_go_on(tmp_path: Path) -> None:
    revision, choice = planned()
    lacking = replace(choice.notice, choices=(replace(choice.notice.choices[0], collected_for=()),))
    with new_scene(tmp_path) as ledger:
        publish(ledger, (revision, PlannedNotice(lacking, choice.audience)))
        mailer = Scripted()
        done = notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
        assert {mail.to_address for mail in mailer.sent} == {"ada@acme.example.org", "bob@best.example.org"}
        (withheld,) = done.withheld
        assert (withheld.version, withheld.kind) == (V3, NoticeKind.CHOICE)
        assert "what it was collected for" in withheld.reason
        assert not done.complete
        assert states(ledger) == {("revision", "accepted"): 2, ("choice", "planned"): 2}
        assert plan_notify(ledger=ledger, sender=SENDER).withheld == done.withheld


def test_a_sender_without_a_postal_address_sends_nothing(ledger: Ledger) -> None:
    mailer = Scripted()
    done = notify(NOW, ledger=ledger, mailer=mailer, sender=replace(SENDER, postal_address=""))
    assert mailer.sent == []
    assert {one.kind for one in done.withheld} == {NoticeKind.REVISION, NoticeKind.CHOICE}
    later = notify(NOW + timedelta(minutes=1), ledger=ledger, mailer=mailer, sender=SENDER)
    assert later.accepted == 4, "mended in the settings, they leave"


def test_what_is_stopped_stops_the_run_and_keeps_the_queue(ledger: Ledger) -> None:
    mailer = Scripted(Accepted("1"), Stopped("the key may not send (403)"))
    done = notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
    assert (done.accepted, done.stopped) == (1, "the key may not send (403)")
    assert len(mailer.sent) == 2
    again = notify(NOW + timedelta(minutes=1), ledger=ledger, mailer=mailer, sender=SENDER)
    assert (again.accepted, again.complete) == (3, True)
    assert len({mail.nid for mail in mailer.sent}) == 4


def test_a_mailer_that_stops_gives_back_all_that_was_claimed(ledger: Ledger) -> None:
    for safe in (True, False):
        mailer = Scripted(Stopped("no"))
        mailer.resend_is_safe = safe
        notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
        assert sum(states(ledger).values()) == 4
        assert {state for _, state in states(ledger)} == {"planned", "paused"}
    assert notify(NOW, ledger=ledger, mailer=Scripted(), sender=SENDER).accepted == 4


def test_a_mail_in_doubt_is_never_sent_again_by_itself(ledger: Ledger) -> None:
    mailer = Scripted(Unknown("the line broke"))
    first = notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
    second = notify(NOW + timedelta(days=9), ledger=ledger, mailer=mailer, sender=SENDER)
    assert (first.accepted, first.in_doubt, second.accepted, second.in_doubt) == (3, 1, 0, 1)
    assert not second.complete
    assert len(mailer.sent) == len({mail.nid for mail in mailer.sent}) == 4


def test_a_mail_that_did_not_leave_is_sent_later_and_not_again_in_the_same_run(ledger: Ledger) -> None:
    mailer = Scripted(NotSent("busy"))
    first = notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
    assert (first.accepted, first.postponed) == (3, 1)
    second = notify(NOW + timedelta(seconds=5), ledger=ledger, mailer=mailer, sender=SENDER)
    assert (second.accepted, second.complete) == (1, True)


def test_a_wait_that_is_asked_for_is_kept(ledger: Ledger) -> None:
    mailer = Scripted(Accepted("1"), NotSent("SendGrid asks to wait (429)", 600.0))
    done = notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
    assert (done.accepted, done.retry_after, len(mailer.sent)) == (1, 600.0, 2)
    held_back = mailer.sent[1].nid
    early = notify(NOW + timedelta(seconds=599), ledger=ledger, mailer=mailer, sender=SENDER)
    assert early.accepted == 0
    due = notify(NOW + timedelta(seconds=661), ledger=ledger, mailer=mailer, sender=SENDER)
    assert due.accepted == 3
    assert [mail.nid for mail in mailer.sent].count(held_back) == 2


def test_a_mailer_that_is_down_is_not_hammered(ledger: Ledger) -> None:
    mailer = Scripted(*[NotSent("refused")] * 9)
    done = notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
    assert len(mailer.sent) == 3
    assert done.stopped
    assert sum(count for (_, state), count in states(ledger).items() if state == "planned") == 4


def test_one_bad_address_is_set_aside_and_the_rest_is_sent(ledger: Ledger) -> None:
    mailer = Scripted(Rejected("no such mailbox"))
    done = notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER)
    assert (done.accepted, done.rejected) == (3, 1)
    assert notify(NOW + timedelta(days=1), ledger=ledger, mailer=mailer, sender=SENDER).accepted == 0


def test_an_address_erased_after_planning_gets_nothing(ledger: Ledger) -> None:
    ledger.erase_addresses("subject", "u1", now=NOW)
    mailer = Scripted()
    assert notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER).accepted == 3
    assert {mail.to_address for mail in mailer.sent} == PEOPLE - {"u1@example.org"}


def test_only_the_policy_that_is_named_is_sent(ledger: Ledger) -> None:
    mailer = Scripted()
    assert notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER, slug="other").accepted == 0
    assert notify(NOW, ledger=ledger, mailer=mailer, sender=SENDER, slug=SLUG).accepted == 4


def test_progress_counts_every_mail(ledger: Ledger) -> None:
    seen: list[int] = []
    notify(NOW, ledger=ledger, mailer=Scripted(), sender=SENDER, progress=seen.append)
    assert seen == [1, 2, 3, 4]


def test_a_plan_lists_what_would_be_sent_and_sends_nothing(ledger: Ledger) -> None:
    plan = plan_notify(ledger=ledger, sender=SENDER)
    assert {(count.kind.value, count.state, count.count) for count in plan.owed} == {
        ("revision", "planned", 2),
        ("choice", "planned", 2),
    }
    assert plan.withheld == ()
    assert states(ledger) == {("revision", "planned"): 2, ("choice", "planned"): 2}


def test_a_test_goes_to_one_address_and_leaves_the_outbox_alone(ledger: Ledger, tmp_path: Path) -> None:
    before = states(ledger)
    mailer = FolderMailer(tmp_path / "mail")
    tested = send_test(NOW, "me@example.com", ledger=ledger, mailer=mailer, sender=SENDER)
    assert [(one.version, one.kind, type(one.outcome)) for one in tested] == [
        (V3, NoticeKind.REVISION, Accepted),
        (V3, NoticeKind.CHOICE, Accepted),
    ]
    messages = mails(tmp_path / "mail")
    assert sent_to(messages) == Counter({"me@example.com": 2})
    assert all(message["Subject"].startswith("[TEST] ") for message in messages)
    assert states(ledger) == before
    send_test(NOW + timedelta(seconds=1), "me@example.com", ledger=ledger, mailer=mailer, sender=SENDER)
    assert len(mails(tmp_path / "mail")) == 4, "a second test is a mail of its own"


def test_a_test_needs_a_notice_that_may_be_sent(ledger: Ledger) -> None:
    with pytest.raises(CannotCompareError):
        send_test(NOW, "me@example.com", ledger=ledger, mailer=Scripted(), sender=SENDER, slug="other")
    with pytest.raises(RefusedError, match="postal address"):
        send_test(
            NOW, "me@example.com", ledger=ledger, mailer=Scripted(), sender=replace(SENDER, postal_address="")
        )


def test_a_test_to_no_address_is_rejected(ledger: Ledger, tmp_path: Path) -> None:
    mailer = FolderMailer(tmp_path / "mail")
    tested = send_test(NOW, "me\r\nBcc: you@example.com", ledger=ledger, mailer=mailer, sender=SENDER)
    assert {type(one.outcome) for one in tested} == {Rejected}
    assert isinstance(tested[0], Trial)
    assert mails(tmp_path / "mail") == []


# --- processes that die


def run_once(folder: Path, port: int | None = None, fault: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.actions.notify_scene", str(folder), str(port or "")],
        env={**os.environ, "POLICYCTL_FAULT": fault},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "step",
    ["notify.claimed", "mail.folder.half", "mail.folder.renamed", "notify.sent", "notify.settled"],
)  # fmt: skip
def test_killed_at_any_step_into_a_folder_everybody_still_gets_one_mail(
    ledger: Ledger, tmp_path: Path, step: str
) -> None:
    assert run_once(tmp_path, fault=step).returncode == KILLED
    done = run_once(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert sent_to(mails(tmp_path / "mail")) == Counter(dict.fromkeys(PEOPLE, 1))
    assert states(ledger) == ALL_ACCEPTED
    assert {file.suffix for file in (tmp_path / "mail").iterdir()} == {".eml"}


@pytest.mark.parametrize(
    ("step", "arrived", "doubtful"),
    [("notify.claimed", 3, 1), ("notify.sent", 4, 1), ("notify.settled", 4, 1)],
)
def test_killed_at_any_step_over_smtp_nobody_gets_two_and_what_is_in_doubt_is_shown(
    ledger: Ledger, tmp_path: Path, step: str, arrived: int, doubtful: int
) -> None:
    mailbox = Mailbox()
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        assert run_once(tmp_path, server.port, step).returncode == KILLED
        done = run_once(tmp_path, server.port)
        again = run_once(tmp_path, server.port)
    finally:
        server.stop()
    taken = Counter(address for _, envelope in mailbox.taken for address in envelope.rcpt_tos)
    assert set(taken.values()) == {1}
    assert len(taken) == arrived
    assert done.stdout.split()[3] == again.stdout.split()[3] == str(doubtful)
    assert sum(count for (_, state), count in states(ledger).items() if state == "accepted") == 4 - doubtful


def test_two_runs_at_once_send_each_mail_once(ledger: Ledger, tmp_path: Path) -> None:
    mailbox = Mailbox()
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        command = [sys.executable, "-m", "tests.actions.notify_scene", str(tmp_path), str(server.port)]
        runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        outputs = [run.communicate()[0] for run in runs]
    finally:
        server.stop()
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert sum(int(output.split()[0]) for output in outputs) == 4
    taken = Counter(address for _, envelope in mailbox.taken for address in envelope.rcpt_tos)
    assert taken == Counter(dict.fromkeys(PEOPLE, 1))
    assert states(ledger) == ALL_ACCEPTED
