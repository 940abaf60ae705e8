# SPDX-License-Identifier: Apache-2.0
"""One person erased out of a ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from policyctl.actions.custody.sending import anchors_outside, why_not
from policyctl.actions.mailing.notify import notify
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.checking import open_record
from policyctl.adapters.ledger.custody.erasures import ErasureList
from policyctl.adapters.ledger.sharding.shards import Shards, open_one, open_shards
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.adapters.tables import METADATA
from policyctl.core.custody import Erasure, Scrub
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.policy import VersionKey
from policyctl.core.proof.heads import Anchor
from policyctl.core.records import Answer
from policyctl.core.retention import before
from policyctl.core.use.decision import UseAnswer, UseRequest, decide
from policyctl.errors import IntegrityError, UsageError
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


_COUNT = """
import sys, sqlalchemy
with sqlalchemy.create_engine(sys.argv[1]).connect() as connection:
    print(connection.exec_driver_sql("SELECT count(*) FROM tag_1").scalar())
"""


def count_elsewhere(ledger: Ledger) -> int:
    """How many tags another program sees, which opens the ledger and ends."""
    url = ledger._engine.url.render_as_string(hide_password=False)
    found = subprocess.run([sys.executable, "-c", _COUNT, url], capture_output=True, check=True)
    return int(found.stdout)


def test_what_is_written_after_an_erasure_is_there_for_other_programs(ledger: Ledger) -> None:
    # The search of the file must not take SQLite's locks away, or the other program's end removes the log.
    ledger.custody.erase("u1", now=NOW, customer="acme")
    before = count_elsewhere(ledger)
    ledger.import_tags([tag("u1", "2026-02-02", record="later")], now=NOW, within="bolt")
    assert count_elsewhere(ledger) == before + 1


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


# Proof that was kept long enough


def held(ledger: Ledger, table: str) -> int:
    with ledger._engine.connect() as connection:
        return int(
            connection.execute(sa.select(sa.func.count()).select_from(METADATA.tables[table])).scalar_one()
        )


def test_proof_goes_a_period_after_the_data_and_leaves_a_record(ledger: Ledger, database_url: str) -> None:
    ledger.custody.erase("u1", now=NOW, customer="acme")
    rule, early, late = "retention: kept for P3Y", NOW - timedelta(seconds=1), NOW
    assert ledger.custody.would_prune(early) == ledger.custody.prune(early, rule, now=NOW)
    assert (held(ledger, "choice"), held(ledger, "admission")) == (2, 2)
    heads = ledger.heads()
    planned = ledger.custody.would_prune(late)
    assert (planned.people, dict(planned.rows)["choice"], dict(planned.rows)["admission"]) == (1, 1, 1)
    assert held(ledger, "choice") == 2, "a plan does nothing"
    assert ledger.custody.prune(late, rule, now=NOW) == planned
    assert (held(ledger, "choice"), held(ledger, "admission")) == (1, 1)
    with open_record(database_url) as record:
        looked = record.through([Anchor("a mail", head) for head in heads])
    assert looked.flaws == ()
    assert looked.counts.cuts == planned.cuts + 1  # that of the erasure
    assert ask(ledger, "bolt") is UseAnswer.PERMITTED, "the namesake is untouched"
    assert ledger.custody.prune(late, rule, now=NOW).people == 0


def test_pruned_again_a_later_cut_holds_the_earlier(ledger: Ledger, database_url: str) -> None:
    ledger.custody.erase("u1", now=NOW, customer="acme")
    ledger.custody.prune(NOW, "first", now=NOW)
    ledger.custody.erase("u1", now=NOW, customer="bolt")
    done = ledger.custody.prune(NOW, "second", now=NOW)
    assert done.people == 1
    assert held(ledger, "choice") == 0
    assert flaws(database_url) == []


def test_the_record_is_append_only_again_after_it_was_pruned(ledger: Ledger, database_url: str) -> None:
    ledger.custody.erase("u1", now=NOW, customer="acme")
    ledger.custody.prune(NOW, "retention", now=NOW)
    for attempt in ("DELETE FROM choice", "UPDATE admission SET entry = entry"):
        with pytest.raises(IntegrityError, match="append-only"), ledger._writing("x", NOW) as writer:
            writer.connection.exec_driver_sql(attempt)
    assert flaws(database_url) == []


def test_more_taken_out_than_was_recorded_is_told(ledger: Ledger, database_url: str) -> None:
    ledger.custody.erase("u1", now=NOW, customer="acme")
    ledger.custody.prune(NOW, "retention", now=NOW)
    ledger.custody.erase("u1", now=NOW, customer="bolt")
    with ledger._engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER choice_no_delete")
        else:
            connection.exec_driver_sql("ALTER TABLE choice DISABLE TRIGGER USER")
        connection.exec_driver_sql("DELETE FROM choice")
    assert flaws(database_url) != []


def test_after_a_prune_the_status_still_says_who_was_told(database_url: str, tmp_path: Path) -> None:
    with open_ledger(database_url, key=KEY, taxonomy=NOTIFIED) as opened:
        opened.upgrade()
        publish(opened)
        opened.custody.adopt(now=NOW)
        notify(NOW, ledger=opened, mailer=FolderMailer(tmp_path), sender=SENDER)
        told = [nid for nid, kind, *_ in opened.nids(VersionKey("example-fax", 3)) if kind == "choice"]
        reports = (DeliveryName.DELIVERED, DeliveryName.BOUNCED)
        opened.record_deliveries(
            [DeliveryEvent(nid, name, NOW) for nid, name in zip(told, reports, strict=True)], now=NOW
        )
        later = NOW + timedelta(days=10)

        def stand() -> tuple[list[object], int]:
            (found,) = opened.progress(later)
            return sorted((str(one.kind), one.word, one.count) for one in found.standings), found.cut

        before, _ = stand()
        assert ("choice", "delivered", 1) in before
        for place, name in enumerate(("u1", "u2"), start=1):
            opened.custody.erase(name, now=later)
            opened.custody.prune(later, "retention", now=later)
            assert stand() == (before, place)
        assert opened.progress(later, "another-policy") == ()
    assert flaws(database_url) == []


@pytest.mark.parametrize(
    ("moment", "period", "limit"),
    [
        ("2026-11-30", "P3Y", "2023-11-30"),
        ("2028-02-29", "P1Y", "2027-02-28"),
        ("2027-01-31", "P2M", "2026-11-30"),
        ("2027-01-31", "P13M", "2025-12-31"),
        ("2027-03-01", "P90D", "2026-12-01"),
    ],
)
def test_a_period_ends_on_the_day_of_the_calendar(moment: str, period: str, limit: str) -> None:
    assert before(datetime.fromisoformat(moment), period) == datetime.fromisoformat(limit)


# Several servers


def spread(urls: list[str], folder: Path) -> Shards:
    """A ledger on these servers, with its list of erasures."""
    opened = open_shards(urls, key=KEY, taxonomy=TAXONOMY)
    for number, part in enumerate(opened.parts):
        part.server, part.erasures = number, ErasureList(folder / "erasures", KEY, number)
    return opened


def test_on_several_servers_one_is_erased_where_he_stands_and_stays_so(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / name}" for name in ("a.db", "b.db")]
    with spread(urls, tmp_path) as ledger:
        ledger.upgrade()
        ledger.record_version(V1, (), now=NOW)
        ledger.import_subjects([subject(f"u{n}") for n in range(6)], now=NOW)
    before = [shutil.copy(tmp_path / name, tmp_path / f"old-{name}") for name in ("a.db", "b.db")]
    with spread(urls, tmp_path) as ledger:
        for n in range(4):
            assert ledger.custody_of(f"u{n}", NOW).erase(f"u{n}", now=NOW)[0].known
    for name, old in zip(("a.db", "b.db"), before, strict=True):
        shutil.copy(old, tmp_path / name)
    with spread(urls, tmp_path) as ledger:
        assert sum(part.custody.reapply(NOW) for part in ledger.parts) == 4
        assert sum(part.custody.reapply(NOW) for part in ledger.parts) == 0
        known = [ledger.custody_of(f"u{n}", NOW).would_erase(f"u{n}").known for n in range(6)]
        assert known == [False] * 4 + [True] * 2
        with pytest.raises(UsageError, match="one server at a time"):
            _ = ledger.custody
    assert [flaws(url) for url in urls] == [[], []]
    with (
        open_one(urls, "1", key=KEY, taxonomy=TAXONOMY) as one,
        pytest.raises(UsageError, match="all servers"),
    ):
        one.custody_of("u5", NOW)


def test_each_server_is_held_against_its_own_heads_only(tmp_path: Path) -> None:
    """An erasure on one says nothing of how far another has come."""
    urls = [f"sqlite:///{tmp_path / name}" for name in ("a.db", "b.db")]
    with spread(urls, tmp_path) as ledger:
        ledger.upgrade()
        ledger.record_version(V1, (), now=NOW)
        ledger.import_subjects([subject(f"u{n}") for n in range(20)], now=NOW)
        for part in ledger.parts:
            part.custody.adopt(now=NOW)
        of = [n for n in range(20) if ledger._of(f"u{n}").number == 1]
        for n in of[:2]:
            ledger.custody_of(f"u{n}", NOW).erase(f"u{n}", now=NOW)
        reasons = [why_not(part, anchors_outside(part, None, part.server)) for part in ledger.parts]
        assert reasons == ["", ""]
        ledger.custody_of(f"u{of[2]}", NOW).erase(f"u{of[2]}", now=NOW)
        lines = (tmp_path / "erasures").read_text("ascii").splitlines()
        assert [line.split()[3] for line in lines] == ["1"] * 3
        first, second = ledger.heads()
        assert anchors_outside(ledger.parts[0], None, 0) == ()
        (anchor,) = anchors_outside(ledger.parts[1], None, 1)
        assert anchor.server == 1
        assert anchor.head.entry < second.entry
        assert first != second
