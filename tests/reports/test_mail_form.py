# SPDX-License-Identifier: Apache-2.0
"""A mail written once and filled for each says the same as one written for him alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion
from policyctl.core.policy import ChangeClass
from policyctl.reports.mails.form import letter_form, shape_of
from policyctl.reports.mails.mail import Letter, render
from policyctl.reports.phrases import LANGUAGES
from tests.core.notice_samples import SENDER, notice_of
from tests.reports.test_mail import SENT, flat

NONCE = "7f3a0c41"
OCCASION = Occasion(SENT)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PAGES = st.sampled_from(["", "https://example.com/me/abc", "https://example.com/me?t=a.b-c&x=1"])
PEOPLE = st.builds(
    Addressee,
    nid=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    address=st.just("ada@example.org"),
    name=WORDS,
    locale=st.sampled_from([*LANGUAGES, "en-US", "de-AT"]),
    account=WORDS,
    page=PAGES,
    stop_reminders=st.sampled_from(["", "https://example.com/stop?t=a.b-c&x=1"]),
)

SLY = Addressee("n1", "a@example.org", "7f3a0c411", "en", "7f3a0c412")
NAMELESS = Addressee("n1", "a@example.org", " ", "en", " ")
HOSTILE = Addressee("n1", "a@example.org", '<b>"&amp;{name}\r\n\u202e', "fr", "\0")


def filled(notice: Notice, addressee: Addressee) -> Letter:
    shape = shape_of(addressee, NONCE)
    form = letter_form(notice, shape=shape, nonce=NONCE, sender=SENDER, occasion=OCCASION)
    return form.fill(addressee)


def notice(kind: NoticeKind) -> Notice:
    return notice_of(kind, ChangeClass.TRANSITION if kind is NoticeKind.TRANSITION else ChangeClass.CHOICE)


@settings(max_examples=60, deadline=None)
@example(addressee=SLY, kind=NoticeKind.REVISION)
@example(addressee=HOSTILE, kind=NoticeKind.REVISION)
@example(addressee=NAMELESS, kind=NoticeKind.REMINDER)
@given(addressee=PEOPLE, kind=st.sampled_from(NoticeKind))
def test_a_form_filled_says_what_a_mail_of_his_own_says(addressee: Addressee, kind: NoticeKind) -> None:
    own = render(notice(kind), addressee=addressee, sender=SENDER, occasion=OCCASION)
    given = filled(notice(kind), addressee)
    assert given.html == own.html
    # A long name moves where a line of the plain text ends, and nothing else.
    assert flat(given.text) == flat(own.text)
    assert given.subject == own.subject


def test_those_who_differ_in_values_alone_share_a_form_and_others_do_not() -> None:
    ada = Addressee("n1", "ada@example.org", "Ada", "en", "acme", "https://example.com/me?t=1")
    bob = Addressee("n2", "bob@example.org", "Bob, of Best", "en", "best", "https://example.com/me?t=2")
    assert shape_of(ada, NONCE) == shape_of(bob, NONCE)
    for changed in ({"locale": "fr"}, {"name": ""}, {"page": ""}, {"page": "https://example.com/me/1"}):
        assert shape_of(replace(ada, **changed), NONCE) != shape_of(bob, NONCE)


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_nothing_of_one_addressee_is_left_in_the_form(kind: NoticeKind) -> None:
    ada = Addressee(
        "nid-of-ada", "ada@example.org", "Ada", "en", "acme-account", "https://example.com/me?t=ada"
    )
    form = letter_form(
        notice(kind), shape=shape_of(ada, NONCE), nonce=NONCE, sender=SENDER, occasion=OCCASION
    )
    whole = "".join(form.text + form.html)
    for own in ("nid-of-ada", "Ada", "acme-account", "t=ada", "ada@example.org"):
        assert own not in whole
