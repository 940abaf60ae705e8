# SPDX-License-Identifier: Apache-2.0
"""May this be used? The facts of the ledger, and the rules of core/use/decision.py. No git, no Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policyctl.core.use.decision import Decision, UseRequest, decide

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger


def decide_use(request: UseRequest, *, ledger: Ledger, upto: int | None = None) -> Decision:
    """Answer ``request``; callers treat undecided as no.

    ``upto``: leave out what entered the ledger after this entry (``Decision.sequence``), so that an
    old answer can be given again whatever was imported since.
    """
    return decide(request, ledger.facts_for(request, upto=upto))
