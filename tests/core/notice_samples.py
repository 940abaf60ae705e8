# SPDX-License-Identifier: Apache-2.0
"""A revision of an invented policy, and the notices it owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from policyctl.core.diff.compare import compare
from policyctl.core.judge.findings import (
    ChangeAsked,
    Confidence,
    Direction,
    Finding,
    Judgement,
    Severity,
    Verdict,
)
from policyctl.core.notices.notice import ChoiceOffer, Notice, NoticeKind, Sender
from policyctl.core.notices.outbox import PlannedNotice
from policyctl.core.notices.planning import Publication, write_notices
from policyctl.core.notices.reminder import reminder_of
from policyctl.core.policy import ChangeClass, ChangeDecision, PolicyText, Transition, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Recipient, Taxonomy, Term
from policyctl.core.text.parse import parse

V3 = VersionKey("example-fax", 3)
PUBLISHED = date(2026, 12, 1)
EFFECTIVE = date(2027, 1, 15)
SHA256 = "5d" * 32

OLD_TEXT = """\
---
title: Example Fax Privacy Policy
---
# Example Fax Privacy Policy

This policy says what **Example Fax** does.

## Quotes

We use your email address to answer your request for a quote.

## Cookies

We use cookies to keep you signed in.

## Log files

We keep log files for 30 days.
"""
NEW_TEXT = """\
---
title: Example Fax Privacy Policy
---
# Example Fax Privacy Policy

This policy says what **Example Fax** does.

## Quotes

We use your email address to answer your request for a quote and to send you offers. See [our partners](https://example.com/partners).

## Log files

We keep log files for 30 days.

## Surveys

We may invite you to a survey.
"""

TAXONOMY = Taxonomy(
    {
        "user.contact.email": Term("user.contact.email", "your email address"),
        "user.contact": Term("user.contact", "ways to contact you"),
        "user.device": Term("user.device", "your device"),
    },
    {
        "quote": Term("quote", "answering your request for a quote"),
        "marketing": Term("marketing", "sending you offers"),
    },
    {"partner": Term("partner", "a business partner")},
)
QUOTE = Practice("quote", "quotes", ("user.contact.email",), "quote")
OFFERS = Practice(
    "quote-marketing",
    "quotes",
    ("user.contact.email",),
    "marketing",
    (Recipient("partner", "Example Ads"),),
    choice=ChoiceMode.OPT_OUT,
)
ASKED = ChangeAsked(
    "example-fax@v3#quote-marketing",
    "quote-marketing",
    ("user.contact.email",),
    "marketing",
    ("partner",),
    ChoiceMode.OPT_OUT,
)
TRANSITION = Transition("Example Fax, Inc.", "Example Group GmbH", date(2027, 3, 1))
SENDER = Sender("privacy@example.com", "Example Fax", "answers@example.com", "Example Fax\n1 Example Street")
FINDING = Finding(
    rule="PC111",
    name="purpose-added",
    severity=Severity.ERROR,
    material=True,
    direction=Direction.EXPANDS,
    confidence=Confidence.HIGH,
    categories=("use",),
    clause="quotes",
    line=9,
    before=None,
    after=None,
    message="A purpose is new.",
    grounds="E3",
    floor=ChangeClass.CHOICE,
)


def decided(change_class: ChangeClass, **changed: Any) -> ChangeDecision:
    decision = ChangeDecision(
        change_class,
        "legal@example.com",
        "From 15 January we also use your\nemail address to send you offers.\n\nYou can say no.\n",
        "You may get mail with offers from us.",
        TRANSITION if change_class is ChangeClass.TRANSITION else None,
        (),
        5,
    )
    return replace(decision, **changed)


def planned(
    change_class: ChangeClass = ChangeClass.CHOICE,
    asked: Sequence[ChangeAsked] = (ASKED,),
    *,
    old: str = OLD_TEXT,
    new: str = NEW_TEXT,
    decision: ChangeDecision | None = None,
    **published: Any,
) -> tuple[PlannedNotice, ...]:
    """The notices of publishing ``new`` after ``old``."""
    document = parse(new)
    text = PolicyText("Example Fax Privacy Policy", EFFECTIVE, decision or decided(change_class), document)
    return write_notices(
        replace(Publication(V3, text, PUBLISHED, SHA256), **published),
        revision=compare(parse(old), document, (QUOTE,), (QUOTE, OFFERS)),
        judgement=Judgement(
            (FINDING,),
            Verdict(
                material=True, change_class=change_class, direction=Direction.EXPANDS, categories=("use",)
            ),
        ),
        asked=asked,
        collected_under=(QUOTE,),
        taxonomy=TAXONOMY,
    )


def notice_of(kind: NoticeKind, change_class: ChangeClass = ChangeClass.CHOICE, **changed: Any) -> Notice:
    """The notice of one kind among those planned, changed as told; a reminder is one of the choice."""
    if kind is NoticeKind.REMINDER:
        asked = notice_of(NoticeKind.CHOICE, change_class)
        reminder = reminder_of(asked, {offer.change for offer in asked.choices})
        assert reminder is not None
        return replace(reminder, **changed)
    (found,) = [one.notice for one in planned(change_class) if one.notice.kind is kind]
    return replace(found, **changed)


def offer(**changed: Any) -> ChoiceOffer:
    return replace(notice_of(NoticeKind.CHOICE).choices[0], **changed)
