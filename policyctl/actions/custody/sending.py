# SPDX-License-Identifier: Apache-2.0
"""May this ledger send? A copy must not: it knows whom the original owes a mail.

1. It is where its keeper adopted it (adapters/ledger/base/instance.py).
2. It has every head that was kept outside: in the version refs of this clone, and in the list of erasures.
   One that lacks the newest is an older state that was put back, and would send again what was sent since.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.core.proof.heads import Anchor, read_heads
from policyctl.errors import CannotCompareError, RefusedError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.repository.history import History

ADOPT = "where this ledger is to send from here, say so: `policyctl ledger adopt`"


def anchors_outside(ledger: Ledger, history: History | None, server: int = 0) -> tuple[Anchor, ...]:
    """The heads that version refs and the list of erasures hold of one server."""
    found: list[Anchor] = []
    with suppress(CannotCompareError):
        for mark in history.versions() if history else ():
            heads = read_heads(mark.note.ledger_head)
            if server < len(heads):
                found.append(Anchor(f"{mark.key}", heads[server], server))
    return (*found, *(ledger.erasures.anchors(server) if ledger.erasures else ()))


def why_not(ledger: Ledger, anchors: tuple[Anchor, ...]) -> str:
    """Why nothing may be sent from here, in words; empty where it may."""
    if not ledger.custody.instance().here:
        return "this ledger is a copy, or was moved or restored: it was not adopted here"
    missing = ledger.custody.missing(anchors)
    if missing is None:
        return ""
    return (
        f"this ledger is behind: it does not hold entry {missing.head.entry} as {missing.source} does, so an "
        "older state was put back"
    )


def require_own(ledger: Ledger, anchors: tuple[Anchor, ...]) -> None:
    """RefusedError where nothing may be sent from here."""
    if why := why_not(ledger, anchors):
        raise RefusedError(f"{why}; nothing was sent", hint=ADOPT)


def adopt(ledger: Ledger, anchors: tuple[Anchor, ...], *, now: datetime) -> tuple[str, int]:
    """Have the ledger send from here from now on; its new id, and the entry up to which what was kept outside
    is lost (0: nothing is).
    """
    missing = ledger.custody.missing(anchors)
    lost = max((anchor.head.entry for anchor in anchors), default=0) if missing else 0
    return ledger.custody.adopt(now=now, lost_up_to=lost), lost
