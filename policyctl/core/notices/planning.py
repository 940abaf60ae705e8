# SPDX-License-Identifier: Apache-2.0
"""Who is told what about a revision (product.md, Publishing), and what a notice must say (law.md).

1. The first version changes nothing for anybody: it has no notice.
2. Every later version is sent to the administrators of all customers, an editorial one too: the
   founding promise of a copy of the revised policy knows no exception.
3. Where a revision asks for choices, whatever class legal gave it, the subjects whose data it
   reaches get one choice notice with all of them. One, not one for each change: a delivery is
   recorded for the version, and must then mean that every change was told.
4. A transition is told to every subject who has data here.
5. Nothing is sent that lacks what :func:`missing_content` looks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from policyctl.core.judge.findings import ChangeAsked, Judgement
from policyctl.core.notices.notice import (
    ChoiceOffer,
    ClausePart,
    Notice,
    NoticeKind,
    Sender,
)
from policyctl.core.notices.notice_json import notice_from_json, notice_to_json
from policyctl.core.notices.outbox import Audience, PlannedNotice
from policyctl.core.policy import ChangeClass, ChangeDecision, PolicyText, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Recipient, Taxonomy, Term, covers
from policyctl.core.revision import BlockChange, ClauseChange, Kind, Op, Revision, Run, Span
from policyctl.errors import RefusedError

__all__ = [
    "Publication",
    "missing_content",
    "missing_sender",
    "notice_from_json",
    "notice_to_json",
    "require_content",
    "write_notices",
]

# Also the separators that only some programs take for the end of a line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUIET = frozenset({Kind.UNCHANGED, Kind.FORMAT_ONLY})


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published: the version, its text, the day (UTC) and the SHA-256 of its bytes.

    ``answer_days``: how long a reader has for an answer after the notice arrived. ``ledger_head``: as the
    version ref holds it.
    """

    version: VersionKey
    text: PolicyText
    published: date
    text_sha256: str
    answer_days: int = 30
    ledger_head: str = ""


def write_notices(
    publication: Publication,
    *,
    revision: Revision | None,
    judgement: Judgement | None,
    asked: Sequence[ChangeAsked],
    collected_under: Sequence[Practice],
    taxonomy: Taxonomy,
) -> tuple[PlannedNotice, ...]:
    """The notices that a published version owes, each with whom it is for; none for a first version.

    ``collected_under`` are the practices under which the data already held was collected (those of
    the version before, or of all earlier ones). Raises RefusedError where the text has no effective
    date or no decision on the change: a notice cannot be written without them.
    """
    if revision is None or judgement is None:
        return ()
    offers = _offers(publication, revision, asked, collected_under, taxonomy)
    notice = _revision_notice(publication, revision, judgement, offers)
    return tuple(_planned(notice, asked))


def _planned(notice: Notice, asked: Sequence[ChangeAsked]) -> Iterator[PlannedNotice]:
    yield PlannedNotice(notice, Audience("administrators"))
    if notice.transition is not None:
        told = replace(notice, kind=NoticeKind.TRANSITION, choices=())
        yield PlannedNotice(told, Audience("subjects"))
    if notice.choices:
        reached = _unique(category for change in asked for category in change.categories)
        yield PlannedNotice(
            replace(notice, kind=NoticeKind.CHOICE, transition=None), Audience("subjects", reached)
        )


def _revision_notice(
    publication: Publication, revision: Revision, judgement: Judgement, offers: tuple[ChoiceOffer, ...]
) -> Notice:
    text, decision = publication.text, _decision(publication)
    return Notice(
        version=publication.version,
        kind=NoticeKind.REVISION,
        title=text.title,
        change_class=decision.change_class,
        effective=_effective(publication),
        published=publication.published,
        summary=decision.summary.strip(),
        impact=decision.impact.strip(),
        clauses=_clause_parts(revision, judgement),
        choices=offers,
        transition=decision.transition if decision.change_class is ChangeClass.TRANSITION else None,
        full_text=text.document.text[text.document.body :].strip("\r\n"),
        text_sha256=publication.text_sha256,
        ledger_head=publication.ledger_head,
        language=text.language,
    )


