# SPDX-License-Identifier: Apache-2.0
"""What people said and what became of mails, one at a time, into the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.actions.recording.cells import unfit
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.policy import VersionKey
from policyctl.core.records import Answer, ChoiceRow, ClientBatch, ImportReceipt
from policyctl.core.suggest import did_you_mean
from policyctl.errors import Place, UsageError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger


def accept(
    subject: str,
    version: VersionKey,
    *,
    at: datetime,
    now: datetime,
    ledger: Ledger,
    customer: str | None = None,
    within: str | None = None,
    dry_run: bool = False,
    batch: ClientBatch | None = None,
) -> bool:
    """Record that a subject accepts a version; False when it did so before: the first time stands.

    A subject that is not known becomes known. ``within``: the id is this customer's own, and nothing is
    refused for what another has. CannotCompareError for an unknown version or customer.
    """
    _require_past(at, now)
    _require_named(subject, "subject")
    return ledger.accept(
        subject, version, at, now=now, customer=customer, within=within, dry_run=dry_run, batch=batch
    )


def acknowledge(
    customer: str,
    version: VersionKey,
    *,
    at: datetime,
    now: datetime,
    ledger: Ledger,
    dry_run: bool = False,
) -> bool:
    """Record that a customer's administrator has seen a version; False when that is recorded already."""
    _require_past(at, now)
    return ledger.acknowledge(customer, version, at, now=now, dry_run=dry_run)


def choose(
    change: str,
    answer: str,
    *,
    at: datetime,
    now: datetime,
    ledger: Ledger,
    subject: str | None = None,
    customer: str | None = None,
    within: str | None = None,
    dry_run: bool = False,
    batch: ClientBatch | None = None,
) -> bool:
    """Record an answer to a change (``fax@v3#practice``); False when it is recorded already.

    ``answer``: consent, refuse or withdraw. A customer's answer binds all its subjects where it
    refuses. ``within``: only this customer and its subjects are looked at. Complaints as for a row of a
    file of choices.
    """
    _require_past(at, now)
    if (subject is None) == (customer is None):
        raise UsageError("an answer is a subject's or a customer's", hint="name exactly one of the two")
    scope, who = ("subject", subject or "") if customer is None else ("customer", customer)
    _require_named(who, scope)
    row = ChoiceRow(Place("choose"), scope, who, change, Answer(_word(answer, tuple(Answer))), at)
    done = ledger.import_choices([row], now=now, dry_run=dry_run, within=within, batch=batch)
    return done.added == 1


def deliver(
    nid: str, event: str, *, at: datetime, now: datetime, ledger: Ledger, dry_run: bool = False
) -> ImportReceipt:
    """Record what became of one mail: processed, deferred, delivered, bounced, dropped, complained."""
    _require_past(at, now)
    row = DeliveryEvent(nid, DeliveryName(_word(event, tuple(DeliveryName))), at, Place("deliver"))
    return ledger.import_deliveries([row], now=now, dry_run=dry_run)


def _require_past(at: datetime, now: datetime) -> None:
    if at > now:
        raise UsageError(f"{at:%Y-%m-%d %H:%M} UTC lies in the future", hint="record only what has happened")


def _require_named(who: str, what: str) -> None:
    if not who.strip():
        raise UsageError(f"the {what} has no name", hint=f"give the {what}'s id")
    if found := unfit(who):
        raise UsageError(f"this {what}'s id cannot be: {found[0]}", hint=found[1])


def _word(text: str, words: tuple[str, ...]) -> str:
    if text not in words:
        raise UsageError(f"{text!r} is not known", hint=did_you_mean(text, words, f"use {', '.join(words)}"))
    return text
