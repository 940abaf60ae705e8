# SPDX-License-Identifier: Apache-2.0
"""The notices in a bundle: the one that the ledger froze, and the mail written anew from it.

The ledger holds what a notice says, under its chain. Of a mail it holds no copy: the mail here is rendered
again by this release, without names, addresses and links, which are the addressee's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policyctl.adapters.ledger.evidence import HeldEvidence, OwedNotice
from policyctl.core.notices.notice import Addressee, Notice, Occasion, Sender
from policyctl.core.notices.notice_json import notice_from_json
from policyctl.core.proof.told_facts import Facts
from policyctl.reports.mail import render

_NOT_SENT = {"planned", "staged", "held", "paused", "rejected", "recalled", "awaiting", "cancelling"}
_ANEW = "That it is what was sent cannot be proven: no hash of the mail was kept."
_NOT_YET = "It was not handed over to a mailer."


@dataclass(frozen=True, slots=True)
class ToldNotice:
    """One notice: its files by their paths in the bundle, and what the page says of it."""

    files: dict[str, bytes]
    told: dict[str, Any]


def mail_files(held: HeldEvidence, facts: Facts, at: datetime, *, sender: Sender) -> list[ToldNotice]:
    """A notice for each that was owed; of a publication, each notice of the version."""
    found = []
    for fact in facts["notices"]:
        body = held.part.rows[fact["row"]].values()["body"]
        folder = f"notices/{fact['notice']}"
        files = {f"{folder}/notice.json": body.encode()}
        told = {**fact, "path": f"{folder}/notice.json", "state": "", "mail": "", "receipt": ""}
        owed = next((each for each in held.owed if each.notice_no == fact["notice"]), None)
        if owed is not None:
            _mail(files, told, folder, notice_from_json(body), owed, at, sender)
        found.append(ToldNotice(files, told))
    return found


def _mail(
    files: dict[str, bytes],
    told: dict[str, Any],
    folder: str,
    notice: Notice,
    owed: OwedNotice,
    at: datetime,
    sender: Sender,
) -> None:
    addressee = Addressee(owed.nid, "", locale=owed.locale)
    sent = owed.state not in _NOT_SENT
    letter = render(
        notice, addressee=addressee, sender=sender, occasion=Occasion(owed.changed_at if sent else at)
    )
    files[f"{folder}/mail.txt"] = f"Subject: {letter.subject}\n\n{letter.text}".encode()
    files[f"{folder}/mail.html"] = letter.html.encode()
    told |= {
        "nid": owed.nid,
        "state": owed.state or "without a chunk",
        "changed_at": f"{owed.changed_at:%Y-%m-%d %H:%M} UTC",
        "mailer": owed.mailer,
        "mail": f"{folder}/mail.html",
        "text": f"{folder}/mail.txt",
        "sent": _ANEW if sent else _NOT_YET,
        "receipt": owed.receipt,
        "receipt_owed": owed.receipt_owed,
    }
