# SPDX-License-Identifier: Apache-2.0
"""What the ledger can prove, forget and keep apart: the chain, erasure, tenants, receipts, epochs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import epochs
from policyctl.adapters.ledger.base.common import ref_of
from policyctl.adapters.ledger.tagging import tags
from policyctl.core.records import Answer, ClientBatch, TagRow
from policyctl.core.use.decision import UseAnswer, UseRequest, decide
from policyctl.errors import InputErrors, RefusedError, UsageError
from tests.adapters.ledger_samples import (
    EMAIL,
    KEY,
    MARKETING,
    PHONE,
    SERVICE,
    TAXONOMY,
    choice,
    customer,
    day,
    subject,
    tag,
)
from tests.adapters.test_ledger_contract import V1, V2
from tests.ledgers import new_ledger

NOW = day("2026-11-01")


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """Two customers, of which each has a subject with an id of its own."""
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.record_version(V1, (), now=NOW)
        opened.record_version(V2, (), now=NOW)
        opened.import_customers([customer("acme"), customer("bolt")], now=NOW)
        opened.import_subjects([subject("u1", "acme"), subject("u2", "bolt"), subject("u3")], now=NOW)
        yield opened


def ask(ledger: Ledger, who: str, of: str | None = None, purpose: str = SERVICE, at: str = "2026-10-01"):
    request = UseRequest(who, EMAIL, purpose, day(at), customer=of)
    return decide(request, ledger.facts_for(request))


def run(ledger: Ledger, *statements: str) -> None:
    """As somebody who holds the database itself, and not the ledger."""
    with ledger._engine.begin() as connection:
        if ledger._engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET session_replication_role = replica"))
        else:
            for (name,) in connection.execute(
                sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(sa.text(statement))


# The chain


def fill(ledger: Ledger) -> None:
    ledger.import_tags([tag("u1", "2026-02-01", record=str(n)) for n in range(5)], now=NOW)
    ledger.import_choices([choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")], now=NOW)
    ledger.import_tags([tag("u1", "2026-02-02", record="1", provenance="the clock was wrong")], now=NOW)
    ledger.import_tags([tag("u2", "2026-02-01", record="form")], now=NOW)


SLIPPED_IN = """INSERT INTO tag_1 (subject_no, category, ref, collected_at, batch_no, version_no)
    SELECT subject_no, category, 99, collected_at, batch_no, version_no FROM tag_1 WHERE ref = 4"""
# What was forged, and the entry that it was part of.
FORGED = {
    "a tag moved to another version": (5, "UPDATE tag_1 SET version_no = 2 WHERE ref = 3"),
    "a tag taken out": (5, "DELETE FROM tag_1 WHERE ref = 4"),
    "a tag slipped in": (5, SLIPPED_IN),
    "a refusal turned round": (6, "UPDATE choice SET answer = 1"),
    "a correction undone": (7, "DELETE FROM tag_correction"),
    "a provenance reworded": (7, "UPDATE batch SET provenance = 'x' WHERE provenance <> ''"),
    "an admission brought forward": (4, "UPDATE admission SET admitted_at = 0 WHERE subject_no = 1"),
    "a text exchanged": (1, "UPDATE version SET text_sha256 = 'x' WHERE number = 1"),
    "the last link cut off": (8, "DELETE FROM chain WHERE entry = 8"),
}


@pytest.mark.parametrize(("first", "statement"), FORGED.values(), ids=FORGED)
def test_what_was_altered_behind_its_back_is_named(ledger: Ledger, first: int, statement: str) -> None:
    fill(ledger)
    assert ledger.first_bad_entry() is None
    run(ledger, statement)
    assert ledger.first_bad_entry() == first


def test_the_record_is_looked_through_in_the_memory_of_a_part_of_it(tmp_path) -> None:
    """Held against a list of all that is told of each subject."""
    with new_ledger(tmp_path / "ledger.db") as ledger:
        for entry in range(12):
            ledger.import_subjects([subject(f"u{entry}-{n}") for n in range(1_500)], now=NOW)
        assert ledger.first_bad_entry() is None  # imports and caches, once
        tracemalloc.start()
        try:
            assert ledger.first_bad_entry() is None
            looked = tracemalloc.get_traced_memory()[1]
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            with ledger._engine.connect() as connection:
                rows = [dict(row) for row in connection.execute(sa.text("SELECT * FROM subject")).mappings()]
            whole = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert len(rows) == 18_000
        assert looked < whole / 2


# Erasure


def test_an_erased_subject_is_nobody_and_the_record_still_holds(ledger: Ledger) -> None:
    fill(ledger)
    assert ask(ledger, "u1").answer is UseAnswer.PERMITTED
    assert ledger.erase_subject("u1", now=NOW)
    assert not ledger.erase_subject("u1", now=NOW)
    assert ask(ledger, "u1").answer is UseAnswer.UNDECIDED
    assert ask(ledger, "u2").answer is UseAnswer.PERMITTED
    assert ledger.first_bad_entry() is None
    name = bytes.fromhex(ledger.pseudonym("u1"))
    with ledger._engine.connect() as connection:
        for table in ("subject", "pseudonym", "address", "record_name"):
            text = repr(connection.execute(sa.text(f"SELECT * FROM {table}")).all())  # noqa: S608 - our own names
            assert repr(name)[2:-1] not in text
            assert "u1@users" not in text


def test_a_salt_is_destroyed_and_nothing_else_of_a_subject_can_be_changed(ledger: Ledger) -> None:
    for attempt in (
        "UPDATE subject SET salt = NULL",
        "UPDATE subject SET seal = salt, salt = NULL, ext_id = NULL, erased_at = 1",
        "DELETE FROM subject",
        "UPDATE pseudonym SET subject_no = 1",
        "UPDATE record_name SET name = 'x'",
    ):
        ledger.import_tags([tag("u1", "2026-02-01", record="form")], now=NOW)
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), ledger._engine.begin() as connection:
            connection.execute(sa.text(attempt))


def test_who_comes_back_after_erasure_is_somebody_new(ledger: Ledger) -> None:
    fill(ledger)
    ledger.erase_subject("u1", now=NOW)
    assert ledger.import_subjects([subject("u1", "acme")], now=NOW).added == 1
    assert ask(ledger, "u1").answer is UseAnswer.UNDECIDED
    assert ask(ledger, "u1").tags == ()


# Tenants


def test_two_customers_may_each_have_a_subject_of_one_id(ledger: Ledger) -> None:
    assert ledger.import_subjects([subject("u1")], now=NOW, within="bolt").added == 1
    ledger.import_tags([tag("u1", "2026-02-01")], now=NOW, within="bolt")
    assert ask(ledger, "u1", "bolt").answer is UseAnswer.PERMITTED
    assert ask(ledger, "u1", "acme").answer is UseAnswer.UNDECIDED
    assert ask(ledger, "u1", "acme").tags == ()
    with pytest.raises(UsageError, match="several customers"):
        ask(ledger, "u1")
    with pytest.raises(InputErrors, match="several customers"):
        ledger.import_tags([tag("u1", "2026-02-01", PHONE)], now=NOW)


def test_a_customer_sees_nothing_of_anothers_subjects(ledger: Ledger) -> None:
    ledger.import_tags([tag("u1", "2026-02-01")], now=NOW)
    assert ask(ledger, "u1", "bolt").answer is UseAnswer.UNDECIDED
    with pytest.raises(InputErrors, match="not known"):
        ledger.import_tags([tag("u1", "2026-02-01", PHONE)], now=NOW, within="bolt")
    with pytest.raises(InputErrors, match="not known"):
        ledger.import_choices(
            [choice("u1", "fax@v1#news", Answer.REFUSE, "2026-03-01")], now=NOW, within="bolt"
        )
    with pytest.raises(InputErrors, match="not known"):
        ledger.import_choices(
            [choice("acme", "fax@v1#news", Answer.REFUSE, "2026-03-01", "customer")], now=NOW, within="bolt"
        )


def test_a_refusal_of_one_customer_does_not_reach_another_with_the_same_ids(ledger: Ledger) -> None:
    ledger.import_subjects([subject("u1")], now=NOW, within="bolt")
    for of in ("acme", "bolt"):
        ledger.import_tags([tag("u1", "2026-02-01")], now=NOW, within=of)
    ledger.import_choices([choice("acme", "fax@v1#news", Answer.REFUSE, "2026-03-01", "customer")], now=NOW)
    assert ask(ledger, "u1", "acme", MARKETING).answer is UseAnswer.REFUSED
    assert ask(ledger, "u1", "bolt", MARKETING).answer is UseAnswer.PERMITTED


def test_the_tenant_is_in_the_number_of_each_subject(ledger: Ledger) -> None:
    with ledger._engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT tenant_no, subject_no FROM pseudonym")).all()
    assert sorted(tenant for tenant, _ in rows) == [0, 1, 2]
    assert all(number >> 40 == tenant and number % (1 << 40) == 1 for tenant, number in rows)


# Receipts


def test_a_batch_sent_again_gets_its_old_receipt_and_enters_once(ledger: Ledger) -> None:
    batch = ClientBatch("crm", "2026-02-01/1", "a" * 64)
    first = ledger.import_tags([tag("u1", "2026-02-01")], now=NOW, batch=batch)
    again = ledger.import_tags([tag("u1", "2026-02-01")], now=NOW, batch=batch)
    assert (first.added, first.again) == (1, False)
    assert (again.added, again.repeated, again.again) == (1, 0, True)
    with pytest.raises(RefusedError, match="other content"):
        ledger.import_tags([tag("u1", "2026-03-01")], now=NOW, batch=replace(batch, content_sha256="b" * 64))
    assert ledger.receipt(batch) == again
    assert ledger.receipt(replace(batch, id="other")) is None
    assert ledger.receipt(batch, within="acme") is None


def test_a_batch_that_was_refused_has_no_receipt(ledger: Ledger) -> None:
    batch = ClientBatch("crm", "1", "a" * 64)
    with pytest.raises(InputErrors):
        ledger.import_tags([tag("nobody", "2026-02-01")], now=NOW, batch=batch)
    assert ledger.receipt(batch) is None


# Tags in numbers


def test_a_record_key_that_is_a_number_is_kept_as_it_is_and_any_other_as_a_hash() -> None:
    assert ref_of(KEY, 1, "0") == 0
    assert ref_of(KEY, 1, "4611686018427387903") == 2**62 - 1
    hashed = ["00", "-1", "4611686018427387904", "form", "Form", "\u0663", "1 ", "1.0"]
    refs = {ref_of(KEY, 1, record) for record in hashed}
    assert len(refs) == len(hashed)
    assert all(-(2**63) <= ref < 0 for ref in refs)
    assert ref_of(KEY, 1, "form") != ref_of(KEY, 2, "form")
    assert ref_of(KEY, 1, "form") != ref_of(KEY[::-1], 1, "form")


def test_record_keys_come_back_as_they_were_written(ledger: Ledger) -> None:
    keys = [
        "7",
        "007",
        "crm/7#mail",
        "../x",
        "a%2Fb",
        "Zo\u00eb",
        "'; DROP TABLE tag_1",
        "4611686018427387904",
    ]
    ledger.import_tags([tag("u1", "2026-02-01", record=key) for key in keys], now=NOW)
    found = ledger.facts_for(UseRequest("u1", EMAIL, SERVICE, NOW)).tags
    assert sorted(each.record for each in found) == sorted(keys)


def test_a_category_that_was_only_tried_gives_its_number_to_the_next(ledger: Ledger) -> None:
    assert ledger.import_tags([tag("u1", "2026-02-01", PHONE)], now=NOW, dry_run=True).added == 1
    assert ledger.import_tags([tag("u1", "2026-02-01", EMAIL)], now=NOW).added == 1
    found = ledger.facts_for(UseRequest("u1", "user", SERVICE, NOW)).tags
    assert [each.category for each in found] == [EMAIL]
    assert ledger.facts_for(UseRequest("u1", PHONE, SERVICE, NOW)).tags == ()


def test_of_very_many_bad_rows_the_first_are_named_and_the_rest_counted(ledger: Ledger) -> None:
    rows = [tag("nobody", "2026-02-01", record=str(number), line=number) for number in range(2, 2002)]
    with pytest.raises(InputErrors) as raised:
        ledger.import_tags(rows, now=NOW)
    *named, last = raised.value.errors
    assert [each.place.line for each in named] == list(range(2, 502))
    assert "1,500 more" in last.message


def test_the_version_is_computed_from_the_exact_moment_and_the_tag_keeps_the_second(ledger: Ledger) -> None:
    accepted = day("2026-03-01") + timedelta(microseconds=500_100)
    ledger.accept("new", V1.key, accepted, now=NOW)
    rows = [
        replace(tag("new", "2026-03-01", record=name), collected_at=accepted + timedelta(microseconds=step))
        for name, step in (("before", -1), ("after", 1))
    ]
    assert ledger.import_tags(rows, now=NOW).added == 2
    assert ledger.import_tags(rows, now=NOW).repeated == 2
    found = {each.record: each for each in ledger.facts_for(UseRequest("new", EMAIL, SERVICE, NOW)).tags}
    assert {name: each.version for name, each in found.items()} == {"before": None, "after": V1.key}
    assert {each.collected_at for each in found.values()} == {day("2026-03-01")}


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2"]),
        st.sampled_from([EMAIL, PHONE]),
        st.sampled_from(["1", "2", "a"]),
        st.sampled_from(["2026-02-01", "2026-07-01"]),
        st.sampled_from(["", "", "", "known from paper"]),
    ),
    max_size=12,
)


def content(ledger: Ledger) -> set[TagRow]:
    return {
        (who, each.category, each.record, each.collected_at, each.version, each.provenance)
        for who in ("u1", "u2")
        for each in ledger.facts_for(UseRequest(who, "user", SERVICE, NOW)).tags
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_an_import_in_portions_is_one_import_and_a_repeat_changes_nothing(tmp_path_factory, rows) -> None:
    given_rows = [
        tag(who, collected, category, record, line, provenance=note)
        for line, (who, category, record, collected, note) in enumerate(rows, start=2)
    ]
    seen = []
    for portion in (1, 3, 50):
        file = tmp_path_factory.mktemp("portions") / "ledger.db"
        with new_ledger(file) as ledger, pytest.MonkeyPatch.context() as patch:
            patch.setattr(tags, "PORTION", portion)
            ledger.record_version(V1, (), now=NOW)
            ledger.record_version(V2, (), now=NOW)
            ledger.import_subjects([subject("u1"), subject("u2")], now=NOW)
            try:
                first = ledger.import_tags(given_rows, now=NOW)
            except InputErrors:
                assert content(ledger) == set()
                seen.append(None)
                continue
            assert first.added + first.repeated == len(rows)
            before = content(ledger)
            assert ledger.first_bad_entry() is None
            seen.append((first.added, frozenset(before)))
    assert len(set(seen)) == 1


# Epochs


@pytest.fixture
def two_epochs(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """An epoch that was full, and the next, open from the first of June on."""
    monkeypatch.setattr("policyctl.adapters.ledger._FEW", 0)  # a file, not a small write
    monkeypatch.setattr(tags, "PORTION", 1)
    monkeypatch.setattr(epochs, "ROWS", 1)
    ledger.import_tags([tag("u1", "2026-02-01")], now=day("2026-06-01"))
    return ledger


def count(ledger: Ledger, table: str) -> int:
    with ledger._engine.connect() as connection:
        return connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - our own names


def test_a_full_epoch_makes_room_for_the_next(two_epochs: Ledger) -> None:
    two_epochs.import_tags([tag("u2", "2026-07-01")], now=day("2026-05-31"))
    assert (count(two_epochs, "tag_1"), count(two_epochs, "tag_2")) == (1, 1)
    assert ask(two_epochs, "u1").tags[0].version == V1.key
    assert ask(two_epochs, "u2").tags[0].version == V2.key


def test_small_writes_alone_fill_an_epoch_and_make_room_for_the_next(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochs, "ROWS", 8)
    monkeypatch.setattr(epochs, "EVERY", 3)
    now = day("2026-06-01")

    def grow(records: range, at: str) -> None:
        for record in records:
            ledger.import_tags([tag("u1", at, record=str(record))], now=now)

    grow(range(8), "2026-02-01")
    assert count(ledger, "epoch") == 1  # the third and the sixth looked: it was not full
    ledger.import_tags([tag("u1", "2026-02-01", record="8")], now=now, dry_run=True)
    assert count(ledger, "epoch") == 1
    grow(range(8, 9), "2026-02-01")
    assert count(ledger, "epoch") == 2
    now = day("2026-06-03")
    grow(range(9, 15), "2026-06-02")
    assert (count(ledger, "tag_1"), count(ledger, "tag_2"), count(ledger, "epoch")) == (9, 6, 2)
    grow(range(15, 18), "2026-06-02")
    assert (count(ledger, "tag_2"), count(ledger, "epoch")) == (9, 3)
    assert len(ask(ledger, "u1").tags) == 18
    assert ledger.first_bad_entry() is None


def test_a_row_meets_itself_in_the_epoch_of_its_collection(two_epochs: Ledger) -> None:
    late = day("2026-05-31")
    assert two_epochs.import_tags([tag("u1", "2026-02-01")], now=late).repeated == 1
    assert two_epochs.import_tags([tag("u1", "2026-03-01", record="9")], now=late).added == 1
    assert count(two_epochs, "tag_1") == 2


def test_a_correction_reaches_into_an_older_epoch(two_epochs: Ledger) -> None:
    late = day("2026-05-31")
    moved = tag("u1", "2026-07-01", provenance="the clock was wrong")
    assert two_epochs.import_tags([moved], now=late).added == 1
    found = ask(two_epochs, "u1").tags
    assert [(each.version, each.provenance) for each in found] == [(V2.key, "the clock was wrong")]
    assert two_epochs.import_tags([moved], now=late).repeated == 1
    assert two_epochs.import_tags([replace(moved, provenance="")], now=late).repeated == 1


def test_data_collected_again_in_a_later_epoch_has_a_tag_of_each_time(two_epochs: Ledger) -> None:
    assert two_epochs.import_tags([tag("u1", "2026-07-01")], now=day("2026-05-31")).added == 1
    assert {each.version for each in ask(two_epochs, "u1").tags} == {V1.key, V2.key}


def test_the_audience_is_found_in_every_epoch(two_epochs: Ledger) -> None:
    from policyctl.core.notices.outbox import Audience
    from policyctl.core.policy import VersionKey

    two_epochs.import_tags([tag("u2", "2026-07-01")], now=day("2026-05-31"))
    audience = Audience("subjects", (EMAIL,))
    assert two_epochs.audience_counts(VersionKey("fax", 3), [audience]) == {audience: 2}
