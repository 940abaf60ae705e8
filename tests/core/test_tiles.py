"""Tiles of very large entries: every line is found and proven by them, and by nothing that was altered."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policyctl.core import merkle
from policyctl.core.proof.tiles import (
    LEAVES,
    Tiles,
    cut_into_tiles,
    lies_between,
    numbers_between,
    read_tiles,
)

TABLES = ("admission", "choice", "posting", "posting_event", "subject")
NUMBERS = st.one_of(
    st.integers(0, 400), st.integers(0, 10**7), st.integers(1 << 40, (1 << 40) + 900), st.integers(-99, -1),
    st.integers(0, (1 << 63) - 1),
)  # fmt: skip
ROWS = st.lists(
    st.tuples(st.sampled_from(TABLES), NUMBERS, st.integers(0, 3)), min_size=1, max_size=700, unique=True
)


def line(row: tuple[str, int, int]) -> bytes:
    return json.dumps([row[0], row[1], row[2], "x"]).encode() + b"\n"


def tiles_of(lines: list[bytes]) -> Tiles:
    root, kept = cut_into_tiles(lines)
    assert root == merkle.root([merkle.leaf_hash(each) for each in lines])
    tiles = read_tiles(kept)
    assert tiles is not None
    assert (tiles.root, tiles.size) == (root, len(lines))
    return tiles


@given(ROWS)
def test_every_line_is_found_and_proven_by_its_tile(rows: list[tuple[str, int, int]]) -> None:
    rows = [*rows, *(("subject", number, 0) for number in range(10**9, 10**9 + 600))]
    by_line = {line(row): row for row in rows}
    lines = sorted(by_line)
    tiles = tiles_of(lines)
    for tile in range(len(tiles.roots)):
        first, after = tiles.bounds(tile)
        wanted = lines[tile * LEAVES : (tile + 1) * LEAVES]
        found = []
        for table in TABLES:
            ranges = numbers_between(table, first, after) if lies_between(table, first, after) else []
            found += [
                each
                for each, (of, number, _) in by_line.items()
                if of == table
                and (ranges is None or any(least <= number <= most for least, most in ranges))
                and each >= first
                and (after is None or each < after)
            ]
        assert sorted(found) == wanted
        for each in (wanted[0], wanted[-1]):
            assert tiles.tile_of(each) == tile
            path = tiles.path(tile, wanted, each)
            assert path is not None
            assert lines[path.index] == each
            leaf = merkle.leaf_hash(each)
            assert merkle.root_by_path(leaf, path.index, path.size, path.hashes) == tiles.root
            assert tiles.path(tile, wanted[:-1], wanted[0]) is None
            assert tiles.path(tile, wanted, each + b"x") is None


@given(st.text("0123456789", min_size=1, max_size=19), st.text("0123456789", max_size=19), st.data())
def test_the_ranges_hold_all_that_lies_between_as_words_and_little_else(
    low: str, high: str, data: st.DataObject
) -> None:
    first, after = b'["choice", ' + low.encode(), b'["choice", ' + high.encode() + b", "
    ranges = numbers_between("choice", first, after if high else None)
    assert ranges is not None
    assert len(ranges) <= 20
    number = data.draw(NUMBERS)
    words = b'["choice", %d, ' % number
    inside = words >= first and (not high or words < after + b"\xff")
    assert not inside or any(least <= number <= most for least, most in ranges)


def test_what_is_no_tile_is_none() -> None:
    _, kept = cut_into_tiles([line(("subject", number, 0)) for number in range(1000, 1700)])
    assert read_tiles(b"") is None
    assert read_tiles(kept[:-1]) is None
    assert read_tiles(kept[:40]) is None
    assert read_tiles(kept + b"\0\0\0\1") is None


def test_what_is_kept_says_no_more_than_where_a_tile_begins() -> None:
    lines = [line(("choice", (1 << 40) + number, 2)) for number in range(2000)]
    tiles = tiles_of(lines)
    assert all(len(words) < len(b'["choice", 1099511627776') + 1 for words in tiles.words)
    assert replace(tiles, roots=tiles.roots[::-1]).root != tiles.root
