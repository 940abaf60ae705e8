# SPDX-License-Identifier: Apache-2.0
"""What was said before and is not said now, sentence by sentence, wherever in the text it stands.

1. A sentence whose words stand somewhere in the other text has only moved: no change of words.
2. The rest is paired, most alike first, within linked clauses by preference.
3. The words of a pair are compared; a pair's change is the words lost and the words gained.
4. A phrase that is replaced by the same other phrase again and again is a renaming, not a change.
5. What is left over on one side alone was dropped, or is new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from policyctl.core.revision import Revision
from policyctl.core.text.sentences import Sentence, sentences
from policyctl.core.text.words import same_but_for_ending

Row = tuple[str, ...]

_GRAM = 6  # words in a row that are the same by no accident
_KNOWN_SHARE = 0.85  # of a sentence's words must stand in known rows for it to have moved
_ALIKE = 0.5  # Dice share of words from which two sentences are one sentence reworded
_SAME_CLAUSE = 0.12  # advantage of a sentence in the linked clause
_RENAMED = 3  # places from which a replacement is a renaming
_RENAMED_WORDS = 5


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of words replaced by another; either may be empty. End exclusive."""

    old: tuple[int, int]
    new: tuple[int, int]


@dataclass(frozen=True, slots=True)
class WordChange:
    """A sentence before and after, with the numbers of the words that differ."""

    before: Sentence | None
    after: Sentence | None
    edits: tuple[Edit, ...]

    @property
    def lost(self) -> frozenset[int]:
        """Numbers of the words of ``before`` that are gone."""
        return frozenset(i for edit in self.edits for i in range(*edit.old))

    @property
    def gained(self) -> frozenset[int]:
        """Numbers of the words of ``after`` that are new."""
        return frozenset(i for edit in self.edits for i in range(*edit.new))


@dataclass(frozen=True, slots=True)
class Wording:
    """Both texts as sentences, and every change of words between them in document order."""

    old: tuple[Sentence, ...]
    new: tuple[Sentence, ...]
    changes: tuple[WordChange, ...]
    edge: frozenset[int] = frozenset()  # id() of sentences outside the part both texts share


def wording_of(revision: Revision) -> Wording:
    """Compare the words of a revision's two documents."""
    old, new = sentences(revision.old), sentences(revision.new)
    (gone, part_old), (fresh, part_new) = _unknown(old, new), _unknown(new, old)
    links = _links(revision)
    pairs = _pair([*gone, *part_old], [*fresh, *part_new], links, {id(s) for s in (*part_old, *part_new)})
    changes = [_compared(before, after) for before, after in pairs]
    paired_old, paired_new = {id(b) for b, _ in pairs}, {id(a) for _, a in pairs}
    changes = _without_renames(changes)
    changes += [_alone(sentence, None) for sentence in gone if id(sentence) not in paired_old]
    changes += [_alone(None, sentence) for sentence in fresh if id(sentence) not in paired_new]
    rows_old, rows_new = _rows(old), _rows(new)
    changes = [_without_known(change, rows_old, rows_new) for change in _distinct(changes)]
    kept = (change for change in changes if change.edits)
    alone = {id(s) for s in (*gone, *fresh)} - paired_old - paired_new
    edge = frozenset((*_edges(old, alone), *_edges(new, alone)))
    return Wording(old, new, tuple(sorted(kept, key=_place)), edge)


def _edges(side: Sequence[Sentence], alone: set[int]) -> Iterator[int]:
    """Sentences before the first and after the last one that the other text has as well.

    There stands what is captured along with a page: menus, footers, other pages, banners.
    """
    known = [n for n, s in enumerate(side) if id(s) not in alone and len(s.words) >= _GRAM]
    if known:
        yield from (id(s) for s in (*side[: known[0]], *side[known[-1] + 1 :]) if id(s) in alone)


def _place(change: WordChange) -> tuple[int, int]:
    side = change.after or change.before
    return (side.line if side else 0, 0 if change.after else 1)


