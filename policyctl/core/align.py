# SPDX-License-Identifier: Apache-2.0
"""Clauses x clauses -> links: which clause of the new document goes on from which of the old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policyctl.core.tokens import Interner, tokens


@dataclass(frozen=True, slots=True)
class Piece:
    """What alignment knows of a clause or block: raw text, visible words, title, headings above."""

    raw: str
    visible: str
    title: str = ""
    parent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """Indices of old and new pieces that go together, how they were found, and how surely."""

    old: tuple[int, ...]
    new: tuple[int, ...]
    matched_by: str
    margin: float = 1.0
    moved: bool = False


def align(old: Sequence[Piece], new: Sequence[Piece]) -> tuple[Link, ...]:
    """Links that hold every piece of both sides exactly once; unmatched ones stand alone."""
    pairs = _spine([p.raw for p in old], [p.raw for p in new])
    by = dict.fromkeys(pairs, "raw")
    by.update(_remainder(old, new, pairs))
    matched_old, matched_new = {o for o, _ in by}, {n for _, n in by}
    links = [Link((o,), (n,), how) for (o, n), how in sorted(by.items())]
    links += [Link((o,), (), "none") for o in range(len(old)) if o not in matched_old]
    links += [Link((), (n,), "none") for n in range(len(new)) if n not in matched_new]
    return tuple(links)


def _spine(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    from rapidfuzz.distance import Indel

    interner = Interner()
    steps = Indel.opcodes(interner.word(old), interner.word(new))
    return [
        (s.src_start + k, s.dest_start + k)
        for s in steps
        if s.tag == "equal"
        for k in range(s.src_end - s.src_start)
    ]


def _remainder(
    old: Sequence[Piece], new: Sequence[Piece], spine: list[tuple[int, int]]
) -> dict[tuple[int, int], str]:
    from rapidfuzz.distance import Indel

    interner = Interner()
    used_old, used_new = {o for o, _ in spine}, {n for _, n in spine}
    left = {o: interner.word(tokens(p.visible)) for o, p in enumerate(old) if o not in used_old}
    right = {n: interner.word(tokens(p.visible)) for n, p in enumerate(new) if n not in used_new}
    scored = sorted(
        (-(Indel.normalized_similarity(a, b) + 0.2 * (old[o].title == new[n].title != "")), abs(o - n), o, n)
        for o, a in left.items()
        for n, b in right.items()
    )
    found: dict[tuple[int, int], str] = {}
    for score, _, o, n in scored:
        if score <= -0.5 and o not in used_old and n not in used_new:
            found[o, n] = "title" if old[o].title == new[n].title != "" else "similarity"
            used_old.add(o)
            used_new.add(n)
    return found
