# SPDX-License-Identifier: Apache-2.0
"""PC131 to PC192: how long, what choices, how safe, where to, who, and what was promised."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyctl.core.judge.findings import Direction, Finding
from policyctl.core.judge.rules import declared as d
from policyctl.core.judge.rules.rule import Draft, Rule, View, from_practice, from_words
from policyctl.core.policy import ChangeClass, Document
from policyctl.core.practice import covers
from policyctl.core.text.parse import clause_at

_MORE, _LESS, _BOTH, _NEITHER = Direction.EXPANDS, Direction.RESTRICTS, Direction.MIXED, Direction.NEUTRAL
Found = tuple[Finding, ...]
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_CHOICE_CATEGORIES = frozenset({"use", "sharing", "choice_rights", "children"})
_EXPANDING = frozenset({"PC101", "PC111", "PC113", "PC121", "PC161", "PC201"})


def retention_longer(view: View, _: Found) -> Iterator[Draft]:
    """Kept longer, or a limit dropped."""
    for change, old, new in d.both_sides(view):
        if d.retention_step(old.retention, new.retention) > 0:
            what = (
                f"Kept longer: {old.retention or 'nothing said'} becomes {new.retention or 'nothing said'}."
            )
            yield from_practice(view, change, what, _MORE, ("retention",))
    for shift in view.words("retention", _MORE, _BOTH):
        yield from_words(shift, "Data is kept longer, or a limit is gone", main="retention")


def retention_shorter(view: View, _: Found) -> Iterator[Draft]:
    """Kept shorter, or a limit added."""
    for change, old, new in d.both_sides(view):
        if d.retention_step(old.retention, new.retention) < 0:
            what = f"Kept shorter: {old.retention or 'nothing said'} becomes {new.retention}."
            yield from_practice(view, change, what, _LESS, ("retention",))
    for shift in view.words("retention", _LESS):
        yield from_words(shift, "Data is kept shorter, or a limit is new", main="retention")


def choice_weakened(view: View, _: Found) -> Iterator[Draft]:
    """Opt-in to opt-out, opt-out to none, a right removed or made harder."""
    for change, old, new in d.both_sides(view):
        if d.choice_step(old.choice, new.choice) < 0:
            what = f"The reader's choice is weaker: {old.choice} becomes {new.choice}."
            yield from_practice(view, change, what, _MORE, ("choice_rights",))
    for shift in view.words("choice", _MORE, _BOTH):
        yield from_words(shift, "A choice or right is weaker", main="choice_rights")


def choice_strengthened(view: View, _: Found) -> Iterator[Draft]:
    """A right or control added."""
    for change, old, new in d.both_sides(view):
        if d.choice_step(old.choice, new.choice) > 0:
            what = f"The reader's choice is stronger: {old.choice} becomes {new.choice}."
            yield from_practice(view, change, what, _LESS, ("choice_rights",))
    for shift in view.words("choice", _LESS):
        yield from_words(shift, "A choice or right is stronger", main="choice_rights")


def security_weakened(view: View, _: Found) -> Iterator[Draft]:
    """A security promise removed or softened."""
    for shift in view.words("security", _MORE, _BOTH):
        yield from_words(shift, "Less is promised about security", main="security")


def security_strengthened(view: View, _: Found) -> Iterator[Draft]:
    """A security promise added."""
    for shift in view.words("security", _LESS):
        yield from_words(shift, "More is promised about security", main="security")


def transfer_added(view: View, _: Found) -> Iterator[Draft]:
    """Data newly leaves the country or region."""
    for shift in view.words("transfer", _MORE, _BOTH):
        yield from_words(shift, "Data goes to more places", main="international_transfer")


def transfer_removed(view: View, _: Found) -> Iterator[Draft]:
    """Data no longer leaves the country or region, or a safeguard is added."""
    for shift in view.words("transfer", _LESS):
        yield from_words(shift, "Data goes to fewer places, or better guarded", main="international_transfer")


def controller_changed(view: View, _: Found) -> Iterator[Draft]:
    """Another company is responsible."""
    for shift in view.words("controller", _MORE, _LESS, _BOTH, _NEITHER):
        yield from_words(shift, "The company responsible changes", main="ownership_transition")


def ownership_transition(view: View, _: Found) -> Iterator[Draft]:
    """The text announces a change of ownership or control."""
    for shift in view.words("takeover", _NEITHER):
        yield from_words(shift, "A change of ownership or control is announced", main="ownership_transition")


def children(view: View, _: Found) -> Iterator[Draft]:
    """The age limit or what is done with children's data changes."""
    for shift in view.words("children", _MORE, _LESS, _BOTH, _NEITHER):
        floor = ChangeClass.NOTICE if shift.direction is _LESS else None
        yield from_words(shift, "What is said of children changes", main="children", floor=floor)


