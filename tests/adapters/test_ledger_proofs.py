# SPDX-License-Identifier: Apache-2.0
"""Proofs that a tag is part of its batch, and how tags lie as bytes; the same on both databases."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base import packed
from policyctl.adapters.ledger.base.common import ref_of
from policyctl.adapters.ledger.proving import proofs
from policyctl.adapters.ledger.tagging import tags
from policyctl.core.merkle import leaf_hash
from policyctl.errors import IntegrityError
from tests.adapters.ledger_samples import EMAIL, KEY, PHONE, TAXONOMY, day, subject, tag
from tests.adapters.test_ledger_contract import V1, V2
from tests.adapters.test_ledger_record import run

NOW = day("2026-11-01")
RECORDS = 700  # of two subjects and two categories, so that a batch has several tiles


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.record_version(V1, (), now=NOW)
        opened.record_version(V2, (), now=NOW)
        opened.import_subjects([subject("u1"), subject("u2"), subject("u3")], now=NOW)
        yield opened


def fill(ledger: Ledger) -> None:
    rows = [
        tag(who, "2026-02-01", category, record)
        for who in ("u1", "u2")
        for category in (EMAIL, PHONE)
        for record in (*map(str, range(RECORDS)), "form", "Zo\u00eb")
    ]
    ledger.import_tags(rows[::2], now=NOW)
    ledger.import_tags(rows[1::2], now=NOW)
    ledger.import_tags([tag("u3", "2026-02-01")], now=NOW)


def root_of(ledger: Ledger, batch: int) -> bytes:
    with ledger._engine.connect() as connection:
        query = sa.text("SELECT root FROM batch WHERE batch_no = :no")
        return bytes(connection.execute(query, {"no": batch}).scalar_one())


def check_proof(ledger: Ledger, who: str, number: int, category: str, record: str) -> None:
    (proof,) = ledger.prove(who, category, record)
    found = proof.inclusion
    assert found.holds()
    assert found.root == root_of(ledger, proof.batch)
    assert len(found.path) <= 11
    subject_no, _, ref, collected_at, version_no = struct.unpack(">qhqqh", found.leaf)
    assert (subject_no, ref, version_no) == (number, ref_of(KEY, number, record), 1)
    assert collected_at == day("2026-02-01").timestamp()
    assert not replace(found, leaf=found.leaf[:-1] + b"\2").holds()


def test_each_tag_is_proven_by_a_short_path_to_the_root_of_its_batch(ledger: Ledger) -> None:
    fill(ledger)
    for record in ("0", "1", "255", "256", "511", "512", "699", "form", "Zo\u00eb"):
        for who, number in (("u1", 1), ("u2", 2)):
            for category in (EMAIL, PHONE):
                check_proof(ledger, who, number, category, record)


def test_a_batch_of_one_is_its_own_root(ledger: Ledger) -> None:
    fill(ledger)
    (proof,) = ledger.prove("u3", EMAIL, "account")
    assert proof.inclusion.path == ()
    assert proof.inclusion.root == leaf_hash(proof.inclusion.leaf)


def test_a_correction_is_proven_beside_what_it_corrects(ledger: Ledger) -> None:
    fill(ledger)
    ledger.import_tags([tag("u1", "2026-07-01", record="9", provenance="the clock was wrong")], now=NOW)
    first, second = ledger.prove("u1", EMAIL, "9")
    assert [struct.unpack(">qhqqh", each.inclusion.leaf)[4] for each in (first, second)] == [1, 2]
    assert (first.entry, second.entry) == (5, 7)


def test_what_is_not_there_has_no_proof(ledger: Ledger) -> None:
    fill(ledger)
    assert ledger.prove("nobody", EMAIL, "1") == []
    assert ledger.prove("u1", EMAIL, "7000") == []
    assert ledger.prove("u1", "user.name", "1") == []


def test_a_tag_that_was_altered_or_lost_its_neighbour_has_no_proof(ledger: Ledger) -> None:
    fill(ledger)
    run(ledger, "DELETE FROM tag_1 WHERE subject_no = 1 AND category = 1 AND ref = 4")
    with pytest.raises(IntegrityError, match="not those that were hashed"):
        ledger.prove("u1", EMAIL, "2")
    assert ledger.prove("u1", EMAIL, "3")[0].inclusion.holds(), "it is of the other batch"
    run(ledger, "UPDATE tag_1 SET version_no = 2 WHERE subject_no = 1 AND category = 1 AND ref = 3")
    with pytest.raises(IntegrityError, match="not those that were hashed"):
        ledger.prove("u1", EMAIL, "3")


def test_a_root_is_part_of_the_chain(ledger: Ledger) -> None:
    fill(ledger)
    assert ledger.first_bad_entry() is None
    run(ledger, "UPDATE batch SET root = digest WHERE batch_no = 2")
    assert ledger.first_bad_entry() == 5


def test_a_large_batch_has_its_digest_only_and_still_holds(ledger: Ledger, monkeypatch) -> None:
    monkeypatch.setattr(proofs, "PROVEN", 100)
    fill(ledger)
    assert ledger.prove("u1", EMAIL, "1") == []
    assert ledger.prove("u3", EMAIL, "account")[0].inclusion.holds()
    assert ledger.first_bad_entry() is None
    run(ledger, "UPDATE tag_1 SET version_no = 2 WHERE subject_no = 2 AND ref = 4")
    assert ledger.first_bad_entry() == 4


def old_row(batch_no: int, epoch_no: int, found: bytes, note: str) -> dict[str, object]:
    """What the releases before step 0004 wrote: a digest over the tags as PostgreSQL's COPY has them."""
    text = b"".join(
        struct.pack(">hiqihiqiqiiih", 6, 8, who, 2, category, 8, ref, 8, at, 4, batch_no, 2, version)
        for who, category, ref, at, version in struct.iter_unpack(">qhqqh", found)
    )
    return {
        "batch_no": batch_no, "tag_count": len(found) // 28, "epoch_no": epoch_no, "provenance": note,
        "digest": sha256(text).digest(), "root": None, "tiles": None,
    }  # fmt: skip


