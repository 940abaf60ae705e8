# SPDX-License-Identifier: Apache-2.0
"""One person erased out of a ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from policyctl.actions.notify import notify
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.checking import open_record
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.core.custody import Erasure, Scrub
from policyctl.core.records import Answer
from policyctl.core.use.decision import UseAnswer, UseRequest, decide
from policyctl.errors import UsageError
from tests.actions.notify_scene import NOW, PEOPLE, publish
from tests.actions.notify_scene import TAXONOMY as NOTIFIED
from tests.adapters.ledger_samples import (
    EMAIL,
    KEY,
    SERVICE,
    TAXONOMY,
    choice,
    customer,
    subject,
    tag,
)
from tests.adapters.test_ledger_contract import V1, V2
from tests.core.notice_samples import SENDER


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """u1 stands with acme and with bolt; both have tags, a choice and an address."""
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.upgrade()
        opened.record_version(V1, (), now=NOW)
        opened.record_version(V2, (), now=NOW)
        opened.import_customers([customer("acme"), customer("bolt")], now=NOW)
        for name in ("acme", "bolt"):
            opened.import_subjects([subject("u1")], now=NOW, within=name)
            opened.import_tags([tag("u1", "2026-02-01", record="form")], now=NOW, within=name)
            said = [choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")]
            opened.import_choices(said, now=NOW, within=name)
        yield opened


def ask(ledger: Ledger, name: str) -> UseAnswer:
    request = UseRequest(subject="u1", category=EMAIL, purpose=SERVICE, at=NOW, customer=name)
    return decide(request, ledger.facts_for(request)).answer


def flaws(url: str) -> list[str]:
    with open_record(url) as record:
        return [flaw.message for flaw in record.through().flaws]


def test_the_one_is_erased_and_his_namesake_stays(ledger: Ledger, database_url: str) -> None:
    assert (ask(ledger, "acme"), ask(ledger, "bolt")) == (UseAnswer.PERMITTED, UseAnswer.PERMITTED)
    before = ledger.custody.would_erase("u1", customer="acme")
    done, scrub = ledger.custody.erase("u1", now=NOW, customer="acme")
    assert done == before == Erasure(known=True, addresses=1, names=1)
    assert not scrub.waits
    assert (ask(ledger, "acme"), ask(ledger, "bolt")) == (UseAnswer.UNDECIDED, UseAnswer.PERMITTED)
    assert ledger.choices_of("u1", customer="acme", limit=9) == []
    assert len(ledger.choices_of("u1", customer="bolt", limit=9)) == 1
    assert flaws(database_url) == []


def test_whose_is_meant_must_be_said_where_several_have_the_id(ledger: Ledger) -> None:
    for act in (ledger.custody.would_erase, lambda who: ledger.custody.erase(who, now=NOW)):
        with pytest.raises(UsageError, match="several customers"):
            act("u1")
    assert ask(ledger, "acme") is UseAnswer.PERMITTED


def test_nobody_is_erased_twice(ledger: Ledger) -> None:
    ledger.custody.erase("u1", now=NOW, customer="acme")
    heads = ledger.heads()
    assert ledger.custody.erase("u1", now=NOW, customer="acme") == (Erasure(known=False), Scrub())
    assert ledger.heads() == heads


def test_what_is_still_owed_to_the_erased_is_not_sent(database_url: str, tmp_path: Path) -> None:
    with open_ledger(database_url, key=KEY, taxonomy=NOTIFIED) as opened:
        opened.upgrade()
        publish(opened)
        done, _ = opened.custody.erase("u1", now=NOW)
        assert (done.withheld, done.under_way) == (1, 0)
        for day in (0, 1):  # nor is it found and sent later
            notify(NOW + timedelta(days=day), ledger=opened, mailer=FolderMailer(tmp_path), sender=SENDER)
    mails = "".join(path.read_text("utf-8") for path in tmp_path.glob("*.eml"))
    assert {who for who in PEOPLE if f"<{who}>" in mails or f"To: {who}" in mails} == PEOPLE - {
        "u1@example.org"
    }
