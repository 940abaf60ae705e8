# SPDX-License-Identifier: Apache-2.0
"""Old text, new text -> runs of kept, deleted and inserted words; lossless.

Kept and deleted runs joined are the old text, kept and inserted runs joined the new.
"""

from __future__ import annotations

from policyctl.core.revision import Op, Run
from policyctl.core.tokens import Interner, tokens


def redline(old: str, new: str) -> tuple[Run, ...]:
    """The runs that turn ``old`` into ``new``; empty when they are the same text."""
    if old == new:
        return ()
    before, after = tokens(old), tokens(new)
    return runs_of(before, after, matching(before, after))


def matching(before: list[str], after: list[str]) -> list[tuple[int, int, int]]:
    """Stretches that stand in both, ``(old index, new index, length)``, in order; a longest such
    choice. Common beginnings and ends are taken first.
    """
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    found = [(0, 0, head)] if head else []
    inner_old, inner_new = before[head : len(before) - tail], after[head : len(after) - tail]
    if inner_old and inner_new:
        found += [(head + i, head + j, size) for i, j, size in _longest(inner_old, inner_new)]
    return [*found, (len(before) - tail, len(after) - tail, tail)] if tail else found


def _common(one: list[str], other: list[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _longest(before: list[str], after: list[str]) -> list[tuple[int, int, int]]:
    from rapidfuzz.distance import Indel

    interner = Interner()
    steps = Indel.opcodes(interner.word(before), interner.word(after))
    return [(s.src_start, s.dest_start, s.src_end - s.src_start) for s in steps if s.tag == "equal"]


def runs_of(before: list[str], after: list[str], matches: list[tuple[int, int, int]]) -> tuple[Run, ...]:
    """Runs from matching stretches: each change deletes first, then inserts."""
    runs: list[Run] = []
    i = j = 0
    for a, b, size in [*matches, (len(before), len(after), 0)]:
        for op, text in (
            (Op.DELETE, "".join(before[i:a])),
            (Op.INSERT, "".join(after[j:b])),
            (Op.EQUAL, "".join(before[a : a + size])),
        ):
            if text:
                runs.append(Run(op, text))
        i, j = a + size, b + size
    return tuple(runs)


def old_text(runs: tuple[Run, ...]) -> str:
    """What stood before: reject every change."""
    return "".join(run.text for run in runs if run.op is not Op.INSERT)


def new_text(runs: tuple[Run, ...]) -> str:
    """What stands after: accept every change."""
    return "".join(run.text for run in runs if run.op is not Op.DELETE)
