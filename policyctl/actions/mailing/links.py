# SPDX-License-Identifier: Apache-2.0
"""Links in mails: the keys they are signed with, and the two that an addressee gets."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.core.links import LinkKey, LinkPurpose, in_force, with_new_key, without_key
from policyctl.core.notices.notice import Addressee, NoticeKind
from policyctl.errors import CannotCompareError, RefusedError

if TYPE_CHECKING:
    from policyctl.adapters.key_file import LinkKeyFile
    from policyctl.adapters.links import Links

_SECRET_BYTES = 32


def rotate_links(*, now: datetime, keys: LinkKeyFile) -> LinkKey:
    """Make a key that new links are signed with. Links of the key before it still open, older ones no
    more.
    """
    fresh = LinkKey(secrets.token_hex(4), secrets.token_bytes(_SECRET_BYTES), now)
    with keys.changing() as known:
        _keep(known, with_new_key(tuple(known.values()), fresh))
    return fresh


def retire_link_key(number: str, *, now: datetime, keys: LinkKeyFile) -> bool:
    """Have links signed with a key open nothing, at once; False when that was so before. The key that
    signs cannot be retired: RefusedError.
    """
    with keys.changing() as known:
        if number not in known:
            raise CannotCompareError(f"there is no key {number!r}", hint="`policyctl links list` shows them")
        signing = in_force(tuple(known.values()))[-1:]
        if known[number] in signing:
            raise RefusedError(
                "this key signs the links of the next mails",
                hint="make another first: `policyctl links rotate`",
            )
        if known[number].retired_at is not None:
            return False
        _keep(known, without_key(tuple(known.values()), number, now))
    return True


def _keep(known: dict[str, LinkKey], kept: Iterable[LinkKey]) -> None:
    known.clear()
    known.update({key.id: key for key in kept})


def with_links(
    addressee: Addressee, links: Links | None, at: datetime, kind: NoticeKind = NoticeKind.REVISION
) -> Addressee:
    """The addressee with his own page, and for a reminder where his reminders stop; unchanged where no pages
    are served. ``at``: the moment of the mail, aware UTC.
    """
    if links is None:
        return addressee
    stop = links.make(LinkPurpose.REMINDERS, addressee.nid, at) if kind is NoticeKind.REMINDER else ""
    return replace(addressee, page=links.make(LinkPurpose.ANSWERS, addressee.nid, at), stop_reminders=stop)