def test_batches_from_before_there_were_roots_still_hold(ledger: Ledger, monkeypatch) -> None:
    monkeypatch.setattr(tags, "batch_row", old_row)
    fill(ledger)
    monkeypatch.undo()
    ledger.import_tags([tag("u1", "2026-02-01", record="new")], now=NOW)
    assert ledger.first_bad_entry() is None
    assert ledger.prove("u1", EMAIL, "1") == []
    assert ledger.prove("u1", EMAIL, "new")[0].inclusion.holds()
    run(ledger, "UPDATE tag_1 SET version_no = 2 WHERE subject_no = 2 AND ref = 4")
    assert ledger.first_bad_entry() == 4


WHOLE = st.integers(-(2**63), 2**63 - 1)
SMALL = st.integers(-(2**15), 2**15 - 1)


@given(st.lists(st.tuples(WHOLE, SMALL, WHOLE, WHOLE, SMALL), max_size=20), st.integers(1, 2**31 - 1))
def test_tags_as_bytes_are_what_they_are_one_by_one(rows, batch_no: int) -> None:
    many = rows * 25  # over what is packed at once
    assert list(struct.iter_unpack(">qhqqh", packed.pack_tags(many))) == many
    on_record = [(*row[:4], batch_no, row[4]) for row in rows]
    assert b"".join(map(packed.pack_on_record, on_record)) == packed.pack_tags(rows)
    assert packed.copies(packed.pack_tags(rows), batch_no) == b"".join(map(packed.copy_of, on_record))


@given(st.lists(st.tuples(WHOLE, SMALL, WHOLE, WHOLE, SMALL), unique_by=lambda row: row[:3]))
def test_the_order_of_the_key_is_that_of_its_numbers(rows) -> None:
    assert packed.in_key_order(rows) == sorted(rows)
