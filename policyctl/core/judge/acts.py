# SPDX-License-Identifier: Apache-2.0
"""What a sentence is about among the acts it names, and which way more words about it point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from policyctl.core.judge.catalogue import Hit
from policyctl.core.judge.findings import Direction
from policyctl.core.judge.signals import Act, Signals

ASIDE = frozenset({"right", "protect", "child"})  # acts that speak about other acts
FLIP = {Direction.EXPANDS: Direction.RESTRICTS, Direction.RESTRICTS: Direction.EXPANDS}
ASPECT_OF_CATEGORY: Mapping[str, str] = {
    "collection": "collection",
    "use": "use",
    "sharing": "sharing",
    "retention": "retention",
    "international_transfer": "transfer",
    "security": "security",
    "choice_rights": "choice",
    "children": "children",
}

_DENIED_RIGHTS = frozenset({"no_retaliation"})  # rights that are worded as what we do not do
_BY_KIND: Mapping[str, str] = {"right": "choice", "place": "transfer"}
WIDTH: Mapping[str, int] = {  # of two terms of a kind the one that reaches further has the larger number
    "processor": 1,
    "affiliate": 2,
    "partner": 3,
    "advertiser": 4,
    "third_party": 5,
    "public": 6,
    "user.location.imprecise": 1,
    "user.location": 2,
    "user.location.precise": 3,
}


def own_acts(signals: Signals) -> list[Act]:
    """The practices a sentence itself names; what the reader may do is not one."""
    return [act for act in signals.acts if act.source == "own" and act.practice not in ASIDE]


def main_act(signals: Signals) -> Act | None:
    """What a sentence is about: a right that opens it, else the first practice, else what there is."""
    if not signals.acts:
        return None
    first = signals.acts[0]
    if first.practice in {"right", "child"}:
        return first
    ours = [act for act in signals.acts if act.practice not in ASIDE]
    if not ours:
        return first
    return ours[-1] if first.source == "lead" else ours[0]  # a list goes on with the last verb before it


def act_for(signals: Signals, hit: Hit) -> Act:
    """The act that a term belongs to: the last practice before it, else what the sentence is about."""
    main = main_act(signals)
    assert main is not None  # noqa: S101 - asked only where there are acts
    if main.practice == "right" and hit.kind == "data" and not _is_choice(signals):
        return replace(main, practice="collect")
    if main.practice in {"right", "child"}:
        return main
    before = [act for act in own_acts(signals) if act.at <= hit.start]
    return max(before, key=lambda act: act.at) if before else main


def _is_choice(signals: Signals) -> bool:
    """The sentence names what may be chosen, not only what the reader can do."""
    return signals.has("opt_in", "opt_out", "express") or any(hit.kind == "right" for hit in signals.hits)


def nearest_act(signals: Signals, hit: Hit) -> Act | None:
    """The act that a small word stands beside; one borrowed from a lead-in or a heading if it is all."""
    own = [act for act in signals.acts if act.source == "own"]
    return min(own, key=lambda act: abs(act.at - hit.start)) if own else main_act(signals)


def direction_of(act: Act, *, gained: bool, term: str = "") -> Direction:
    """More words about a practice expand it; about a denial, a right or a safeguard they restrict."""
    if term in _DENIED_RIGHTS:
        return Direction.RESTRICTS if gained else Direction.EXPANDS
    if act.practice == "child":
        return Direction.NEUTRAL
    direction = Direction.EXPANDS if gained else Direction.RESTRICTS
    turned = act.denied != (act.practice in {"right", "protect", "erase"})
    return FLIP[direction] if turned else direction


def aspect_of(act: Act, hit: Hit) -> str:
    """Which aspect a term beside an act shifts."""
    if hit.kind in _BY_KIND:
        return _BY_KIND[hit.kind]
    if hit.id == "train_ai_system" and act.practice not in ASIDE:
        return "training"
    if act.practice in {*ASIDE, "own", "transfer", "keep", "erase"}:
        return ASPECT_OF_CATEGORY[act.category]
    if hit.kind == "data":
        return ASPECT_OF_CATEGORY[act.category]
    return "sharing" if hit.kind == "recipient" else "use"
