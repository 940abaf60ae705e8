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

from collections.abc import Iterator

from policyctl.core.judge.acts import (
    ASIDE,
    ASPECT_OF_CATEGORY,
    WIDTH,
    act_for,
    aspect_of,
    direction_of,
    main_act,
    own_acts,
)
from policyctl.core.judge.catalogue import Hit, Lexicon, find_hits
from policyctl.core.judge.findings import Confidence, Direction
from policyctl.core.judge.shifts import Shift, denials_of, figures, profile_of
from policyctl.core.judge.sides import Side, content
from policyctl.core.judge.signals import Act, Signals, read_sentence
from policyctl.core.judge.turning import SMALL_SWAPS, TURNING, Pair, turned
from policyctl.core.judge.wording import Edit, WordChange, Wording, is_spelling
from policyctl.core.text.words import NET

_CONNECTED = frozenset(
    {"collection", "use", "sharing", "retention", "international_transfer", "choice_rights"}
)
_ROUTE_TERMS = ("user.contact", "user.name", "user.account", "processor.support", "authority", "essential")
_NEAR = 2  # words between "described" and what it names
_REFERENCE = 3  # words that name a heading and nothing else
_SHORT = 4  # words that a button has at most, and one more
_STRANGE = 2  # words the other text lacks, from which a sentence says something else


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
        self.references = {f" {' '.join(content(title, lexicon))} " for title in self.titles}
        self.menus = {
            signals.sentence.line
            for signals in (*self.old.values(), *self.new.values())
            if len(signals.sentence.words) < _SHORT and signals.has("furniture")
        }
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
        edits = edits or tuple(edit for edit in change.edits if self._swaps(change, edit))
        if not edits:
            return []
        before = self.old[id(change.before)] if change.before else None
        after = self.new[id(change.after)] if change.after else None
        return ChangeReader(self, WordChange(change.before, change.after, edits), before, after).read()

    def _is_trivial(self, change: WordChange, edit: Edit) -> bool:
        """Step 1: only common words, numbers of headings, dates, addresses, or another spelling."""
        sides = ((change.before, edit.old, self.old), (change.after, edit.new, self.new))
        turns = [self._turns(read[id(sentence)], span) if sentence else [] for sentence, span, read in sides]
        if turns[0] != turns[1]:
            return False
        said_old, said_new = (
            content(sentence.words[slice(*span)], self.lexicon) if sentence else []
            for sentence, span, _ in sides
        )
        if self._refers(change, edit):
            return True
        said_old, said_new = self._unreferred(said_old), self._unreferred(said_new)
        return sorted(said_old) == sorted(said_new) or is_spelling(said_old, said_new)

    def _refers(self, change: WordChange, edit: Edit) -> bool:
        """True when the edit names another place of the page: "described in the section ... below"."""
        if change.before is None or change.after is None:
            return False
        old, new = change.before.words, change.after.words
        around = (*old[slice(*edit.old)], *old[edit.old[1] : edit.old[1] + 1], *new[slice(*edit.new)])
        before = old[max(0, edit.old[0] - _NEAR) : edit.old[0]]
        return bool(self.lexicon.places.intersection(around)) and bool(
            self.lexicon.refers.intersection(before)
        )

    def _unreferred(self, said: list[str]) -> list[str]:
        """Nothing where the words name a heading of either text: a reference says no more."""
        row = f" {' '.join(said)} "
        return [] if len(said) >= _REFERENCE and any(row in title for title in self.references) else said

    def _swaps(self, change: WordChange, edit: Edit) -> bool:
        """True when the edit puts "or" for "and", "will" for "may", and the sentence says no more."""
        if change.before is None or change.after is None:
            return False
        old, new = (
            {hit.id for hit in find_hits(side.words[slice(*span)], self.lexicon)}
            for side, span in ((change.before, edit.old), (change.after, edit.new))
        )
        return any(old & set(swap) and new & set(swap) and old != new for swap in SMALL_SWAPS)

    def _turns(self, signals: Signals, span: tuple[int, int]) -> list[str]:
        """What in a stretch turns the meaning: cues, durations and ages."""
        found = figures(signals.sentence.words, self.lexicon)
        cues = [
            h.id
            for h in signals.hits
            if h.kind == "cue" and h.id in TURNING and h.start < span[1] and h.end > span[0]
        ]
        return sorted((*cues, *(str(found[at]) for at in found if span[0] <= at < span[1])))


