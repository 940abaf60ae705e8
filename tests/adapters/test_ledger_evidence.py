"""Evidence read out of a ledger, the same on both databases: every row proven, only the person's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import chain
from policyctl.adapters.ledger.evidence import HeldEvidence, Span, proving
from policyctl.core.proof.cuts import Cut, CutOf
from policyctl.core.proof.rows import entry_digest_by, part_from_json, part_json
from policyctl.core.proof.tiles import read_tiles
from policyctl.core.proof.told_facts import facts_of
from policyctl.core.records import Answer, ChoiceRow, EndRow
from policyctl.errors import IntegrityError, Place
from tests.adapters.ledger_samples import EMAIL, KEY, TAXONOMY, day, subject, tag
from tests.adapters.test_ledger_checking import cut, rest_of
from tests.adapters.test_ledger_contract import V1, V2
from tests.adapters.test_ledger_record import run

NOW = day("2026-11-01")
PLACE = Place("rows.csv", 2)


def held(url: str) -> HeldEvidence:
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.upgrade()
        ledger.record_version(V1, (), now=NOW)
        ledger.record_version(V2, (), now=NOW)
        ledger.import_subjects([subject("u1"), subject("u2"), subject("u3")], now=NOW)
        ledger.import_tags([tag("u1", "2026-02-01"), tag("u2", "2026-02-02", record="form")], now=NOW)
        ledger.import_tags(
            [tag("u2", "2026-07-01", record="form", provenance="the clock was wrong")], now=NOW
        )
        change = V2.changes[0].name
        rows = [
            ChoiceRow(PLACE, "subject", who, change, Answer.REFUSE, day("2026-08-01")) for who in ("u1", "u2")
        ]
        ledger.import_choices(rows, now=NOW)
        return ledger.evidence.of_subject("u2", None, Span(end=NOW))


def test_every_row_leads_to_its_entry_and_the_links_to_the_head(database_url: str) -> None:
    found = held(database_url)
    part = found.part
    roots = dict(part.roots())
    assert (found.head.entry, found.head.root) == (max(roots), roots[max(roots)])
    for row in part.rows:
        assert row.path is not None
        link = part.links[row.entry - part.first]
        assert entry_digest_by(part.own[row.entry], row.line, row.path) == link
        assert entry_digest_by(part.own[row.entry], row.line + " ", row.path) != link
    assert {row.values()["subject_no"] for row in part.rows if row.table in {"subject", "choice"}} == {2}


def test_facts_are_read_from_rows_and_survive_being_written_down(database_url: str) -> None:
    part = held(database_url).part
    facts = facts_of(part)
    assert [(fact["record"], fact["version"]) for fact in facts["tags"]] == [
        ("form", "fax@v1"), ("form", "fax@v2")
    ]  # fmt: skip
    assert [fact["answer"] for fact in facts["choices"]] == ["refuse"]
    assert part_from_json(part_json(part), b"".join(part.links)) == part


def test_a_row_that_was_altered_gives_no_evidence(database_url: str) -> None:
    held(database_url)
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        run(ledger, "UPDATE choice SET answer = 1 WHERE subject_no = 1")
        with pytest.raises(IntegrityError, match="the rows of entry"):
            ledger.evidence.of_subject("u2", None, Span(end=NOW))


def test_what_entered_with_rows_that_were_cut_since_is_told_without_a_proof(database_url: str) -> None:
    whole = held(database_url)
    entry = next(row.entry for row in whole.part.rows if row.table == "choice")
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        run(ledger, "DELETE FROM choice WHERE subject_no = 1")
        cut(ledger, Cut(CutOf.ENTRY, entry, entry, 1, rest_of(ledger, entry, entry), "two years"))
        found = ledger.evidence.of_subject("u2", None, Span(end=NOW))
    bare = [row for row in found.part.rows if row.path is None]
    assert [row.table for row in bare] == ["choice"]
    assert "cut record" in bare[0].why
    assert found.head.entry == whole.head.entry + 1


# --- entries with very many rows


@pytest.fixture
def crowd(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A thousand people who came in one import, of which tiles were kept."""
    monkeypatch.setattr(chain, "MANY", 500)
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.upgrade()
        ledger.record_version(V1, (), now=NOW)
        ledger.import_subjects([subject(f"u{number}") for number in range(1000)], now=NOW)
        yield ledger