def _decision(publication: Publication) -> ChangeDecision:
    if publication.text.change is None:
        raise RefusedError(
            f"{publication.version} has no decision on its change, so nobody can be told of it",
            hint="write class, decided_by and summary under `change:` at the head of policy.md",
        )
    return publication.text.change


def _effective(publication: Publication) -> date:
    if publication.text.effective is None:
        raise RefusedError(
            f"{publication.version} has no effective date, so nobody can be told of it",
            hint="write `effective: YYYY-MM-DD` at the head of policy.md",
        )
    return publication.text.effective


# --- the clauses that changed


def _clause_parts(revision: Revision, judgement: Judgement) -> tuple[ClausePart, ...]:
    material = {finding.clause for finding in judgement.findings if finding.material}
    return tuple(_part(revision, change, material) for change in revision.clauses if change.kinds - _QUIET)


def _part(revision: Revision, change: ClauseChange, material: set[str | None]) -> ClausePart:
    shown = change.new or change.old
    heading, was = (" + ".join(clause.heading for clause in side) for side in (shown, change.old))
    return ClausePart(
        heading=heading,
        kinds=tuple(kind for kind in Kind if kind in change.kinds),
        blocks=tuple(_runs(revision, block) for block in change.blocks if _is_changed(block)),
        anchor=shown[0].id if shown else "",
        was=was if was != heading else "",
        material=any(clause.id in material for clause in shown),
    )


def _is_changed(block: BlockChange) -> bool:
    if block.old is None or block.new is None:
        return True
    return not block.cosmetic and any(run.op is not Op.EQUAL for run in block.runs)


def _runs(revision: Revision, block: BlockChange) -> tuple[Run, ...]:
    if block.runs:
        return block.runs
    if block.new is None:
        return (Run(Op.DELETE, _slice(revision.old.text, block.old)),)
    return (Run(Op.INSERT, _slice(revision.new.text, block.new)),)


def _slice(text: str, span: Span | None) -> str:
    return "" if span is None else text[span.start : span.end]


# --- the choices


def _offers(
    publication: Publication,
    revision: Revision,
    asked: Sequence[ChangeAsked],
    collected_under: Sequence[Practice],
    taxonomy: Taxonomy,
) -> tuple[ChoiceOffer, ...]:
    disclosed = {change.id: change.new.recipients for change in revision.practices if change.new is not None}
    return tuple(
        ChoiceOffer(
            change=change.name,
            data=_labels(change.categories, taxonomy.categories),
            collected_for=_collected_for(change, collected_under, taxonomy),
            new_use=_label(change.purpose, taxonomy.purposes),
            recipients=_who(change, disclosed.get(change.practice, ()), taxonomy),
            consequence=_decision(publication).impact.strip(),
            mode=change.mode,
            until=_until(publication) if change.mode is ChoiceMode.OPT_OUT else None,
            answer_days=publication.answer_days,
        )
        for change in asked
        if change.mode is not ChoiceMode.NONE
    )


def _until(publication: Publication) -> date:
    """The last whole day before the new use may begin: neither before the effective date nor before
    the time for an answer is over.
    """
    answered = publication.published + timedelta(days=publication.answer_days - 1)
    return max(answered, _effective(publication) - timedelta(days=1))


def _collected_for(change: ChangeAsked, practices: Iterable[Practice], taxonomy: Taxonomy) -> tuple[str, ...]:
    """The uses that were stated when data of these categories was collected."""
    stated = (practice.purpose for practice in practices if _touches(practice, change.categories))
    return _labels(stated, taxonomy.purposes)


def _touches(practice: Practice, categories: Iterable[str]) -> bool:
    return any(
        covers(mine, theirs) or covers(theirs, mine) for mine in practice.categories for theirs in categories
    )


def _who(change: ChangeAsked, disclosed: Sequence[Recipient], taxonomy: Taxonomy) -> tuple[str, ...]:
    """Recipients in words, by name where the practice names one."""
    named = (
        f"{one.name} ({_label(one.kind, taxonomy.recipients)})"
        if one.name
        else _label(one.kind, taxonomy.recipients)
        for one in disclosed
    )
    return _unique(named) or _labels(change.recipients, taxonomy.recipients)


