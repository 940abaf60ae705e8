# SPDX-License-Identifier: Apache-2.0
"""What a mail says, in the addressee's language: the one model that text and HTML are printed from.

Every fact, label and answer of a mail is put together here, so the two parts cannot say different
things; the templates only lay them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion, Sender
from policyctl.core.policy import ChangeClass
from policyctl.reports.mails.changes import ChangeView, change_view
from policyctl.reports.mails.offers import OfferView, last_day, offer_view
from policyctl.reports.mails.scene import Fact, Scene, paragraphs
from policyctl.reports.phrases import Phrases
from policyctl.reports.words import one_line


@dataclass(frozen=True, slots=True)
class MailView:
    """All that a mail says.

    ``policy_lang`` is the language of the policy's own words, empty where it is not known. ``page`` is the
    addressee's own, ``posted`` where the version stands for good. ``copy`` is the
    revised policy in full, empty where it is too long or not sent to this reader. ``with_changes`` is
    off in mails to users, which say what changes for them and where the rest stands; ``shortened`` when
    unchanged words were left out of the redlines. ``stop`` is the link of the foot that stops reminders.
    """

    lang: str
    policy_lang: str
    subject: str
    opening: tuple[str, ...]
    facts: tuple[Fact, ...]
    page: str
    offers_heading: str
    offers_intro: str
    offers: tuple[OfferView, ...]
    with_changes: bool
    changes: tuple[ChangeView, ...]
    shortened: bool
    posted: str
    copy: str
    copy_hash: str
    copy_attached: str
    copy_ask: str
    foot: tuple[str, ...]
    stop: str


def mail_view(
    notice: Notice,
    *,
    addressee: Addressee,
    sender: Sender,
    occasion: Occasion,
    longest_copy: int,
    attached: str = "",
) -> MailView:
    """The model of one mail with every word of the changes. ``longest_copy`` is how many bytes of UTF-8
    the full policy may have; ``attached`` the name of the file that holds it too.
    """
    scene = Scene(Phrases(addressee.locale), notice, addressee, sender, occasion)
    say, revision = scene.say, notice.kind is NoticeKind.REVISION
    copied = (revision or not scene.posted) and len(notice.full_text.encode()) <= longest_copy
    return MailView(
        lang=say.lang,
        policy_lang=notice.language,
        subject=_subject(scene),
        opening=tuple(_opening(scene)),
        facts=tuple(_facts(scene)),
        page=addressee.page,
        offers_heading=say("choices.organisation" if scene.to_administrator else "choices.subject"),
        offers_intro=say("choices.organisation.who") if scene.to_administrator else "",
        offers=tuple(offer_view(scene, offer) for offer in notice.choices),
        with_changes=revision,
        changes=tuple(change_view(say, part) for part in notice.clauses) if revision else (),
        shortened=False,
        posted=scene.posted,
        copy=notice.full_text if copied else "",
        copy_hash=say("copy.hash", version=notice.version, sha256=notice.text_sha256),
        copy_attached=say("copy.attached", file=attached) if attached else "",
        copy_ask=say("copy.ask", reply_to=sender.reply_to),
        foot=tuple(_foot(scene)),
        stop=addressee.stop_reminders if notice.kind is NoticeKind.REMINDER else "",
    )


# --- subject and opening


def _subject(scene: Scene) -> str:
    notice, say = scene.notice, scene.say
    values = {"title": notice.title, "effective": say.day(notice.effective)}
    subject = say(f"subject.{_occasion_word(notice)}", **values, **_dates(scene))
    return say("subject.test", subject=subject) if scene.occasion.test else subject


def _occasion_word(notice: Notice) -> str:
    limited = any(offer.until is not None for offer in notice.choices)
    if notice.kind is NoticeKind.REMINDER:
        return "reminder-until" if limited else "reminder"
    if notice.kind is NoticeKind.CHOICE:
        return "asked-until" if limited else "asked"
    if notice.transition is not None:
        return "transition"
    if notice.choices:
        return "choice"
    return "editorial" if notice.change_class is ChangeClass.EDITORIAL else "notice"


def _dates(scene: Scene) -> dict[str, str]:
    """The dates beside the effective one that a subject may name."""
    limits = [day for offer in scene.notice.choices if (day := last_day(offer, scene.today))]
    on = scene.notice.transition.on if scene.notice.transition else scene.notice.effective
    return {"until": scene.say.day(min(limits, default=scene.notice.effective)), "on": scene.say.day(on)}


def _opening(scene: Scene) -> Iterator[str]:
    say, name = scene.say, one_line(scene.addressee.name)
    if scene.occasion.test:
        yield say("test")
    yield say("hello", name=name) if name else say("hello.nobody")
    if scene.notice.kind is NoticeKind.REMINDER:
        yield say("reminder", published=say.day(scene.notice.published))
    yield _why(scene)
    yield say("service")
    if _is_late(scene):
        yield say("late")


def _why(scene: Scene) -> str:
    if not scene.to_administrator:
        return scene.say("why.subject")
    account = one_line(scene.addressee.account)
    return (
        scene.say("why.administrator", account=account) if account else scene.say("why.administrator.nobody")
    )


def _is_late(scene: Scene) -> bool:
    begins = scene.notice.transition.on if scene.notice.transition else scene.notice.effective
    return scene.today >= begins and scene.notice.kind is not NoticeKind.REMINDER


# --- the facts


def _facts(scene: Scene) -> Iterator[Fact]:
    notice, say = scene.notice, scene.say
    if notice.summary or notice.change_class is ChangeClass.EDITORIAL:
        yield Fact(say("fact.what"), paragraphs(notice.summary) or (say("fact.editorial"),))
    if notice.impact:
        yield Fact(say("fact.impact"), paragraphs(notice.impact))
    yield Fact(say("fact.why"), (say(f"reason.{_reason(notice)}"),))
    if notice.transition is not None:
        yield Fact(say("fact.old-controller"), (one_line(notice.transition.old_controller),))
        yield Fact(say("fact.new-controller"), (one_line(notice.transition.new_controller),))
        yield Fact(say("fact.on"), (say.day(notice.transition.on),))
    effective = say.day(notice.effective)
    yield Fact(say("fact.effective"), (say("fact.effective.value", effective=effective),))
    yield Fact(say("fact.todo"), tuple(_todo(scene, effective)))


def _reason(notice: Notice) -> str:
    """Why this is told at all: the strongest ground that the notice has."""
    if notice.transition is not None:
        return "transition"
    if notice.choices:
        return "choice"
    return "editorial" if notice.change_class is ChangeClass.EDITORIAL else "notice"


def _todo(scene: Scene, effective: str) -> Iterator[str]:
    notice, say = scene.notice, scene.say
    asked = {NoticeKind.CHOICE: "asked", NoticeKind.REMINDER: "asked", NoticeKind.TRANSITION: "transition"}
    word = asked.get(notice.kind, "choice" if notice.choices else "revision")
    yield say(f"todo.{word}", reply_to=scene.sender.reply_to, effective=effective)
    if notice.kind is NoticeKind.REVISION and scene.addressee.page:
        yield say("todo.page", page=scene.addressee.page)


# --- the foot


def _foot(scene: Scene) -> Iterator[str]:
    say, sender, name = scene.say, scene.sender, scene.sender_name
    postal = ", ".join(line.strip() for line in sender.postal_address.splitlines() if line.strip())
    yield say("foot.sender", sender=postal if postal.startswith(name) else f"{name}, {postal}")
    yield say("foot.answers", reply_to=sender.reply_to)
    if scene.notice.kind is NoticeKind.REMINDER and scene.addressee.stop_reminders:
        yield say("foot.stop", url=scene.addressee.stop_reminders)
    yield say("foot.tracking")
    if scene.notice.kind is NoticeKind.REVISION and scene.notice.ledger_head:
        # Whoever keeps the mail can tell whether the ledger was written anew since.
        yield say("foot.head", head=scene.notice.ledger_head)
    yield say("foot.reference", nid=scene.addressee.nid)