def grams(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """All rows of ``size`` words."""
    return (tuple(words[i : i + size]) for i in range(len(words) - size + 1))


def _unknown(side: Sequence[Sentence], other: Sequence[Sentence]) -> tuple[list[Sentence], list[Sentence]]:
    """The sentences whose words do not stand in a row in the other text; and those that do, but not as
    a sentence: what is left of one that lost its "unless", or a part of one cut otherwise.
    """
    whole = {sentence.words for sentence in other}
    stream = [word for sentence in other for word in sentence.words]
    text, rows = f" {' '.join(stream)} ", set(grams(stream, _GRAM))
    unknown: list[Sentence] = []
    part: list[Sentence] = []
    for sentence in side:
        words = sentence.words
        if words in whole:
            continue
        may_stand = words[:_GRAM] in rows if len(words) >= _GRAM else not sentence.lead
        stands = may_stand and f" {' '.join(words)} " in text
        (part if stands else unknown).append(sentence)
    return unknown, part


def known_words(words: Sequence[str], rows: set[tuple[str, ...]]) -> set[int]:
    """Numbers of the words that stand in a row of words known from the other text."""
    found: set[int] = set()
    for start, gram in enumerate(grams(words, _GRAM)):
        if gram in rows:
            found.update(range(start, start + _GRAM))
    return found


def _links(revision: Revision) -> Mapping[str, frozenset[str]]:
    links: dict[str, set[str]] = {}
    for change in revision.clauses:
        for clause in change.old:
            links.setdefault(clause.id, set()).update(new.id for new in change.new)
    return {key: frozenset(value) for key, value in links.items()}


def _pair(
    gone: Sequence[Sentence], fresh: Sequence[Sentence], links: Mapping[str, frozenset[str]], parts: set[int]
) -> list[tuple[Sentence, Sentence]]:
    """Pairs of sentences that are one sentence reworded, most alike first, each used once. Two parts
    never make a pair: each stands in the other text as it is.
    """
    scored = sorted(_scores(gone, fresh, links), key=lambda row: (-row[0], row[1], row[2]))
    used_old: set[int] = set()
    used_new: set[int] = set()
    pairs = []
    for _, i, j in scored:
        both_known = id(gone[i]) in parts and id(fresh[j]) in parts
        if i not in used_old and j not in used_new and not both_known:
            used_old.add(i)
            used_new.add(j)
            pairs.append((gone[i], fresh[j]))
    return pairs


def _scores(
    gone: Sequence[Sentence], fresh: Sequence[Sentence], links: Mapping[str, frozenset[str]]
) -> Iterator[tuple[float, int, int]]:
    bags = [Counter(sentence.words) for sentence in fresh]
    holders: dict[str, list[int]] = {}
    for j, bag in enumerate(bags):
        for word in bag:
            holders.setdefault(word, []).append(j)
    for i, before in enumerate(gone):
        for j in _candidates(before, holders, len(fresh)):
            score = _dice(Counter(before.words), bags[j])
            score += _SAME_CLAUSE if fresh[j].clause in links.get(before.clause, ()) else 0.0
            if score >= _ALIKE:
                yield score, i, j


def _candidates(before: Sentence, holders: Mapping[str, list[int]], total: int) -> list[int]:
    """Fresh sentences that share the sentence's rarer words, at most forty."""
    votes: Counter[int] = Counter()
    common = max(30, total // 10)
    for word in set(before.words):
        rows = holders.get(word, [])
        if len(rows) <= common:
            votes.update(rows)
    return [j for j, _ in votes.most_common(40)]


def _dice(first: Counter[str], second: Counter[str]) -> float:
    return 2 * sum((first & second).values()) / (first.total() + second.total())


def _compared(before: Sentence, after: Sentence) -> WordChange:
    matcher = SequenceMatcher(None, before.words, after.words, autojunk=False)
    edits = tuple(Edit((a, b), (c, d)) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal")
    return WordChange(before, after, edits)


def _alone(before: Sentence | None, after: Sentence | None) -> WordChange:
    edit = Edit((0, len(before.words) if before else 0), (0, len(after.words) if after else 0))
    return WordChange(before, after, (edit,))


def _rows(side: Sequence[Sentence]) -> set[tuple[str, ...]]:
    return set(grams([word for sentence in side for word in sentence.words], _GRAM))


def _without_known(change: WordChange, rows_old: set[Row], rows_new: set[Row]) -> WordChange:
    """Drop what stands in the other text after all: sentences split, merged, or put in elsewhere.

    Only long stretches are looked up so: a "not" that went must never be excused by its neighbours.
    """
    edits = tuple(edit for edit in change.edits if not _is_known(change, edit, rows_old, rows_new))
    return replace(change, edits=edits)


def _is_known(change: WordChange, edit: Edit, rows_old: set[Row], rows_new: set[Row]) -> bool:
    old, new = _replaced(change, edit)
    if max(len(old), len(new)) < _GRAM:
        return False
    return _has_moved(old, rows_new) and _has_moved(new, rows_old)


def _has_moved(words: Row, rows: set[Row]) -> bool:
    if not words:
        return True
    return len(known_words(words, rows)) >= _KNOWN_SHARE * len(words)


def _replaced(change: WordChange, edit: Edit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    old = change.before.words[slice(*edit.old)] if change.before else ()
    new = change.after.words[slice(*edit.new)] if change.after else ()
    return old, new


def _without_renames(changes: Sequence[WordChange]) -> list[WordChange]:
    """Drop the edits that put one phrase in the place of another in several different sentences."""
    seen = Counter(
        pair
        for change in _distinct(changes)
        for pair in {_replaced(change, edit) for edit in change.edits}
        if all(0 < len(side) <= _RENAMED_WORDS for side in pair)
    )
    renames = {pair for pair, count in seen.items() if count >= _RENAMED}
    return [
        replace(change, edits=tuple(e for e in change.edits if _replaced(change, e) not in renames))
        for change in changes
    ]


def _distinct(changes: Iterable[WordChange]) -> Iterator[WordChange]:
    """A text captured twice says each thing once."""
    seen = set()
    for change in changes:
        key = (change.before.words if change.before else None, change.after.words if change.after else None)
        if key not in seen:
            seen.add(key)
            yield change


def is_spelling(old: Sequence[str], new: Sequence[str]) -> bool:
    """True when the words are the same but for spelling or inflection."""
    return len(old) == len(new) and all(map(same_but_for_ending, old, new))
