# SPDX-License-Identifier: Apache-2.0
"""A notice and an addressee become one mail, or a reason why it must not be sent.

1. The notice says all that the law and the promises ask (``core.notices.planning``).
2. The sender's addresses are addresses: else every mail would be refused one by one, for good.
3. The copy of the revised policy that was promised is there: attached, posted, or short enough to stand
   in the text.
4. A reminder says where it can be stopped.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from policyctl import __version__
from policyctl.adapters.mail.interface import Attachment, Form, Mail
from policyctl.adapters.mail.message import require_sender
from policyctl.adapters.pdf import Printer
from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion, Sender
from policyctl.core.notices.planning import require_content
from policyctl.core.policy import VersionKey
from policyctl.errors import RefusedError
from policyctl.reports.mails.form import FIELDS, LetterForm, letter_form, shape_of
from policyctl.reports.mails.kept_form import form_bytes, kept_values
from policyctl.reports.mails.mail import COPY_LIMIT, Letter
from policyctl.reports.policy_print import file_name, printable

if TYPE_CHECKING:
    from policyctl.adapters.links import Links

PDF_LIMIT = 1_000_000
"""Bytes; a longer PDF is not attached: mail servers refuse large mails."""

LONGEST_PRINT = 1_000_000
"""Characters; a longer policy is not made a PDF: that takes more than a minute, and it would be too large."""

CATEGORIES = {
    NoticeKind.REVISION: "policy-revision",
    NoticeKind.CHOICE: "choice-notice",
    NoticeKind.TRANSITION: "transition-notice",
    NoticeKind.REMINDER: "choice-reminder",
}


class MailWriter:
    """Writes mails from ``sender``, with a PDF by ``printer`` where there is one. ``links``: what addressees
    get theirs from.

    What mails have in common is made once: the PDF of a version, and for each notice and language the
    mail itself, but for names and links. A version has one notice of each kind (the ledger freezes it).
    """

    def __init__(self, sender: Sender, printer: Printer | None = None, links: Links | None = None) -> None:
        self.sender = sender
        self.links = links
        self._printer = printer
        self._copies: dict[tuple[VersionKey, str], tuple[Attachment, ...]] = {}
        self._forms: dict[tuple[object, ...], LetterForm] = {}
        self._nonce = secrets.token_hex(4)

    def require_fit(self, notice: Notice) -> None:
        """Raise RefusedError, with the reason, unless the notice may be sent."""
        require_content(notice, self.sender)
        require_sender(self.sender)
        _require_copy(notice, self.sender, self._attached(notice))

    def write(self, notice: Notice, addressee: Addressee, occasion: Occasion) -> Mail:
        """The mail of a notice that is fit. RefusedError for a reminder that could not be stopped."""
        if notice.kind is NoticeKind.REMINDER and not addressee.stop_reminders:
            raise RefusedError(
                "a reminder must not be sent without a link that stops reminders",
                hint="reminders need the pages that `policyctl serve` gives: set [web] url",
            )
        files = self._attached(notice)
        letter = self._letter(notice, addressee, occasion, files[0].name if files else "")
        return Mail(
            nid=addressee.nid,
            to_address=addressee.address,
            to_name=addressee.name,
            from_address=self.sender.from_address,
            from_name=self.sender.from_name,
            reply_to=self.sender.reply_to,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            category=CATEGORIES[notice.kind],
            at=occasion.at,
            attachments=files,
            unsubscribe=addressee.stop_reminders if notice.kind is NoticeKind.REMINDER else "",
        )

    def batch_form(self, notice: Notice, addressee: Addressee, occasion: Occasion) -> Form:
        """What the mail to ``addressee`` has in common with all that have the same values given."""
        files = self._attached(notice)
        form = self._form(notice, addressee, occasion, files[0].name if files else "")
        return Form(
            from_address=self.sender.from_address,
            from_name=self.sender.from_name,
            reply_to=self.sender.reply_to,
            subject=form.subject,
            fields=FIELDS,
            text=form.text,
            html=form.html,
            nonce=self._nonce,
            category=CATEGORIES[notice.kind],
            attachments=files,
        )

    def kept(self, notice: Notice, addressee: Addressee, occasion: Occasion) -> tuple[str, str]:
        """What is kept of the mail: the SHA-256 of its form, and what it takes to write that again."""
        files = self._attached(notice)
        form = self._form(notice, addressee, occasion, files[0].name if files else "")
        attached = [(file.name, file.data) for file in files]
        shape = shape_of(addressee, self._nonce)
        values = kept_values(notice, shape, self.sender, occasion, attached, __version__)
        return sha256(form_bytes(form)).hexdigest(), values

    def _letter(self, notice: Notice, addressee: Addressee, occasion: Occasion, attached: str) -> Letter:
        return self._form(notice, addressee, occasion, attached).fill(addressee)

    def _form(self, notice: Notice, addressee: Addressee, occasion: Occasion, attached: str) -> LetterForm:
        shape = shape_of(addressee, self._nonce)
        asked = tuple(offer.change for offer in notice.choices)
        key = (notice.version, notice.text_sha256, notice.kind, asked, shape, occasion)
        if key not in self._forms:
            self._forms[key] = letter_form(
                notice,
                shape=shape,
                nonce=self._nonce,
                sender=self.sender,
                occasion=occasion,
                attached=attached,
            )
        return self._forms[key]

    def _attached(self, notice: Notice) -> tuple[Attachment, ...]:
        """The revised policy as a PDF, for administrators only; nothing where it cannot be made."""
        if notice.kind is not NoticeKind.REVISION or self._printer is None:
            return ()
        if len(notice.full_text) > LONGEST_PRINT:
            return ()
        key = (notice.version, notice.text_sha256)
        if key not in self._copies:
            file = Attachment(file_name(notice), "application/pdf", self._printer(printable(notice)))
            self._copies[key] = (file,) if len(file.data) <= PDF_LIMIT else ()
        return self._copies[key]


def _require_copy(notice: Notice, sender: Sender, files: tuple[Attachment, ...]) -> None:
    promised = notice.kind is NoticeKind.REVISION
    if promised and not (files or sender.base_url or len(notice.full_text.encode()) <= COPY_LIMIT):
        raise RefusedError(
            f"the revised policy {notice.version} is too long for a mail, and no copy of it would be sent",
            hint="set [site] base_url so that mails can link to it, or install policyctl[pdf]",
        )
