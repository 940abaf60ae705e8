# SPDX-License-Identifier: Apache-2.0
"""Data that was deleted: its tags count no more, and go with their proof when the period is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policyctl.actions.deciding.decide import decide_from_facts, decide_use, decide_uses
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import epochs
from policyctl.adapters.ledger.checking import open_record
from policyctl.adapters.ledger.sharding.shards import open_one, open_shards
from policyctl.core.proof.heads import Anchor
from policyctl.core.records import EndRow, ImportReceipt
from policyctl.core.use.decision import UseRequest
from policyctl.errors import InputErrors, IntegrityError, UsageError
from tests.adapters.ledger_samples import (
    EMAIL,
    KEY,
    PHONE,
    SERVICE,
    TAXONOMY,
    at_line,
    customer,
    day,
    subject,
    tag,
)
from tests.adapters.test_ledger_contract import V1, V2

NOW = day("2026-11-01")
COLLECTED, DELETED = "2026-02-01", "2026-08-01"


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """u1 has two e-mail records and one phone record, u2 one e-mail record."""
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.upgrade()
        opened.record_version(V1, (), now=NOW)
        opened.record_version(V2, (), now=NOW)
        opened.import_subjects([subject("u1"), subject("u2")], now=NOW)
        rows = [("u1", EMAIL, "a"), ("u1", EMAIL, "7"), ("u1", PHONE, "a"), ("u2", EMAIL, "a")]
        opened.import_tags([tag(who, COLLECTED, kind, record) for who, kind, record in rows], now=NOW)
        yield opened


def end(record: str, who: str = "u1", category: str = EMAIL, at: str = DELETED) -> EndRow:
    return EndRow(at_line(2), who, category, record, day(at))


def ask(ledger: Ledger, at: str = "2026-11-01", who: str = "u1", category: str = EMAIL) -> str:
    """The answer, alike on every way to it."""
    request = UseRequest(who, category, SERVICE, day(at))
    found = decide_use(request, ledger=ledger)
    assert found == decide_from_facts(request, ledger=ledger)
    assert ledger.online.decide(request) == found
    assert list(decide_uses([request, request], ledger=ledger)) == [found, found]
    return f"{found.answer} {found.finding.code}, {len(found.tags)} tags"


def flaws(url: str, *anchors: Anchor) -> list[str]:
    with open_record(url) as record:
        return [flaw.message for flaw in record.through(list(anchors)).flaws]


def held(ledger: Ledger, table: str) -> int:
    with ledger._engine.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608


# What an end means


def test_what_was_deleted_counts_no_more_from_then_on(ledger: Ledger, database_url: str) -> None:
    assert ask(ledger) == "permitted stated, 2 tags"
    assert ledger.end_tags([end("a")], now=NOW) == ImportReceipt(1, 0)
    assert ask(ledger) == "permitted stated, 1 tags"
    ledger.end_tags([end("7", at="2026-09-01")], now=NOW)
    assert ask(ledger) == "undecided ended, 0 tags"
    assert ask(ledger, "2026-08-15") == "permitted stated, 1 tags", "it was still there"
    assert ask(ledger, "2026-07-31") == "permitted stated, 2 tags"
    assert ask(ledger, who="u2") == "permitted stated, 1 tags", "another's of the same name"
    (told,) = decide_use(UseRequest("u1", EMAIL, SERVICE, NOW), ledger=ledger).reasons
    assert told.text.endswith("that was tagged for this subject was deleted, the last on 2026-09-01")
    assert flaws(database_url) == []


def test_an_answer_from_before_an_end_is_given_again(ledger: Ledger) -> None:
    request = UseRequest("u2", EMAIL, SERVICE, NOW)
    before = decide_use(request, ledger=ledger)
    ledger.end_tags([end("a", "u2")], now=NOW)
    assert decide_use(request, ledger=ledger).finding.code == "ended"
    assert decide_use(request, ledger=ledger, upto=before.sequence) == before


def test_what_ended_once_stays_so_whenever_it_is_said_again(ledger: Ledger) -> None:
    ledger.end_tags([end("a")], now=NOW)
    heads = ledger.heads()
    assert ledger.end_tags([end("a"), end("a", at="2026-10-01")], now=NOW) == ImportReceipt(0, 2)
    assert ledger.heads() == heads
    assert [one.value.ended_at for one in ledger.tags_of("u1", limit=9) if one.value.ended_at] == [
        day(DELETED)
    ]


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        (end("b"), "record", "no tag of the record 'b'"),
        (end("a", "u9"), "subject", "not known"),
        (end("a", category="user.unheard"), "category", "'user.unheard' is not known"),
        (end("a", category="user.behavior"), "record", "no tag of the record 'a'"),
        (end("a", at="2026-01-31"), "ended_at", "before the data was collected"),
    ],
)
def test_of_ends_that_will_not_do_nothing_enters(ledger: Ledger, row: EndRow, column: str, said: str) -> None:
    with pytest.raises(InputErrors) as caught:
        ledger.end_tags([end("7"), replace(row, place=at_line(3))], now=NOW)
    (error,) = caught.value.errors
    assert said in str(error)
    assert error.place is not None
    assert (error.place.line, error.place.column) == (3, column) or error.place.key == column
    assert ask(ledger) == "permitted stated, 2 tags"


def test_new_data_needs_a_record_of_its_own(ledger: Ledger) -> None:
    with ledger._writing("epoch", NOW) as writer:
        epochs.open_epoch(writer.connection, 2, int(day("2026-08-15").timestamp()))
    ledger.end_tags([end("a")], now=NOW)
    again = [tag("u1", COLLECTED, record="a")]
    assert ledger.import_tags(again, now=NOW) == ImportReceipt(0, 1), "the old file may be brought again"
    with pytest.raises(InputErrors, match="was deleted"):
        ledger.import_tags([tag("u1", "2026-09-01", record="a")], now=NOW)
    with pytest.raises(InputErrors, match="was deleted"):  # in the same epoch: not told to correct it
        ledger.import_tags([tag("u1", "2026-02-02", record="a")], now=NOW)
    assert ask(ledger) == "permitted stated, 1 tags"


def test_each_of_several_customers_ends_its_own(ledger: Ledger) -> None:
    ledger.import_customers([customer("acme"), customer("bolt")], now=NOW)
    for name in ("acme", "bolt"):
        ledger.import_subjects([subject("v")], now=NOW, within=name)
        ledger.import_tags([tag("v", COLLECTED)], now=NOW, within=name)
    with pytest.raises(InputErrors, match="several customers"):
        ledger.end_tags([end("account", "v")], now=NOW)
    ledger.end_tags([end("account", "v")], now=NOW, within="acme")
    codes = [
        decide_use(UseRequest("v", EMAIL, SERVICE, NOW, customer=name), ledger=ledger).finding.code
        for name in ("acme", "bolt")
    ]
    assert codes == ["ended", "stated"]


def test_on_several_servers_each_is_told_of_its_own(tmp_path: Path) -> None:
    people = [f"p{number}" for number in range(12)]
    urls = [f"sqlite:///{tmp_path / name}" for name in ("a.db", "b.db")]
    with open_shards(urls, key=KEY, taxonomy=TAXONOMY) as spread:
        spread.upgrade()
        spread.record_version(V1, (), now=NOW)
        spread.import_subjects([subject(who) for who in people], now=NOW)
        spread.import_tags([tag(who, COLLECTED) for who in people], now=NOW)
        ends = [end("account", who) for who in people[:6]]
        with pytest.raises(InputErrors, match="no tag of the record 'never'"):
            spread.end_tags([*ends, end("never", people[7])], now=NOW)
        assert spread.end_tags(ends, now=NOW) == ImportReceipt(6, 0)
        assert spread.end_tags(ends, now=NOW) == ImportReceipt(0, 6)
        requests = [UseRequest(who, EMAIL, SERVICE, NOW) for who in people]
        codes = [found.finding.code for found in decide_uses(requests, ledger=spread)]
        assert codes == ["ended"] * 6 + ["stated"] * 6
    with (
        open_one(urls, "1", key=KEY, taxonomy=TAXONOMY) as one,
        pytest.raises(UsageError, match="all servers"),
    ):
        one.end_tags(ends, now=NOW)
    assert [flaws(url) for url in urls] == [[], []]


def test_a_row_of_an_end_that_was_altered_is_told(ledger: Ledger, database_url: str) -> None:
    ledger.end_tags([end("a")], now=NOW)
    with ledger._engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER tag_end_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE tag_end DISABLE TRIGGER USER")
        connection.exec_driver_sql("UPDATE tag_end SET ended_at = ended_at + 1")
    assert flaws(database_url) != []


# When the period is over


def test_tags_go_a_period_after_their_data(ledger: Ledger, database_url: str) -> None:
    ledger.end_tags([end("a"), end("7", at="2026-09-01")], now=NOW)
    heads = ledger.heads()
    limit = day("2026-08-31")
    planned = ledger.custody.would_prune(limit)
    assert (planned.people, dict(planned.rows)["tag"], dict(planned.rows)["tag_end"]) == (1, 1, 1)
    assert held(ledger, "tag_1") == 4, "a plan does nothing"
    assert ledger.custody.prune(limit, "retention", now=NOW) == planned
    assert (held(ledger, "tag_1"), held(ledger, "tag_end")) == (3, 1)
    assert held(ledger, "record_name") == 2, (
        "of another tag and another person; its own went if nobody has it"
    )
    assert flaws(database_url, *(Anchor("a mail", head) for head in heads)) == []
    assert ask(ledger) == "undecided ended, 0 tags"
    assert ask(ledger, category=PHONE).startswith("refused not_stated")
    assert ledger.custody.prune(limit, "retention", now=NOW).people == 0
    ledger.custody.prune(NOW, "retention", now=NOW)
    assert ask(ledger) == "undecided no_tag, 0 tags"
    assert flaws(database_url, *(Anchor("a mail", head) for head in heads)) == []


def test_the_tags_of_who_was_erased_go_too(ledger: Ledger, database_url: str) -> None:
    ledger.import_tags([tag("u1", "2026-07-01", record="7", provenance="a clock")], now=NOW)
    ledger.custody.erase("u1", now=NOW)
    rows = dict(ledger.custody.prune(NOW, "retention", now=NOW).rows)
    assert (rows["tag"], rows["tag_correction"]) == (3, 1)
    assert (held(ledger, "tag_1"), held(ledger, "tag_correction")) == (1, 0)
    assert flaws(database_url) == []


def test_tags_taken_out_beyond_what_was_recorded_are_told(ledger: Ledger, database_url: str) -> None:
    ledger.end_tags([end("a")], now=NOW)
    ledger.custody.prune(NOW, "retention", now=NOW)
    with ledger._engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER tag_1_no_delete")
        else:
            connection.exec_driver_sql("ALTER TABLE tag_1 DISABLE TRIGGER USER")
        connection.exec_driver_sql("DELETE FROM tag_1 WHERE ref = 7")
    assert any("not what the cut record says" in flaw for flaw in flaws(database_url))


# Proofs of what stays

RECORDS = 700  # in two batches that alternate, so that each has several tiles


def fill(ledger: Ledger) -> None:
    rows = [
        tag(who, COLLECTED, EMAIL, str(number))
        for who in ("u1", "u2")
        for number in range(1000, 1000 + RECORDS)
    ]
    ledger.import_tags(rows[::2], now=NOW)
    ledger.import_tags(rows[1::2], now=NOW)


def roots(ledger: Ledger) -> dict[int, bytes]:
    with ledger._engine.connect() as connection:
        query = sa.text(
            "SELECT b.batch_no, coalesce(s.root, b.root) FROM batch b "
            "LEFT JOIN batch_seal s ON s.batch_no = b.batch_no"
        )
        return {number: bytes(root) for number, root in connection.execute(query) if root}


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    cuts=st.lists(
        st.tuples(st.sampled_from(("u1", "u2")), st.integers(0, RECORDS - 1), st.integers(1, 600)),
        min_size=1,
        max_size=3,
    ),
    proven=st.sampled_from((10, 10_000)),  # smaller ones are given their trees later
)
def test_what_stays_is_proven_to_the_root_from_before(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[str, int, int]], proven: int
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('cut') / 'ledger.db'}"
    stays = {(who, number) for who in ("u1", "u2") for number in range(RECORDS)}
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger, pytest.MonkeyPatch.context() as patched:
        patched.setattr("policyctl.adapters.ledger.proving.proofs.PROVEN", proven)
        ledger.upgrade()
        ledger.record_version(V1, (), now=NOW)
        ledger.import_subjects([subject("u1"), subject("u2")], now=NOW)
        fill(ledger)
        ledger.upkeep.seal(now=NOW)
        before = roots(ledger)
        for at, (who, first, count) in enumerate(cuts):
            went = [number for number in range(first, min(first + count, RECORDS)) if (who, number) in stays]
            ledger.end_tags([end(str(1000 + number), who) for number in went], now=NOW)
            ledger.custody.prune(day(DELETED), f"cut {at}", now=NOW)
            stays -= {(who, number) for number in went}
        assert held(ledger, "tag_1") == len(stays)
        assert flaws(url) == []
        for who, number in sorted(stays)[:: max(len(stays) // 60, 1)]:
            (proof,) = ledger.prove(who, EMAIL, str(1000 + number))
            assert proof.inclusion.holds()
            assert proof.inclusion.root == before[proof.batch]
        for who, number in ((who, number) for who, first, _ in cuts for number in (first,)):
            assert ledger.prove(who, EMAIL, str(1000 + number)) == []
        keys = _keys_of_tiles(ledger)
        assert {key for key in keys if key[0] < 1 << 40} <= {
            (int(who[1]), number + 1000) for who, number in stays
        }


def _keys_of_tiles(ledger: Ledger) -> set[tuple[int, int]]:
    """The subject and record that each tile begins with."""
    from policyctl.adapters.ledger.proving.proofs import _TILE

    with ledger._engine.connect() as connection:
        tiles = connection.exec_driver_sql("SELECT tiles FROM batch UNION ALL SELECT tiles FROM batch_seal")
        return {(row[0], row[2]) for (found,) in tiles for row in _TILE.iter_unpack(bytes(found))}


def test_a_large_batch_is_sealed_before_it_loses_tags(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from policyctl.actions.custody.prune import prune

    monkeypatch.setattr("policyctl.adapters.ledger.proving.proofs.PROVEN", 10)
    fill(ledger)
    ledger.end_tags([end("1001"), end("a")], now=NOW)
    assert prune("P1M", now=NOW, ledger=ledger, plan=True).people == 1
    assert ledger.prove("u1", EMAIL, "1003") == []
    assert prune("P1M", now=NOW, ledger=ledger).people == 1
    (proof,) = ledger.prove("u1", EMAIL, "1003")
    assert proof.inclusion.holds()


def test_an_unsealed_batch_that_lost_tags_is_not_sealed_any_more(
    ledger: Ledger, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("policyctl.adapters.ledger.proving.proofs.PROVEN", 10)
    fill(ledger)
    ledger.end_tags([end("1001")], now=NOW)
    ledger.custody.prune(NOW, "retention", now=NOW)
    assert ledger.upkeep.seal(now=NOW).batches == 1
    assert flaws(database_url) == []


# Upkeep of what was cut


def test_an_epoch_that_lost_tags_is_compacted_and_exported_as_it_is(ledger: Ledger) -> None:
    with ledger._writing("epoch", NOW) as writer:
        epochs.open_epoch(writer.connection, 2, int(day("2026-08-15").timestamp()))
    ledger.import_tags([tag("u1", COLLECTED, record="later")], now=NOW)
    ledger.end_tags([end("later"), end("a"), end("7", at="2026-10-20")], now=NOW)
    ledger.custody.prune(day("2026-09-01"), "retention", now=NOW)
    (done,) = ledger.upkeep.compact(1)
    assert done.tags == 3
    with ledger.upkeep.epoch(1) as look:
        assert look.note.tags == 3
        states = [state for _, states in look.portions() for state in states]
        assert sorted(states) == [0, 0, 2], "one has ended, and is still kept"


def test_tags_that_were_lost_without_a_record_keep_an_epoch_from_being_compacted(ledger: Ledger) -> None:
    with ledger._writing("epoch", NOW) as writer:
        epochs.open_epoch(writer.connection, 2, int(day("2026-08-15").timestamp()))
    ledger.import_tags([tag("u1", COLLECTED, record="later")], now=NOW)
    ledger.end_tags([end("later")], now=NOW)
    ledger.custody.prune(NOW, "retention", now=NOW)
    with ledger._engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER tag_1_no_delete")
        else:
            connection.exec_driver_sql("ALTER TABLE tag_1 DISABLE TRIGGER USER")
        connection.exec_driver_sql("DELETE FROM tag_1 WHERE ref = 7")
    with pytest.raises(IntegrityError, match="holds 3 tags where 4 entered"):
        ledger.upkeep.compact(1)
