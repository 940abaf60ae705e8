# SPDX-License-Identifier: Apache-2.0
"""One mail of every kind in every language, receipts among them, and a very large one, as they are sent."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from policyctl.actions.mailing.mails import MailWriter
from policyctl.actions.recording.answers import receipt_mail
from policyctl.adapters.ledger.people.answer_receipts import mail_id
from policyctl.adapters.ledger.people.inquiries import OwedReceipt
from policyctl.adapters.mail.interface import Mail
from policyctl.core.notices.inquiry import Inquiry, Standing
from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion
from policyctl.core.policy import ChangeClass
from policyctl.core.records import Answer
from policyctl.reports.phrases import LANGUAGES
from tests.core.notice_samples import ASKED, notice_of
from tests.reports.test_mail import POSTED, SENT
from tests.reports.test_mail_size import many

LARGE = "large"


@cache
def every_mail() -> dict[str, Mail]:
    """``revision-en`` and so on, ``receipt-en``, and ``large``: two hundred changed clauses."""
    mails = {
        f"{kind}-{language}": _written(_notice(kind), _somebody(kind, language))
        for kind in NoticeKind
        for language in LANGUAGES
    }
    large = notice_of(NoticeKind.REVISION, clauses=many(200, 60, range(20)))
    receipts = {f"receipt-{language}": _receipt(language) for language in LANGUAGES}
    return {**mails, **receipts, LARGE: _written(large, _somebody(NoticeKind.REVISION, "en"))}


def _receipt(language: str) -> Mail:
    """An administrator's: it has the most to say."""
    no = {ASKED.name: Standing(Answer.REFUSE, SENT)}
    notice = notice_of(NoticeKind.REVISION)
    inquiry = Inquiry("ab" * 16, notice, "acme", "Acme & Sons", language, 3, no, acknowledged_at=SENT)
    owed = OwedReceipt(inquiry, mail_id("ab" * 16, SENT), "ada@example.org", "Ada Example", SENT)
    sender = replace(POSTED, from_address="privacy@example.com")
    return receipt_mail(owed, SENT, sender, "https://example.com/privacy/me?t=abc.def")


def _notice(kind: NoticeKind) -> Notice:
    return notice_of(kind, ChangeClass.TRANSITION if kind is NoticeKind.TRANSITION else ChangeClass.CHOICE)


def _somebody(kind: NoticeKind, language: str) -> Addressee:
    """German readers answer by mail, the others on a page of their own."""
    return Addressee(
        nid="n0123abcdef0123456789",
        address="ada@example.org",
        name="Ada Example",
        locale=language,
        account="acme" if kind is NoticeKind.REVISION else "",
        page="" if language == "de" else "https://example.com/privacy/me?t=abc.def",
        stop_reminders="https://example.com/privacy/stop?t=abc.def",
    )


def _written(notice: Notice, addressee: Addressee) -> Mail:
    writer = MailWriter(replace(POSTED, from_address="privacy@example.com"))
    writer.require_fit(notice)
    return writer.write(notice, addressee, Occasion(SENT))
