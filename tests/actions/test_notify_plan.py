# SPDX-License-Identifier: Apache-2.0
"""Before anything is sent: who is written to and why, who is held, and by how many days it is late."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from policyctl.actions.mailing.notify import notify
from policyctl.actions.mailing.plan import NoticePlan, plan_notices
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import Audience
from policyctl.core.notices.reach import Reason, Timing, addressees
from policyctl.core.policy import VersionKey
from policyctl.core.records import SubjectRow, TagRow
from policyctl.reports.notices.notices_v1 import notices_json, notices_text
from policyctl.wiring import standards
from tests.actions.notify_scene import NOW, PLACE, SLUG, new_scene, publish
from tests.adapters.ledger_samples import CONTACT, customer, owed, practice, subject, tag, version
from tests.adapters.ledger_samples import KEY as SAMPLE_KEY
from tests.adapters.ledger_samples import TAXONOMY as SAMPLE_TAXONOMY
from tests.cli.run import schema
from tests.core.notice_samples import SENDER

R = Reason


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with new_scene(tmp_path) as opened:
        publish(opened)
        yield opened


def plans(ledger: Ledger, after: timedelta = timedelta()) -> dict[NoticeKind, NoticePlan]:
    found = plan_notices(NOW + after, ledger=ledger, standards=standards(), sender=SENDER)
    return {plan.kind: plan for plan in found}


def test_everybody_has_a_reason_and_the_unreachable_are_held(ledger: Ledger, tmp_path: Path) -> None:
    known = NOW - timedelta(days=120)
    ledger.import_subjects([SubjectRow(PLACE, "mute", "acme", None, "en", known)], now=NOW)
    collected = NOW - timedelta(days=110)
    ledger.import_tags([TagRow(PLACE, "mute", "user.contact", "form", collected, SLUG)], now=NOW)
    ledger.erase_addresses("customer", "best", now=NOW)
    before = hashlib.sha256((tmp_path / "ledger.db").read_bytes()).hexdigest()
    found = plans(ledger)
    assert found[NoticeKind.REVISION].groups == {R.ADMINISTRATOR: 1, R.NO_ADMINISTRATOR: 1}
    assert found[NoticeKind.CHOICE].groups == {R.DATA: 2, R.NO_ADDRESS: 1}
    assert found[NoticeKind.CHOICE].to_send == 2
    assert found[NoticeKind.CHOICE].categories
    text = notices_text(tuple(found.values()))
    assert "1 person: held: reached by the change, and no address is on record" in text
    assert "1 customer: held: no administrator's address is on record" in text
    schema("notices").validate(notices_json(tuple(found.values())))
    assert hashlib.sha256((tmp_path / "ledger.db").read_bytes()).hexdigest() == before
    assert "@" not in text.replace(f"{SLUG}@v3", "")


def test_what_was_handed_over_is_not_planned_any_more(ledger: Ledger, tmp_path: Path) -> None:
    notify(NOW, ledger=ledger, mailer=FolderMailer(tmp_path / "mail"), sender=SENDER)
    assert plans(ledger) == {}
    assert notices_text(()) == "no notice is to be sent\nnothing was done (--plan)\n"


@pytest.mark.parametrize(
    ("leaves", "late"), [("2026-12-01", 0), ("2026-12-02", 0), ("2026-12-03", 1), ("2027-01-05", 34)]
)
def test_late_is_counted_from_the_last_day_of_the_lead_time(leaves: str, late: int) -> None:
    timing = Timing(date.fromisoformat(leaves), date(2027, 1, 1), 30)
    assert (timing.due, timing.late_days) == (date(2026, 12, 2), late)


def test_a_late_notice_says_by_how_much_and_keeps_its_dates(ledger: Ledger) -> None:
    on_the_day = plans(ledger)[NoticeKind.REVISION].timing
    late = on_the_day.effective + timedelta(days=3)
    plan = plans(ledger, after=late - NOW.date())[NoticeKind.REVISION]
    assert plan.timing == replace(on_the_day, leaves=late)
    assert plan.timing.late_days == on_the_day.lead_days + 3
    assert f"LATE by {on_the_day.lead_days + 3} days" in notices_text((plan,))


# Who came since it was published


@pytest.fixture
def upcoming(ledger_url: str) -> Iterator[Ledger]:
    """v1 holds; v2, published, takes effect in a month."""
    first = version(1, "2026-01-01", practice("account", "service"))
    with open_ledger(ledger_url, key=SAMPLE_KEY, taxonomy=SAMPLE_TAXONOMY) as opened:
        opened.record_version(first, (), now=NOW)
        opened.import_customers([customer("acme")], now=NOW)
        second = replace(
            version(2, "2026-11-01", practice("account", "service")),
            effective_at=NOW + timedelta(days=30),
        )
        opened.record_version(second, owed(second, CONTACT), now=NOW)
        yield opened


V2 = VersionKey("fax", 2)


def test_whoever_comes_under_the_old_version_before_the_new_one_holds_is_told(upcoming: Ledger) -> None:
    upcoming.import_customers([customer("bolt")], now=NOW)
    upcoming.import_subjects([subject("u1", "bolt")], now=NOW)
    upcoming.import_tags([tag("u1", "2026-11-30")], now=NOW)
    kinds = {row[1] for row in upcoming.nids(V2)}
    new = {kind: upcoming.newcomers(V2, NoticeKind(kind), NOW) for kind in ("revision", "choice")}
    assert (kinds, new) == ({"revision"}, {"revision": 1, "choice": 1})
    assert upcoming.enqueue_upcoming(NOW) == 2
    assert upcoming.enqueue_upcoming(NOW) == 0
    assert {row[3] for row in upcoming.nids(V2) if row[1] == "revision"} == {"acme", "bolt"}


def test_whoever_comes_later_is_not(upcoming: Ledger) -> None:
    later = NOW + timedelta(days=31)
    upcoming.import_customers([customer("bolt")], now=later)
    assert upcoming.newcomers(V2, NoticeKind.REVISION, later) == 0
    assert upcoming.enqueue_upcoming(later) == 0


def test_a_recalled_notice_gets_no_newcomers(upcoming: Ledger) -> None:
    upcoming.cancel(V2, now=NOW)
    upcoming.import_customers([customer("bolt")], now=NOW)
    assert upcoming.newcomers(V2, NoticeKind.REVISION, NOW) == 0
    assert upcoming.enqueue_upcoming(NOW) == 0


def test_everybody_is_counted_for_one_reason_and_as_many_as_are_written_to(upcoming: Ledger) -> None:
    upcoming.import_subjects(
        [
            subject("data", "acme"),
            subject("bound", "acme"),
            replace(subject("mute", "acme"), email=None),
            subject("stranger", since=None),
        ],
        now=NOW,
    )
    upcoming.import_tags([tag("data", "2026-02-01"), tag("mute", "2026-02-01")], now=NOW)
    upcoming.accept("bound", VersionKey("fax", 1), NOW - timedelta(days=90), now=NOW)
    anybody, touched = Audience("subjects"), Audience("subjects", (CONTACT,))
    groups = upcoming.audience_groups(V2, [anybody, touched])
    assert groups[anybody] == {R.DATA: 1, R.BOUND: 1, R.NO_ADDRESS: 1}
    assert groups[touched] == {R.DATA: 1, R.NO_ADDRESS: 1}
    assert upcoming.audience_counts(V2, [anybody]) == {anybody: addressees(groups[anybody])} == {anybody: 2}
