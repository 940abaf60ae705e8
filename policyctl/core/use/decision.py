# SPDX-License-Identifier: Apache-2.0
"""May this piece of data be used for that? The rules, numbered as in product.md:

1. No matching tag, only tags that ended, an unknown category, purpose, recipient or policy, a tag
   without a version, or no version in force for the subject: **undecided**, naming the gap. Callers
   treat undecided as no.
2. Do the practices of the tag's version V state (category, purpose, recipient)? A practice on an
   ancestor covers its descendants. A standing objection refuses; under ``choice: opt-in`` only a
   standing consent permits.
3. Not in V, but stated in every version from a later W up to the one in force: permitted only
   through that change's choice. Opt-in: a recorded consent. Opt-out: the notice delivered, the time
   to answer over, no objection. Not asked, bounced or still waiting: refused, with what is missing.
   And a change of ownership: nothing goes to an acquirer before the subject was told of one, and once
   one is in force, what was collected before it is used only where the subject was told: by the notice
   that names both controllers, delivered, or by accepting that version or a later one.
4. What the version in force no longer states is refused for old data too, and a choice it asks for
   is asked for old data too, unless the practice has ``existing: keep`` where it was last stated.
5. A customer's refusal binds all its subjects; a subject's own consent cannot undo it.
6. Several matching tags: every one must permit; one that is refused outweighs one undecided. A tag that
   ended, as its data was deleted, does not count any more; where all have ended the answer is undecided.
7. The version in force is asked per subject (core/use/in_force.py), at the moment asked about. Facts of
   a later time do not count, so the same question is answered alike whenever it is asked.

A tag matches when its category covers the one asked about or is covered by it; what is asked then is
the narrower of the two. An answer about a whole holds for each of its parts (core/use/stance.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from policyctl.core.practice import covers
from policyctl.core.records import Tag
from policyctl.core.suggest import nearest
from policyctl.core.use.question import (
    Decision,
    Explanation,
    Facts,
    Finding,
    Outcome,
    Reason,
    UseAnswer,
    UseRequest,
    undecided,
)
from policyctl.core.use.stance import find_party
from policyctl.core.use.tag_decision import judge_tag
from policyctl.core.use.wording import Wording, plain

__all__ = [
    "Decision",
    "Explanation",
    "Facts",
    "Finding",
    "Reason",
    "UseAnswer",
    "UseRequest",
    "decide",
    "decide_alone",
    "worst_of",
]


def decide(request: UseRequest, facts: Facts) -> Decision:
    """Answer ``request`` from ``facts`` by the rules above; a pure function of the two."""
    tags, gaps, found = _judged(request, facts)
    outcomes = gaps or found
    reasons = [reason for outcome in outcomes for reason in outcome.reasons]
    told = Explanation(
        reasons=tuple(replace(r, number=number, text=plain(r.text)) for number, r in enumerate(reasons, 1)),
        tags=tags,
        missing=tuple(dict.fromkeys(plain(item) for outcome in outcomes for item in outcome.missing)),
    )
    return Decision(_deciding(outcomes).finding, told, facts.sequence, facts.root)


def decide_alone(request: UseRequest, facts: Facts) -> Wording:
    """The same about the one tag that there is, with words that others of its cell can be put into."""
    _, gaps, found = _judged(request, facts)
    outcomes = gaps or found
    reasons = [reason for outcome in outcomes for reason in outcome.reasons]
    missing = [item for outcome in outcomes for item in outcome.missing]
    return Wording(_deciding(outcomes).finding, reasons, missing, of_tag=not gaps)


def _judged(
    request: UseRequest, facts: Facts
) -> tuple[tuple[Tag, ...], Sequence[Outcome], Sequence[Outcome]]:
    """The matching tags, and either what is not known or what the rules say of each tag."""
    known = _as_of(request.at, facts)  # 7
    matching = tuple(tag for tag in known.tags if _matches(tag, request))
    tags = tuple(tag for tag in matching if tag.ended_at is None)  # 6
    gaps = tuple(_gaps(request, known, tags, [tag.ended_at for tag in matching if tag.ended_at]))  # 1
    return tags, gaps, () if gaps else [judge_tag(tag, request, known) for tag in tags]


def _deciding(outcomes: Sequence[Outcome]) -> Outcome:
    worst = worst_of(outcome.answer for outcome in outcomes)  # 6
    return next(outcome for outcome in outcomes if outcome.answer is worst)


def worst_of(answers: Iterable[UseAnswer]) -> UseAnswer:
    """Every tag must permit; one that is refused outweighs one undecided (rule 6)."""
    found = set(answers)
    return next(a for a in (UseAnswer.REFUSED, UseAnswer.UNDECIDED, UseAnswer.PERMITTED) if a in found)


def _as_of(at: datetime, facts: Facts) -> Facts:
    return replace(
        facts,
        tags=tuple(_tag_as_of(at, tag) for tag in facts.tags if tag.collected_at <= at),
        versions=tuple(r for r in facts.versions if min(r.published_at, r.effective_at) <= at),
        admissions=tuple(entry for entry in facts.admissions if entry.at <= at),
        choices=tuple(choice for choice in facts.choices if choice.at <= at),
        deliveries=tuple(
            given
            for given in facts.deliveries
            if given.tells and given.at <= at and (given.undone_at is None or given.undone_at > at)
        ),
    )


def _tag_as_of(at: datetime, tag: Tag) -> Tag:
    return replace(tag, ended_at=None) if tag.ended_at and tag.ended_at > at else tag


def _matches(tag: Tag, request: UseRequest) -> bool:
    of_policy = request.slug is None or tag.slug == request.slug
    return of_policy and (covers(tag.category, request.category) or covers(request.category, tag.category))


# Rule 1: what must be known before anything can be said.


def _gaps(
    request: UseRequest, facts: Facts, tags: tuple[Tag, ...], ended: Sequence[datetime]
) -> Iterator[Outcome]:
    terms = facts.taxonomy
    if not facts.known_subject:
        yield undecided(
            "unknown_subject",
            "nothing is known of this subject",
            "the subject, imported or with an acceptance",
        )
    if request.category not in terms.categories:
        missing = _a_term("category", request.category, terms.categories)
        yield undecided("unknown_category", f"the category {request.category!r} is not known", missing)
    if request.purpose not in terms.purposes:
        missing = _a_term("purpose", request.purpose, terms.purposes)
        yield undecided("unknown_purpose", f"the purpose {request.purpose!r} is not known", missing)
    if request.slug is not None and all(record.key.slug != request.slug for record in facts.versions):
        yield undecided(
            "unknown_policy",
            f"no version of a policy {request.slug!r} is on record",
            "a published version of it",
        )
    if request.recipient is not None and _party_unknown(request.recipient, facts):
        yield undecided(
            "unknown_recipient",
            f"the recipient {request.recipient!r} is no class of recipients, and no practice names it",
            "a recipient of the taxonomy, or one that a practice names",
        )
    if ended and not tags:
        yield undecided(
            "ended",
            f"all data of the category {request.category!r} that was tagged for this subject was deleted, "
            f"the last on {max(ended):%Y-%m-%d}",
            "data that is still there",
        )
    elif facts.known_subject and not tags:
        yield undecided(
            "no_tag",
            f"no data of the category {request.category!r} is tagged for this subject",
            "a tag that says under which version the data was collected",
        )


def _a_term(kind: str, word: str, known: Iterable[str]) -> str:
    near = nearest(word, known)
    return f"a {kind} of the taxonomy; is {near!r} meant?" if near else f"a {kind} of the taxonomy"


def _party_unknown(recipient: str, facts: Facts) -> bool:
    return find_party(recipient, facts.taxonomy.recipients, facts.versions) is None
