# SPDX-License-Identifier: Apache-2.0
"""What a mail says, in the addressee's language: the one model that text and HTML are printed from.

Every fact, label and answer of a mail is put together here, so the two parts cannot say different
things; the templates only lay them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from policyctl.core.notices.notice import (
    Addressee,
    ChoiceOffer,
    ClausePart,
    Notice,
    NoticeKind,
    Occasion,
    Sender,
)
from policyctl.core.policy import ChangeClass
from policyctl.core.practice import ChoiceMode
from policyctl.core.revision import Kind, Op, Run
from policyctl.reports.phrases import Phrases
from policyctl.reports.words import one_line, shown


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what stands beside it, in paragraphs."""

    label: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One of the two answers: its words, a ``mailto:`` link, and the subject that link fills in."""

    label: str
    href: str
    subject: str


@dataclass(frozen=True, slots=True)
class OfferView:
    """One choice: the fields of law.md in words, how to answer, the two answers."""

    change: str
    facts: tuple[Fact, ...]
    how: str
    answers: tuple[AnswerView, ...]


@dataclass(frozen=True, slots=True)
class BlockView:
    """One changed block: a label in words, its runs, and the old and the new wording in full."""

    label: str
    runs: tuple[Run, ...]
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One changed clause."""

    heading: str
    label: str
    was: str
    blocks: tuple[BlockView, ...]
    material: bool


