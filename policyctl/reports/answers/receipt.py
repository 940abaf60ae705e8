# SPDX-License-Identifier: Apache-2.0
"""The mail that says what is on record after somebody answered on the page: text and HTML of one model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from policyctl.core.notices.inquiry import Inquiry
from policyctl.core.notices.notice import Sender
from policyctl.reports.answers.page import answer_now, binds, confirmed_now
from policyctl.reports.mails.mail import Letter, linked
from policyctl.reports.mails.scene import Fact
from policyctl.reports.phrases import Phrases
from policyctl.reports.words import one_line, shown


@dataclass(frozen=True, slots=True)
class _View:
    """All that the mail says."""

    subject: str
    opening: tuple[str, ...]
    facts: tuple[Fact, ...]
    after: tuple[str, ...]
    foot: tuple[str, ...]


def answer_receipt(inquiry: Inquiry, *, name: str, sender: Sender, page: str) -> Letter:
    """The receipt for what stands now, with the link to the page where it can be changed."""
    say = Phrases(inquiry.locale)
    view = _View(
        subject=say("receipt.subject", title=one_line(inquiry.notice.title)),
        opening=(
            say("hello", name=one_line(name)) if one_line(name) else say("hello.nobody"),
            say("receipt.intro"),
            say("service"),
        ),
        facts=tuple(_facts(say, inquiry)),
        after=(
            say("receipt.change", page=page),
            say("receipt.not-you", reply_to=sender.reply_to),
        ),
        foot=tuple(_foot(say, inquiry, sender)),
    )
    values = {"view": view, "say": say, "page": page}
    return Letter(
        view.subject,
        _environment(escape=False).get_template("answers/receipt.txt.j2").render(values).strip("\n") + "\n",
        _environment(escape=True).get_template("answers/receipt.html.j2").render(values),
    )


def _facts(say: Phrases, inquiry: Inquiry) -> Iterator[Fact]:
    for offer in inquiry.notice.choices:
        now = answer_now(say, inquiry, offer.change)
        yield Fact(
            one_line(say.term(offer.new_use)), (f"{say('label', label=now.label)} {now.paragraphs[0]}",)
        )
    if inquiry.notice.choices:
        yield binds(say, inquiry)
    if inquiry.customer:
        yield Fact(say("page.confirm"), confirmed_now(say, inquiry))


def _foot(say: Phrases, inquiry: Inquiry, sender: Sender) -> Iterator[str]:
    name = sender.from_name or sender.from_address
    postal = ", ".join(line.strip() for line in sender.postal_address.splitlines() if line.strip())
    yield say("foot.sender", sender=postal if postal.startswith(name) else f"{name}, {postal}")
    yield say("foot.answers", reply_to=sender.reply_to)
    yield say("foot.tracking")
    yield say("foot.reference", nid=inquiry.nid)


@cache
def _environment(*, escape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("policyctl.reports"),
        autoescape=escape,  # noqa: S701 - off for plain text only, on for everything that is HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters["linked"] = linked
    return environment


def _visible(value: object) -> object:
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
