# SPDX-License-Identifier: Apache-2.0
"""What a version states about a use, and what its subject and its customer have said to that.

A practice *grants* a use when it covers its category, its purpose and its recipient. It *bears on* a
use when the two overlap at all: a yes to a use must be a yes to every part of it, so a narrower
practice with a choice of its own stands in the way of the wider use too.

Answers are read so that doubt protects: a refusal or a withdrawal of a practice id, under whatever
version it was given, objects to that practice wherever it stands; a consent counts only for the
versions it can be meant for; and it stands only when no objection is later than it, be it by the
time it was given or by the order in which the ledger learnt of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policyctl.core.practice import ChoiceMode, Practice, Recipient, covers
from policyctl.core.records import Answer, Choice, VersionRecord, split_change

_OWN = ("self", "processor")
CUSTOMER = "customer"
SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Party:
    """Who a use would disclose data to: its possible classes, and its name where it has one."""

    kinds: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """What is asked about one tag. ``party`` None: the data is not disclosed to anybody."""

    category: str
    purpose: str
    party: Party | None


@dataclass(frozen=True, slots=True)
class Stance:
    """The answers that stand for one practice; ``consent`` is the subject's own."""

    customer_objection: Choice | None
    objection: Choice | None
    consent: Choice | None


def find_party(
    recipient: str, classes: Mapping[str, object], versions: Iterable[VersionRecord]
) -> Party | None:
    """``recipient`` as a class of the taxonomy, as ``class:name``, or as a name that some practice
    mentions; None when it is none of these.
    """
    if recipient in classes:
        return Party((recipient,))
    kind, colon, name = recipient.partition(":")
    if colon and kind in classes and name.strip():
        return Party((kind,), name.strip())
    named = [party for party in _all_recipients(versions) if party.name.casefold() == recipient.casefold()]
    return Party(tuple(sorted({party.kind for party in named})), recipient) if named else None


def _all_recipients(versions: Iterable[VersionRecord]) -> Iterable[Recipient]:
    return (party for record in versions for practice in record.practices for party in practice.recipients)


def grants(practice: Practice, use: Use) -> bool:
    """True when the practice states all of the use."""
    return (
        any(covers(category, use.category) for category in practice.categories)
        and covers(practice.purpose, use.purpose)
        and (use.party is None or _discloses(practice, use.party))
    )


def granting(record: VersionRecord, use: Use) -> tuple[Practice, ...]:
    """The practices of a version that state the use, in the order of the file."""
    return tuple(practice for practice in record.practices if grants(practice, use))


def _discloses(practice: Practice, party: Party) -> bool:
    if any(_same_name(party, listed) and _of_class(party, listed) for listed in practice.recipients):
        return True
    classes = [listed.kind for listed in practice.recipients if not listed.name]
    return all(any(covers(listed, kind) for listed in classes) for kind in party.kinds)


def _of_class(party: Party, listed: Recipient) -> bool:
    return any(covers(listed.kind, kind) for kind in party.kinds)


def _same_name(party: Party, listed: Recipient) -> bool:
    return bool(party.name) and party.name.casefold() == listed.name.casefold()


def bears_on(other: Practice, use: Use, granted_by: Practice) -> bool:
    """True when ``other`` has a say in a use that ``granted_by`` states.

    Where nothing is disclosed, a practice about disclosing to somebody whom the granting practice
    does not mention has no say; who works on our instructions is not such a somebody.
    """
    return (
        any(_overlap(category, use.category) for category in other.categories)
        and _overlap(other.purpose, use.purpose)
        and _parties_meet(other, use.party, granted_by)
    )


def _parties_meet(other: Practice, party: Party | None, granted_by: Practice) -> bool:
    if not other.recipients:
        return True
    if party is None:
        return all(
            _listed(recipient, granted_by.recipients) or any(covers(own, recipient.kind) for own in _OWN)
            for recipient in other.recipients
        )
    return any(
        _same_name(party, listed) or any(_overlap(listed.kind, kind) for kind in party.kinds)
        for listed in other.recipients
        if not party.name or not listed.name or _same_name(party, listed)
    )


def _listed(recipient: Recipient, among: Iterable[Recipient]) -> bool:
    return any(
        covers(listed.kind, recipient.kind) and (not listed.name or listed.name == recipient.name)
        for listed in among
    )


def _overlap(one: str, other: str) -> bool:
    return covers(one, other) or covers(other, one)


def meant_for(practice: Practice, versions: Iterable[VersionRecord]) -> frozenset[int]:
    """The versions (of those given) under whose name a consent means this very practice: there it
    has the same purpose, categories and recipients.
    """
    return frozenset(
        record.key.number
        for record in versions
        for stated in record.practices
        if stated.id == practice.id and _content(stated) == _content(practice)
    )


def _content(practice: Practice) -> tuple[frozenset[str], str, frozenset[Recipient]]:
    return frozenset(practice.categories), practice.purpose, frozenset(practice.recipients)


def stance(choices: Sequence[Choice], slug: str, practice: str, counted: frozenset[int]) -> Stance:
    """What stands for a practice; a consent counts under the versions in ``counted`` only."""
    customer_objection, _ = _standing(_about(choices, CUSTOMER, slug, practice), counted)
    objection, consent = _standing(_about(choices, SUBJECT, slug, practice), counted)
    return Stance(customer_objection, objection, consent)


def _about(choices: Sequence[Choice], scope: str, slug: str, practice: str) -> list[tuple[int, Choice]]:
    found = []
    for choice in choices:
        named = split_change(choice.change)
        if choice.scope == scope and named and named[0].slug == slug and named[1] == practice:
            found.append((named[0].number, choice))
    return found


def _standing(
    answers: Sequence[tuple[int, Choice]], counted: frozenset[int]
) -> tuple[Choice | None, Choice | None]:
    against = [choice for _, choice in answers if choice.answer is not Answer.CONSENT]
    in_favour = [
        choice for number, choice in answers if choice.answer is Answer.CONSENT and number in counted
    ]
    objection = max(against, key=_order, default=None)
    consent = max(in_favour, key=_order, default=None)
    if consent is None or objection is None:
        return objection, consent
    lifted = all(_later(consent, choice) for choice in against)
    return (None, consent) if lifted else (objection, None)


def _order(choice: Choice) -> tuple[object, ...]:
    return choice.at, choice.sequence


def _later(consent: Choice, objection: Choice) -> bool:
    return consent.at >= objection.at and consent.sequence > objection.sequence


def needs_consent(practice: Practice) -> bool:
    """True under opt-in, where silence is a no."""
    return practice.choice is ChoiceMode.OPT_IN
