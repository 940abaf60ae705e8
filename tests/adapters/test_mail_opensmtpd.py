# SPDX-License-Identifier: Apache-2.0
"""Mails through a real mail server, and what it reports of each read back into the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl.actions.mailing.events import read_reports
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.dsn import Maildir
from policyctl.adapters.mail.interface import Accepted
from policyctl.adapters.mail.smtp import SmtpMailer, SmtpServer
from tests.adapters.ledger_samples import SERVICE, customer, day, owed, practice, version
from tests.adapters.mail_samples import mail, read_back
from tests.ledgers import new_ledger
from tests.peers.opensmtpd import REPORTS, MailServer

pytestmark = pytest.mark.peer("opensmtpd")

NOW = day("2126-11-01")  # later than any report's arrival: the server has a clock of its own
V1 = version(1, "2026-01-01", practice("service", SERVICE))
V2 = version(2, "2026-03-01", practice("service", SERVICE))
MAILS, GONE = 120, 3  # more than the hundred that the server takes in one session


def test_what_arrives_is_reported_delivered_and_what_does_not_bounced(
    opensmtpd: MailServer, tmp_path: Path
) -> None:
    with new_ledger(tmp_path / "ledger.db") as ledger:
        addresses = owed_to(ledger)
        mailer = SmtpMailer(SmtpServer("127.0.0.1", opensmtpd.port, bounces=REPORTS))
        sent = [mailer.send(mail(nid=nid, to_address=address)) for nid, address in addresses.items()]
        mailer.close()
        assert all(isinstance(outcome, Accepted) for outcome in sent)
        assert opensmtpd.until(lambda: len(opensmtpd.new("reports")) == MAILS), opensmtpd.log.read_text()
        reports = Maildir(opensmtpd.folder / "reports")
        done = read_reports(reports, ledger=ledger, now=NOW)
        assert (done.mails, done.added, done.repeated, done.aside) == (MAILS, MAILS, 0, ())
        assert states(ledger) == {"delivered": MAILS - GONE, "bounced": GONE}
        assert read_reports(reports, ledger=ledger, now=NOW).mails == 0
    arrived = [read_back(file.read_bytes()) for file in opensmtpd.folder.glob("user*/new/*")]
    assert len(arrived) == MAILS - GONE
    assert len({message["Message-ID"] for message in arrived}) == MAILS - GONE


def owed_to(ledger: Ledger) -> dict[str, str]:
    """The address for each nid of a notice to the administrators of many customers, some of them gone."""
    ledger.record_version(V1, (), now=NOW)
    rows = [
        customer(f"c{n}", admin_email=f"user{n}@{'gone.example.org' if n < GONE else 'example.net'}")
        for n in range(MAILS)
    ]
    ledger.import_customers(rows, now=NOW)
    ledger.record_version(V2, owed(V2)[:1], now=NOW)
    by_name = {row.customer: row.admin_email for row in rows}
    return {nid: by_name[who] for nid, _, _, who in ledger.nids(V2.key)}


def states(ledger: Ledger) -> dict[str, int]:
    return {count.state: count.count for count in ledger.outbox_counts()}
