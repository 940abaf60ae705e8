# SPDX-License-Identifier: Apache-2.0
"""Changed words -> shifts of practices, each with its direction and the reason seen.

Read in this order; the first step that answers ends the reading of a change.

1. Spelling, inflection, numbering, dates and the like: nothing.
2. Another company takes the place of the one that is responsible, or a takeover is announced.
3. How changes are announced, where to write to, page furniture: told, not judged.
4. A promise or a condition turned: "not", "only", "unless", a consent, a duration, an age.
5. Data, purposes and recipients that the whole other text does not know, or not in this connection.
6. Words about a practice that the other text does not have at all: a person must decide.
7. A statement about a practice put together as nowhere in the other text.
What the other text already says elsewhere is a repetition or a clarification, and no shift.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from policyctl.core.judge.acts import (
    ASIDE,
    ASPECT_OF_CATEGORY,
    FLIP,
    act_for,
    aspect_of,
    direction_of,
    main_act,
    own_acts,
)
from policyctl.core.judge.catalogue import Hit, Lexicon, find_hits
from policyctl.core.judge.findings import Confidence, Direction
from policyctl.core.judge.shifts import Profile, Shift, denials_of, figures, pairs_of, profile_of
from policyctl.core.judge.signals import TERM_KINDS, Act, Signals, read_sentence
from policyctl.core.judge.wording import Edit, WordChange, Wording, is_spelling
from policyctl.core.text.words import NET, stem

_NUMBER = re.compile(r"[\d.,]+(?:st|nd|rd|th)?|[ivx]+|[a-z]")
_TURNING = frozenset({"negation", "only", "unless", "opt_in", "opt_out"})
_JOINS = frozenset({"joins_all", "joins_any"})
_CONNECTED = frozenset(
    {"collection", "use", "sharing", "retention", "international_transfer", "choice_rights"}
)
_ROUTE_TERMS = ("user.contact", "user.name", "user.account", "processor.support", "authority", "essential")
_STRANGE = 2  # words the other text lacks, from which a sentence says something else
_ANEW = 0.4  # share of pairs of words the other text lacks, from which a statement is a new one
_STATEMENT = 3  # pairs of words that a statement has at least


class Reader:
    """Reads the changes of one wording with one lexicon."""

    def __init__(self, wording: Wording, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.wording = wording
        self.old = {id(s): read_sentence(s, lexicon) for s in wording.old}
        self.new = {id(s): read_sentence(s, lexicon) for s in wording.new}
        rows = (*wording.old, *wording.new)
        self.titles = {
            sentence.words for sentence in rows if sentence.kind == "heading"
        }  # as in a contents list
        self.old_profile = profile_of(self.old.values(), lexicon)
        self.new_profile = profile_of(self.new.values(), lexicon)

    def shifts(self) -> tuple[Shift, ...]:
        """All shifts of the wording in document order."""
        return tuple(shift for change in self.wording.changes for shift in self.read(change))

    def read(self, change: WordChange) -> list[Shift]:
        """The shifts of one change of words."""
        side = change.after or change.before
        if side is None or side.kind in {"heading", "code"} or side.words in self.titles:
            return []
        edits = tuple(edit for edit in change.edits if not self._is_trivial(change, edit))
        edits = edits or tuple(edit for edit in change.edits if self._joins(change, edit))
        if not edits:
            return []
        before = self.old[id(change.before)] if change.before else None
        after = self.new[id(change.after)] if change.after else None
        return ChangeReader(self, WordChange(change.before, change.after, edits), before, after).read()

    def _is_trivial(self, change: WordChange, edit: Edit) -> bool:
        """Step 1: only common words, numbers of headings, dates, addresses, or another spelling."""
        sides = ((change.before, edit.old, self.old), (change.after, edit.new, self.new))
        if any(sentence and self._turns(read[id(sentence)], span) for sentence, span, read in sides):
            return False
        said_old, said_new = (
            self.content(sentence.words[slice(*span)]) if sentence else [] for sentence, span, _ in sides
        )
        return sorted(said_old) == sorted(said_new) or is_spelling(said_old, said_new)

    def _joins(self, change: WordChange, edit: Edit) -> bool:
        """True when the edit puts "or" for "and" or the other way round, and the sentence says no more."""
        if change.before is None or change.after is None:
            return False
        old, new = (
            find_hits(side.words[slice(*span)], self.lexicon)
            for side, span in ((change.before, edit.old), (change.after, edit.new))
        )
        names = [{hit.id for hit in hits if hit.id in _JOINS} for hits in (old, new)]
        return all(names) and names[0] != names[1]

    def _turns(self, signals: Signals, span: tuple[int, int]) -> bool:
        """True when the stretch holds a word that turns the meaning, a duration or an age."""
        if any(span[0] <= at < span[1] for at in figures(signals.sentence.words, self.lexicon)):
            return True
        return any(
            h.kind == "cue" and h.id in _TURNING and h.start < span[1] and h.end > span[0]
            for h in signals.hits
        )

    def content(self, words: Sequence[str]) -> list[str]:
        """The words that say something: no common words, numbers, months or net addresses."""
        return [w for w in words if w not in self.lexicon.common and not self.is_figure(w)]

    def is_figure(self, word: str) -> bool:
        """A number, a letter of a list, a month, or an address of the net."""
        return bool(_NUMBER.fullmatch(word) or word in self.lexicon.months or NET.fullmatch(word))


class Side:
    """One side of a change: its signals, its changed words, and the profile of the other text."""

    def __init__(
        self,
        reader: Reader,
        signals: Signals,
        touched: frozenset[int],
        other: Signals | None,
        *,
        gained: bool,
    ) -> None:
        self.reader, self.signals, self.touched, self.gained = reader, signals, touched, gained
        self.profile: Profile = reader.old_profile if gained else reader.new_profile
        self.hits = tuple(h for h in signals.hits if any(i in touched for i in range(h.start, h.end)))
        there = other.terms() if other else frozenset()
        self.terms = tuple(
            h for h in self.hits if h.kind in TERM_KINDS and h.id != "user" and (h.kind, h.id) not in there
        )
        self.new_terms = tuple(h for h in self.terms if not self.profile.knows((h.kind, h.id)))

    @property
    def said(self) -> list[str]:
        """The changed words that say something."""
        words = self.signals.sentence.words
        return self.reader.content([words[i] for i in sorted(self.touched)])

    @property
    def strange(self) -> list[str]:
        """Those the other text does not have in any form."""
        return [word for word in dict.fromkeys(self.said) if stem(word) not in self.profile.stems]

    @property
    def anew(self) -> bool:
        """True when most of the sentence's pairs of words stand nowhere in the other text."""
        words = self.signals.sentence.words
        pairs = list(pairs_of([words[i] for i in sorted(self.touched)], self.reader.lexicon))
        unknown = sum(pair not in self.profile.pairs for pair in pairs)
        return len(pairs) >= _STATEMENT and unknown >= _ANEW * len(pairs)