def sensitive(view: View, found: Found) -> Iterator[Draft]:
    """A rule that expands, on a category the taxonomy marks as sensitive."""
    terms = view.catalogue.taxonomy.categories
    marked = {name for name, term in terms.items() if term.sensitive}
    for change in view.revision.practices:
        grown = any(f.practice == change.id and f.rule in _EXPANDING for f in found)
        touched = [
            c for c in (change.new.categories if change.new else ()) if any(covers(m, c) for m in marked)
        ]
        if grown and touched:
            yield from_practice(view, change, f"Sensitive data: {d.labels(view, touched)}.", _MORE, ("use",))
    for aspect in ("collection", "use", "sharing", "training"):
        for shift in view.words(aspect, _MORE, _BOTH):
            if any(kind == "data" and name in marked for kind, name in shift.terms):
                yield from_words(shift, "The data is of a sensitive kind", main="")


def rights_route(view: View, _: Found) -> Iterator[Draft]:
    """The contact, complaint or rights route changes: in words, or an address to write to."""
    shifts = list(view.words("contact", _NEITHER))
    for shift in shifts:
        yield from_words(shift, "The route for questions or requests changes", main="contact")
    before, after = (_addresses(side) for side in (view.revision.old, view.revision.new))
    gone, fresh = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    if fresh and gone and not shifts:
        line = after[fresh[0]]
        clause = clause_at(view.revision.new, line)
        yield Draft(
            f"The address to write to changes: {', '.join(gone)} becomes {', '.join(fresh)}.",
            _NEITHER,
            ("contact",),
            clause=clause.id if clause else None,
            line=line,
        )


def _addresses(document: Document) -> dict[str, int]:
    """Mail addresses of a text, each with the line it first stands on."""
    found: dict[str, int] = {}
    first = document.text.count("\n", 0, document.body) + 1
    for number, line in enumerate(document.text[document.body :].split("\n"), start=first):
        for address in _ADDRESS.findall(line) if "@" in line else ():
            found.setdefault(address.lower(), number)
    return found


def exclusivity_dropped(view: View, _: Found) -> Iterator[Draft]:
    """What says "only", "never", "do not" or "unless you agree" is gone beside a practice."""
    for shift in view.words("exclusivity", _MORE):
        needs = _CHOICE_CATEGORIES & set(shift.categories)
        floor = ChangeClass.CHOICE if needs else ChangeClass.NOTICE
        yield from_words(shift, "A promise is weaker", floor=floor)


def exclusivity_added(view: View, _: Found) -> Iterator[Draft]:
    """A promise not to do something, or to do it on a condition only, is new."""
    for shift in view.words("exclusivity", _LESS):
        yield from_words(shift, "A promise is stronger")


