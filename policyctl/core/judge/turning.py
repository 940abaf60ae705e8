# SPDX-License-Identifier: Apache-2.0
"""A promise or a condition that turned within a sentence both texts have, however few the words.

Asked in this order; the first answer of 1 to 3 ends the asking, for what follows would say it again.

1. Not, never, no longer: the practice itself is denied or no longer denied.
2. How the reader is asked: express consent, consent, objection, nothing.
3. Another verb: deleted becomes kept, used becomes shared.
4. Figures (days, ages), and words that bind: "only", "unless", "until you", "anonymised", "encrypted".
5. What a promise covers: a product or a kind of data that leaves a denial; an exception that enters it.
6. "will" for "may", "or" for "and".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from policyctl.core.judge.acts import FLIP, main_act, nearest_act
from policyctl.core.judge.catalogue import Hit
from policyctl.core.judge.findings import Confidence, Direction
from policyctl.core.judge.shifts import Shift, figures
from policyctl.core.judge.sides import Side
from policyctl.core.judge.signals import Act, Signals

MORE, LESS = Direction.EXPANDS, Direction.RESTRICTS
SMALL_SWAPS = (("joins_all", "joins_any"), ("may", "will"))
TURNING = frozenset(
    {"negation", "only", "unless", "opt_in", "opt_out", "express", "veiled", "safeguard", "until", "freely"}
    | {"without", "order"}
)
_ASKED = ("", "opt_out", "opt_in", "express")  # how the reader is asked, the strictest last
_PROMISES = frozenset({"erase", "protect"})
_DISCLOSES = frozenset({"share", "sell", "own"})
_HELD = frozenset({"collect", "use", "keep"})
Make = Callable[..., Shift]


@dataclass(frozen=True, slots=True)
class Bond:
    """A cue that binds the company while it stands. ``practices``: beside which only; empty for any."""

    cue: str
    aspect: str
    what: str
    practices: frozenset[str] = frozenset()


BONDS = (
    Bond("until", "retention", "an end of storage", frozenset({"keep", "erase"})),
    Bond("order", "exclusivity", "the order of a court", _DISCLOSES),
    Bond("veiled", "exclusivity", "that the data names nobody", _DISCLOSES | _HELD),
    Bond("safeguard", "security", "a safeguard", frozenset({"keep", "protect", "share", "transfer", "use"})),
    Bond("only", "exclusivity", "\u201conly\u201d or the like"),
    Bond("unless", "exclusivity", "a condition"),
    Bond("freely", "choice", "\u201cat any time\u201d or \u201cfree of charge\u201d", frozenset({"right"})),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence before and after. ``make`` builds a shift of this change."""

    before: Signals
    after: Signals
    gained: Side
    lost: Side
    make: Make

    @property
    def sides(self) -> tuple[Side, Side]:
        """The new side, then the old one."""
        return self.gained, self.lost


def turned(pair: Pair) -> Iterator[Shift]:
    """All turns of a sentence; see the head of this file for the order."""
    for step in (_negated, _asked, _verb):
        if shifts := list(step(pair)):
            yield from shifts
            return
    yield from _figures(pair)
    yield from next(filter(None, ([*_bond(pair, bond)] for bond in BONDS)), [])
    yield from _covered(pair)
    yield from _modal(pair)
    yield from _joined(pair)


def _negated(pair: Pair) -> Iterator[Shift]:
    was, is_now = main_act(pair.before), main_act(pair.after)
    if was is None or is_now is None or was.denied == is_now.denied:
        return
    if len(pair.before.cues("negation")) == len(pair.after.cues("negation")):
        return
    direction = LESS if is_now.denied else MORE
    if is_now.practice in {"right", *_PROMISES}:
        direction = FLIP[direction]
    aspect = "choice" if is_now.practice == "right" else "exclusivity"
    yield pair.make(aspect, direction, "a promise is " + ("made" if direction is LESS else "gone"))


def _asked(pair: Pair) -> Iterator[Shift]:
    """A stricter or laxer way to ask; inside a denial a consent is an exception."""
    if not any(hit.kind == "cue" and hit.id in _ASKED for side in pair.sides for hit in side.hits):
        return
    was, is_now = (_strictness(signals) for signals in (pair.before, pair.after))
    act = main_act(pair.after) or main_act(pair.before)
    if was == is_now or act is None:
        return
    direction = LESS if is_now > was else MORE
    if act.denied and act.practice != "right":
        direction = FLIP[direction]
    what = ("nothing", "an objection", "a consent", "an express consent")
    yield pair.make("choice", direction, f"the reader is asked for {what[is_now]} instead of {what[was]}")


def _strictness(signals: Signals) -> int:
    return max(n for n, cue in enumerate(_ASKED) if not cue or signals.has(cue))


def _verb(pair: Pair) -> Iterator[Shift]:
    """The verb of the sentence is another one, and it means more or less."""
    was, is_now = main_act(pair.before), main_act(pair.after)
    if was is None or is_now is None or was.denied or is_now.denied or was.practice == is_now.practice:
        return
    if was.at not in pair.lost.touched or is_now.at not in pair.gained.touched or _is_rephrased(pair):
        return
    steps = {
        ("erase", "keep"): ("retention", MORE),
        ("keep", "erase"): ("retention", LESS),
        **{(held, told): ("sharing", MORE) for held in _HELD for told in _DISCLOSES},
        **{(told, held): ("sharing", LESS) for held in _HELD for told in _DISCLOSES},
        ("share", "sell"): ("sharing", MORE),
        ("sell", "share"): ("sharing", LESS),
    }
    if step := steps.get((was.practice, is_now.practice)):
        yield pair.make(*step, "the verb of the sentence is another one", act=is_now)


