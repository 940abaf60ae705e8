"""Evidence read out of a ledger, the same on both databases: every row proven, only the person's own."""

from __future__ import annotations

import pytest

from policyctl.adapters.ledger import open_ledger
from policyctl.adapters.ledger.evidence import HeldEvidence, Span
from policyctl.core.proof.cuts import Cut, CutOf
from policyctl.core.proof.rows import entry_digest_by, part_from_json, part_json
from policyctl.core.proof.told_facts import facts_of
from policyctl.core.records import Answer, ChoiceRow
from policyctl.errors import IntegrityError, Place
from tests.adapters.ledger_samples import KEY, TAXONOMY, day, subject, tag
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
