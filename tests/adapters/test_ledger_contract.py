# SPDX-License-Identifier: Apache-2.0
"""What the ledger promises, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import chain
from policyctl.adapters.ledger.base.engine import nid_of
from policyctl.adapters.ledger.proving import proofs
from policyctl.adapters.tables import APPEND_ONLY, METADATA, REPORT_CUT
from policyctl.core.notices.outbox import Audience, DeliveryEvent, DeliveryName, OutboxState, SentForm
from policyctl.core.policy import VersionKey
from policyctl.core.postings import NewPosting, PlaceKind
from policyctl.core.practice import ChoiceMode, Recipient
from policyctl.core.records import Answer, ClientBatch, EndRow, VersionRecord
from policyctl.core.use.decision import UseAnswer, UseRequest, decide
from policyctl.errors import CannotCompareError, InputErrors, IntegrityError, PolicyctlError, RefusedError
from tests.adapters.ledger_samples import (
    ADS,
    CONTACT,
    EMAIL,
    KEY,
    MARKETING,
    PHONE,
    SERVICE,
    TAXONOMY,
    choice,
    customer,
    day,
    owed,
    practice,
    subject,
    tag,
    version,
)

NOW = day("2026-11-01")
V1 = version(
    1, "2026-01-01", practice("account", SERVICE), practice("news", MARKETING, choice=ChoiceMode.OPT_OUT)
)
V2 = version(
    2,
    "2026-06-01",
    *V1.practices,
    practice("ads", ADS, choice=ChoiceMode.OPT_OUT, to=(Recipient("partner", "Example Ads"),), keep=True),
    asks={"ads": ChoiceMode.OPT_OUT},
)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        yield opened


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """Two customers, three subjects, tags under the first version; the second owes notices."""
    ledger.record_version(V1, (), now=NOW)
    ledger.import_customers([customer("acme"), customer("acme", "bob"), customer("bolt")], now=NOW)
    ledger.import_subjects([subject("u1", "acme"), subject("u2", "bolt"), subject("u3")], now=NOW)
    ledger.import_tags([tag("u1", "2026-02-01"), tag("u2", "2026-02-01", PHONE)], now=NOW)
    ledger.record_version(V2, owed(V2, CONTACT), now=NOW)
    return ledger


def rows(ledger: Ledger) -> dict[str, int]:
    """How many rows each table has."""
    with ledger._engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in METADATA.tables.items()
        }


def ask(ledger: Ledger, purpose: str, at: str, who: str = "u1", category: str = EMAIL) -> UseAnswer:
    request = UseRequest(who, category, purpose, day(at))
    return decide(request, ledger.facts_for(request)).answer


def nid_for(ledger: Ledger, who: str, record: VersionRecord = V2) -> str:
    """The nid of the choice notice to a subject."""
    name = ledger.pseudonym(who)
    return next(row[0] for row in ledger.nids(record.key) if row[1] == "choice" and row[3] == name)


# Versions


def test_a_version_comes_back_as_it_was_recorded(ledger: Ledger) -> None:
    assert ledger.record_version(V1, (), now=NOW)
    assert ledger.record_version(V2, (), now=NOW)
    assert ledger.versions("fax") == (V1, V2)
    assert ledger.versions() == (V1, V2)
    assert ledger.versions("other") == ()


def test_recording_a_version_twice_changes_nothing(filled: Ledger) -> None:
    before = rows(filled)
    assert not filled.record_version(V2, owed(V2, CONTACT), now=NOW + timedelta(days=1))
    assert rows(filled) == before


@pytest.mark.parametrize("changed", [{"text_sha256": "f" * 64}, {"commit": "f" * 40}])
def test_a_recorded_version_with_other_content_is_an_integrity_error(filled: Ledger, changed) -> None:
    before = rows(filled)
    with pytest.raises(IntegrityError, match="fax@v2"):
        filled.record_version(replace(V2, **changed), (), now=NOW)
    assert rows(filled) == before


def test_an_older_version_cannot_be_slipped_in(ledger: Ledger) -> None:
    ledger.record_version(V2, (), now=NOW)
    with pytest.raises(IntegrityError, match="fax@v1"):
        ledger.record_version(V1, (), now=NOW)
    assert ledger.versions() == (V2,)


def test_a_version_whose_notices_cannot_be_planned_is_not_recorded_at_all(filled: Ledger) -> None:
    before = rows(filled)
    wrong = replace(version(3, "2026-12-01"), changes=V2.changes)
    with pytest.raises(PolicyctlError):
        filled.record_version(wrong, owed(V2, CONTACT), now=NOW)
    assert rows(filled) == before


# Audience and outbox


def test_subjects_are_told_whose_older_data_meets_the_categories(filled: Ledger) -> None:
    def told(*categories: str) -> int:
        audience = Audience("subjects", categories)
        return filled.audience_counts(VersionKey("fax", 3), [audience])[audience]

    assert told(CONTACT) == 2
    assert told(EMAIL) == 1
    assert told("user") == 2
    assert told("user.behavior") == 0
    assert told() == 2


def test_data_collected_under_the_version_itself_tells_nobody(filled: Ledger) -> None:
    filled.import_tags([tag("u3", "2026-07-01")], now=NOW)
    audience = Audience("subjects", (EMAIL,))
    assert filled.audience_counts(VersionKey("fax", 2), [audience]) == {audience: 1}
    assert filled.audience_counts(VersionKey("fax", 3), [audience]) == {audience: 2}


def test_a_subject_without_address_or_admission_is_not_in_the_audience(ledger: Ledger) -> None:
    ledger.record_version(V1, (), now=NOW)
    unreachable = replace(subject("u1"), email=None)
    ledger.import_subjects([unreachable, subject("u2", since=None)], now=NOW)
    ledger.import_tags(
        [tag("u1", "2026-02-01"), tag("u2", "2026-02-01", version=1, provenance="form")], now=NOW
    )
    audience = Audience("subjects")
    assert ledger.audience_counts(V2.key, [audience]) == {audience: 0}


def test_the_nid_is_the_same_on_every_database_and_hides_the_addressee(filled: Ledger) -> None:
    from policyctl.adapters.ledger.base.common import notice_secret

    secret = notice_secret(KEY, "fax@v2/0-revision")
    nids = {row[3]: row[0] for row in filled.nids(V2.key) if row[1] == "revision"}
    assert nids["acme"] == nid_of(secret, "customer:acme:1")
    assert len({row[0] for row in filled.nids(V2.key)}) == 4


def test_a_delivery_event_counts_once_however_often_it_comes(filled: Ledger) -> None:
    nid = nid_for(filled, "u1")
    event = DeliveryEvent(nid, DeliveryName.DELIVERED, NOW)
    stray = DeliveryEvent("f" * 32, DeliveryName.DELIVERED, NOW)
    first = filled.record_deliveries([event, event, stray], now=NOW)
    again = filled.record_deliveries([event, stray], now=NOW)
    assert (first.added, first.repeated, first.orphans) == (2, 0, 1)
    assert (again.added, again.repeated, again.orphans) == (0, 2, 0)


# People


def test_an_import_repeated_adds_nothing(filled: Ledger) -> None:
    before = rows(filled)
    receipts = (
        filled.import_customers([customer("acme"), customer("acme", "bob")], now=NOW),
        filled.import_subjects([subject("u1", "acme")], now=NOW),
        filled.import_tags([tag("u1", "2026-02-01")], now=NOW),
    )
    assert [(receipt.added, receipt.repeated) for receipt in receipts] == [(0, 2), (0, 1), (0, 1)]
    assert rows(filled) == before


def test_a_dry_run_counts_and_leaves_nothing(filled: Ledger) -> None:
    before = rows(filled)
    assert filled.import_customers([customer("new")], now=NOW, dry_run=True).added == 1
    assert filled.import_subjects([subject("u9")], now=NOW, dry_run=True).added == 1
    assert filled.import_tags([tag("u1", "2026-02-01", record="other")], now=NOW, dry_run=True).added == 1
    assert filled.accept("u9", V2.key, NOW, now=NOW, dry_run=True)
    assert rows(filled) == before


def complaints(error: InputErrors) -> list[tuple[int | None, str | None]]:
    return [(each.place.line, each.place.key) for each in error.errors if each.place]


def test_all_bad_rows_are_named_and_no_row_enters(filled: Ledger) -> None:
    before = rows(filled)
    with pytest.raises(InputErrors) as raised:
        filled.import_customers(
            [
                replace(customer("acme", line=2), name="Another Ltd"),
                customer("acme", "ada", line=3, locale="de"),
                customer("fresh", line=4),
            ],
            now=NOW,
        )
    assert complaints(raised.value) == [(2, "name"), (3, "locale")]
    with pytest.raises(InputErrors) as raised:
        filled.import_subjects(
            [
                subject("u1", "bolt", line=2),
                subject("u2", "bolt", since="2026-01-03", line=3),
                subject("u4", "nobody", line=4),
                subject("u5", line=5),
            ],
            now=NOW,
        )
    assert complaints(raised.value) == [(2, "customer"), (3, "known_since"), (4, "customer")]
    assert rows(filled) == before


def test_rows_of_one_import_are_held_against_each_other(ledger: Ledger) -> None:
    with pytest.raises(InputErrors) as raised:
        ledger.import_customers(
            [customer("acme", line=2), customer("acme", line=3, admin_name="Eve")], now=NOW
        )
    assert complaints(raised.value) == [(3, "admin_name")]
    receipt = ledger.import_customers([customer("acme", line=2), customer("acme", line=3)], now=NOW)
    assert (receipt.added, receipt.repeated) == (1, 1)


def test_no_external_id_and_no_address_stands_outside_the_address_table(filled: Ledger) -> None:
    filled.import_choices([choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")], now=NOW)
    filled.accept("u1", V2.key, NOW, now=NOW, customer="acme")
    with filled._engine.connect() as connection:
        for name, table in METADATA.tables.items():
            if name != "address":
                text = repr(connection.execute(sa.select(table)).all())
                assert "users.example.com" not in text, name
                assert "'u1'" not in text, name
                assert "Ada" not in text, name


def test_a_pseudonym_depends_on_the_key_and_not_on_spelling_in_unicode(ledger: Ledger) -> None:
    assert ledger.pseudonym("Zo\u00eb") == ledger.pseudonym(" Zoe\u0308 ")
    assert ledger.pseudonym("u1") != ledger.pseudonym("u2")
    other = open_ledger("sqlite:///unused.db", key=KEY[::-1], taxonomy=TAXONOMY)
    assert other.pseudonym("u1") != ledger.pseudonym("u1")


# Tags


def test_a_tag_gets_the_version_in_force_for_its_subject_at_collection(filled: Ledger) -> None:
    filled.import_tags(
        [tag("u1", "2026-06-01", record="form"), tag("u1", "2026-01-01", record="early")], now=NOW
    )
    request = UseRequest("u1", EMAIL, SERVICE, NOW)
    found = {each.record: each.version for each in filled.facts_for(request).tags}
    assert found == {"account": V1.key, "form": V2.key, "early": None}


def test_a_new_subject_is_under_the_version_it_accepted(filled: Ledger) -> None:
    filled.accept("u8", V1.key, day("2026-03-01"), now=NOW)
    filled.accept("u9", V2.key, day("2026-04-01"), now=NOW)
    filled.import_tags([tag("u8", "2026-04-15"), tag("u9", "2026-04-15")], now=NOW)
    found = {
        who: filled.facts_for(UseRequest(who, EMAIL, SERVICE, NOW)).tags[0].version for who in ("u8", "u9")
    }
    assert found == {"u8": V1.key, "u9": V2.key}


def test_a_differing_claim_is_refused_unless_it_says_how_it_is_known(filled: Ledger) -> None:
    claimed = tag("u1", "2026-07-01", record="form", version=1)
    with pytest.raises(InputErrors, match="v2 was in force"):
        filled.import_tags([claimed], now=NOW)
    assert filled.import_tags([replace(claimed, provenance="paper form of 2025")], now=NOW).added == 1
    agreeing = tag("u1", "2026-07-01", record="other", version=2)
    assert filled.import_tags([agreeing], now=NOW).added == 1


def test_a_tag_with_other_content_is_a_conflict_and_with_a_provenance_a_correction(filled: Ledger) -> None:
    moved = tag("u1", "2026-07-01")
    with pytest.raises(InputErrors) as raised:
        filled.import_tags([moved], now=NOW)
    assert complaints(raised.value) == [(2, "collected_at")]
    before = filled.facts_for(UseRequest("u1", EMAIL, SERVICE, NOW))
    assert filled.import_tags([replace(moved, provenance="clock was wrong")], now=NOW).added == 1
    after = filled.facts_for(UseRequest("u1", EMAIL, SERVICE, NOW))
    assert [each.version for each in after.tags] == [V2.key]
    again = filled.facts_for(UseRequest("u1", EMAIL, SERVICE, NOW), upto=before.sequence)
    assert again == before


def test_bad_tags_are_named_with_their_column(filled: Ledger) -> None:
    with pytest.raises(InputErrors) as raised:
        filled.import_tags(
            [
                tag("nobody", "2026-02-01", line=2),
                tag("u1", "2026-02-01", "user.contact.mail", line=3),
                tag("u1", "2026-02-01", record="x", line=4, version=9),
                tag("u1", "2026-02-01", record="x", line=5, slug="phone"),
                tag("u1", "2026-02-01", record="fine", line=6),
            ],
            now=NOW,
        )
    assert complaints(raised.value) == [(2, "subject"), (3, "category"), (4, "version"), (5, "version")]
    assert "user.contact.email" in raised.value.errors[1].hint


# Answers


def test_a_choice_is_recorded_once_and_a_contradiction_at_one_moment_is_refused(filled: Ledger) -> None:
    refusal = choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")
    assert filled.import_choices([refusal, refusal], now=NOW).added == 1
    assert filled.import_choices([refusal], now=NOW).repeated == 1
    with pytest.raises(InputErrors) as raised:
        filled.import_choices([replace(refusal, answer=Answer.CONSENT)], now=NOW)
    assert complaints(raised.value) == [(2, "answer")]


def test_answers_are_numbered_in_the_order_in_which_they_were_given(filled: Ledger) -> None:
    filled.import_choices(
        [
            choice("u1", "fax@v1#news", Answer.CONSENT, "2026-04-01", line=2),
            choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01", line=3),
        ],
        now=NOW,
    )
    assert ask(filled, MARKETING, "2026-05-01") is UseAnswer.PERMITTED
    assert ask(filled, MARKETING, "2026-03-15") is UseAnswer.REFUSED


def test_bad_choices_are_named_with_their_column(filled: Ledger) -> None:
    with pytest.raises(InputErrors) as raised:
        filled.import_choices(
            [
                choice("nobody", "fax@v1#news", Answer.REFUSE, "2026-03-01", line=2),
                choice("nobody", "fax@v1#news", Answer.REFUSE, "2026-03-01", "customer", line=3),
                choice("u1", "fax#news", Answer.REFUSE, "2026-03-01", line=4),
                choice("u1", "fax@v1#nwes", Answer.REFUSE, "2026-03-01", line=5),
            ],
            now=NOW,
        )
    assert complaints(raised.value) == [(2, "subject"), (3, "customer"), (4, "change"), (5, "change")]
    assert "fax@v1#news" in raised.value.errors[3].hint


def test_accepting_and_acknowledging_twice_keeps_the_first(filled: Ledger) -> None:
    assert filled.accept("u1", V2.key, day("2026-05-01"), now=NOW)
    assert not filled.accept("u1", V2.key, day("2026-05-02"), now=NOW)
    assert filled.acknowledge("acme", V2.key, day("2026-05-01"), now=NOW)
    assert not filled.acknowledge("acme", V2.key, day("2026-05-02"), now=NOW)
    assert filled.acknowledgements(V2.key) == (("acme", day("2026-05-01")),)


def test_what_is_not_on_record_cannot_be_accepted_or_acknowledged(filled: Ledger) -> None:
    with pytest.raises(CannotCompareError, match="fax@v9"):
        filled.accept("u1", VersionKey("fax", 9), NOW, now=NOW)
    with pytest.raises(CannotCompareError, match="nobody"):
        filled.acknowledge("nobody", V2.key, NOW, now=NOW)
    with pytest.raises(RefusedError, match="another customer"):
        filled.accept("u1", V2.key, NOW, now=NOW, customer="bolt")


# The question, from end to end


def test_a_new_use_of_old_data_waits_for_delivery_and_for_the_answer(filled: Ledger) -> None:
    at = "2026-10-01"
    assert ask(filled, ADS, at) is UseAnswer.REFUSED
    nid = nid_for(filled, "u1")
    filled.record_deliveries([DeliveryEvent(nid, DeliveryName.DELIVERED, day("2026-08-01"))], now=NOW)
    assert ask(filled, ADS, "2026-08-30") is UseAnswer.REFUSED
    assert ask(filled, ADS, at) is UseAnswer.PERMITTED
    assert ask(filled, ADS, at, "u2", PHONE) is UseAnswer.REFUSED
    filled.record_deliveries([DeliveryEvent(nid, DeliveryName.BOUNCED, day("2026-09-15"))], now=NOW)
    assert ask(filled, ADS, at) is UseAnswer.REFUSED
    assert ask(filled, ADS, "2026-09-10") is UseAnswer.PERMITTED


def test_a_customers_refusal_reaches_its_subjects_and_nobody_elses(filled: Ledger) -> None:
    filled.import_tags([tag("u2", "2026-02-01")], now=NOW)
    filled.import_choices([choice("acme", "fax@v1#news", Answer.REFUSE, "2026-03-01", "customer")], now=NOW)
    filled.import_choices([choice("u1", "fax@v1#news", Answer.CONSENT, "2026-04-01")], now=NOW)
    assert ask(filled, MARKETING, "2026-05-01") is UseAnswer.REFUSED
    assert ask(filled, MARKETING, "2026-05-01", "u2") is UseAnswer.PERMITTED


def test_a_decision_can_be_given_again_as_of_its_ledger_sequence(filled: Ledger) -> None:
    request = UseRequest("u1", EMAIL, MARKETING, day("2026-05-01"))
    first = decide(request, filled.facts_for(request))
    filled.import_choices([choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")], now=NOW)
    assert decide(request, filled.facts_for(request)).answer is UseAnswer.REFUSED
    assert decide(request, filled.facts_for(request, upto=first.sequence)) == first


def test_nothing_is_known_of_a_stranger(filled: Ledger) -> None:
    assert ask(filled, SERVICE, "2026-05-01", "stranger") is UseAnswer.UNDECIDED


def test_entries_are_numbered_without_gaps_and_refused_writes_take_no_number(filled: Ledger) -> None:
    with pytest.raises(InputErrors):
        filled.import_tags([tag("nobody", "2026-02-01")], now=NOW)
    filled.import_customers([customer("new")], now=NOW)
    with filled._engine.connect() as connection:
        numbers = connection.execute(sa.text("SELECT seq FROM entry ORDER BY seq")).scalars().all()
    assert numbers == list(range(1, len(numbers) + 1))


# Append-only


def remind_all(ledger: Ledger) -> None:
    """As if it had been May, before the second version took effect."""
    while chunk := ledger.claim(NOW, mailer="test", owner="me"):
        ledger.note_sent(chunk, [SentForm(chunk.lo, chunk.hi, "a" * 64, "{}")], NOW)
        ledger.move(chunk, OutboxState.ACCEPTED, day("2026-05-01"))
    assert ledger.add_reminders(day("2026-05-31"), (7,)) > 0


@pytest.mark.parametrize("name", APPEND_ONLY)
def test_no_row_of_the_record_can_be_changed_or_deleted(
    filled: Ledger, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "PROVEN", 0)  # so that there is a batch to be sealed
    monkeypatch.setattr(chain, "MANY", 1)  # so that tiles are kept
    filled.import_choices([choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")], now=NOW)
    filled.acknowledge("acme", V2.key, NOW, now=NOW)
    filled.record_deliveries([DeliveryEvent(nid_for(filled, "u1"), DeliveryName.DELIVERED, NOW)], now=NOW)
    (admin,) = (nid for nid, _, kind, who in filled.nids(V2.key) if (kind, who) == ("customer", "acme"))
    filled.inquiries.object(admin, stands=True, now=NOW)
    remind_all(filled)
    filled.inquiries.stop_reminders(admin, now=NOW)
    corrected = tag("u1", "2026-02-02", provenance="clock was wrong")
    filled.import_tags([corrected], now=NOW, batch=ClientBatch("crm", "1", "0" * 64))
    filled.upkeep.seal(now=NOW)
    filled.end_tags([EndRow(corrected.place, "u1", EMAIL, "account", NOW)], now=NOW)
    with filled._writing("leaf", NOW) as writer:  # as if another tag of its batch had been cut out
        writer.driver.insert("leaf", ("batch_no", "place", "hash"), [(1, 0, bytes(32))])
        writer.add(REPORT_CUT, [{"notice_no": 1, "event": "delivered", "addressees": 1}])
    filled.erase_subject("u3", now=NOW)
    posted = NewPosting(V2.key, "app", PlaceKind.FILE, "a.md", "a" * 64, posted_at=NOW)
    filled.enter_postings([posted], now=NOW)
    before = rows(filled)
    assert before[name]
    column = next(iter(METADATA.tables[name].c)).name
    attempts = [f"UPDATE {name} SET {column} = {column}", f"DELETE FROM {name}"]  # noqa: S608 - our own names
    if filled._engine.dialect.name == "postgresql":
        attempts.append(f"TRUNCATE {name} CASCADE")
    else:
        attempts.append(f"INSERT OR REPLACE INTO {name} SELECT * FROM {name}")  # noqa: S608 - our own names
    for attempt in attempts:
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), filled._engine.begin() as connection:
            connection.execute(sa.text(attempt))
    assert rows(filled) == before


def test_what_may_change_are_addresses_outbox_states_and_what_is_erased() -> None:
    erased = {"subject", "pseudonym", "record_name"}
    changing = {"address", "chunk", "answer_receipt", "instance", "run"}
    assert set(METADATA.tables) - set(APPEND_ONLY) == changing | erased


# No ledger yet


def test_looking_at_a_ledger_that_was_never_set_up_says_so(database_url: str) -> None:
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        with pytest.raises(CannotCompareError, match="no ledger") as raised:
            ledger.versions()
        assert "sync" in raised.value.hint
        with pytest.raises(CannotCompareError, match="no ledger"):
            ledger.import_customers([customer("acme")], now=NOW)


def test_times_without_a_zone_never_enter(ledger: Ledger) -> None:
    with pytest.raises((ValueError, sa.exc.StatementError), match="time zone"):
        ledger.record_version(V1, (), now=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