def _is_rephrased(pair: Pair) -> bool:
    """More than the verb and a word beside it changed."""
    return any(len(side.said) > 2 for side in pair.sides)  # noqa: PLR2004 - a verb and its particle


def _figures(pair: Pair) -> Iterator[Shift]:
    """Another duration or age beside a practice."""
    old, new = (
        sorted(figures(signals.sentence.words, pair.gained.lexicon).values())
        for signals in (pair.before, pair.after)
    )
    if old == new or not (old or new):
        return
    practices = {act.practice for act in (*pair.after.acts, *pair.before.acts)}
    aspect = _aspect_of_figure(practices)
    missing = 0.0 if aspect == "children" else float("inf")
    longer = max(new, default=missing) > max(old, default=missing)
    direction = LESS if longer == (aspect == "children") else MORE
    yield pair.make(aspect, direction, "a number of days or years is another one")


def _aspect_of_figure(practices: set[str]) -> str:
    if "child" in practices:
        return "children"
    if practices & {"keep", "erase"}:
        return "retention"
    return "security" if "protect" in practices else "choice"


def _bond(pair: Pair, bond: Bond) -> Iterator[Shift]:
    """A word that binds us came or went; inside a denial or a right it frees us instead."""
    was, is_now = pair.before.cues(bond.cue), pair.after.cues(bond.cue)
    if len(was) == len(is_now) or (was and is_now):
        return
    signals, hits = (pair.after, is_now) if is_now else (pair.before, was)
    side = pair.gained if is_now else pair.lost
    act = nearest_act(signals, hits[0])
    if act is None or not (set(hits) & set(side.hits)) or not _beside(bond, act):
        return
    direction = LESS if is_now else MORE
    if (act.denied and bond.cue != "only") or (act.practice == "right" and bond.cue in {"unless", "only"}):
        direction = FLIP[direction]
    yield pair.make(_aspect(bond, act), direction, f"{bond.what} is " + ("added" if is_now else "dropped"))


def _beside(bond: Bond, act: Act) -> bool:
    return not bond.practices or act.practice in bond.practices


def _aspect(bond: Bond, act: Act) -> str:
    return "transfer" if bond.cue == "safeguard" and act.practice == "transfer" else bond.aspect


def _covered(pair: Pair) -> Iterator[Shift]:
    """What is promised not to be done covers more or less than it did."""
    was, is_now = main_act(pair.before), main_act(pair.after)
    if not (was and is_now and was.denied and is_now.denied):
        return
    if any(bool(pair.before.cues(cue)) != bool(pair.after.cues(cue)) for cue in ("unless", "only")):
        return
    less = _step(pair.before.cues("without"), pair.after.cues("without"))
    less = less or _step(_general(pair.after), _general(pair.before), both=_specific(pair))
    if not less and bool(pair.gained.said) != bool(pair.lost.said):
        less = (1 if pair.lost.said else -1) * (-1 if _qualifies(pair) else 1)
    if less:
        covers = "a promise covers " + ("less" if less > 0 else "more")
        yield pair.make("exclusivity", MORE if less > 0 else LESS, covers)


def _qualifies(pair: Pair) -> bool:
    """The words that came or went stand before a noun they narrow: "business" in "your business data"."""
    side = pair.lost if pair.lost.said else pair.gained
    if side.terms:
        return False
    after = max(side.touched) + 1
    return any(hit.kind == "data" and hit.end == after + 1 for hit in side.signals.hits)


def _step(was: Sequence[Hit], is_now: Sequence[Hit], *, both: bool = True) -> int:
    """1 when it came, -1 when it went."""
    return (bool(is_now) - bool(was)) if both else 0


def _general(signals: Signals) -> tuple[Hit, ...]:
    return tuple(hit for hit in signals.hits if hit.kind == "data" and hit.id == "user")


def _specific(pair: Pair) -> bool:
    """Single kinds of data stand where "your data" stood, or the other way round."""
    return any(hit.kind == "data" for side in pair.sides for hit in side.terms)


def _modal(pair: Pair) -> Iterator[Shift]:
    """What may be done will be done; what was promised may be done. Only where nothing else was said."""
    act = main_act(pair.after)
    if act is None or act.source != "own" or any(side.said for side in pair.sides):
        return
    was, is_now = (
        {hit.id for hit in side.hits if hit.id in SMALL_SWAPS[1]} for side in (pair.lost, pair.gained)
    )
    if len(was) != 1 or len(is_now) != 1 or was == is_now or act.practice in {"right", "child"}:
        return
    firm = "will" in is_now
    if firm or act.practice in _PROMISES:
        direction = LESS if firm and act.practice in _PROMISES else MORE
        reason = "what may be done is done now" if firm else "what was promised is left open"
        yield pair.make(_OF_PRACTICE[act.practice], direction, reason, confidence=Confidence.UNDECIDED)


_OF_PRACTICE = {
    "collect": "collection",
    "use": "use",
    "share": "sharing",
    "sell": "sharing",
    "own": "sharing",
    "keep": "retention",
    "erase": "retention",
    "transfer": "transfer",
    "protect": "security",
}


def _joined(pair: Pair) -> Iterator[Shift]:
    """One of "and" and "or" became the other, and nothing else that says anything changed."""
    act = main_act(pair.after)
    names = {hit.id for hit in pair.gained.hits if hit.id in SMALL_SWAPS[0]}
    if act is None or act.source == "title" or not names or any(side.said for side in pair.sides):
        return
    direction = MORE if "joins_any" in names else LESS
    if act.denied:
        direction = FLIP[direction]
    reason = "\u201cand\u201d and \u201cor\u201d have changed places"
    yield pair.make("exclusivity", direction, reason, confidence=Confidence.UNDECIDED)
