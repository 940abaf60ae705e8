# SPDX-License-Identifier: Apache-2.0
"""What a change of words does: shifts of a practice, each with its direction and the reason seen.

Read in this order; the first that answers ends the reading of a change.

1. Spelling, inflection, numbering, dates and the like: nothing.
2. Another company takes the place of the one that is responsible: ``controller``.
3. How changes are announced, where to write to, page furniture: told, not judged (``process``, ``contact``).
4. A promise or a condition turned: "not", "only", "unless", a consent, a duration, an age.
5. Data, purposes and recipients that the whole other text does not know, or not in this connection.
6. A sentence about a practice that says things in words the other text does not have at all.
What the other text already says elsewhere is a repetition or a clarification, and no shift.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policyctl.core.catalogue import Hit, Lexicon
from policyctl.core.findings import Confidence, Direction
from policyctl.core.sentences import Sentence
from policyctl.core.signals import TERM_KINDS, Act, Signals, read_sentence
from policyctl.core.wording import Edit, WordChange, Wording, is_spelling
from policyctl.core.words import NET, stem

Term = tuple[str, str]
_STRANGE = 2  # words the other text lacks, from which a sentence says something else
_NUMBER = re.compile(r"[\d.,]+(?:st|nd|rd|th)?|[ivx]+|[a-z]")
_TURNING = frozenset({"negation", "only", "unless", "opt_in", "opt_out"})
_FLIP = {Direction.EXPANDS: Direction.RESTRICTS, Direction.RESTRICTS: Direction.EXPANDS}
_ASPECT_OF_CATEGORY: Mapping[str, str] = {
    "collection": "collection",
    "use": "use",
    "sharing": "sharing",
    "retention": "retention",
    "international_transfer": "transfer",
    "security": "security",
    "choice_rights": "choice",
    "children": "children",
    "ownership_transition": "ownership",
}


@dataclass(frozen=True, slots=True)
class Shift:
    """What one change of words does to one aspect; ``reason`` is a clause of plain words."""

    aspect: str
    direction: Direction
    confidence: Confidence
    change: WordChange
    reason: str
    terms: tuple[Term, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What a whole text speaks of: its terms, terms by category of act, and the stems of its words."""

    terms: frozenset[Term]
    framed: frozenset[tuple[str, Term]]
    stems: frozenset[str]

    def knows(self, term: Term) -> bool:
        """True when the term, or a narrower one, is mentioned anywhere."""
        return term in self.terms or any(
            kind == term[0] and name.startswith(term[1] + ".") for kind, name in self.terms
        )


def profile_of(side: Iterable[Signals]) -> Profile:
    """The profile of a text from the signals of its sentences."""
    terms: set[Term] = set()
    framed: set[tuple[str, Term]] = set()
    stems: set[str] = set()
    for signals in side:
        found = signals.terms()
        terms |= found
        framed |= {(category, term) for category in signals.categories for term in found}
        stems.update(map(stem, signals.sentence.words))
    return Profile(frozenset(terms), frozenset(framed), frozenset(stems))


