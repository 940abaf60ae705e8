# SPDX-License-Identifier: Apache-2.0
"""Reports of what became of mails, as they come in by themselves: from SendGrid, in a mailbox,
or in the lists of addresses that the mail service gave up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from policyctl.adapters.mail.dsn import Maildir, read_report
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryReceipt
from policyctl.errors import InputError
from policyctl.faults import fault_point

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.mail.sendgrid_events import SendGridWebhook
    from policyctl.adapters.mail.suppressions import SuppressionLists

_AT_ONCE = 500


def take_sendgrid_events(
    headers: Mapping[str, str], body: bytes, *, webhook: SendGridWebhook, ledger: Ledger, now: datetime
) -> tuple[DeliveryReceipt, int] | None:
    """Enter one body of SendGrid's webhook, whole or not at all; what entered and how many events were
    not ours. None when it is not signed. InputError when it cannot be read.
    """
    if not webhook.is_signed(headers, body, now):
        return None
    feed = webhook.read(headers, body)
    if not feed.events:
        # The ledger is asked all the same: what it cannot take just now must come again.
        ledger.require_ready()
        return DeliveryReceipt(0, 0, 0), feed.ignored
    return ledger.record_deliveries(feed.events, now=now), feed.ignored


@dataclass(frozen=True, slots=True)
class ListsRead:
    """Entries of lists that were looked at, and the reports about notices that they made."""

    entries: int
    added: int


def look_up_suppressions(
    lists: SuppressionLists, *, days: int, ledger: Ledger, now: datetime, dry_run: bool = False
) -> ListsRead:
    """Enter what the mail service's lists of the last ``days`` say of notices of which no last word is known:
    an event that was lost is found so. Looked at again, the same lists add nothing.
    """
    entries = added = 0
    for page in lists.pages(now - timedelta(days=days), now):
        entries += len(page)
        events = ledger.suppressed_notices(page, now)
        if events and not dry_run:
            ledger.record_deliveries(events, now=now)
        added += len(events)
    return ListsRead(entries, added)


@dataclass(frozen=True, slots=True)
class ReportsRead:
    """Mails read, reports that entered or were there already, and the mails that a person must look at:
    the name of each and why.
    """

    mails: int
    added: int
    repeated: int
    aside: tuple[tuple[str, str], ...]


def read_reports(maildir: Maildir, *, ledger: Ledger, now: datetime, dry_run: bool = False) -> ReportsRead:
    """Enter what new mails of a Maildir report, and put them away once it is in the ledger for good.

    Killed in between, the next run finds the same reports and adds nothing. Anybody can write to that
    mailbox, so a report about no notice of this ledger does not enter.
    """
    names = maildir.names()
    done = [
        _read_some(maildir, names[start : start + _AT_ONCE], ledger, now, dry_run=dry_run)
        for start in range(0, len(names), _AT_ONCE)
    ]
    return ReportsRead(
        mails=len(names),
        added=sum(each.added for each in done),
        repeated=sum(each.repeated for each in done),
        aside=tuple(one for each in done for one in each.aside),
    )


def _read_some(
    maildir: Maildir, names: Sequence[str], ledger: Ledger, now: datetime, *, dry_run: bool
) -> ReportsRead:
    read: dict[str, tuple[DeliveryEvent, ...]] = {}
    aside: dict[str, str] = {}
    for name in names:
        try:
            read[name] = read_report(*maildir.read(name, now))
        except InputError as error:
            aside[name] = error.message
    if dry_run:
        return ReportsRead(len(names), 0, 0, tuple(aside.items()))
    events = [event for found in read.values() for event in found]
    receipt = ledger.record_deliveries(events, now=now, keep_orphans=False)
    fault_point("reports.recorded")
    for name, found in read.items():
        if any(event.nid in receipt.unknown for event in found):
            aside[name] = "it is about no notice of this ledger"
    for name in names:
        maildir.put_away(name, flagged=name in aside)
        fault_point("reports.put-away")
    return ReportsRead(len(names), receipt.added, receipt.repeated, tuple(aside.items()))
