# SPDX-License-Identifier: Apache-2.0
"""Heads, cuts and the walk along a chain, on values alone."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.core.proof.cuts import Cut, CutOf, CutsCrossError, CutWalk, governing, left_over
from policyctl.core.proof.flaws import Flaw, FlawKind, exit_code_of
from policyctl.core.proof.heads import START, Anchor, LedgerHead, heads_text, read_head, read_heads
from policyctl.core.proof.walk import ChainWalk

DIGESTS = [sha256(bytes([number])).digest() for number in range(20)]


def chain(digests: list[bytes]) -> list[tuple[int, bytes, bytes, bytes]]:
    """Links as they are written: number, what is found, digest, root."""
    links, root = [], START
    for seq, digest in enumerate(digests, start=1):
        root = sha256(root + digest).digest()
        links.append((seq, digest, digest, root))
    return links


def walked(links: list[tuple[int, bytes, bytes, bytes]], *heads: LedgerHead) -> ChainWalk:
    walk = ChainWalk([Anchor("a mail", head) for head in heads])
    for link in links:
        walk.take(*link)
    walk.end()
    return walk


def head_at(links: list[tuple[int, bytes, bytes, bytes]], seq: int) -> LedgerHead:
    return LedgerHead(seq, links[seq - 1][3])


@given(st.integers(0, 10**17), st.binary(min_size=32, max_size=32))
def test_a_head_is_read_back_as_it_was_written(entry: int, root: bytes) -> None:
    head = LedgerHead(entry, root)
    assert read_head(str(head)) == head
    assert read_heads(heads_text((head, head))) == (head, head)
    assert read_heads(heads_text(())) == ()


@pytest.mark.parametrize("text", ["", "1", "1:", "1:ff", "-1:" + "a" * 64, "01:" + "a" * 64, "1:" + "A" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a ledger head"):
        read_head(text)


@given(st.lists(st.sampled_from(DIGESTS), min_size=1, max_size=12), st.data())
def test_a_chain_as_it_was_written_holds_and_any_other_does_not(
    digests: list[bytes], data: st.DataObject
) -> None:
    links = chain(digests)
    heads = [head_at(links, seq) for seq in range(1, len(links) + 1)]
    assert walked(links, *heads).flaws == []
    at = data.draw(st.integers(0, len(links) - 1))
    change = data.draw(st.sampled_from(["found", "root", "gone", "older"]))
    seq, found, digest, root = links[at]
    if change == "found":
        walk = ChainWalk()
        assert not walk.take(1, sha256(found).digest(), digest, root)
        return
    if change == "root":
        links[at] = (seq, found, digest, sha256(root).digest())
    elif change == "gone":
        del links[at]
    else:
        links = links[:at]
    first = walked(links, *heads).flaws[0]
    kinds = {
        "root": {FlawKind.ALTERED},
        "gone": {FlawKind.MISSING, FlawKind.ROLLED_BACK},
        "older": {FlawKind.ROLLED_BACK},
    }
    assert first.kind in kinds[change]
    assert first.entry == at + 1


def test_a_chain_that_was_written_anew_holds_by_itself_and_not_against_a_head() -> None:
    links = chain(DIGESTS[:5])
    anew = chain([*DIGESTS[:2], DIGESTS[9], *DIGESTS[3:5]])
    assert walked(anew).flaws == []
    assert walked(anew, head_at(links, 2)).flaws == []
    (flaw,) = walked(anew, head_at(links, 4)).flaws
    assert (flaw.kind, flaw.entry) == (FlawKind.ALTERED, 4)
    assert "a mail" in flaw.message


def made(first: int, last: int, digests: list[bytes], what: CutOf = CutOf.ENTRY) -> Cut:
    return Cut(what, first, last, 1, left_over(digests), "kept for two years")


def test_the_last_cut_that_holds_a_number_counts() -> None:
    one, two, wide = made(3, 3, []), made(5, 6, []), made(2, 8, [])
    other = made(3, 3, [], CutOf.BATCH)
    assert governing([two, one, other], CutOf.ENTRY) == (one, two)
    assert governing([two, one, wide, other], CutOf.ENTRY) == (wide,)
    assert governing([wide], CutOf.BATCH) == ()


@pytest.mark.parametrize("later", [(1, 4), (4, 9), (4, 5)])
def test_cuts_that_cross_are_refused(later: tuple[int, int]) -> None:
    with pytest.raises(CutsCrossError):
        governing([made(3, 6, []), made(*later, [])], CutOf.ENTRY)


def test_what_is_left_under_a_cut_is_told_from_what_is_not() -> None:
    cuts = (made(2, 3, DIGESTS[:2]), made(7, 7, [DIGESTS[4]]))
    walk = CutWalk(cuts)
    assert not walk.take(1, DIGESTS[9])
    assert walk.take(2, DIGESTS[0])
    assert walk.take(3, DIGESTS[1])
    assert not walk.take(4, DIGESTS[9])
    assert walk.take(7, DIGESTS[5])
    assert walk.wrong() == [cuts[1]]


def test_a_cut_over_numbers_that_are_not_there_does_not_hold() -> None:
    assert CutWalk((made(2, 3, DIGESTS[:2]),)).wrong() == [made(2, 3, DIGESTS[:2])]


def test_a_link_under_a_cut_is_still_followed() -> None:
    links = chain(DIGESTS[:4])
    walk = ChainWalk((), CutWalk((made(2, 2, [DIGESTS[9]]),)))
    for seq, found, digest, root in links:
        assert walk.take(seq, DIGESTS[9] if seq == 2 else found, digest, root)
    walk.end()
    assert walk.flaws == []


def flaw(kind: FlawKind) -> Flaw:
    return Flaw(kind, "x", "x")


def test_what_is_broken_weighs_more_than_what_is_unproven() -> None:
    assert exit_code_of(()) == 0
    assert exit_code_of((flaw(FlawKind.TIME_UNPROVEN),)) == 0
    assert exit_code_of((flaw(FlawKind.UNSIGNED), flaw(FlawKind.TIME_UNPROVEN))) == 1
    assert exit_code_of((flaw(FlawKind.UNSIGNED), flaw(FlawKind.MOVED))) == 5
    broken = {kind for kind in FlawKind if flaw(kind).broken}
    assert broken == {
        FlawKind.ALTERED, FlawKind.MISSING, FlawKind.REORDERED, FlawKind.ROLLED_BACK, FlawKind.MOVED,
        FlawKind.OTHER_NAME, FlawKind.BAD_SIGNATURE, FlawKind.STRANGER,
    }  # fmt: skip
