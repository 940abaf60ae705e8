# SPDX-License-Identifier: Apache-2.0
"""SendGrid's lists of addresses that it does not mail to any more, or could not: the second source of what
became of mails, where an event of the webhook was lost.

===================  ==============================================================
list                 what an entry says of a mail that left before it was made
===================  ==============================================================
``bounces``          it came back
``blocks``           it was turned away
``spam_reports``     its reader called it spam
``invalid_emails``   it was not tried: the address is none
===================  ==============================================================

A mail that left after the entry was dropped by SendGrid; but ``blocks`` stop nothing that is sent later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx

from policyctl.adapters.mail.sendgrid import HOST, LIMITS, TIMEOUT, unfit
from policyctl.core.notices.outbox import DeliveryName, Suppressed
from policyctl.errors import UnreachableError, UsageError

LISTS = {
    "bounces": DeliveryName.BOUNCED,
    "blocks": DeliveryName.BOUNCED,
    "spam_reports": DeliveryName.COMPLAINED,
    "invalid_emails": DeliveryName.DROPPED,
}
PAGE = 500
"""Entries of one answer: the most that SendGrid gives."""

_MOST_PAGES = 2000
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_LONGEST_ADDRESS = 320


class SuppressionLists:
    """Reads the lists with ``api_key``, which appears in no message. Raises UsageError for a key or host
    that will not do, and where the key lacks the permission; UnreachableError where SendGrid gives no list.
    """

    def __init__(self, api_key: str, *, host: str = HOST, timeout: httpx.Timeout = TIMEOUT) -> None:
        if refusal := unfit(api_key, host):
            raise UsageError(f"SendGrid cannot be asked: {refusal}", hint="mend it and ask again")
        headers = {"Authorization": f"Bearer {api_key}"}
        self._host = f"{host.rstrip('/')}/v3/suppression"
        self._client = httpx.Client(timeout=timeout, limits=LIMITS, follow_redirects=False, headers=headers)

    def pages(
        self, since: datetime, until: datetime, names: Iterable[str] = tuple(LISTS)
    ) -> Iterator[tuple[Suppressed, ...]]:
        """The entries made since then, of all four lists, a page at a time."""
        for name in names:
            yield from self._pages_of(name, since, until)

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def _pages_of(self, name: str, since: datetime, until: datetime) -> Iterator[tuple[Suppressed, ...]]:
        # Up to a fixed moment, so that entries made meanwhile do not push others over a page's end.
        window = {"start_time": int(since.timestamp()), "end_time": int(until.timestamp())}
        for page in range(_MOST_PAGES):
            found = self._asked(name, {**window, "limit": PAGE, "offset": page * PAGE})
            yield tuple(entry for raw in found if (entry := _entry(name, raw)) is not None)
            if len(found) < PAGE:
                return

    def _asked(self, name: str, wanted: dict[str, int]) -> list[Any]:
        try:
            response = self._client.get(f"{self._host}/{name}", params=wanted)
        except httpx.HTTPError as error:
            raise _no_answer(f"no answer ({type(error).__name__})") from error
        if response.status_code in {401, 403}:
            raise UsageError(
                f"the key may not read suppressions ({response.status_code})",
                hint="give it the permission Suppressions, read access, or check SENDGRID_API_KEY",
            )
        found = _listed(response) if response.status_code == 200 else None  # noqa: PLR2004
        if found is None:
            raise _no_answer(f"{response.status_code}, and no list")
        return found


def _no_answer(what: str) -> UnreachableError:
    return UnreachableError(
        f"SendGrid's lists of suppressed addresses cannot be read: {what}",
        hint="what was read is kept; run it again later",
    )


def _listed(response: httpx.Response) -> list[Any] | None:
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _entry(name: str, raw: Any) -> Suppressed | None:
    """One entry; None where it names no address or no moment."""
    if not isinstance(raw, dict):
        return None
    address, created, status = raw.get("email"), raw.get("created"), raw.get("status")
    if not isinstance(address, str) or "@" not in address[:_LONGEST_ADDRESS]:
        return None
    if not isinstance(created, int) or isinstance(created, bool) or not 0 < created < 10**10:
        return None
    code = _STATUS.match(status) if isinstance(status, str) else None
    return Suppressed(
        address=address,
        event=LISTS[name],
        at=datetime.fromtimestamp(created, UTC),
        stops_later=name != "blocks",
        status=code[0] if code else "",
    )
