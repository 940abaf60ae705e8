# SPDX-License-Identifier: Apache-2.0
"""What a rule is, what it looks at, and the draft of a finding it gives back.

A rule is a pure function from a view of the revision to drafts. ``judge`` runs them in the order of
``RULES``; a later rule sees what the earlier ones found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from policyctl.core.judge.catalogue import Catalogue
from policyctl.core.judge.findings import Confidence, Direction, Finding, Severity
from policyctl.core.judge.shifts import Shift
from policyctl.core.policy import ChangeClass, PolicyText, Waiver
from policyctl.core.practice import Practice
from policyctl.core.revision import PracticeChange, Revision
from policyctl.core.text.sentences import Sentence

DECLARABLE = frozenset({"collection", "use", "training", "sharing", "retention", "transfer"})


@dataclass(frozen=True, slots=True)
class Translation:
    """The policy in another language, ``policy.de.md``, as it stands beside the new text."""

    file: str
    policy: PolicyText


@dataclass(frozen=True, slots=True)
class JudgeContext:
    """What surrounds a revision. The texts are None for plain Markdown, which has no front matter; a
    policy's first version has no ``old``.

    ``lead_days``: days between publication and effect by class. ``practices`` are the declared ones
    of the new and the old version, None where none are kept; they come from practices.yaml.
    ``base_waivers``: where a proposal is judged, the waivers that were approved before it; only these
    count. None: all of the new text's do. ``settings_changed``: what the proposal changes in the
    settings it would be judged by, in words.
    """

    old: PolicyText | None
    new: PolicyText | None
    lead_days: Mapping[ChangeClass, int]
    today: date
    regimes: tuple[str, ...] = ()
    file: str = "policy.md"
    practices: tuple[Practice, ...] | None = None
    old_practices: tuple[Practice, ...] | None = None
    base_waivers: tuple[Waiver, ...] | None = None
    settings_changed: tuple[str, ...] = ()
    translations: tuple[Translation, ...] = ()

    @property
    def is_first(self) -> bool:
        """True for a policy's first version: nothing of it was published before."""
        return self.new is not None and self.old is None

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """The waivers of the new text that count."""
        return tuple(each for each in self.stated_waivers if not self.is_proposed(each))

    @property
    def stated_waivers(self) -> tuple[Waiver, ...]:
        """All waivers of the new text."""
        return self.new.change.waivers if self.new and self.new.change else ()

    def is_proposed(self, waiver: Waiver) -> bool:
        """True for a waiver, or a change of one, that the proposal itself brings."""
        if self.base_waivers is None:
            return False
        return not any(replace(known, line=waiver.line) == waiver for known in self.base_waivers)


@dataclass(frozen=True, slots=True)
class View:
    """All that a rule may look at. ``language`` is empty where the text could not be read as words."""

    revision: Revision
    context: JudgeContext
    catalogue: Catalogue
    shifts: tuple[Shift, ...]
    old_language: str
    language: str
    old_sentences: tuple[Sentence, ...] = ()
    sentences: tuple[Sentence, ...] = ()

    @property
    def declares(self) -> bool:
        """True when the policy keeps declared practices; they then speak first."""
        return self.context.practices is not None

    def fresh_lines(self) -> Iterator[tuple[int, str]]:
        """Lines of the new file that the old one does not have, with their numbers; all of a first one."""
        known = frozenset() if self.context.is_first else frozenset(self.revision.old.text.split("\n"))
        for number, line in enumerate(self.revision.new.text.split("\n"), start=1):
            if line not in known:
                yield number, line

    def words(self, aspect: str, *directions: Direction) -> Iterator[Shift]:
        """Shifts of an aspect read from the text; where practices are declared, PC201 has them."""
        if self.declares and aspect in DECLARABLE and Direction.EXPANDS in directions:
            return
        yield from (s for s in self.shifts if s.aspect == aspect and s.direction in directions)


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding before its rule's own fields are filled in; None means "as the rule says"."""

    message: str
    direction: Direction
    categories: tuple[str, ...]
    clause: str | None = None
    line: int | None = None
    before: str | None = None
    after: str | None = None
    confidence: Confidence = Confidence.HIGH
    floor: ChangeClass | None = None
    material: bool | None = None
    severity: Severity | None = None
    practice: str | None = None
    mend: str = ""


Find = Callable[[View, tuple[Finding, ...]], Iterable[Draft]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as the table of rules shows it. ``floor`` None: as the finding it stands beside."""

    id: str
    name: str
    what: str
    why: str
    grounds: str
    mend: str
    find: Find = field(repr=False)
    floor: ChangeClass | None = ChangeClass.NOTICE
    forced: bool = False
    material: bool = True
    severity: Severity = Severity.WARNING


def from_words(shift: Shift, message: str, *, main: str = "", floor: ChangeClass | None = None) -> Draft:
    """A draft from a shift of the text: the whole sentences are its evidence."""
    before, after = shift.change.before, shift.change.after
    place = after or before
    categories = tuple(dict.fromkeys(filter(None, (main, *shift.categories))))
    doubt = shift.confidence is Confidence.UNDECIDED
    return Draft(
        message=f"{'A person must decide: ' if doubt else ''}{message}: {shift.reason}.",
        direction=shift.direction,
        categories=categories or ("other",),
        clause=place.clause if place else None,
        line=place.line if place else None,
        before=before.text if before else None,
        after=after.text if after else None,
        confidence=shift.confidence,
        floor=floor,
    )


def from_practice(
    view: View, change: PracticeChange, message: str, direction: Direction, categories: tuple[str, ...]
) -> Draft:
    """A draft from a declared practice, placed at the clause the practice is tied to."""
    practice = change.new or change.old
    clause = practice.clause if practice else None
    document = view.revision.new if change.new else view.revision.old
    line = next((c.line for c in document.clauses if c.id == clause), None)
    return Draft(
        message=message,
        direction=direction,
        categories=categories,
        clause=clause,
        line=line,
        before=_declared_words(change.old),
        after=_declared_words(change.new),
        practice=change.id,
    )


def _declared_words(practice: Practice | None) -> str | None:
    """A practice in the words of practices.yaml, on one line."""
    if practice is None:
        return None
    recipients = ", ".join(f"{r.kind} ({r.name})" if r.name else r.kind for r in practice.recipients)
    parts = [
        f"data: {', '.join(practice.categories)}",
        f"purpose: {practice.purpose}",
        f"recipients: {recipients or 'none'}",
        f"retention: {practice.retention}" if practice.retention else "",
        f"choice: {practice.choice}",
    ]
    return "; ".join(filter(None, parts))
