# SPDX-License-Identifier: Apache-2.0
"""Merkle trees as RFC 9162 defines them: its recursion written down, its example, known vectors."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.core import merkle

# The leaves and roots with which implementations of Certificate Transparency are tried.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def hashes(leaves: list[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(leaf) for leaf in leaves]


@pytest.mark.parametrize("size", range(9))
def test_the_known_roots(size: int) -> None:
    assert merkle.root(hashes(LEAVES[:size])).hex() == ROOTS[size]


def by_the_rfc(leaves: list[bytes]) -> bytes:
    """2.1.1: split at the largest power of two that is smaller than the number of leaves."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + by_the_rfc(leaves[:split]) + by_the_rfc(leaves[split:])).digest()


LISTS = st.lists(st.binary(max_size=3), min_size=1, max_size=40)


@given(LISTS, st.data())
def test_every_leaf_has_a_proof_and_nothing_else_has_it(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    found = merkle.Inclusion(
        leaves[index], index, size, merkle.path(hashes(leaves), index), merkle.root(hashes(leaves))
    )
    assert found.root == by_the_rfc(leaves)
    assert found.holds()
    assert not replace(found, leaf=found.leaf + b"x").holds()
    assert not replace(found, root=bytes(32)).holds()
    assert not replace(found, path=(*found.path, bytes(32))).holds()
    assert not replace(found, index=size).holds()
    assert not replace(found, index=-1).holds()
    if found.path:
        place = data.draw(st.integers(0, len(found.path) - 1))
        forged = [*found.path]
        forged[place] = sha256(forged[place]).digest()
        assert not replace(found, path=tuple(forged)).holds()
        assert not replace(found, path=found.path[1:]).holds()


def test_the_paths_of_the_example_in_the_rfc() -> None:
    """2.1.5: seven leaves d0 to d6; a to f and j their hashes, g, h, i over pairs, k over g and h, l over
    i and j.
    """
    leaves = [f"d{number}".encode() for number in range(7)]
    a, b, c, d, e, f, j = hashes(leaves)
    g, h, i = merkle.node_hash(a, b), merkle.node_hash(c, d), merkle.node_hash(e, f)
    k, last = merkle.node_hash(g, h), merkle.node_hash(i, j)
    expected = {0: (b, h, last), 3: (c, g, last), 4: (f, j, k), 6: (i, k)}
    for index, wanted in expected.items():
        assert merkle.path([a, b, c, d, e, f, j], index) == wanted
    assert merkle.root([a, b, c, d, e, f, j]) == merkle.node_hash(k, last)


@given(LISTS, st.integers(1, 4))
def test_rows_that_lie_one_after_the_other(leaves: list[bytes], width: int) -> None:
    rows = [leaf.ljust(width, b"x")[:width] for leaf in leaves]
    assert merkle.row_hashes(b"".join(rows), width) == hashes(rows)


@given(LISTS)
def test_the_root_of_leaves_that_come_one_by_one(leaves: list[bytes]) -> None:
    assert merkle.streamed_root(iter(hashes(leaves))) == by_the_rfc(leaves)
    assert merkle.streamed_root(()) == merkle.EMPTY
