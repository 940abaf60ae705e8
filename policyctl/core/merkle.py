# SPDX-License-Identifier: Apache-2.0
"""Merkle trees of RFC 9162, section 2.1, with SHA-256: one hash stands for a list, and a short path proves
that one thing is part of it, and tells nothing of the others but hashes.

Everything here is bytes: a hash is 32 of them, a leaf any number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

EMPTY = sha256().digest()  # the root of a list of nothing


def leaf_hash(data: bytes) -> bytes:
    """The hash of one thing."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two hashes; told from that of a thing by its first byte."""
    return sha256(b"\1" + left + right).digest()


def row_hashes(rows: bytes, width: int) -> list[bytes]:
    """The leaf hashes of rows of ``width`` bytes that lie one after the other."""
    return [sha256(b"\0" + rows[start : start + width]).digest() for start in range(0, len(rows), width)]


def levels(hashes: Sequence[bytes]) -> list[Sequence[bytes]]:
    """Every level of the tree, from the leaf hashes given to the root alone; a hash without a neighbour
    goes up as it is. What the RFC defines from the top down, built from below.
    """
    found: list[Sequence[bytes]] = [hashes]
    while len(found[-1]) > 1:
        below = iter(found[-1])
        above = [sha256(b"\1" + left + right).digest() for left, right in zip(below, below, strict=False)]
        if len(found[-1]) % 2:
            above.append(found[-1][-1])
        found.append(above)
    return found


def root(hashes: Sequence[bytes]) -> bytes:
    """The hash of a list by its leaf hashes."""
    return levels(hashes)[-1][0] if hashes else EMPTY


def streamed_root(hashes: Iterable[bytes]) -> bytes:
    """The same of any number of leaf hashes, of which only a few are held at a time."""
    held: list[tuple[int, bytes]] = []  # complete trees, the largest first, each with its height
    for leaf in hashes:
        height, found = 0, leaf
        while held and held[-1][0] == height:
            height, found = height + 1, node_hash(held.pop()[1], found)
        held.append((height, found))
    if not held:
        return EMPTY
    found = held.pop()[1]
    while held:
        found = node_hash(held.pop()[1], found)
    return found


def path(hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """What has to be known besides the leaf at ``index`` to compute the root, from below."""
    return path_in(levels(hashes), index)


def path_in(tree: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    """The same of a tree whose :func:`levels` are there."""
    found: list[bytes] = []
    for level in tree[:-1]:
        neighbour = index ^ 1
        if neighbour < len(level):
            found.append(level[neighbour])
        index >>= 1
    return tuple(found)


def root_by_path(leaf: bytes, index: int, size: int, hashes: Iterable[bytes]) -> bytes | None:
    """The root of a list of ``size`` that has the leaf hash ``leaf`` at ``index``, as the path claims;
    None for a path of the wrong length (RFC 9162, 2.1.3.2).
    """
    if not 0 <= index < size:
        return None
    last, found = size - 1, leaf
    for neighbour in hashes:
        if last == 0:
            return None
        if index % 2 or index == last:
            found = node_hash(neighbour, found)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            found = node_hash(found, neighbour)
        index, last = index >> 1, last >> 1
    return found if last == 0 else None


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That ``leaf`` stands at ``index`` of ``size`` things whose root is ``root``."""

    leaf: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    root: bytes

    def holds(self) -> bool:
        """Whether the path leads from the leaf to the root."""
        return root_by_path(leaf_hash(self.leaf), self.index, self.size, self.path) == self.root
