# SPDX-License-Identifier: Apache-2.0
"""A ledger with a published change, two customers and three users; run as a script, it notifies once."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from policyctl.actions.mailing.notify import notify
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.adapters.mail.smtp import SmtpMailer, SmtpServer
from policyctl.core.notices.outbox import PlannedNotice
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.records import CustomerRow, PendingChange, SubjectRow, TagRow, VersionRecord
from policyctl.errors import Place
from tests.core.notice_samples import ASKED, OFFERS, QUOTE, SENDER, TAXONOMY, planned
from tests.ledgers import new_ledger

KEY = bytes(range(32))
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
PLACE = Place("rows.csv", 2)
SLUG = "example-fax"
PEOPLE = {"ada@acme.example.org", "bob@best.example.org", "u1@example.org", "u2@example.org"}
"""Who is owed a mail: two administrators, and of three users those whose data the change reaches."""


def new_scene(folder: Path) -> Ledger:
    """An empty ledger."""
    return new_ledger(folder / "ledger.db", key=KEY, taxonomy=TAXONOMY)


def open_scene(folder: Path) -> Ledger:
    return open_ledger(f"sqlite:///{folder / 'ledger.db'}", key=KEY, taxonomy=TAXONOMY)


def publish(ledger: Ledger, notices: tuple[PlannedNotice, ...] | None = None) -> None:
    """Versions 1 to 3 on record, the third with its notices."""
    for number in (1, 2, 3):
        key = VersionKey(SLUG, number)
        record = VersionRecord(
            key=key,
            title="Example Fax Privacy Policy",
            change_class=ChangeClass.CHOICE if number == 3 else ChangeClass.EDITORIAL,
            published_at=NOW - timedelta(days=100 * (3 - number)),
            effective_at=NOW - timedelta(days=100 * (3 - number) - 45),
            commit=f"{number:040x}",
            text_sha256=f"{number:064x}",
            practices=(QUOTE, OFFERS) if number == 3 else (QUOTE,),
            changes=(PendingChange(ASKED.name, key, ASKED.practice, ASKED.mode, 30),) if number == 3 else (),
        )
        if number == 3:
            fill(ledger)
        owed = (planned() if notices is None else notices) if number == 3 else ()
        ledger.record_version(record, owed, now=NOW)


def fill(ledger: Ledger) -> None:
    """Customers, users and their data, all from before the third version."""
    ledger.import_customers(
        [
            CustomerRow(PLACE, "acme", "Acme", "ada@acme.example.org", "Ada Example", "en"),
            CustomerRow(PLACE, "best", "Best", "bob@best.example.org", "Bob, of Best", "de"),
        ],
        now=NOW,
    )
    known = NOW - timedelta(days=120)
    ledger.import_subjects(
        [SubjectRow(PLACE, f"u{n}", "acme", f"u{n}@example.org", "en", known) for n in (1, 2, 3)], now=NOW
    )
    collected = NOW - timedelta(days=40)
    ledger.import_tags(
        [
            TagRow(PLACE, f"u{n}", category, "quote-form", collected, SLUG)
            for n, category in ((1, "user.contact.email"), (2, "user.contact"), (3, "user.device"))
        ],
        now=NOW,
    )


def main(folder: str, port: str) -> None:
    """One run of ``notify`` as a process of its own: into a folder, or to a server on ``port``."""
    mailer = (
        SmtpMailer(SmtpServer("127.0.0.1", int(port), timeout=5))
        if port
        else FolderMailer(Path(folder) / "mail")
    )
    with open_scene(Path(folder)) as ledger:
        done = notify(NOW + timedelta(hours=1), ledger=ledger, mailer=mailer, sender=SENDER)
    print(done.accepted, done.postponed, done.rejected, done.in_doubt)  # noqa: T201 - read by the test


if __name__ == "__main__":
    main(*sys.argv[1:])