class Reader:
    """Reads the changes of one wording with one lexicon."""

    def __init__(self, wording: Wording, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.wording = wording
        self.old = {id(s): read_sentence(s, lexicon) for s in wording.old}
        self.new = {id(s): read_sentence(s, lexicon) for s in wording.new}
        self.old_profile = profile_of(self.old.values())
        self.new_profile = profile_of(self.new.values())

    def shifts(self) -> tuple[Shift, ...]:
        """All shifts of the wording in document order."""
        return tuple(shift for change in self.wording.changes for shift in self.read(change))

    def read(self, change: WordChange) -> list[Shift]:
        """The shifts of one change of words."""
        side = change.after or change.before
        if side is None or side.kind in {"heading", "code"}:
            return []
        edits = tuple(edit for edit in change.edits if not self._is_trivial(change, edit))
        if not edits:
            return []
        change = WordChange(change.before, change.after, edits)
        before = self.old[id(change.before)] if change.before else None
        after = self.new[id(change.after)] if change.after else None
        return ChangeReader(self, change, before, after).read()

    def _is_trivial(self, change: WordChange, edit: Edit) -> bool:
        """Step 1: only common words, numbers of headings, dates, addresses, or another spelling."""
        old = change.before.words[slice(*edit.old)] if change.before else ()
        new = change.after.words[slice(*edit.new)] if change.after else ()
        if self._turns(change.before, edit.old, self.old) or self._turns(change.after, edit.new, self.new):
            return False
        said_old, said_new = self.content(old), self.content(new)
        return sorted(said_old) == sorted(said_new) or is_spelling(said_old, said_new)

    def _turns(self, sentence: Sentence | None, span: tuple[int, int], read: Mapping[int, Signals]) -> bool:
        if sentence is None:
            return False
        return any(
            h.kind == "cue" and h.id in _TURNING and h.start < span[1] and h.end > span[0]
            for h in read[id(sentence)].hits
        )

    def content(self, words: Sequence[str]) -> list[str]:
        """The words that say something: no common words, numbers, months or net addresses."""
        return [w for w in words if w not in self.lexicon.common and not self.is_figure(w)]

    def is_figure(self, word: str) -> bool:
        """A number, a letter of a list, a month, or an address of the net."""
        return bool(_NUMBER.fullmatch(word) or word in self.lexicon.months or NET.fullmatch(word))


class ChangeReader:
    """Reads one change, knowing what both texts say elsewhere."""

    def __init__(
        self, reader: Reader, change: WordChange, before: Signals | None, after: Signals | None
    ) -> None:
        self.reader, self.change, self.before, self.after = reader, change, before, after
        self.gained_hits = _touched(after, change.gained)
        self.lost_hits = _touched(before, change.lost)

    @property
    def main(self) -> Signals:
        """The new sentence, or the old one where it is gone."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - a change has a side
        return found

    def read(self) -> list[Shift]:
        """Steps 2 to 6."""
        for step in (self._controller, self._told):
            found = step()
            if found is not None:
                return found
        turned = list(self._turned())
        return turned or list(self._terms()) or list(self._unknown())

    def shift(self, aspect: str, direction: Direction, reason: str, **more: object) -> Shift:
        """A shift of this change."""
        confidence = more.get("confidence", Confidence.HIGH)
        terms = more.get("terms", ())
        return Shift(aspect, direction, confidence, self.change, reason, terms, self.categories(aspect))  # type: ignore[arg-type]

    def categories(self, aspect: str) -> tuple[str, ...]:
        """The categories of a shift: those of the acts in the sentence."""
        del aspect
        return self.main.categories

    # 2
    def _controller(self) -> list[Shift] | None:
        if self.before is None or self.after is None or not self.after.has("controller"):
            return None
        if not any(h.id == "company" for h in (*self.gained_hits, *self.lost_hits) if h.kind == "cue"):
            return None
        if self.main.has("contact"):
            return None
        return [
            self.shift("controller", Direction.NEUTRAL, "another company is named as the one responsible")
        ]

    # 3
    def _told(self) -> list[Shift] | None:
        main = self.main
        own = [act for act in main.acts if act.source == "own" and act.practice != "right"]
        if main.has("announce"):
            return [self.shift("process", Direction.NEUTRAL, "how changes or versions are announced")]
        if main.has("contact") and not (own and self._new_terms(gained=True)):
            return [self.shift("contact", Direction.NEUTRAL, "where to write to")]
        return None

    # 4
    def _turned(self) -> Iterator[Shift]:
        if self.before is None or self.after is None or not self.main.acts:
            return
        yield from self._negated()
        yield from self._cue("only", Direction.RESTRICTS, "exclusivity", "only")
        yield from self._cue("unless", Direction.RESTRICTS, "exclusivity", "a condition")
        yield from self._cue("opt_in", Direction.RESTRICTS, "choice", "a consent")
        yield from self._cue("opt_out", Direction.RESTRICTS, "choice", "an objection")
        yield from self._narrowed_promise()

    def _negated(self) -> Iterator[Shift]:
        gained = any(h.kind == "cue" and h.id == "negation" for h in self.gained_hits)
        lost = any(h.kind == "cue" and h.id == "negation" for h in self.lost_hits)
        assert self.before is not None  # noqa: S101 - asked before
        assert self.after is not None  # noqa: S101 - asked before
        if gained == lost or self.before.denied == self.after.denied:
            return
        direction = Direction.EXPANDS if lost else Direction.RESTRICTS
        if self._is_right():
            direction = _FLIP[direction]
        yield self.shift("exclusivity", direction, "a promise is " + ("withdrawn" if lost else "made"))

    def _cue(self, name: str, direction: Direction, aspect: str, what: str) -> Iterator[Shift]:
        gained = any(h.kind == "cue" and h.id == name for h in self.gained_hits)
        lost = any(h.kind == "cue" and h.id == name for h in self.lost_hits)
        if gained == lost:
            return
        turn = direction if gained else _FLIP[direction]
        if self.main.denied or (name == "unless" and self._is_right()):
            turn = _FLIP[turn]
        yield self.shift(aspect, turn, f"{what} is " + ("added" if gained else "dropped"))

    def _narrowed_promise(self) -> Iterator[Shift]:
        """Words that go from, or come into, what is promised not to be done."""
        assert self.before is not None  # noqa: S101 - asked before
        assert self.after is not None  # noqa: S101 - asked before
        if not (self.before.denied and self.after.denied):
            return
        lost, gained = (
            self._said(self.change.before, self.change.lost),
            self._said(self.change.after, self.change.gained),
        )
        if bool(lost) != bool(gained):
            yield self.shift(
                "exclusivity",
                Direction.EXPANDS if lost else Direction.RESTRICTS,
                "a promise covers " + ("less" if lost else "more"),
            )

    def _said(self, sentence: Sentence | None, numbers: frozenset[int]) -> list[str]:
        return self.reader.content([sentence.words[i] for i in sorted(numbers)]) if sentence else []

    def _is_right(self) -> bool:
        acts = self.main.acts
        return bool(acts) and acts[0].practice == "right"

    # 5
    def _new_terms(self, *, gained: bool) -> list[Hit]:
        hits, other = (self.gained_hits, self.before) if gained else (self.lost_hits, self.after)
        profile = self.reader.old_profile if gained else self.reader.new_profile
        there = other.terms() if other else frozenset()
        return [
            h
            for h in hits
            if h.kind in TERM_KINDS
            and (h.kind, h.id) not in there
            and h.id != "user"
            and not profile.knows((h.kind, h.id))
        ]

    def _terms(self) -> Iterator[Shift]:
        for gained in (True, False):
            signals = self.after if gained else self.before
            if signals is None or not signals.acts:
                continue
            for hit in self._new_terms(gained=gained):
                yield self._term_shift(signals, hit, gained=gained)

    def _term_shift(self, signals: Signals, hit: Hit, *, gained: bool) -> Shift:
        act = _act_for(signals.acts, hit)
        words = " ".join(signals.sentence.words[hit.start : hit.end])
        direction = Direction.EXPANDS if gained else Direction.RESTRICTS
        if act.denied or act.practice in {"right", "protect"}:
            direction = _FLIP[direction]
        reason = f"\u201c{words}\u201d is " + (
            "mentioned for the first time" if gained else "no longer mentioned anywhere"
        )
        return self.shift(_aspect(act, hit), direction, reason, terms=((hit.kind, hit.id),))

    # 6
    def _unknown(self) -> Iterator[Shift]:
        for gained in (True, False):
            signals = self.after if gained else self.before
            if signals is None or not signals.acts:
                continue
            profile = self.reader.old_profile if gained else self.reader.new_profile
            said = self._said(
                self.change.after if gained else self.change.before,
                self.change.gained if gained else self.change.lost,
            )
            strange = [w for w in said if stem(w) not in profile.stems]
            if len(strange) >= _STRANGE:
                act = signals.acts[0]
                direction = Direction.EXPANDS if gained else Direction.RESTRICTS
                if act.denied or act.practice in {"right", "protect"}:
                    direction = _FLIP[direction]
                yield self.shift(
                    _ASPECT_OF_CATEGORY[act.category],
                    direction,
                    "words the other text does not have: " + ", ".join(strange[:6]),
                    confidence=Confidence.UNDECIDED,
                )


def _touched(signals: Signals | None, numbers: frozenset[int]) -> tuple[Hit, ...]:
    if signals is None:
        return ()
    return tuple(h for h in signals.hits if any(i in numbers for i in range(h.start, h.end)))


def _act_for(acts: Sequence[Act], hit: Hit) -> Act:
    """The act that a term belongs to: the last one before it, else the first."""
    own = [act for act in acts if act.source == "own" and act.at <= hit.start]
    return max(own, key=lambda act: act.at) if own else acts[0]


def _aspect(act: Act, hit: Hit) -> str:
    if hit.id == "train_ai_system":
        return "training"
    if act.practice in {"right", "protect", "child", "own", "transfer", "keep", "erase"}:
        return _ASPECT_OF_CATEGORY[act.category]
    if hit.kind == "recipient":
        return "sharing"
    if hit.kind == "purpose":
        return "use"
    return _ASPECT_OF_CATEGORY[act.category]
