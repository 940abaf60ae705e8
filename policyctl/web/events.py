# SPDX-License-Identifier: Apache-2.0
"""Where SendGrid says what became of mails: ``POST /v1/events/sendgrid``.

The signature is the caller's key. Headers that cannot be right are refused before the body is read.
204 is said when the reports are in the ledger for good, whatever they were about; anything else makes
SendGrid send the same body again for a day. No body is ever logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.actions.mailing.events import take_sendgrid_events
from policyctl.core.notices.outbox import DeliveryReceipt
from policyctl.errors import InputError
from policyctl.web.problems import Answer, ProblemError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.mail.sendgrid_events import SendGridWebhook

PATH = "/v1/events/sendgrid"


def webhook_for(
    webhook: SendGridWebhook | None, headers: Mapping[str, str], now: datetime
) -> SendGridWebhook:
    """The webhook, if there is one and the headers can be right; else a problem."""
    if webhook is None:
        raise ProblemError("no-webhook-key", "set [mail.sendgrid] webhook_keys in policyctl.toml")
    if not webhook.may_be(headers, now):
        raise _forged()
    return webhook


def take(
    headers: Mapping[str, str], body: bytes, *, webhook: SendGridWebhook, ledger: Ledger, now: datetime
) -> Answer:
    """Events of SendGrid's signed event webhook: processed, deferred, delivered, bounced, dropped,
    complained. Each counts once, in whatever order and however often it comes.
    """
    try:
        taken = take_sendgrid_events(headers, body, webhook=webhook, ledger=ledger, now=now)
    except InputError as error:
        raise ProblemError("not-json", error.message) from error
    if taken is None:
        raise _forged()
    receipt, ignored = taken
    return Answer(204, b"", reports=dict(_counts(receipt, ignored)))


def _counts(receipt: DeliveryReceipt, ignored: int) -> Iterator[tuple[str, int]]:
    yield "added", receipt.added
    yield "repeated", receipt.repeated
    yield "orphan", receipt.orphans
    yield "ignored", ignored


def _forged() -> ProblemError:
    return ProblemError("not-signed", "the signature or its time is not that of SendGrid's webhook")
