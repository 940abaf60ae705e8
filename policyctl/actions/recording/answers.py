# SPDX-License-Identifier: Apache-2.0
"""What is done on the pages that mails link to: look, answer, confirm, object, stop reminders; and the
receipts that follow by mail.

1. The link is the authority. What it names is found out before the ledger is asked, and one that is too
   old, or of a retired key, opens nothing.
2. Looking writes nothing, however often.
3. A receipt goes to the address that the notice went to, so that its owner hears of what somebody did
   with a link that was passed on. It may come twice after a crash, and never not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from policyctl.adapters.mail.interface import Accepted, Mail, Mailer, NotSent, Rejected, Stopped, Unknown
from policyctl.core.links import LinkPurpose, LinkState, ReadLink
from policyctl.core.notices.notice import Sender
from policyctl.reports.answers.receipt import answer_receipt

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.ledger.people.inquiries import OwedReceipt
    from policyctl.adapters.links import Links
    from policyctl.core.notices.inquiry import Inquiry

CATEGORY = "answer-receipt"
_PORTION = 50


class Closed(StrEnum):
    """Why a link opens nothing: not ours or not whole; too old; of a retired key; about nothing any more."""

    MISSING = "missing"
    EXPIRED = "expired"
    RETIRED = "retired"
    GONE = "gone"


class Act(StrEnum):
    """What a button of the page does."""

    CONSENT = "consent"
    REFUSE = "refuse"
    ACKNOWLEDGE = "acknowledge"
    OBJECT = "object"
    RETRACT = "retract"


ANSWERS = frozenset({Act.CONSENT, Act.REFUSE})


@dataclass(frozen=True, slots=True)
class Deed:
    """One button pressed. ``change`` and ``newest`` go with an answer: which question, and the number of
    the last version when the page was shown.
    """

    act: Act
    change: str = ""
    newest: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link opens."""

    link: ReadLink
    inquiry: Inquiry


def open_link(
    purpose: LinkPurpose, token: str, *, now: datetime, links: Links, ledger: Ledger
) -> Opened | Closed:
    """What the link with that last part opens; writes nothing."""
    link = links.read(purpose, token, now)
    if link is None:
        return Closed.MISSING
    if link.state is not LinkState.GOOD:
        return Closed.EXPIRED if link.state is LinkState.EXPIRED else Closed.RETIRED
    inquiry = ledger.inquiries.find(link.nid)
    return Opened(link, inquiry) if inquiry else Closed.GONE


def act_on(opened: Opened, deed: Deed, *, now: datetime, ledger: Ledger) -> Inquiry | None:
    """Record what a button says, and what stands then; None where the notice is gone meanwhile.

    RefusedError, and nothing is recorded, for an answer to a question that is not open (any more).
    """
    nid, inquiries = opened.link.nid, ledger.inquiries
    if deed.act in ANSWERS:
        yes = deed.act is Act.CONSENT
        return inquiries.answer(nid, deed.change, yes=yes, newest=deed.newest, now=now)
    if deed.act is Act.ACKNOWLEDGE:
        return inquiries.acknowledge(nid, now=now)
    return inquiries.object(nid, stands=deed.act is Act.OBJECT, now=now)


def stop_reminders(opened: Opened, *, now: datetime, ledger: Ledger) -> Inquiry | None:
    """Record that no more reminders are wanted. It answers nothing, and stops no notice."""
    return ledger.inquiries.stop_reminders(opened.link.nid, now=now)


def newer_pages(inquiry: Inquiry, links: Links) -> tuple[tuple[str, str], ...]:
    """By change, the page where a newer version asks it of the same addressee."""
    return tuple(
        (change, links.make(LinkPurpose.ANSWERS, newer.nid, newer.published_at))
        for change, newer in inquiry.newer.items()
        if newer.nid
    )


# Receipts


@dataclass(frozen=True, slots=True)
class Receipted:
    """Receipts that the mailer took, and those put off or given up. ``stopped`` says why it ended early."""

    accepted: int
    failed: int
    stopped: str = ""


def send_receipts(
    now: datetime, *, ledger: Ledger, mailer: Mailer, sender: Sender, links: Links | None
) -> Receipted:
    """Mail the receipts that are owed; none without pages or a sender."""
    if links is None or not sender.from_address:
        return Receipted(0, 0)
    accepted = failed = 0
    while owed := ledger.inquiries.claim_receipts(now, _PORTION):
        for receipt in owed:
            outcome = mailer.send(receipt_mail(receipt, now, sender, _page(receipt, now, links)))
            match outcome:
                case Accepted():
                    accepted += 1
                    ledger.inquiries.settle_receipt(receipt, now)
                case Rejected(reason):
                    failed += 1
                    ledger.inquiries.settle_receipt(receipt, now, reason=reason)
                case NotSent(reason) | Unknown(reason) | Stopped(reason):
                    failed += 1
                    ledger.inquiries.settle_receipt(receipt, now, reason=reason, again=True)
            if isinstance(outcome, Stopped):
                return Receipted(accepted, failed, outcome.reason)
    return Receipted(accepted, failed)


def _page(owed: OwedReceipt, now: datetime, links: Links) -> str:
    return links.make(LinkPurpose.ANSWERS, owed.inquiry.nid, now)


def receipt_mail(owed: OwedReceipt, now: datetime, sender: Sender, page: str) -> Mail:
    """The mail of a receipt, with the link to the page where the answer can be changed."""
    letter = answer_receipt(owed.inquiry, name=owed.name, sender=sender, page=page)
    return Mail(
        nid=owed.mail_id,
        to_address=owed.address,
        to_name=owed.name,
        from_address=sender.from_address,
        from_name=sender.from_name,
        reply_to=sender.reply_to,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        category=CATEGORY,
        at=now,
    )