class ChangeReader:
    """Reads one change, knowing what both texts say elsewhere."""

    def __init__(
        self, reader: Reader, change: WordChange, before: Signals | None, after: Signals | None
    ) -> None:
        self.reader, self.change, self.before, self.after = reader, change, before, after
        self.sides = tuple(
            Side(reader, signals, touched, other, gained=gained)
            for signals, touched, other, gained in (
                (after, change.gained, before, True),
                (before, change.lost, after, False),
            )
            if signals
        )

    @property
    def main(self) -> Signals:
        """The new sentence, or the old one where it is gone."""
        return self.sides[0].signals

    def read(self) -> list[Shift]:
        """Steps 2 to 7."""
        for step in (self._control, self._told):
            found = step()
            if found is not None:
                return found
        for judged in (self._turned, self._terms, self._strange, self._anew):
            if shifts := list(judged()):
                return shifts
        return []

    def shift(self, aspect: str, direction: Direction, reason: str, act: Act | None = None) -> Shift:
        """A shift of this change; its categories are those of the act it is about."""
        about = act or main_act(self.main)
        categories = (about.category,) if about else ()
        return Shift(aspect, direction, Confidence.HIGH, self.change, reason, (), categories)

    # 2
    def _control(self) -> list[Shift] | None:
        if any(h.id == "takeover" for h in self.sides[0].hits) and self.after:
            return [self.shift("takeover", Direction.NEUTRAL, "the words speak of it as a fact")]
        both = self.before is not None and self.after is not None
        named = any(h.kind == "cue" and h.id == "company" for side in self.sides for h in side.hits)
        if both and named and self.main.has("controller") and not self._is_route():
            reason = "another company is named as the one responsible"
            return [self.shift("controller", Direction.NEUTRAL, reason)]
        return None

    # 3
    def _told(self) -> list[Shift] | None:
        if self._is_furniture():
            return []
        new_terms = any(side.new_terms for side in self.sides)
        if self.main.has("announce") and not new_terms:
            return [self.shift("process", Direction.NEUTRAL, "how changes or versions are announced")]
        if self._is_route():
            return [self.shift("contact", Direction.NEUTRAL, "where to write to")]
        return [] if self.main.has("pointer") and not new_terms and not own_acts(self.main) else None

    def _is_furniture(self) -> bool:
        """Outside the part both texts share, only what speaks of the reader's own data counts."""
        alone = self.before is None or self.after is None
        if not alone or id(self.main.sentence) not in self.reader.wording.edge:
            return False
        ours = any(act.actor == "we" for act in self.main.acts)
        return not (ours and any(hit.kind == "data" for hit in self.main.hits))

    def _is_route(self) -> bool:
        """A way to write to the company: a word of contact or an address, and no practice."""
        if any(not hit.id.startswith(_ROUTE_TERMS) for side in self.sides for hit in side.new_terms):
            return False
        if any(NET.fullmatch(word) for word in self.main.sentence.words) and not own_acts(self.main):
            return True
        return self.main.has("contact") and not self.main.denied

    # 4
    def _turned(self) -> Iterator[Shift]:
        if self.before is None or self.after is None:
            yield from self._denial()
        elif self.main.acts and not self.main.has("legal_basis"):
            yield from self._figures(self.before, self.after)
            yield from self._negated(self.before, self.after)
            yield from self._cue(
                self.before, self.after, "only", "exclusivity", "\u201conly\u201d or the like"
            )
            yield from self._cue(self.before, self.after, "unless", "exclusivity", "a condition")
            yield from self._cue(self.before, self.after, "opt_in", "choice", "a consent")
            yield from self._cue(self.before, self.after, "opt_out", "choice", "an objection")
            yield from self._narrowed(self.before, self.after)
            yield from self._joined()

    def _denial(self) -> Iterator[Shift]:
        """A whole promise not to do something that came or went."""
        side = self.sides[0]
        act = main_act(side.signals)
        if act is None or not act.denied or not side.signals.personal or act.practice in ASIDE:
            return
        if all(side.profile.denies(denial) for denial in denials_of(side.signals)):
            return
        direction = Direction.RESTRICTS if side.gained else Direction.EXPANDS
        yield self.shift("exclusivity", direction, "a promise is " + ("made" if side.gained else "gone"))

    def _figures(self, before: Signals, after: Signals) -> Iterator[Shift]:
        """Another duration or age beside a practice."""
        lexicon = self.reader.lexicon
        old = sorted(figures(before.sentence.words, lexicon).values())
        new = sorted(figures(after.sentence.words, lexicon).values())
        if old == new or not (old or new):
            return
        practices = {act.practice for act in self.main.acts}
        keeps = practices & {"keep", "erase"}
        aspect = "children" if "child" in practices else "retention" if keeps else "choice"
        longer = max(new, default=float("inf")) > max(old, default=float("inf"))
        direction = Direction.RESTRICTS if longer == (aspect == "children") else Direction.EXPANDS
        yield self.shift(aspect, direction, "a number of days or years is another one")

    def _negated(self, before: Signals, after: Signals) -> Iterator[Shift]:
        was, is_now = main_act(before), main_act(after)
        if was is None or is_now is None or was.denied == is_now.denied:
            return
        if len(before.cues("negation")) == len(after.cues("negation")):
            return
        direction = Direction.RESTRICTS if is_now.denied else Direction.EXPANDS
        if is_now.practice == "right":
            direction = FLIP[direction]
        yield self.shift("exclusivity", direction, "a promise is " + ("made" if is_now.denied else "gone"))

    def _cue(self, before: Signals, after: Signals, name: str, aspect: str, what: str) -> Iterator[Shift]:
        """A word that binds us came or went; inside a denial or a right it frees us instead."""
        was, is_now = len(before.cues(name)), len(after.cues(name))
        act = main_act(after)
        if was == is_now or act is None or min(was, is_now):
            return
        direction = Direction.RESTRICTS if is_now > was else Direction.EXPANDS
        if act.denied or (name == "unless" and act.practice == "right"):
            direction = FLIP[direction]
        yield self.shift(aspect, direction, f"{what} is " + ("added" if is_now > was else "dropped"))

    def _narrowed(self, before: Signals, after: Signals) -> Iterator[Shift]:
        """Words that go from, or come into, what is promised not to be done."""
        was, is_now = main_act(before), main_act(after)
        if not (was and is_now and was.denied and is_now.denied):
            return
        gained, lost = (bool(side.said) for side in self.sides)
        if lost != gained:
            direction = Direction.EXPANDS if lost else Direction.RESTRICTS
            yield self.shift("exclusivity", direction, "a promise covers " + ("less" if lost else "more"))

    def _joined(self) -> Iterator[Shift]:
        """One of "and" and "or" became the other, and nothing else that says anything changed."""
        act = main_act(self.main)
        names = {hit.id for hit in self.sides[0].hits if hit.id in _JOINS}
        if act is None or act.source == "title" or not names or any(side.said for side in self.sides):
            return
        direction = Direction.EXPANDS if "joins_any" in names else Direction.RESTRICTS
        if act.denied:
            direction = FLIP[direction]
        reason = "\u201cand\u201d and \u201cor\u201d have changed places"
        yield replace(self.shift("exclusivity", direction, reason), confidence=Confidence.UNDECIDED)

    # 5
    def _terms(self) -> Iterator[Shift]:
        for side in self.sides:
            for hit in side.terms if side.signals.acts else ():
                act = act_for(side.signals, hit)
                if hit in side.new_terms:
                    seen = "mentioned for the first time" if side.gained else "no longer mentioned anywhere"
                    yield self._term_shift(side, act, hit, seen, Confidence.HIGH)
                elif self._is_new_here(side, act, hit):
                    seen = "new beside such a practice" if side.gained else "gone from beside such a practice"
                    yield self._term_shift(side, act, hit, seen, Confidence.MEDIUM)

    def _is_new_here(self, side: Side, act: Act, hit: Hit) -> bool:
        """The other text knows the term, but not beside such a practice."""
        known = (act.category, (hit.kind, hit.id)) in side.profile.framed
        return act.category in _CONNECTED and not known and not side.signals.has("legal_basis")

    def _term_shift(self, side: Side, act: Act, hit: Hit, seen: str, confidence: Confidence) -> Shift:
        words = " ".join(side.signals.sentence.words[hit.start : hit.end])
        direction = direction_of(act, gained=side.gained)
        reason = f"\u201c{words}\u201d is {seen}"
        term = (hit.kind, hit.id)
        return Shift(
            aspect_of(act, hit), direction, confidence, self.change, reason, (term,), (act.category,)
        )

    # 6
    def _strange(self) -> Iterator[Shift]:
        for side in self.sides:
            act = self._spoken(side)
            strange = side.strange if act else []
            if act and len(strange) >= _STRANGE and not side.signals.has("legal_basis"):
                reason = "words the other text does not have: " + ", ".join(strange[:6])
                yield self._statement(side, act, reason, Confidence.UNDECIDED)

    # 7
    def _anew(self) -> Iterator[Shift]:
        for side in self.sides:
            act = self._spoken(side)
            if act and side.anew and not side.signals.has("legal_basis", "pointer"):
                reason = "the other text does not say so" if side.gained else "it is said nowhere any more"
                yield self._statement(side, act, reason, Confidence.MEDIUM)

    def _spoken(self, side: Side) -> Act | None:
        """The act the sentence is about; one of its heading only beside the reader's data."""
        act = main_act(side.signals)
        if act is None or (act.source == "title" and not side.signals.personal):
            return None
        return act

    def _statement(self, side: Side, act: Act, reason: str, confidence: Confidence) -> Shift:
        direction = direction_of(act, gained=side.gained)
        aspect = ASPECT_OF_CATEGORY[act.category]
        return Shift(aspect, direction, confidence, self.change, reason, (), (act.category,))
