# SPDX-License-Identifier: Apache-2.0
"""The webhooks of ``policyctl notify``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from policyctl.cli.printing import now
from policyctl.errors import BusyError, UnreachableError

if TYPE_CHECKING:
    from policyctl.actions.posting.send import Delivered
    from policyctl.cli.opened import Opened
    from policyctl.reports.receipt_v1 import Receipt


def post(opened: Opened, slug: str | None, stop: Callable[[], bool]) -> Delivered | None:
    """Send the webhooks that are due; None where the settings name none. Of a ledger on several servers,
    which are notified one by one, the turn of the first is that of the webhooks.
    """
    from policyctl.wiring import open_whole, server_number

    if not _has_webhooks(opened) or server_number(opened.settings):
        return None
    from policyctl.actions.posting.send import Delivered, send_webhooks
    from policyctl.wiring.posting import open_webhooks, posting_places

    ledger = open_whole(opened.settings)
    opened.stack.callback(ledger.close)
    try:
        return send_webhooks(
            ledger=ledger,
            places=posting_places(opened.settings),
            webhooks=open_webhooks(),
            clock=now,
            slug=slug,
            stop=stop,
        )
    except (UnreachableError, BusyError) as error:  # the mails have left, and their receipt is owed
        return Delivered(refused={"all": error.message})


def _has_webhooks(opened: Opened) -> bool:
    return any(place.kind == "webhook" for place in opened.settings.places)


def complete(posted: Delivered | None) -> bool:
    """Every webhook that was due was taken."""
    return posted is None or not (posted.failed or posted.owed or posted.refused)


def with_webhooks(receipt: Receipt, posted: Delivered | None) -> Receipt:
    """The receipt with what became of the webhooks."""
    if posted is None:
        return receipt
    named = (
        ("webhooks taken", posted.posted),
        ("webhooks not taken", posted.failed),
        ("webhooks owed", posted.owed),
    )
    counts = tuple((name, number) for name, number in named if number)
    said = tuple(f"webhook {place}: {why}" for place, why in posted.refused.items())
    return replace(receipt, counts=receipt.counts + counts, remarks=receipt.remarks + said)


def with_due(receipt: Receipt, opened: Opened, slug: str | None) -> Receipt:
    """The receipt of a dry run with the webhooks that would be sent."""
    from policyctl.wiring import open_whole, server_number

    if not _has_webhooks(opened) or server_number(opened.settings):
        return receipt
    from policyctl.actions.posting.send import due_webhooks
    from policyctl.wiring.posting import posting_places

    ledger = open_whole(opened.settings)
    opened.stack.callback(ledger.close)
    due = due_webhooks(ledger, posting_places(opened.settings), now(), slug)
    counts = tuple((f"{each.version} webhook to {each.place}", 1) for each in due)
    return replace(receipt, counts=receipt.counts + counts)
