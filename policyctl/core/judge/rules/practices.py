# SPDX-License-Identifier: Apache-2.0
"""PC101 to PC123: what is collected, what for, and who gets it."""

from __future__ import annotations

from collections.abc import Iterator

from policyctl.core.judge.findings import Direction, Finding
from policyctl.core.judge.rules import declared as d
from policyctl.core.judge.rules.rule import Draft, Rule, View, from_practice, from_words
from policyctl.core.policy import ChangeClass

_MORE, _LESS, _BOTH = Direction.EXPANDS, Direction.RESTRICTS, Direction.MIXED
_TRAINING = "train_ai_system"
Found = tuple[Finding, ...]


def collection_expanded(view: View, _: Found) -> Iterator[Draft]:
    """A category is newly collected, or widened."""
    for change in view.revision.practices:
        if gained := d.gained_categories(change, d.old_practices(view)):
            yield from_practice(
                view, change, f"Newly collected: {d.labels(view, gained)}.", _MORE, ("collection",)
            )
    for shift in view.words("collection", _MORE, _BOTH):
        yield from_words(shift, "More is collected", main="collection")


def collection_narrowed(view: View, _: Found) -> Iterator[Draft]:
    """A category is dropped."""
    for change in view.revision.practices:
        if lost := d.lost_categories(change, d.new_practices(view)):
            yield from_practice(
                view, change, f"No longer collected: {d.labels(view, lost)}.", _LESS, ("collection",)
            )
    for shift in view.words("collection", _LESS):
        yield from_words(shift, "Less is collected", main="collection")


def purpose_added(view: View, _: Found) -> Iterator[Draft]:
    """A purpose is new for data already collected."""
    yield from _declared_purposes(view, training=False)
    for shift in view.words("use", _MORE, _BOTH):
        yield from_words(shift, "Data is used for more", main="use")


def ai_training(view: View, _: Found) -> Iterator[Draft]:
    """Data is newly used to train models."""
    yield from _declared_purposes(view, training=True)
    for shift in view.words("training", _MORE, _BOTH):
        yield from_words(shift, "Data is used for machine learning", main="use")


def _declared_purposes(view: View, *, training: bool) -> Iterator[Draft]:
    old = d.old_practices(view)
    for change in view.revision.practices:
        if change.new is None or (change.new.purpose == _TRAINING) is not training:
            continue
        if touched := d.new_purpose_for(change.new, old):
            what = f"{d.labels(view, touched)} may newly be used for: {d.labels(view, [change.new.purpose])}."
            yield from_practice(view, change, what[:1].upper() + what[1:], _MORE, ("use",))


def purpose_removed(view: View, _: Found) -> Iterator[Draft]:
    """A purpose is dropped."""
    new = d.new_practices(view)
    for change in view.revision.practices:
        if change.old and d.new_purpose_for(change.old, new):
            what = f"No longer used for: {d.labels(view, [change.old.purpose])}."
            yield from_practice(view, change, what, _LESS, ("use",))
    for aspect in ("use", "training"):
        for shift in view.words(aspect, _LESS):
            yield from_words(shift, "Data is used for less", main="use")


def recipient_added(view: View, _: Found) -> Iterator[Draft]:
    """A class of recipients is new, or wider, for data already collected; a sale is one."""
    old = d.old_practices(view)
    for change in view.revision.practices:
        if change.new and (gained := d.new_recipients(change.new, old)):
            what = f"Newly disclosed to: {d.labels(view, [r.kind for r in gained])}."
            yield from_practice(view, change, what, _MORE, ("sharing",))
    for shift in view.words("sharing", _MORE, _BOTH):
        yield from_words(shift, "More is disclosed to others", main="sharing")


def recipient_named(view: View, _: Found) -> Iterator[Draft]:
    """A named party is new within a class of recipients already told of."""
    old = d.old_practices(view)
    for change in view.revision.practices:
        if change.new and (named := d.new_names(change.new, old)):
            what = f"Named as a recipient: {', '.join(r.name for r in named)}."
            yield from_practice(view, change, what, Direction.NEUTRAL, ("sharing",))


def recipient_removed(view: View, _: Found) -> Iterator[Draft]:
    """A class of recipients is dropped."""
    new = d.new_practices(view)
    for change in view.revision.practices:
        if change.old and (lost := d.new_recipients(change.old, new)):
            what = f"No longer disclosed to: {d.labels(view, [r.kind for r in lost])}."
            yield from_practice(view, change, what, _LESS, ("sharing",))
    for shift in view.words("sharing", _LESS):
        yield from_words(shift, "Less is disclosed to others", main="sharing")


RULES = (
    Rule(
        "PC101",
        "collection-expanded",
        "A data category is newly collected, or a category is widened.",
        "People gave their data knowing what else would be collected; they are told before that changes.",
        "Colorado 4 CCR 904-3 r. 6.04; CCPA 1798.100(a); 11 CCR 7002(f)",
        "Declare the category in practices.yaml and set the class to notice or above, or undo the wording.",
        collection_expanded,
        ChangeClass.NOTICE,
        forced=True,
    ),
    Rule(
        "PC102",
        "collection-narrowed",
        "A data category is no longer collected.",
        "Readers rely on knowing what is held about them, also when it becomes less.",
        "WP260 para 29",
        "Set the class to notice, or put the category back.",
        collection_narrowed,
    ),
    Rule(
        "PC111",
        "purpose-added",
        "A purpose is new for a category already collected.",
        "Data is used under the policy of its collection; another use needs the reader's answer.",
        "founding promises E3, E4; FTC Gateway Learning C-4120 (2004); GDPR 6(4), 13(3); 11 "
        "CCR 7002(e); Colorado 6.04",
        "Set the class to choice, declare the purpose in practices.yaml, or undo the wording.",
        purpose_added,
        ChangeClass.CHOICE,
        forced=True,
    ),
    Rule(
        "PC112",
        "purpose-removed",
        "A purpose is dropped.",
        "A use that ends is news for the people whose data it was.",
        "WP260 para 29",
        "Set the class to notice, or put the purpose back.",
        purpose_removed,
    ),
    Rule(
        "PC113",
        "ai-training",
        "Data is newly used to train models.",
        "A quiet change of terms to allow training on data already given can be unfair or deceptive.",
        "FTC blog, 13 February 2024",
        "Set the class to choice and declare train_ai_system, or undo the wording.",
        ai_training,
        ChangeClass.CHOICE,
        forced=True,
    ),
    Rule(
        "PC121",
        "recipient-added",
        "A class of recipients is new or wider, or data is newly sold.",
        "Who gets the data was part of what people agreed to.",
        "FTC 1Health/Vitagene C-4798 (2023); FTC Facebook 092 3184; Colorado 6.04; WP260 para 30",
        "Set the class to choice, declare the recipients in practices.yaml, or undo the wording.",
        recipient_added,
        ChangeClass.CHOICE,
        forced=True,
    ),
    Rule(
        "PC122",
        "recipient-named",
        "A party is newly named within a class of recipients already told of.",
        "Customers may object to a processor only when they know of it.",
        "GDPR 28(2); EDPB 22/2024 para 22",
        "Tell administrators the name, the place and the purpose before the change.",
        recipient_named,
        material=False,
    ),
    Rule(
        "PC123",
        "recipient-removed",
        "A class of recipients is dropped.",
        "A disclosure that ends is news for the people whose data it was.",
        "Colorado 6.04",
        "Set the class to notice, or put the recipients back.",
        recipient_removed,
    ),
)