class ChangeReader:
    """Reads one change, knowing what both texts say elsewhere."""

    def __init__(
        self, reader: Reader, change: WordChange, before: Signals | None, after: Signals | None
    ) -> None:
        self.reader, self.change, self.before, self.after = reader, change, before, after
        self.sides = tuple(
            Side(signals, touched, other, profile, reader.lexicon, gained=gained)
            for signals, touched, other, profile, gained in (
                (after, change.gained, before, reader.old_profile, True),
                (before, change.lost, after, reader.new_profile, False),
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

    def shift(
        self,
        aspect: str,
        direction: Direction,
        reason: str,
        *,
        act: Act | None = None,
        confidence: Confidence = Confidence.HIGH,
    ) -> Shift:
        """A shift of this change; its categories are those of the act it is about."""
        about = act or main_act(self.main)
        categories = (about.category,) if about else ()
        if any(act.practice == "child" and act.source == "own" for act in self.main.acts):
            categories = (*categories, "children")
        return Shift(aspect, direction, confidence, self.change, reason, (), categories)

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
        if self.main.has("summary"):
            return [self.shift("process", Direction.NEUTRAL, "what a summary of changes says")]
        if self.main.has("announce") and not new_terms:
            return [self.shift("process", Direction.NEUTRAL, "how changes or versions are announced")]
        if self._is_route():
            return [self.shift("contact", Direction.NEUTRAL, "where to write to")]
        if self.main.has("about_text") and not new_terms:
            return []
        named = any(hit.kind not in {"right", "place"} for side in self.sides for hit in side.new_terms)
        return [] if self.main.has("pointer") and not named and not own_acts(self.main) else None

    def _is_furniture(self) -> bool:
        """Outside the part both texts share, only what speaks of the reader's own data counts."""
        if self.before is not None and self.after is not None:
            return False
        led = any(act.source == "lead" for act in self.main.acts)
        if not led and not self.main.concerns(self.reader.lexicon):
            return True
        if not self.at_edge:
            return False
        if self.main.sentence.line in self.reader.menus:
            return True
        ours = any(act.actor == "we" for act in self.main.acts)
        return not (ours and any(hit.kind == "data" for hit in self.main.hits))

    @property
    def at_edge(self) -> bool:
        """True when it stands outside the part both texts share."""
        return id(self.main.sentence) in self.reader.wording.edge

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
        elif (self.main.acts or self.before.acts) and not self.main.has("legal_basis"):
            yield from turned(Pair(self.before, self.after, self.sides[0], self.sides[1], self.shift))

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

    # 5
    def _terms(self) -> Iterator[Shift]:
        outweighed = self._outweighed()
        for side in self.sides:
            for hit in side.terms if side.signals.acts else ():
                if (side.gained, hit.kind) in outweighed:
                    continue
                act = act_for(side.signals, hit)
                if hit in side.new_terms:
                    seen = "mentioned for the first time" if side.gained else "no longer mentioned anywhere"
                    yield self._term_shift(side, act, hit, seen, Confidence.HIGH)
                elif self._is_new_here(side, act, hit):
                    seen = "new beside such a practice" if side.gained else "gone from beside such a practice"
                    yield self._term_shift(side, act, hit, seen, Confidence.MEDIUM)

    def _outweighed(self) -> set[tuple[bool, str]]:
        """Where a wider term took the place of a narrower one, or the other way round: the narrower side."""
        found = set()
        for kind in ("data", "recipient"):
            widths = {
                side.gained: [WIDTH.get(hit.id, 0) for hit in side.terms if hit.kind == kind]
                for side in self.sides
            }
            if len(widths) == 2 and all(row and all(row) for row in widths.values()):  # noqa: PLR2004 - both sides
                wider = max(widths[True]) > max(widths[False])
                found.add((not wider, kind))
        if self.after is None or (self.before and _transfers(self.sides[0])):
            found.add((False, "place"))  # a place it no longer keeps to
        return found

    def _is_new_here(self, side: Side, act: Act, hit: Hit) -> bool:
        """The other text knows the term, but not beside such a practice."""
        known = (act.category, (hit.kind, hit.id)) in side.profile.framed
        return act.category in _CONNECTED and not known and not side.signals.has("legal_basis")

    def _term_shift(self, side: Side, act: Act, hit: Hit, seen: str, confidence: Confidence) -> Shift:
        words = " ".join(side.signals.sentence.words[hit.start : hit.end])
        direction = direction_of(act, gained=side.gained, term=hit.id)
        reason = f"\u201c{words}\u201d is {seen}"
        term = (hit.kind, hit.id)
        categories = () if hit.kind == "place" else (act.category,)
        return Shift(aspect_of(act, hit), direction, confidence, self.change, reason, (term,), categories)

    # 6
    def _strange(self) -> Iterator[Shift]:
        for side in self.sides:
            act = self._spoken(side)
            strange = side.strange if act and not self._vague(side) else []
            if act and len(strange) >= _STRANGE and not side.signals.has("legal_basis"):
                reason = "words the other text does not have: " + ", ".join(strange[:6])
                yield self._statement(side, act, reason, self._told_period(side, act))

    def _vague(self, side: Side) -> bool:
        """Outside the part both texts share, and without a word of the reader's data in general."""
        return self.at_edge and not any(hit.id == "user" for hit in side.hits)

    def _told_period(self, side: Side, act: Act) -> Confidence:
        """A sentence that says for how long data is kept leaves nothing to decide."""
        period = act.practice == "keep" and figures(side.signals.sentence.words, self.reader.lexicon)
        return Confidence.MEDIUM if period else Confidence.UNDECIDED

    # 7
    def _anew(self) -> Iterator[Shift]:
        for side in self.sides:
            act = self._spoken(side)
            if act and side.anew and not self._vague(side) and not side.signals.has("legal_basis", "pointer"):
                reason = "the other text does not say so" if side.gained else "it is said nowhere any more"
                yield self._statement(side, act, reason, Confidence.MEDIUM)

    def _is_reworded(self, side: Side, act: Act) -> bool:
        """What a sentence says no more, now that it says something else in that place, may be said
        otherwise; so may a right that both sides speak of.
        """
        if self.before is None or self.after is None or not all(other.said for other in self.sides):
            return False
        return not side.gained or act.practice == "right"

    def _spoken(self, side: Side) -> Act | None:
        """The act the sentence is about; one of its heading only beside the reader's data."""
        act = self._touched_act(side) or main_act(side.signals)
        if act is None or (act.source == "title" and not side.signals.personal):
            return None
        return act if act.source == "lead" or side.signals.concerns(self.reader.lexicon) else None

    def _touched_act(self, side: Side) -> Act | None:
        """A practice among the changed words of a sentence that both texts have; a transfer before all."""
        if self.before is None or self.after is None:
            return None
        acts = [act for act in own_acts(side.signals) if act.at in side.touched]
        return next((act for act in acts if act.practice == "transfer"), next(iter(acts), None))

    def _statement(self, side: Side, act: Act, reason: str, confidence: Confidence) -> Shift:
        direction = direction_of(act, gained=side.gained)
        if self._is_reworded(side, act):
            direction, confidence = Direction.MIXED, Confidence.UNDECIDED
        aspect = ASPECT_OF_CATEGORY[act.category]
        return Shift(aspect, direction, confidence, self.change, reason, (), (act.category,))


def _transfers(side: Side) -> bool:
    return any(act.practice == "transfer" and act.at in side.touched for act in own_acts(side.signals))
