# SPDX-License-Identifier: Apache-2.0
"""A server that hangs up after the final dot: the mail is sent once more, and only if no report comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from policyctl.actions.mailing.events import read_reports
from policyctl.actions.mailing.notify import Notified, notify
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.dsn import Maildir
from policyctl.adapters.mail.smtp import SmtpMailer, SmtpServer
from policyctl.core.policy import VersionKey
from tests.actions.notify_scene import NOW, PEOPLE, SLUG, new_scene, publish
from tests.adapters.report_samples import block, maildir, report
from tests.adapters.test_mail_smtp import Mailbox, serving
from tests.core.notice_samples import SENDER

WAIT = timedelta(hours=24)
DOUBTFUL = "u1@example.org"


class Moody(Mailbox):
    """Takes every mail; after those to one addressee it hangs up, as often as it is told to."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        answer = await super().handle_DATA(server, session, envelope)
        if DOUBTFUL in envelope.rcpt_tos and self.times:
            self.times -= 1
            server.transport.abort()
        return answer

    def ids(self) -> Counter[tuple[str, str]]:
        """How often each mail came: addressee and Message-ID."""
        return Counter(
            (envelope.rcpt_tos[0], str(message_from_bytes(envelope.content)["Message-ID"]))
            for _, envelope in self.taken
        )


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with new_scene(tmp_path) as opened:
        publish(opened)
        yield opened


def run(ledger: Ledger, server: SmtpServer, after: timedelta, wait: timedelta | None = WAIT) -> Notified:
    mailer = SmtpMailer(replace(server, bounces="bounces@example.com", resend_after=wait))
    try:
        return notify(NOW + after, ledger=ledger, mailer=mailer, sender=SENDER)
    finally:
        mailer.close()


def state_of(ledger: Ledger, who: str = "u1") -> str:
    (found,) = (
        row.stands
        for row in ledger.addressee_states(VersionKey(SLUG, 3))
        if row.addressee == ledger.pseudonym(who)
    )
    return found


def test_without_a_report_it_is_sent_once_more_after_the_wait_with_the_same_message_id(
    ledger: Ledger,
) -> None:
    server_side = Moody(times=1)
    with serving(server_side) as server:
        assert run(ledger, server, timedelta()).in_doubt == 1
        assert run(ledger, server, WAIT - timedelta(minutes=1)).accepted == 0
        assert run(ledger, server, WAIT).complete
        assert run(ledger, server, 9 * WAIT).accepted == 0
    ids = server_side.ids()
    assert {address: count for (address, _), count in ids.items()} == {
        **dict.fromkeys(PEOPLE, 1),
        DOUBTFUL: 2,
    }
    assert state_of(ledger) == "accepted"


@pytest.mark.parametrize("action", ["delivered", "delayed", "failed"])
def test_a_report_says_that_it_was_taken_and_it_is_not_sent_again(
    ledger: Ledger, tmp_path: Path, action: str
) -> None:
    server_side = Moody(times=1)
    with serving(server_side) as server:
        run(ledger, server, timedelta())
        (nid,) = (row.nid for row in ledger.addressee_states(VersionKey(SLUG, 3)) if row.stands == "unknown")
        box = Maildir(maildir(tmp_path / "box", report(block(action), to=f"bounces+{nid}@example.com")))
        assert read_reports(box, ledger=ledger, now=NOW + WAIT / 2).added == 1
        assert run(ledger, server, 2 * WAIT).in_doubt == 0
    assert set(server_side.ids().values()) == {1}
    assert state_of(ledger) == {"delivered": "delivered", "delayed": "deferred", "failed": "bounced"}[action]


def test_a_second_doubt_is_left_to_a_person(ledger: Ledger) -> None:
    server_side = Moody(times=9)
    with serving(server_side) as server:
        for days in range(6):
            done = run(ledger, server, days * WAIT)
    assert sum(server_side.ids().values()) == len(PEOPLE) + 1
    assert (done.accepted, done.in_doubt) == (0, 1)
    assert state_of(ledger) == "held"


def test_where_nothing_is_to_be_sent_twice_it_waits_for_its_report_for_good(ledger: Ledger) -> None:
    server_side = Moody(times=1)
    with serving(server_side) as server:
        for days in range(3):
            done = run(ledger, server, days * WAIT, wait=None)
    assert (done.in_doubt, set(server_side.ids().values())) == (1, {1})
