# SPDX-License-Identifier: Apache-2.0
"""What is kept of a mail that is sent: the hash of it without names and links, and what it takes to write it
again.

1. The form is subject, plain text and HTML, in pieces: every second one is the number of a value that differs
   between two addressees (mail_form.py). Its hash is over these as JSON, so it does not hang on the marks.
2. With the notice, which the ledger holds, the kept values give the same form again, in the same release.
3. An attached file is kept by its hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any

from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion, Sender
from policyctl.core.notices.reminder import reminder_of
from policyctl.reports.mails.form import FIELDS, LetterForm, letter_form, shape_of

_MARKED = 8  # letters of a mark: as many as where the mail was written, so that lines end alike


def form_bytes(form: LetterForm) -> bytes:
    """The form as it is hashed (1)."""
    return json.dumps([form.subject, form.text, form.html], ensure_ascii=True).encode()


def kept_values(
    notice: Notice,
    shape: Addressee,
    sender: Sender,
    occasion: Occasion,
    attached: Sequence[tuple[str, bytes]],
    release: str,
) -> str:
    """What it takes to write the form again, as JSON. ``attached``: names and bytes of files."""
    page, _, query = shape.page.partition("?")
    values = (shape.nid, shape.name, shape.account, page, query, shape.stop_reminders)
    return json.dumps(
        {
            "at": occasion.at.isoformat(),
            "locale": shape.locale,
            "given": [field for field, value in zip(FIELDS, values, strict=True) if value],
            "asks": [offer.change for offer in notice.choices],
            "sender": asdict(sender),
            "attached": [[name, sha256(data).hexdigest()] for name, data in attached],
            "release": release,
        },
        ensure_ascii=True,
        sort_keys=True,
    )


def form_again(notice: Notice, kept: str, wanted: str) -> LetterForm | None:
    """The form by what was kept; None where it is not the one with the SHA-256 ``wanted`` (hex) any more."""
    try:
        values = json.loads(kept)
        found = _form(notice, values, wanted[:_MARKED])
    except (ValueError, KeyError, TypeError):
        return None
    return found if found is not None and sha256(form_bytes(found)).hexdigest() == wanted else None


def _form(notice: Notice, values: Mapping[str, Any], nonce: str) -> LetterForm | None:
    told = reminder_of(notice, set(values["asks"])) if notice.kind is NoticeKind.REMINDER else notice
    if told is None:
        return None
    given = {field: "x" if field in values["given"] else "" for field in FIELDS}
    page = f"{given['page']}?{given['query']}" if given["query"] else given["page"]
    like = Addressee(given["nid"], "", given["name"], values["locale"], given["account"], page, given["stop"])
    attached = values["attached"]
    return letter_form(
        told,
        shape=shape_of(like, nonce),
        nonce=nonce,
        sender=Sender(**values["sender"]),
        occasion=Occasion(datetime.fromisoformat(values["at"])),
        attached=attached[0][0] if attached else "",
    )


def open_letter(form: LetterForm) -> tuple[str, str]:
    """Plain text and HTML for who looks, with the names of what differs in the places of the values."""
    return f"Subject: {form.subject}\n\n{_shown(form.text)}", _shown(form.html)


def _shown(pieces: Sequence[str]) -> str:
    filled = list(pieces)
    filled[1::2] = [f"[{FIELDS[int(number)]}]" for number in pieces[1::2]]
    return "".join(filled)
