# SPDX-License-Identifier: Apache-2.0
"""Matched words -> fewer, longer matches that a person can read; nothing is lost by it.

1. A kept island between two changes goes when it holds no word of weight, or when it is shorter
   than both changes and holds fewer than three words of weight.
2. A pure insertion or deletion that could stand a little earlier or later goes where a sentence or
   line begins.
3. Where less than a fifth of both texts would survive, nothing does: replaced as a whole.
"""

from __future__ import annotations

import re

from policyctl.core.text.tokens import Words

Match = tuple[int, int, int]

_LIGHT = (  # English; German, French, Spanish
    "a an the of to in on at by for with from as and or nor but if that which this these those such it its "
    "is are was were be been being has have had do does did will would may can could shall should must not "
    "no we us our you your they their them he she his her i my any all other some so than then there here "
    "when where who whom whose how what also into about through up out over under more most "
    "der die das den dem des ein eine einer eines einem einen und oder zu von mit auf für im am ist sind "
    "le la les un une du de et ou à au aux en dans pour par sur que qui est sont el los las y o del al con"
)
STOP_WORDS = frozenset(_LIGHT.split())
_FEW = 3
_WEIGHTY = re.compile(r"\w")
_SURVIVING = 0.1


def coherent(before: Words, after: Words, matches: list[Match]) -> list[Match]:
    """The matches a reader should see, out of all that there are."""
    kept = _without_islands(before, after, matches)
    kept = _settled(before, after, kept)
    return kept if _enough(before, after, kept) else _ends(before, after, kept)


def _weight(words: Words, start: int, size: int) -> int:
    """How many words of weight stand in the stretch: not stop words, marks or spaces."""
    return sum(
        1
        for text in words.texts[start : start + size]
        if _WEIGHTY.search(text) and text.lower() not in STOP_WORDS
    )


def _without_islands(before: Words, after: Words, matches: list[Match]) -> list[Match]:
    """Islands are judged from left to right; one that goes lets its left neighbour be judged again."""
    kept: list[Match] = []
    for index, match in enumerate(matches):
        kept.append(match)
        follows = matches[index + 1] if index + 1 < len(matches) else (len(before), len(after), 0)
        while kept and _is_island(before, after, kept, follows):
            kept.pop()
    return kept


def _is_island(before: Words, after: Words, kept: list[Match], follows: Match) -> bool:
    i, j, size = kept[-1]
    left_old, left_new = (kept[-2][0] + kept[-2][2], kept[-2][1] + kept[-2][2]) if len(kept) > 1 else (0, 0)
    left = max(before.length(left_old, i), after.length(left_new, j))
    right = max(before.length(i + size, follows[0]), after.length(j + size, follows[1]))
    if not left or not right:
        return False  # at the edge of the text, or beside a change that is gone
    weight = _weight(before, i, size) if size < 4 * _FEW else _FEW
    if not weight:
        return True
    length = before.length(i, i + size)
    return length < (min(left, right) if weight > 1 else (left + right) / 2) and weight < _FEW


def _settled(before: Words, after: Words, matches: list[Match]) -> list[Match]:
    """Slides each pure insertion or deletion to the best place between its neighbours."""
    settled = matches[:1]
    for i, j, size in matches[1:]:
        a, b, length = settled[-1]
        old_gap, new_gap = i - a - length, j - b - length
        if bool(old_gap) == bool(new_gap):
            settled.append((i, j, size))
            continue
        words, start, end = (before, a + length, i) if old_gap else (after, b + length, j)
        shift = _best_shift(words, start, end, length, size)
        settled[-1] = (a, b, length + shift)
        settled.append((i + shift, j + shift, size - shift))
    return [match for match in settled if match[2]]


def _best_shift(words: Words, start: int, end: int, left: int, right: int) -> int:
    """By how many words the stretch may move (negative: back) to begin and end at a better place."""
    texts, best, best_score = words.texts, 0, _place(words, start, end)
    shift = 0
    while shift < right and texts[start + shift] == texts[end + shift]:
        shift += 1
        if (score := _place(words, start + shift, end + shift)) > best_score:
            best, best_score = shift, score
    shift = 0
    while -shift < left and texts[start + shift - 1] == texts[end + shift - 1]:
        shift -= 1
        if (score := _place(words, start + shift, end + shift)) > best_score:
            best, best_score = shift, score
    return best


def _place(words: Words, start: int, end: int) -> int:
    """How good a place a stretch has: whole sentences before whole phrases before whole words."""
    return _edge(words, start) + _edge(words, end)


def _edge(words: Words, index: int) -> int:
    if index == 0 or index >= len(words):
        return 5
    gap, before = words.gaps[index], words.texts[index - 1]
    if "\n" in gap:
        return 5
    if not gap:
        return 0
    if before[-1] in ".!?。！？":
        return 4
    return 2 if before[-1] in ",;:)" else 1


def _enough(before: Words, after: Words, matches: list[Match]) -> bool:
    """So much survives that a reader is helped by seeing it."""
    kept = sum(before.length(i, i + size) for i, _, size in matches)
    most = max(before.length(0, len(before)), after.length(0, len(after)))
    return kept >= _SURVIVING * most


def _ends(before: Words, after: Words, matches: list[Match]) -> list[Match]:
    """Only what stands at the very beginning and the very end of both."""
    return [
        (i, j, size)
        for i, j, size in matches
        if (i == 0 and j == 0) or (i + size == len(before) and j + size == len(after))
    ]
