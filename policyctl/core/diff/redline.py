# SPDX-License-Identifier: Apache-2.0
"""Old text, new text -> runs of kept, deleted and inserted words; lossless.

Kept and deleted runs joined are the old text, kept and inserted runs joined the new.

1. Both texts are cut into words; white space never anchors a match.
2. A longest common sequence of words is found; very long texts are first matched by sentences.
3. Cleanup: islands of a word or two between changes are given up, pure insertions and deletions
   slide to the beginning of a sentence, and where next to nothing survives all is replaced.
4. White space is compared between the words that stayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policyctl.core.diff.cleanup import coherent
from policyctl.core.revision import Op, Run
from policyctl.core.text.tokens import Interner, Words, sentences

Match = tuple[int, int, int]
_CELLS = 50_000_000  # words x words; beyond that sentences are matched first


def redline(old: str, new: str) -> tuple[Run, ...]:
    """The runs that turn ``old`` into ``new``; empty when they are the same text."""
    if old == new:
        return ()
    if not old or not new:
        return (Run(Op.DELETE, old),) if old else (Run(Op.INSERT, new),)
    head, tail = _whole_ends(old, new)
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    before, after = Words(middle_old), Words(middle_new)
    matches = coherent(before, after, longest(before, after)) if len(before) and len(after) else []
    runs = _emit(before, after, matches)
    return _joined([(Op.EQUAL, old[:head]), *runs, (Op.EQUAL, old[len(old) - tail :] if tail else "")])


def common_ends(old: str, new: str) -> tuple[int, int]:
    """How many characters at the beginning and at the end are the same; the two never overlap."""
    head = _same_from_start(old, new)
    return head, min(_same_from_start(old[::-1], new[::-1]), min(len(old), len(new)) - head)


def _whole_ends(old: str, new: str) -> tuple[int, int]:
    """The same, whole sentences only: words next to a change stay, so that cleanup sees them."""
    head, tail = common_ends(old, new)
    head = old.rfind(". ", 0, head) + 2 if head and ". " in old[:head] else 0
    stop = old.find(". ", len(old) - tail) if tail else -1
    return head, len(old) - stop - 1 if stop >= 0 else 0


def _same_from_start(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:  # halving: comparing slices is far quicker than comparing characters
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def longest(before: Words, after: Words) -> list[Match]:
    """Stretches of words that stand in both, ``(old index, new index, length)``, in order."""
    one, other = before.texts, after.texts
    if len(one) * len(other) > _CELLS:
        return _by_sentences(one, other)
    return _common(one, other)


def _common(one: Sequence[object], other: Sequence[object]) -> list[Match]:
    from rapidfuzz.distance import Indel

    interner = Interner()
    steps = Indel.opcodes(interner.word(one), interner.word(other))
    return [(s.src_start, s.dest_start, s.src_end - s.src_start) for s in steps if s.tag == "equal"]


def _by_sentences(one: list[str], other: list[str]) -> list[Match]:
    """Equal sentences first, then words between them."""
    starts_old, starts_new = sentences(one), sentences(other)
    whole_old = [tuple(one[a:b]) for a, b in starts_old]
    whole_new = [tuple(other[a:b]) for a, b in starts_new]
    matches: list[Match] = []
    i = j = 0
    for a, b, size in [*_common(whole_old, whole_new), (len(whole_old), len(whole_new), 0)]:
        x, y = _start(starts_old, a, len(one)), _start(starts_new, b, len(other))
        matches += _between(one, other, (i, x), (j, y))
        i, j = _start(starts_old, a + size, len(one)), _start(starts_new, b + size, len(other))
        if i > x:
            matches.append((x, y, i - x))
    return matches


def _start(spans: list[tuple[int, int]], index: int, end: int) -> int:
    return spans[index][0] if index < len(spans) else end


def _between(one: list[str], other: list[str], old: tuple[int, int], new: tuple[int, int]) -> list[Match]:
    width, height = old[1] - old[0], new[1] - new[0]
    if not width or not height or width * height > 4 * _CELLS:
        return []  # so long and without a common sentence: replaced as a whole
    found = _common(one[old[0] : old[1]], other[new[0] : new[1]])
    return [(old[0] + i, new[0] + j, size) for i, j, size in found]


def _emit(before: Words, after: Words, matches: list[Match]) -> list[tuple[Op, str]]:
    """Runs of the words and of the white space between them."""
    runs: list[tuple[Op, str]] = []
    old, new = before.source, after.source
    i = j = 0
    for a, b, size in _even(before, after, matches):
        runs += _change(old[i : before.starts[a]], new[j : after.starts[b]])
        i, j = before.ends[a + size - 1], after.ends[b + size - 1]
        runs.append((Op.EQUAL, old[before.starts[a] : i]))
    return runs + _change(old[i:], new[j:])


def _even(before: Words, after: Words, matches: list[Match]) -> Iterator[Match]:
    """The matches cut where white space between their words differs."""
    for a, b, size in matches:
        if before.gaps[a + 1 : a + size] == after.gaps[b + 1 : b + size]:
            yield a, b, size
            continue
        start = 0
        for k in range(1, size + 1):
            if k == size or before.gaps[a + k] != after.gaps[b + k]:
                yield a + start, b + start, k - start
                start = k


def _change(old: str, new: str) -> list[tuple[Op, str]]:
    """What stands between two kept words: white space common to both ends stays."""
    if old == new:
        return [(Op.EQUAL, old)]
    head = _spaces(old, new)
    tail = _spaces(old[head:][::-1], new[head:][::-1])
    return [
        (Op.EQUAL, old[:head]),
        (Op.DELETE, old[head : len(old) - tail]),
        (Op.INSERT, new[head : len(new) - tail]),
        (Op.EQUAL, old[len(old) - tail :] if tail else ""),
    ]


def _spaces(old: str, new: str) -> int:
    count = 0
    for a, b in zip(old, new, strict=False):
        if a != b or not a.isspace():
            break
        count += 1
    return count


def _joined(parts: list[tuple[Op, str]]) -> tuple[Run, ...]:
    """Neighbours of one kind become one run; each change deletes first, then inserts."""
    runs: list[Run] = []
    kept, deleted, inserted = "", "", ""
    for op, text in parts:
        if not text:
            continue
        if op is Op.EQUAL:
            _add(runs, Op.DELETE, deleted)
            _add(runs, Op.INSERT, inserted)
            kept, deleted, inserted = kept + text, "", ""
        else:
            _add(runs, Op.EQUAL, kept)
            kept = ""
            if op is Op.DELETE:
                deleted += text
            else:
                inserted += text
    for op, text in ((Op.EQUAL, kept), (Op.DELETE, deleted), (Op.INSERT, inserted)):
        _add(runs, op, text)
    return tuple(runs)


def _add(runs: list[Run], op: Op, text: str) -> None:
    if text:
        runs.append(Run(op, text))


def old_text(runs: Sequence[Run]) -> str:
    """What stood before: reject every change."""
    return "".join(run.text for run in runs if run.op is not Op.INSERT)


def new_text(runs: Sequence[Run]) -> str:
    """What stands after: accept every change."""
    return "".join(run.text for run in runs if run.op is not Op.DELETE)