RULES = (
    Rule(
        "PC131",
        "retention-longer",
        "Data is kept longer, or a limit is dropped.",
        "The period was told when the data was collected.",
        "GDPR 13(2)(a)",
        "Set the class to notice or above, or put the period back.",
        retention_longer,
        ChangeClass.NOTICE,
        forced=True,
    ),
    Rule(
        "PC132",
        "retention-shorter",
        "Data is kept shorter.",
        "A shorter period asks nothing of the reader, who may still want to save a copy.",
        "",
        "Nothing need be done; say it in the summary.",
        retention_shorter,
        ChangeClass.EDITORIAL,
    ),
    Rule(
        "PC141",
        "choice-weakened",
        "Opt-in becomes opt-out, opt-out becomes none, a right is removed or harder to use.",
        "A choice once given was part of the bargain.",
        "Safe Harbor and DPF II.2; GDPR 7(3), 21",
        "Set the class to choice, or put the choice back.",
        choice_weakened,
        ChangeClass.CHOICE,
        forced=True,
    ),
    Rule(
        "PC142",
        "choice-strengthened",
        "A right or control is added.",
        "A right nobody was told of is not used.",
        "WP260 para 29",
        "Set the class to notice and say in the summary how the right is used.",
        choice_strengthened,
    ),
    Rule(
        "PC151",
        "security-weakened",
        "A security promise is removed or softened.",
        "A promise of protection was relied upon.",
        "FTC Act s. 5",
        "Set the class to notice or above, or put the promise back.",
        security_weakened,
        ChangeClass.NOTICE,
        forced=True,
    ),
    Rule(
        "PC152",
        "security-strengthened",
        "A security promise is added or hardened.",
        "A promise made is a promise to keep; readers may rely on it from now on.",
        "FTC Act s. 5",
        "Set the class to notice, and see that the promise is true.",
        security_strengthened,
    ),
    Rule(
        "PC161",
        "transfer-added",
        "Data newly leaves the country or region.",
        "The place decides which law protects the data.",
        "WP260 para 30",
        "Set the class to notice or above, or undo the wording.",
        transfer_added,
        ChangeClass.NOTICE,
        forced=True,
    ),
    Rule(
        "PC162",
        "transfer-removed",
        "Data no longer leaves the country or region, or is better guarded there.",
        "The place decides which law protects the data.",
        "WP260 para 29",
        "Set the class to notice.",
        transfer_removed,
    ),
    Rule(
        "PC171",
        "controller-changed",
        "Another company is responsible.",
        "People are told before control changes, and may refuse a different use.",
        "founding promise E4; WP260 para 29; FTC, Mergers and privacy promises (2015); Toysmart (2000)",
        "Set the class to transition and name both companies and the day.",
        controller_changed,
        ChangeClass.TRANSITION,
        forced=True,
    ),
    Rule(
        "PC172",
        "ownership-transition",
        "The text announces a change of ownership or control.",
        "People are told before control changes, and may refuse a different use.",
        "founding promise E4",
        "Set the class to transition and name both companies and the day.",
        ownership_transition,
        ChangeClass.TRANSITION,
        forced=True,
    ),
    Rule(
        "PC181",
        "children",
        "The age limit, or what is done with children's data, changes.",
        "A parent decides for a child.",
        "COPPA 16 CFR 312.4(b), 312.5(a)(1)",
        "Set the class to choice, and ask the parents.",
        children,
        ChangeClass.CHOICE,
        forced=True,
    ),
    Rule(
        "PC182",
        "sensitive",
        "A change that expands touches data of a sensitive kind.",
        "Health, race, politics, religion, union, sex life, biometrics, precise location and "
        "finances need an express yes.",
        "DPF II.2.c; GDPR 9",
        "Set the class to choice; the choice must be opt-in.",
        sensitive,
        ChangeClass.CHOICE,
        forced=True,
    ),
    Rule(
        "PC191",
        "rights-route",
        "The route for contact, complaints or requests changes.",
        "A right is worth as much as the way to it.",
        "WP260 para 29",
        "Nothing need be done beyond the copy to administrators; check that the new address works.",
        rights_route,
        material=False,
    ),
    Rule(
        "PC192",
        "exclusivity-dropped",
        "\u201conly\u201d, \u201cnever\u201d, \u201cdo not\u201d or \u201cunless you "
        "agree\u201d is gone beside a practice.",
        "A promise withdrawn for data given under it deceives the giver.",
        "FTC deception: a promise withdrawn",
        "Put the promise back, or set the class that the practice needs.",
        exclusivity_dropped,
        None,
        forced=True,
    ),
    Rule(
        "PC193",
        "exclusivity-added",
        "A promise not to do something, or only on a condition, is new.",
        "A promise made is a promise to keep.",
        "FTC Act s. 5",
        "Set the class to notice, and see that the promise is true.",
        exclusivity_added,
    ),
)
