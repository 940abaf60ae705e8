# SPDX-License-Identifier: Apache-2.0
"""The notices in a bundle: the one that the ledger froze, and the mail that was sent.

1. Before mails are handed over, the ledger is told the hash of what they are made by
   (actions/mailing/kept.py). The mail is written anew from the notice and what was kept; where its hash is
   that one, it is what was sent, but for the name and the links, which are the addressee's own.
2. Where it is another, or none was kept, the mail stands here as this release writes it, and it is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policyctl.adapters.ledger.evidence import HeldEvidence, OwedNotice
from policyctl.core.notices.notice import Addressee, Notice, Occasion, Sender
from policyctl.core.notices.notice_json import notice_from_json
from policyctl.core.proof.told_facts import Fact, Facts
from policyctl.reports.mails.kept_form import form_again, form_bytes, open_letter
from policyctl.reports.mails.mail import render

_NOT_SENT = {"planned", "staged", "held", "paused", "rejected", "recalled", "awaiting", "cancelling"}
_SAME = "Its hash is that of what was sent, which the ledger holds (row {})."
_ANEW = "That it is what was sent cannot be proven: no hash of the mail was kept."
_OTHERWISE = "This release writes it otherwise than it was sent, so that it is the same cannot be proven."
_NOT_YET = "It was not handed over to a mailer."


@dataclass(frozen=True, slots=True)
class ToldNotice:
    """One notice: its files by their paths in the bundle, and what the page says of it."""

    files: dict[str, bytes]
    told: dict[str, Any]


def mail_files(held: HeldEvidence, facts: Facts, at: datetime, *, sender: Sender) -> list[ToldNotice]:
    """A notice for each that was owed, one for each contact; of a publication, each notice of the version
    with the mails that were made of it.
    """
    found = []
    for fact in facts["notices"]:
        body = held.part.rows[fact["row"]].values()["body"]
        folder = f"notices/{fact['notice']}"
        files = {f"{folder}/notice.json": body.encode()}
        told = {**fact, "path": f"{folder}/notice.json", "state": "", "mail": "", "receipt": "", "forms": []}
        notice = notice_from_json(body)
        own = [each for each in held.owed if each.notice_no == fact["notice"]]
        if not own:
            of_all, told["forms"] = _forms(notice, facts, held, folder)
            found.append(ToldNotice({**files, **of_all}, told))
        for number, owed in enumerate(own, start=1):
            place = folder if number == 1 else f"{folder}/{number}"
            kept = [each for each in facts["sent"] if _is_of(each, owed)]
            mail, sent = _as_sent(notice, kept, held) or _anew(notice, owed, at, sender, kept=kept)
            mails = {f"{place}/{name}": data for name, data in mail.items()}
            found.append(ToldNotice({**files, **mails}, {**told, **_of(owed, place), "sent": sent}))
    return found


def _forms(
    notice: Notice, facts: Facts, held: HeldEvidence, folder: str
) -> tuple[dict[str, bytes], list[dict[str, str]]]:
    """Of a publication: every mail that was made of a notice, and what is said of it."""
    files: dict[str, bytes] = {}
    said = []
    kept = [fact for fact in facts["sent"] if folder == f"notices/{fact['notice']}"]
    for number, fact in enumerate(kept, start=1):
        place = f"{folder}/{number}"
        mail, words = _as_sent(notice, [fact], held) or ({}, _OTHERWISE)
        files |= {f"{place}/{name}": data for name, data in mail.items()}
        paths = {"mail": f"{place}/mail.html", "text": f"{place}/mail.txt"} if mail else {}
        said.append({"mail": "", "text": "", **paths, "sent": words})
    return files, said


def _is_of(fact: Fact, owed: OwedNotice) -> bool:
    return bool(fact["notice"] == owed.notice_no and fact["first"] <= owed.place <= fact["last"])


def _as_sent(notice: Notice, kept: list[Fact], held: HeldEvidence) -> tuple[dict[str, bytes], str] | None:
    """The last mail that was sent, where it can be written again to the byte (1)."""
    for fact in reversed(kept):
        values = held.part.rows[fact["row"]].values()
        form = form_again(notice, values["form"], values["form_sha256"])
        if form is not None:
            text, html = open_letter(form)
            mail = {"mail.txt": text.encode(), "mail.html": html.encode(), "form.json": form_bytes(form)}
            return mail, _SAME.format(fact["row"])
    return None


def _anew(
    notice: Notice, owed: OwedNotice, at: datetime, sender: Sender, *, kept: list[Fact]
) -> tuple[dict[str, bytes], str]:
    sent = owed.state not in _NOT_SENT
    occasion = Occasion(owed.changed_at if sent else at)
    addressee = Addressee(owed.nid, "", locale=owed.locale)
    letter = render(notice, addressee=addressee, sender=sender, occasion=occasion)
    mail = {
        "mail.txt": f"Subject: {letter.subject}\n\n{letter.text}".encode(),
        "mail.html": letter.html.encode(),
    }
    return mail, _OTHERWISE if kept else _ANEW if sent else _NOT_YET


def _of(owed: OwedNotice, folder: str) -> Fact:
    return {
        "nid": owed.nid,
        "state": owed.state or "without a chunk",
        "changed_at": f"{owed.changed_at:%Y-%m-%d %H:%M} UTC",
        "mailer": owed.mailer,
        "mail": f"{folder}/mail.html",
        "text": f"{folder}/mail.txt",
        "receipt": owed.receipt,
        "receipt_owed": owed.receipt_owed,
    }