def bare_of(ledger: Ledger, who: str) -> list[str]:
    """Why rows of a person are not proven; the others are."""
    found = ledger.evidence.of_subject(who, None, Span(end=NOW))
    for row in found.part.rows:
        if row.path is not None:
            link = found.part.links[row.entry - found.part.first]
            assert entry_digest_by(found.part.own[row.entry], row.line, row.path) == link
    assert {row.table for row in found.part.rows} >= {"subject", "admission"}
    return [row.why for row in found.part.rows if row.path is None]


def beside(ledger: Ledger) -> str:
    """Who of the neighbours of number 501 is in one tile with it."""
    with ledger._engine.connect() as connection:
        kept = bytes(connection.exec_driver_sql("SELECT tiles FROM entry_tile").scalar_one())
    tiles = read_tiles(kept)
    assert tiles is not None
    own, after = (tiles.tile_of(b'["admission", %d, ' % number) for number in (501, 502))
    return "u501" if own == after else "u499"


def test_one_of_a_crowd_is_proven_by_the_rows_beside(crowd: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [bare_of(crowd, f"u{number}") for number in (0, 1, 255, 256, 511, 700, 999)]
    assert whole == [[]] * 7
    monkeypatch.setattr(proving, "MOST", 50)  # who has no tiles is read whole only up to this
    assert bare_of(crowd, "u600") == []


def test_of_a_crowd_only_who_stands_beside_an_altered_row_is_not_proven(crowd: Ledger) -> None:
    run(crowd, "UPDATE admission SET admitted_at = admitted_at + 1 WHERE subject_no = 501")
    assert bare_of(crowd, "u990") == []
    for who in ("u500", beside(crowd)):
        with pytest.raises(IntegrityError, match="the rows of entry"):
            bare_of(crowd, who)


def test_a_row_that_was_cut_leaves_the_rest_of_a_crowd_proven(crowd: Ledger) -> None:
    entry = crowd.sequence()
    run(crowd, "DELETE FROM admission WHERE subject_no = 501")
    cut(crowd, Cut(CutOf.ENTRY, entry, entry, 1, rest_of(crowd, entry, entry), "two years"))
    assert bare_of(crowd, "u990") == []
    assert "cut record" in bare_of(crowd, beside(crowd))[0]


def test_tiles_that_are_none_are_passed_over(crowd: Ledger) -> None:
    run(crowd, "UPDATE entry_tile SET tiles = (SELECT root FROM chain WHERE entry = 1)")
    assert bare_of(crowd, "u600") == []


def test_what_was_deleted_and_what_was_cut_out_beside_it_is_told(database_url: str) -> None:
    held(database_url)
    gone = [EndRow(PLACE, "u1", EMAIL, "account", day("2026-08-01"))]
    mine = [EndRow(PLACE, "u2", EMAIL, "form", day("2026-10-01"))]
    with open_ledger(database_url, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.end_tags(gone, now=NOW)
        ledger.end_tags(mine, now=NOW)
        ledger.custody.prune(day("2026-09-01"), "kept for a month", now=NOW)
        part = ledger.evidence.of_subject("u2", None, Span(end=NOW)).part
    facts = facts_of(part)
    (ended,) = facts["ends"]
    assert (ended["category"], ended["record"]) == (EMAIL, "form")
    assert ended["at"] == "2026-10-01T00:00:00+00:00"
    (cut_out,) = facts["cuts"]
    assert (cut_out["what"], cut_out["gone"], cut_out["rule"]) == ("batch", 1, "kept for a month")
    assert part.rows[cut_out["row"]].path is not None
    assert all(each.path is not None for each in part.tags), "what is left is still proven"