@dataclass(frozen=True, slots=True)
class MailView:
    """All that a mail says. ``copy`` is the revised policy in full, empty where it is not sent along;
    ``with_changes`` is off in mails to users, which say what changes for them and where the rest stands.
    """

    lang: str
    subject: str
    opening: tuple[str, ...]
    facts: tuple[Fact, ...]
    offers_heading: str
    offers_intro: str
    offers: tuple[OfferView, ...]
    with_changes: bool
    changes: tuple[ChangeView, ...]
    page: str
    copy: str
    copy_hash: str
    copy_instead: str
    reply_to: str
    foot: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every part of the view needs."""

    say: Phrases
    notice: Notice
    addressee: Addressee
    sender: Sender
    occasion: Occasion

    @property
    def today(self) -> date:
        return self.occasion.at.date()

    @property
    def page(self) -> str:
        """Where the version is posted, empty where nothing is."""
        version = self.notice.version
        return f"{self.sender.base_url}/{version.slug}/v{version.number}/" if self.sender.base_url else ""


def mail_view(
    notice: Notice, *, addressee: Addressee, sender: Sender, occasion: Occasion, longest_copy: int
) -> MailView:
    """The model of one mail. ``longest_copy`` is how many bytes of UTF-8 the full policy may have."""
    scene = _Scene(Phrases(addressee.locale), notice, addressee, sender, occasion)
    administrator = notice.kind is NoticeKind.REVISION
    copied = (administrator or not scene.page) and len(notice.full_text.encode()) <= longest_copy
    return MailView(
        lang=scene.say.lang,
        subject=_subject(scene),
        opening=tuple(_opening(scene)),
        facts=tuple(_facts(scene)),
        offers_heading=scene.say("choices.organisation" if administrator else "choices.subject"),
        offers_intro=scene.say("choices.organisation.who") if administrator else "",
        offers=tuple(_offer(scene, offer) for offer in notice.choices),
        with_changes=administrator,
        changes=tuple(_change(scene, part) for part in notice.clauses) if administrator else (),
        page=scene.page,
        copy=notice.full_text if copied else "",
        copy_hash=scene.say("copy.hash", version=notice.version, sha256=notice.text_sha256),
        copy_instead=_copy_instead(scene),
        reply_to=sender.reply_to,
        foot=tuple(_foot(scene)),
    )


def last_day(offer: ChoiceOffer, today: date) -> date | None:
    """The last day to answer, for a mail that leaves ``today``: a late notice gives as many days as
    one that left at once, and the new use may not begin before they are over.
    """
    if offer.until is None:
        return None
    return max(offer.until, today + timedelta(days=offer.answer_days - 1))


def readable(text: str) -> str:
    """Policy source without the marks that only a renderer understands; no word is lost."""
    text = re.sub(r"(?m)^ {0,3}#{1,6}[ \t]+", "", text)
    text = re.sub(r"[ \t]*\{#[\w.:-]+\}", "", text)
    text = re.sub(r"(?<!\\)(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<!!)\[([^\[\]]+)\]\(([^()\s]+)\)", _link, text)
    return shown(text)


def _link(found: re.Match[str]) -> str:
    words, target = found[1], found[2]
    return (
        words if target.startswith("#") or target.removeprefix("mailto:") == words else f"{words} ({target})"
    )


# --- subject and opening


def _subject(scene: _Scene) -> str:
    notice, say = scene.notice, scene.say
    values = {"title": notice.title, "effective": say.day(notice.effective)}
    subject = say(f"subject.{_occasion_word(notice)}", **values, **_dates(scene))
    return say("subject.test", subject=subject) if scene.occasion.test else subject


def _occasion_word(notice: Notice) -> str:
    if notice.kind is NoticeKind.CHOICE:
        limited = any(offer.until is not None for offer in notice.choices)
        return "asked-until" if limited else "asked"
    if notice.transition is not None:
        return "transition"
    if notice.choices:
        return "choice"
    return "editorial" if notice.change_class is ChangeClass.EDITORIAL else "notice"


def _dates(scene: _Scene) -> dict[str, str]:
    """The dates beside the effective one that a subject may name."""
    limits = [day for offer in scene.notice.choices if (day := last_day(offer, scene.today))]
    on = scene.notice.transition.on if scene.notice.transition else scene.notice.effective
    return {"until": scene.say.day(min(limits, default=scene.notice.effective)), "on": scene.say.day(on)}


def _opening(scene: _Scene) -> Iterator[str]:
    say, name = scene.say, one_line(scene.addressee.name)
    if scene.occasion.test:
        yield say("test")
    yield say("hello", name=name) if name else say("hello.nobody")
    yield _why(scene)
    yield say("service")
    if _is_late(scene):
        yield say("late")


def _why(scene: _Scene) -> str:
    if scene.notice.kind is not NoticeKind.REVISION:
        return scene.say("why.subject")
    account = one_line(scene.addressee.account)
    return (
        scene.say("why.administrator", account=account) if account else scene.say("why.administrator.nobody")
    )


def _is_late(scene: _Scene) -> bool:
    begins = scene.notice.transition.on if scene.notice.transition else scene.notice.effective
    return scene.today >= begins


# --- the facts


def _facts(scene: _Scene) -> Iterator[Fact]:
    notice, say = scene.notice, scene.say
    if notice.summary or notice.change_class is ChangeClass.EDITORIAL:
        yield Fact(say("fact.what"), _paragraphs(notice.summary) or (say("fact.editorial"),))
    if notice.impact:
        yield Fact(say("fact.impact"), _paragraphs(notice.impact))
    if notice.transition is not None:
        yield Fact(say("fact.old-controller"), (one_line(notice.transition.old_controller),))
        yield Fact(say("fact.new-controller"), (one_line(notice.transition.new_controller),))
        yield Fact(say("fact.on"), (say.day(notice.transition.on),))
    effective = say.day(notice.effective)
    yield Fact(say("fact.effective"), (say("fact.effective.value", effective=effective),))
    todo = say(f"todo.{_todo(notice)}", reply_to=scene.sender.reply_to, effective=effective)
    yield Fact(say("fact.todo"), (todo,))


def _todo(notice: Notice) -> str:
    if notice.kind is NoticeKind.CHOICE:
        return "asked"
    if notice.kind is NoticeKind.TRANSITION:
        return "transition"
    return "choice" if notice.choices else "revision"


def _paragraphs(text: str) -> tuple[str, ...]:
    parts = re.split(r"\n\s*\n", text.strip())
    return tuple(one_line(part) for part in parts if part.strip())


# --- the choices


def _offer(scene: _Scene, offer: ChoiceOffer) -> OfferView:
    say = scene.say
    who = say.listed(offer.recipients) or say("offer.who.nobody", sender=_sender_name(scene))
    rows = (
        ("offer.data", (say.listed(offer.data),)),
        ("offer.collected", (say.listed(offer.collected_for),)),
        ("offer.new", (offer.new_use,)),
        ("offer.who", (who,)),
        ("offer.consequence", _paragraphs(offer.consequence)),
        ("offer.until", (_until(scene, offer),)),
        ("offer.silent", (_silent(scene, offer),)),
    )
    return OfferView(
        change=offer.change,
        facts=tuple(Fact(say(key), tuple(one_line(text) for text in texts)) for key, texts in rows),
        how=say("offer.how", reply_to=scene.sender.reply_to, change=offer.change),
        answers=(_answer(scene, offer, "yes"), _answer(scene, offer, "no")),
    )


def _until(scene: _Scene, offer: ChoiceOffer) -> str:
    until = last_day(offer, scene.today)
    if until is None:
        return scene.say("offer.until.open")
    return scene.say("offer.until.day", until=scene.say.day(until))


def _silent(scene: _Scene, offer: ChoiceOffer) -> str:
    until = last_day(offer, scene.today)
    whose = ".organisation" if scene.notice.kind is NoticeKind.REVISION else ""
    if offer.mode is ChoiceMode.OPT_OUT and until is not None:
        return scene.say(f"offer.silent.opt-out{whose}", until=scene.say.day(until))
    return scene.say(f"offer.silent.opt-in{whose}")


def _answer(scene: _Scene, offer: ChoiceOffer, answer: str) -> AnswerView:
    say = scene.say
    label = say(f"answer.{answer}")
    subject = say("answer.mail.subject", answer=say(f"answer.mail.{answer}"), change=offer.change)
    body = say("answer.mail.body", label=label, change=offer.change, nid=scene.addressee.nid)
    # RFC 6068: line breaks in a mailto body are CRLF, percent-encoded.
    asked = (
        f"subject={quote(subject, safe='')}&body={quote(body.replace(chr(10), chr(13) + chr(10)), safe='')}"
    )
    return AnswerView(label, f"mailto:{quote(scene.sender.reply_to, safe='@')}?{asked}", subject)


# --- the changes


def _change(scene: _Scene, part: ClausePart) -> ChangeView:
    say = scene.say
    shown_blocks = (_without_heading(runs, part.heading) for runs in part.blocks)
    return ChangeView(
        heading=one_line(readable(part.heading)) or say("opening"),
        label=", ".join(say(f"kind.{kind}") for kind in part.kinds if kind is not Kind.UNCHANGED),
        was=say("change.was", was=one_line(readable(part.was))) if part.was else "",
        blocks=tuple(_block(scene, runs) for runs in shown_blocks if any(run.text.strip() for run in runs)),
        material=part.material,
    )


def _without_heading(runs: tuple[Run, ...], heading: str) -> tuple[Run, ...]:
    """A block that came or went whole, without the heading that stands above it already."""
    if len(runs) != 1 or not heading:
        return runs
    first, _, rest = runs[0].text.lstrip().partition("\n")
    return (Run(runs[0].op, rest),) if readable(first).strip() == readable(heading).strip() else runs


def _block(scene: _Scene, runs: tuple[Run, ...]) -> BlockView:
    ops = {run.op for run in runs if run.text.strip()}
    word = {frozenset({Op.INSERT}): "added", frozenset({Op.DELETE}): "removed"}.get(frozenset(ops), "changed")
    return BlockView(
        label=scene.say(f"block.{word}"),
        runs=_trimmed(tuple(_spaced(runs))),
        old=_wording(runs, Op.DELETE),
        new=_wording(runs, Op.INSERT),
    )


def _trimmed(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """The runs without the empty lines around a block."""
    if not runs:
        return ()
    runs = (Run(runs[0].op, runs[0].text.lstrip("\r\n")), *runs[1:])
    return (*runs[:-1], Run(runs[-1].op, runs[-1].text.rstrip()))


def _wording(runs: tuple[Run, ...], side: Op) -> str:
    return readable("".join(run.text for run in runs if run.op in {Op.EQUAL, side})).strip()


def _spaced(runs: tuple[Run, ...]) -> Iterator[Run]:
    """The runs as shown, with a space where a deletion meets an insertion: copied out of a mail
    without its marks the two would else be one word.
    """
    before = None
    for run in runs:
        text = readable(run.text)
        changed = run.op is not Op.EQUAL
        if before is not None and changed and before.op is not Op.EQUAL and not _parted(before.text, text):
            yield Run(Op.EQUAL, " ")
        before = Run(run.op, text)
        yield before


def _parted(left: str, right: str) -> bool:
    return left[-1:].isspace() or right[:1].isspace()


# --- the copy and the foot


def _copy_instead(scene: _Scene) -> str:
    if scene.page:
        return scene.say("copy.page", url=scene.page)
    return scene.say("copy.ask", reply_to=scene.sender.reply_to)


def _foot(scene: _Scene) -> Iterator[str]:
    say, sender = scene.say, scene.sender
    postal = ", ".join(line.strip() for line in sender.postal_address.splitlines() if line.strip())
    name = _sender_name(scene)
    yield say("foot.sender", sender=postal if postal.startswith(name) else f"{name}, {postal}")
    yield say("foot.answers", reply_to=sender.reply_to)
    yield say("foot.reference", nid=scene.addressee.nid)


def _sender_name(scene: _Scene) -> str:
    return scene.sender.from_name or scene.sender.from_address