def _label(term: str, terms: Mapping[str, Term]) -> str:
    known = terms.get(term)
    return known.label if known is not None else term


def _labels(ids: Iterable[str], terms: Mapping[str, Term]) -> tuple[str, ...]:
    return _unique(_label(term, terms) for term in ids)


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


# --- what must be there before anything is sent


def require_content(notice: Notice, sender: Sender) -> None:
    """Raise RefusedError, naming everything that is missing, unless the notice may be sent."""
    _require_one_line("title", notice.title)
    _require_one_line("sender", f"{sender.from_name}{sender.from_address}{sender.reply_to}")
    missing = missing_content(notice) + missing_sender(sender)
    if missing:
        raise RefusedError(
            f"the {notice.kind} notice of {notice.version} must not be sent without: {'; '.join(missing)}",
            hint="give policyctl.toml its [mail] entries; a text is mended by publishing a corrected version",
        )


def _require_one_line(what: str, value: str) -> None:
    if _CONTROL.search(value):
        raise RefusedError(
            f"the {what} of a notice holds a line break or control character, so it is not sent",
            hint="a header could be forged with it; write one line of plain text",
        )


def missing_sender(sender: Sender) -> tuple[str, ...]:
    """What a notice needs of its sender and does not have: who sends this, and where to complain."""
    needed = {
        "who sends it ([mail] from)": sender.from_address,
        "who answers ([mail] reply_to)": sender.reply_to,
        "a postal address ([mail] postal_address)": sender.postal_address,
    }
    return _absent(needed)


def missing_content(notice: Notice) -> tuple[str, ...]:
    """What the law or the promise asks a notice of this kind to say, and it does not."""
    weighty = notice.change_class in {ChangeClass.CHOICE, ChangeClass.TRANSITION}
    told = notice.change_class is not ChangeClass.EDITORIAL or notice.kind is not NoticeKind.REVISION
    missing = [
        *_absent(
            {
                "the title of the policy": notice.title,
                "the revised policy": notice.full_text,
                "the fingerprint of the revised policy": notice.text_sha256,
            }
        ),
        *(_absent({"a summary of the change": notice.summary}) if told else ()),
        *(_absent({"what follows for the reader": notice.impact}) if weighty else ()),
        *_missing_transition(notice),
    ]
    if notice.kind in {NoticeKind.CHOICE, NoticeKind.REMINDER} and not notice.choices:
        missing.append("a change to answer to")
    return (*missing, *(word for offer in notice.choices for word in _missing_offer(offer)))


def _missing_transition(notice: Notice) -> tuple[str, ...]:
    if notice.transition is None:
        owed = notice.kind is NoticeKind.TRANSITION or notice.change_class is ChangeClass.TRANSITION
        of_choices_only = notice.kind in {NoticeKind.CHOICE, NoticeKind.REMINDER}
        return ("old and new controller and the date",) if owed and not of_choices_only else ()
    controllers = {
        "the old controller": notice.transition.old_controller,
        "the new controller": notice.transition.new_controller,
    }
    return _absent(controllers)


def _missing_offer(offer: ChoiceOffer) -> tuple[str, ...]:
    """The fields of law.md, "What a choice notice must say". An empty list of recipients says that
    nobody else gets the data.
    """
    opt_out = offer.mode is ChoiceMode.OPT_OUT
    needed = {
        "the name to answer to": offer.change,
        "what data": "".join(offer.data),
        "what it was collected for": "".join(offer.collected_for),
        "what it would newly be used for": offer.new_use,
        "who would get it": "known" if all(map(_says_something, offer.recipients)) else "",
        "what follows for the reader": offer.consequence,
        "until when to answer": "" if opt_out and offer.until is None else "known",
        "what happens with no answer": "" if offer.mode is ChoiceMode.NONE else offer.mode,
    }
    return tuple(f"{word} ({offer.change or 'a change'})" for word in _absent(needed))


def _absent(needed: Mapping[str, str]) -> tuple[str, ...]:
    """What holds no letter and no digit says nothing: a dash, blanks, characters that nobody sees."""
    return tuple(word for word, value in needed.items() if not _says_something(value))


def _says_something(value: str) -> bool:
    return any(map(str.isalnum, value))
