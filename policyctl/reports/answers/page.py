# SPDX-License-Identifier: Apache-2.0
"""The pages that the links of a mail open: questions and answers, no more reminders, and what went wrong.

1. A page says what the mail said, from the same model and in the same language.
2. Both answers are buttons of one form, one size and one style, in the order of the mail.
3. Nothing on a page comes from elsewhere, and nothing on it runs: it is words, forms and one style
   sheet, whose hash the content security policy names.
4. No address of a mailbox of the reader's is on it: a link may be passed on.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from policyctl.core.notices.inquiry import Inquiry, Standing
from policyctl.core.notices.notice import Addressee, ChoiceOffer, Occasion, Sender
from policyctl.core.practice import ChoiceMode
from policyctl.reports.mails.offers import last_day, offer_view
from policyctl.reports.mails.scene import Fact, Scene, paragraphs
from policyctl.reports.phrases import LANGUAGES, Phrases
from policyctl.reports.words import one_line, shown

PROBLEMS = ("missing", "expired", "retired", "gone", "bad", "often", "busy", "bug")
"""What can be wrong, each with a page of its own."""
_NEW_LINK = frozenset({"missing", "expired", "retired", "gone"})


@dataclass(frozen=True, slots=True)
class Shown:
    """One look at a page. ``mailed_at``: the moment of the mail, whose days it names again; ``today`` (UTC).

    ``picked``: the (change, answer) of the mail's link, which only marks it. ``done``: what was just
    recorded: a change, or ``confirmed``, ``objected``, ``retracted``. ``stale``: an answer was refused.
    ``newer_pages``: by change, the page where it is asked now.
    """

    mailed_at: datetime
    today: date
    picked: tuple[str, str] = ("", "")
    done: str = ""
    stale: bool = False
    newer_pages: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Question:
    """One question as it stands on the page. ``closed`` has the words instead of buttons."""

    id: str
    change: str
    heading: str
    facts: tuple[Fact, ...]
    now: Fact
    notes: tuple[str, ...]
    closed: tuple[str, ...]
    newer_page: str
    labels: tuple[tuple[str, str], ...]


def content_security_policy() -> str:
    """What the pages may load and do: their own style and their own forms."""
    return (
        f"default-src 'none'; style-src '{_style()[1]}'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    )


def language_of(accepted: str) -> str:
    """The first language of an ``Accept-Language`` header that we have, else English."""
    for part in accepted.split(",")[:20]:
        word = part.split(";")[0].strip().split("-")[0].lower()
        if word in LANGUAGES:
            return word
    return "en"


def answer_page(inquiry: Inquiry, sender: Sender, look: Shown) -> str:
    """The page of one notice to one addressee."""
    scene = _scene(inquiry, sender, look.mailed_at)
    questions = [_question(scene, inquiry, offer, look) for offer in _in_order(inquiry, look)]
    return _render(
        "page.html.j2",
        scene.say,
        sender,
        heading=_heading(scene, inquiry),
        title=scene.say("page.title", heading=_heading(scene, inquiry), title=one_line(inquiry.notice.title)),
        lead=_lead(scene),
        why=_why(scene, inquiry),
        facts=tuple(_facts(scene)),
        questions=questions,
        binds=binds(scene.say, inquiry),
        bound=inquiry.asks(look.done),
        recorded=_recorded(scene, inquiry, look),
        stale=look.stale,
        newest=inquiry.newest,
        confirm=_confirm(scene, inquiry),
        objected=inquiry.objected_at is not None,
        posted=scene.posted,
        nid=inquiry.nid,
    )


def reminders_page(inquiry: Inquiry, sender: Sender) -> str:
    """Where one button stops reminders, or says that they are stopped."""
    say = Phrases(inquiry.locale)
    stopped = inquiry.stopped_at
    return _render(
        "stop.html.j2",
        say,
        sender,
        title=say("page.stop"),
        said=say("page.stop.done", moment=say.moment(stopped)) if stopped else "",
        nid=inquiry.nid,
    )


def problem_page(problem: str, sender: Sender, lang: str) -> str:
    """The page for one of ``PROBLEMS``: what is wrong, that nothing was recorded, and what to do."""
    say = Phrases(lang)
    lines = [say(f"page.{problem}.why")]
    if problem != "bug":
        lines.append(say("page.nothing-recorded"))
    if sender.reply_to and problem in _NEW_LINK:
        lines.append(say("page.new-link", reply_to=sender.reply_to))
    return _render("problem.html.j2", say, sender, title=say(f"page.{problem}"), lines=lines, nid="")


# --- the page


def _scene(inquiry: Inquiry, sender: Sender, mailed_at: datetime) -> Scene:
    account = inquiry.organisation or inquiry.customer if inquiry.customer else ""
    addressee = Addressee(inquiry.nid, "", "", inquiry.locale, account, page="page")
    return Scene(Phrases(inquiry.locale), inquiry.notice, addressee, sender, Occasion(mailed_at))


def _organisation(inquiry: Inquiry) -> str:
    return one_line(inquiry.organisation or inquiry.customer)


def _heading(scene: Scene, inquiry: Inquiry) -> str:
    if inquiry.customer:
        return scene.say("page.organisation", organisation=_organisation(inquiry))
    return scene.say("choices.subject")


def _lead(scene: Scene) -> str:
    notice = scene.notice
    return scene.say(
        "page.lead",
        title=one_line(notice.title),
        number=notice.version.number,
        effective=scene.say.day(notice.effective),
    )


def _why(scene: Scene, inquiry: Inquiry) -> str:
    if inquiry.customer:
        return scene.say("page.why.organisation", organisation=_organisation(inquiry))
    return ""


def _facts(scene: Scene) -> Iterator[Fact]:
    notice, say = scene.notice, scene.say
    if notice.summary:
        yield Fact(say("fact.what"), paragraphs(notice.summary))
    if notice.impact:
        yield Fact(say("fact.impact"), paragraphs(notice.impact))
    if notice.transition is not None:
        yield Fact(say("fact.old-controller"), (one_line(notice.transition.old_controller),))
        yield Fact(say("fact.new-controller"), (one_line(notice.transition.new_controller),))
        yield Fact(say("fact.on"), (say.day(notice.transition.on),))


def _in_order(inquiry: Inquiry, look: Shown) -> list[ChoiceOffer]:
    """The questions as in the mail, but first the one whose link was followed."""
    return sorted(inquiry.notice.choices, key=lambda offer: offer.change != look.picked[0])


def _question(scene: Scene, inquiry: Inquiry, offer: ChoiceOffer, look: Shown) -> _Question:
    view = offer_view(scene, offer)
    closed, page = _closed(scene, inquiry, offer, look)
    words = ("consent", "refuse")
    return _Question(
        id=f"q{inquiry.notice.choices.index(offer)}",
        change=offer.change,
        heading=view.heading,
        facts=view.facts,
        now=answer_now(scene.say, inquiry, offer.change),
        notes=tuple(_notes(scene, inquiry, offer, look)),
        closed=closed,
        newer_page=page,
        labels=tuple(zip(words, (answer.label for answer in view.answers), strict=True)),
    )


def answer_now(say: Phrases, inquiry: Inquiry, change: str) -> Fact:
    """What is on record for a change, in words."""
    label = (
        say("page.now.organisation", organisation=_organisation(inquiry))
        if inquiry.customer
        else say("page.now")
    )
    return Fact(label, (_standing(say, inquiry.answers.get(change)),))


def _standing(say: Phrases, standing: Standing | None) -> str:
    if standing is None:
        return say("page.now.none")
    return say(f"page.now.{'yes' if standing.is_yes else 'no'}", moment=say.moment(standing.at))


def _notes(scene: Scene, inquiry: Inquiry, offer: ChoiceOffer, look: Shown) -> Iterator[str]:
    say = scene.say
    if offer.change in inquiry.bound:
        yield say("page.bound", organisation=_organisation(inquiry))
    if offer.change in inquiry.newer:
        return
    until = last_day(offer, scene.today)
    if offer.mode is ChoiceMode.OPT_OUT and until is not None and look.today > until:
        yield say("page.over")
    words = {"consent": "yes", "refuse": "no"}
    if not look.done and look.picked[0] == offer.change and look.picked[1] in words:
        yield say("page.picked", label=say(f"answer.{words[look.picked[1]]}"))


def _closed(scene: Scene, inquiry: Inquiry, offer: ChoiceOffer, look: Shown) -> tuple[tuple[str, ...], str]:
    """Why the question is not open any more, with what to do; and the page where it is asked now."""
    newer = inquiry.newer.get(offer.change)
    if newer is None:
        return (), ""
    say, number, page = scene.say, newer.version.number, dict(look.newer_pages).get(offer.change, "")
    published = say.day(newer.published_at.date())
    lines = [say(f"page.newer.{'asks' if newer.asks else 'gone'}", number=number, published=published)]
    if newer.asks and not page:
        lines.append(say("page.newer.mail", number=number, reply_to=scene.sender.reply_to))
    return tuple(lines), page


def binds(say: Phrases, inquiry: Inquiry) -> Fact:
    """Whom an answer binds."""
    if inquiry.customer:
        line = say("page.binds.organisation", organisation=_organisation(inquiry))
    else:
        line = say("page.binds.subject")
    return Fact(say("page.binds"), (line,))


def _recorded(scene: Scene, inquiry: Inquiry, look: Shown) -> tuple[str, ...]:
    """What was recorded just now, read from what stands."""
    if not look.done:
        return ()
    say = scene.say
    return (_done(say, inquiry, look.done), say("page.receipt", nid=inquiry.nid))


def _done(say: Phrases, inquiry: Inquiry, done: str) -> str:
    if done == "confirmed" and inquiry.acknowledged_at:
        return say("page.recorded.confirmed", moment=say.moment(inquiry.acknowledged_at))
    if done == "objected" and inquiry.objected_at:
        return say("page.recorded.objected", moment=say.moment(inquiry.objected_at))
    standing = inquiry.answers.get(done)
    if standing is None:
        return say("page.recorded.retracted")
    label = say(f"answer.{'yes' if standing.is_yes else 'no'}")
    return say("page.recorded.answer", label=label, moment=say.moment(standing.at))


def _confirm(scene: Scene, inquiry: Inquiry) -> dict[str, Any] | None:
    """The part in which an administrator confirms or objects."""
    if not inquiry.customer:
        return None
    say = scene.say
    return {
        "intro": say("page.confirm.intro", organisation=_organisation(inquiry)),
        "now": Fact(say("page.confirm.now"), confirmed_now(say, inquiry)),
    }


def confirmed_now(say: Phrases, inquiry: Inquiry) -> tuple[str, str]:
    """Whether an administrator confirmed, and whether he objects, in words."""
    seen, against = inquiry.acknowledged_at, inquiry.objected_at
    return (
        say("page.confirmed", moment=say.moment(seen)) if seen else say("page.confirmed.none"),
        say("page.objected", moment=say.moment(against)) if against else say("page.objected.none"),
    )


# --- printing


def _render(template: str, say: Phrases, sender: Sender, **values: Any) -> str:
    style, _ = _style()
    postal = ", ".join(line.strip() for line in sender.postal_address.splitlines() if line.strip())
    name = sender.from_name or sender.from_address
    return (
        _environment()
        .get_template(f"answers/{template}")
        .render(
            say=say,
            style=style,
            brand=name,
            postal=postal if postal.startswith(name) else f"{name}, {postal}".rstrip(", "),
            reply_to=sender.reply_to,
            **values,
        )
    )


@cache
def _style() -> tuple[Markup, str]:
    """The style sheet and its hash."""
    style = _environment().get_template("answers/style.css.j2").render()
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # Our own constant text, which has no "</"; escaping it would break its hash.
    return Markup(style), f"sha256-{digest}"  # noqa: S704


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("policyctl.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: (
            shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        ),
    )
