# SPDX-License-Identifier: Apache-2.0
"""A notice as a mail: subject, plain text and HTML, printed from one model.

1. The plain text has every change. Where that makes it long, unchanged words beside the changes are
   left out, and the mail says so.
2. The HTML stays under ``HTML_LIMIT`` (Gmail cuts a mail off near 102 KB), and both parts together
   under ``MAIL_LIMIT`` as they travel: clauses with a material change come first, and what does not
   fit is listed by its title. Only a plain text that is longer by itself makes a mail larger.
3. The revised policy in full stands in the plain text where it fits, and in the HTML where it fits and
   no PDF is attached. Where it is neither posted nor attached it stands in the plain text at any rate,
   up to ``COPY_LIMIT``: a copy was promised.
"""

from __future__ import annotations

import binascii
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion, Sender
from policyctl.reports.mails.changes import ChangeView, change_view
from policyctl.reports.mails.view import MailView, mail_view
from policyctl.reports.phrases import Phrases
from policyctl.reports.words import shown

HTML_LIMIT = 80_000
MAIL_LIMIT = 98_000
COPY_LIMIT = 200_000
"""Bytes: the HTML part; both parts with their transfer encoding; the full policy in the plain text."""

_LEAST_HTML = 24_000  # facts, choices and the titles of what is left out always have a place
_LONG_TEXT = 40_000  # over this, unchanged words make way for changes
_BESIDE = (240, 80, 30, 12)  # characters of unchanged words on each side of a change, first try to last
_LEAST_CHANGE = 150  # bytes: no changed clause is shown in fewer
_MOST_TITLES = 100
_WIDTH = 78


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without its envelope."""

    subject: str
    text: str
    html: str


def render(
    notice: Notice, *, addressee: Addressee, sender: Sender, occasion: Occasion, attached: str = ""
) -> Letter:
    """The mail of ``notice`` to ``addressee``, in his language where we have it, else in English.

    ``attached``: the name of the PDF of the revised policy that goes with it, empty where none does.
    """
    view = mail_view(
        notice,
        addressee=addressee,
        sender=sender,
        occasion=occasion,
        longest_copy=COPY_LIMIT,
        attached=attached,
    )
    view, text = _told_in_full(notice, view)
    if view.copy:
        # Neither posted nor attached: then the copy that was promised is this one, however long the mail.
        owed = not (view.posted or attached)
        html, whole = _html(view, text, copy="text"), _text(view, copied=True)
        if owed or travelling(whole) + travelling(html) <= MAIL_LIMIT:
            here = "" if attached else _html_with_copy(view, whole, owed=owed)
            return Letter(view.subject, whole, here or html)
    return Letter(view.subject, text, _html(view, text))


def travelling(part: str) -> int:
    """How many bytes a part of a mail has on its way: quoted-printable, or base64 where that is less."""
    data = part.encode()
    quoted = len(binascii.b2a_qp(data, istext=True)) + data.count(b"\n")
    return min(quoted, -(-len(data) // 57) * 78)


def _told_in_full(notice: Notice, view: MailView) -> tuple[MailView, str]:
    """The plain text with every change, and the view with as many unchanged words as there is room for."""
    text = _text(view, copied=False)
    for beside in _BESIDE if notice.kind is NoticeKind.REVISION else ():
        if travelling(text) <= _LONG_TEXT:
            break
        say = Phrases(view.lang)
        changes = tuple(change_view(say, part, beside=beside) for part in notice.clauses)
        view = replace(view, changes=changes, shortened=True)
        text = _text(view, copied=False)
    return view, text


def _html_with_copy(view: MailView, text: str, *, owed: bool) -> str:
    """The HTML with the revised policy in full, empty where there is no room for it."""
    html = _print(view, view.changes, copy="here")
    room = HTML_LIMIT if owed else min(HTML_LIMIT, MAIL_LIMIT - travelling(text))
    return html if _weight(html) <= room else ""


def _text(view: MailView, *, copied: bool) -> str:
    template = _environment(escape=False).get_template("mail/notice.txt.j2")
    return template.render(view=view, say=Phrases(view.lang), copied=copied).strip("\n") + "\n"


def _html(view: MailView, text: str, copy: str = "") -> str:
    """The HTML beside that plain text, with as many changes as there is room for."""
    room = min(HTML_LIMIT, max(_LEAST_HTML, MAIL_LIMIT - travelling(text)))
    whole = _print(view, view.changes, copy=copy)
    if _weight(whole) <= room:
        return whole
    kept = _fitting(view, copy, room)
    fitted = _print(view, kept, copy=copy)
    while kept and _weight(fitted) > room:
        kept = kept[: len(kept) * 9 // 10]
        fitted = _print(view, kept, copy=copy)
    return fitted


def _weight(html: str) -> int:
    return max(len(html.encode()), travelling(html))


def _print(view: MailView, kept: Iterable[ChangeView], *, copy: str) -> str:
    """One HTML. The changes are told apart by where they stand, as two may look the same.

    ``copy`` says where the policy in full is: ``here``, in the ``text`` part, or neither (empty).
    """
    chosen = {id(change) for change in kept}
    left = [change for change in view.changes if id(change) not in chosen]
    template = _environment(escape=True).get_template("mail/notice.html.j2")
    return template.render(
        view=view,
        say=Phrases(view.lang),
        changes=[change for change in view.changes if id(change) in chosen],
        left=left[:_MOST_TITLES],
        left_over=max(0, len(left) - _MOST_TITLES),
        **_marks(view),
        copy=copy,
    )


def _fitting(view: MailView, copy: str, room: int) -> list[ChangeView]:
    """The changes there is room for, material ones first, each as long as it stays under the limit."""
    blank = replace(view, changes=())
    titles = sorted((_weight(change.heading) for change in view.changes), reverse=True)[:_MOST_TITLES]
    room -= _weight(_print(blank, (), copy=copy)) + sum(titles) + 100 * len(titles) + 1000
    kept = []
    for change in sorted(view.changes, key=lambda change: not change.material):
        if room < _LEAST_CHANGE:
            break
        size = _weight(_change_html(view, change))
        if size <= room:
            kept.append(change)
            room -= size
    return kept


def _change_html(view: MailView, change: ChangeView) -> str:
    template = _environment(escape=True).get_template("mail/change.html.j2")
    return template.render(change=change, say=Phrases(view.lang), **_marks(view))


def _marks(view: MailView) -> dict[str, Markup]:
    """What stands around the policy's own words where they are of another language than the mail's: read out
    as the reader's language they could not be understood.
    """
    if view.policy_lang.partition("-")[0].lower() in {"", view.lang}:
        return {"own": Markup(), "end": Markup()}
    return {"own": Markup('<span lang="{}">').format(view.policy_lang), "end": Markup("</span>")}


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
    environment.filters.update(filled=_filled, lines=_lines, linked=linked)
    return environment


def _visible(value: object) -> object:
    """Words with hidden characters written out; what a macro made of them already is left alone."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _lines(text: str) -> Markup:
    """Lines and leading spaces kept without a style sheet: not every reader knows ``white-space``."""
    kept = re.sub(r"(?<=\n)[ \t]+", lambda found: "\u00a0" * len(found[0]), text)
    return Markup("<br>\n").join(escape(shown(line)) for line in kept.split("\n"))


def linked(line: str, url: str) -> Markup:
    """A line with the address in it made a link."""
    safe, target = escape(shown(line)), escape(url)
    link = Markup('<a href="{0}" style="color:#0550ae">{0}</a>').format(url)
    return safe.replace(target, link) if url else safe


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
