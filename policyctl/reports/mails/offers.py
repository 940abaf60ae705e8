# SPDX-License-Identifier: Apache-2.0
"""The choices of a mail: what a choice notice must say, in words, and two answers of equal weight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote, urlencode

from policyctl.core.notices.notice import ChoiceOffer
from policyctl.core.practice import ChoiceMode
from policyctl.reports.mails.scene import Fact, Scene, paragraphs
from policyctl.reports.words import one_line

_ANSWERS = {"yes": "consent", "no": "refuse"}
"""The two answers, in this order, and what each is called on the addressee's page."""


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One of the two answers: its words, the link, and what a reader of plain text does instead."""

    label: str
    href: str
    instead: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferView:
    """One choice: what is asked, its facts in words, how to answer, the two answers."""

    heading: str
    facts: tuple[Fact, ...]
    how: str
    answers: tuple[AnswerView, ...]


def offer_view(scene: Scene, offer: ChoiceOffer) -> OfferView:
    """One choice as the reader sees it."""
    say, term = scene.say, scene.say.term
    who = say.listed(tuple(map(term, offer.recipients))) or say("offer.who.nobody", sender=scene.sender_name)
    rows = (
        ("offer.data", (say.listed(tuple(map(term, offer.data))),)),
        ("offer.collected", (say.listed(tuple(map(term, offer.collected_for))),)),
        ("offer.new", (term(offer.new_use),)),
        ("offer.who", (who,)),
        ("offer.consequence", paragraphs(offer.consequence)),
        ("offer.until", (_until(scene, offer),)),
        ("offer.silent", (_silent(scene, offer),)),
    )
    how = "offer.how.page" if scene.addressee.page else "offer.how"
    return OfferView(
        heading=one_line(term(offer.new_use)),
        facts=tuple(Fact(say(key), tuple(one_line(text) for text in texts)) for key, texts in rows),
        how=say(how, reply_to=scene.sender.reply_to, change=offer.change),
        answers=tuple(_answer(scene, offer, answer) for answer in _ANSWERS),
    )


def last_day(offer: ChoiceOffer, today: date) -> date | None:
    """The last day to answer, for a mail that leaves ``today``: a late notice gives as many days as
    one that left at once, and the new use may not begin before they are over.
    """
    if offer.until is None:
        return None
    return max(offer.until, today + timedelta(days=offer.answer_days - 1))


def _until(scene: Scene, offer: ChoiceOffer) -> str:
    until = last_day(offer, scene.today)
    if until is None:
        return scene.say("offer.until.open")
    return scene.say("offer.until.day", until=scene.say.day(until))


def _silent(scene: Scene, offer: ChoiceOffer) -> str:
    until = last_day(offer, scene.today)
    whose = ".organisation" if scene.to_administrator else ""
    if offer.mode is ChoiceMode.OPT_OUT and until is not None:
        return scene.say(f"offer.silent.opt-out{whose}", until=scene.say.day(until))
    return scene.say(f"offer.silent.opt-in{whose}")


def _answer(scene: Scene, offer: ChoiceOffer, answer: str) -> AnswerView:
    say, label = scene.say, scene.say(f"answer.{answer}")
    if scene.addressee.page:
        # The page only shows what is chosen here; a program that follows links in mails answers nothing.
        asked = urlencode({"change": offer.change, "answer": _ANSWERS[answer]})
        href = f"{scene.addressee.page}{'&' if '?' in scene.addressee.page else '?'}{asked}"
        return AnswerView(label, href, (say("answer.open"), href))
    subject = say("answer.mail.subject", answer=say(f"answer.mail.{answer}"), change=offer.change)
    instead = say("answer.write", reply_to=scene.sender.reply_to)
    return AnswerView(label, _mailto(scene, offer, label, subject), (instead, subject))


def _mailto(scene: Scene, offer: ChoiceOffer, label: str, subject: str) -> str:
    body = scene.say("answer.mail.body", label=label, change=offer.change, nid=scene.addressee.nid)
    # RFC 6068: line breaks in a mailto body are CRLF, percent-encoded.
    body = body.replace("\n", "\r\n")
    filled_in = f"subject={quote(subject, safe='')}&body={quote(body, safe='')}"
    return f"mailto:{quote(scene.sender.reply_to, safe='@')}?{filled_in}"
