# SPDX-License-Identifier: Apache-2.0
"""A mail written once for all whom it reaches: what differs between them is put in afterwards.

Between two addressees of one notice and one language only names and links differ. So the mail is
rendered for an addressee made of marks, cut at the marks, and filled for each: a large revision
takes a second to render and microseconds to fill.

1. Marks hold letters and digits only: escaping, percent-encoding and line breaking leave them alone.
2. They hold a nonce that the caller draws, so that no policy can contain one.
3. Values are put between the pieces and never looked at again: a name cannot hold a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import escape

from policyctl.core.notices.notice import Addressee, Notice, Occasion, Sender
from policyctl.reports.mails.mail import Letter, render
from policyctl.reports.words import one_line, shown

FIELDS = ("nid", "name", "account", "page", "query", "stop")
"""What differs between two mails of one form, in the order of their numbers."""

# What nearly all values are made of: printable ASCII without & < > " and '.
_SAME_IN_HTML = re.compile(r"[ !#-%(-;=?-~]*")


@dataclass(frozen=True, slots=True)
class LetterForm:
    """A mail in pieces: every second one is the name of a value."""

    subject: str
    text: tuple[str, ...]
    html: tuple[str, ...]

    def fill(self, addressee: Addressee) -> Letter:
        """The mail to ``addressee``, who must have the shape that the form was made for."""
        plain, escaped = field_values(addressee)
        return Letter(self.subject, _joined(self.text, plain), _joined(self.html, escaped))


def field_values(addressee: Addressee) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values of an addressee in the order of :data:`FIELDS`: for plain text, and for HTML."""
    plain = _values(addressee)
    if _SAME_IN_HTML.fullmatch("".join(plain)):
        return plain, plain
    return plain, tuple(str(escape(shown(value))) if value else "" for value in plain)


def shape_of(addressee: Addressee, nonce: str) -> Addressee:
    """An addressee made of marks where ``addressee`` has a value: equal for all who share a form.

    ``nonce``: letters and digits that occur in no notice.
    """
    values = dict(zip(FIELDS, _values(addressee), strict=True))
    mark = dict(zip(FIELDS, _marks(nonce), strict=True))
    given = {field: mark[field] if values[field] else "" for field in FIELDS}
    return Addressee(
        nid=given["nid"],
        address="",
        name=given["name"],
        locale=addressee.locale,
        account=given["account"],
        page=f"{given['page']}?{given['query']}" if given["query"] else given["page"],
        stop_reminders=given["stop"],
    )


def letter_form(
    notice: Notice, *, shape: Addressee, nonce: str, sender: Sender, occasion: Occasion, attached: str = ""
) -> LetterForm:
    """The form of the mails of ``notice`` to addressees of that shape (see :func:`shape_of`)."""
    letter = render(notice, addressee=shape, sender=sender, occasion=occasion, attached=attached)
    return LetterForm(letter.subject, _pieces(letter.text, nonce), _pieces(letter.html, nonce))


def _marks(nonce: str) -> Iterable[str]:
    """As short as most names, so that the lines of the plain text end where they would have ended."""
    return (f"{nonce}{number}" for number in range(len(FIELDS)))


def _pieces(part: str, nonce: str) -> tuple[str, ...]:
    return tuple(re.split(rf"{nonce}(\d)", part))


def _values(addressee: Addressee) -> tuple[str, ...]:
    """The values in the order of :data:`FIELDS`."""
    page, _, query = addressee.page.partition("?")
    name, account = _line(addressee.name), _line(addressee.account)
    return addressee.nid, name, account, page, query, addressee.stop_reminders


def _line(value: str) -> str:
    return one_line(value) if value else ""


def _joined(pieces: tuple[str, ...], values: tuple[str, ...]) -> str:
    filled = list(pieces)
    filled[1::2] = [values[int(number)] for number in pieces[1::2]]
    return "".join(filled)
