# SPDX-License-Identifier: Apache-2.0
"""A notice as a mail: subject, plain text and HTML, printed from one model.

The HTML stays under ``HTML_LIMIT`` (Gmail cuts a mail off near 102 KB): clauses with a material
change come first, and what does not fit is listed by its title. The plain text has every change.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from policyctl.core.notices.notice import Addressee, Notice, Occasion, Sender
from policyctl.reports.mail_view import ChangeView, MailView, mail_view
from policyctl.reports.phrases import Phrases
from policyctl.reports.words import shown

HTML_LIMIT = 80_000
COPY_LIMIT = 200_000
"""Bytes of UTF-8: the whole HTML part, and the full policy in the plain text."""

_MOST_TITLES = 100
_WIDTH = 78


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without its envelope."""

    subject: str
    text: str
    html: str


def render(notice: Notice, *, addressee: Addressee, sender: Sender, occasion: Occasion) -> Letter:
    """The mail of ``notice`` to ``addressee``, in his language where we have it, else in English."""
    view = mail_view(notice, addressee=addressee, sender=sender, occasion=occasion, longest_copy=COPY_LIMIT)
    return Letter(view.subject, _text(view), _html(view))


def _text(view: MailView) -> str:
    template = _environment(escape=False).get_template("mail/notice.txt.j2")
    return template.render(view=view, say=Phrases(view.lang)).strip("\n") + "\n"


def _html(view: MailView) -> str:
    """The HTML, with as many changes and as much of the copy as there is room for."""
    copied = _print(view, view.changes, copied=bool(view.copy))
    if len(copied.encode()) <= HTML_LIMIT:
        return copied
    whole = _print(view, view.changes, copied=False)
    if len(whole.encode()) <= HTML_LIMIT:
        return whole
    return _print(view, _fitting(view), copied=False)


def _print(view: MailView, kept: Iterable[ChangeView], *, copied: bool) -> str:
    """One HTML. The changes are told apart by where they stand, as two may look the same."""
    chosen = {id(change) for change in kept}
    left = [change for change in view.changes if id(change) not in chosen]
    template = _environment(escape=True).get_template("mail/notice.html.j2")
    return template.render(
        view=view,
        say=Phrases(view.lang),
        changes=[change for change in view.changes if id(change) in chosen],
        left=left[:_MOST_TITLES],
        left_over=max(0, len(left) - _MOST_TITLES),
        copied=copied,
    )


def _fitting(view: MailView) -> list[ChangeView]:
    """The changes there is room for, material ones first, each as long as it stays under the limit."""
    blank = replace(view, changes=())
    titles = sorted((len(change.heading.encode()) for change in view.changes), reverse=True)[:_MOST_TITLES]
    room = HTML_LIMIT - len(_print(blank, (), copied=False).encode()) - sum(titles) - 100 * len(titles) - 1000
    kept = []
    for change in sorted(view.changes, key=lambda change: not change.material):
        size = len(_change_html(view, change).encode())
        if size <= room:
            kept.append(change)
            room -= size
    return kept


def _change_html(view: MailView, change: ChangeView) -> str:
    template = _environment(escape=True).get_template("mail/change.html.j2")
    return template.render(change=change, say=Phrases(view.lang))


@cache
def _environment(*, escape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("policyctl.reports"),
        autoescape=escape,  # noqa: S701 - off for plain text only, on for everything that is HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # The plain text keeps the copy of the policy byte for byte; a page must hold no control character.
        finalize=_visible if escape else None,
    )
    environment.filters["filled"] = _filled
    return environment


def _visible(value: object) -> object:
    """Words with hidden characters written out; what a macro made of them already is left alone."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _filled(text: str, first: str = "", rest: str = "") -> str:
    """Each line of ``text`` broken at the width of a mail; no word and no address is cut."""
    lines = (
        textwrap.fill(
            line,
            _WIDTH,
            initial_indent=first if number == 0 else rest,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for number, line in enumerate(text.splitlines() or [""])
    )
    return "\n".join(lines)
