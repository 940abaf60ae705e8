# SPDX-License-Identifier: Apache-2.0
"""Where a ledger may send from: asked before anything is sent, and said by ``ledger adopt``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from policyctl.cli.opened import repository
from policyctl.cli.printing import Format, FormatOption, YesOption, confirm, now
from policyctl.cli.setup import print_receipt
from policyctl.errors import CannotCompareError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.cli.opened import Opened
    from policyctl.core.proof.heads import Anchor

_LOST = "what was kept outside up to entry {} is lost: what was sent since the backup would be sent again"


def anchors(opened: Opened, ledger: Ledger) -> tuple[Anchor, ...]:
    """The heads kept outside; a folder that is no git repository has no version refs."""
    from policyctl.actions.custody.sending import anchors_outside
    from policyctl.wiring import server_number

    history = None
    with suppress(CannotCompareError):
        history = opened.history()
    return anchors_outside(ledger, history, server_number(opened.settings))


def require_own(opened: Opened, ledger: Ledger) -> None:
    """RefusedError where nothing may be sent from this ledger."""
    from policyctl.actions.custody import sending

    sending.require_own(ledger, anchors(opened, ledger))


def adopt(*, yes: YesOption = False, output_format: FormatOption = Format.TEXT) -> None:
    """Have notices sent from this ledger, here. A copy, a ledger that was moved or restored, and one that is
    behind what version refs hold send nothing until this is said. Never say it of a copy for trying.
    """
    from policyctl.actions.custody import sending
    from policyctl.reports.receipt_v1 import Receipt

    with repository() as opened:
        ledger = opened.ledger()
        confirm("Send notices from this ledger, here?", yes=yes)
        number, lost = sending.adopt(ledger, anchors(opened, ledger), now=now())
    remarks = [f"this ledger is now {number}"]
    if lost:
        remarks += [
            _LOST.format(lost),
            "look at `policyctl notify --plan`, and recall what must not go again",
        ]
    print_receipt(
        Receipt("ledger adopt", counts=(("ledger adopted", 1),), remarks=tuple(remarks),
                next="policyctl notify --plan"),
        output_format,
    )  # fmt: skip
