# SPDX-License-Identifier: Apache-2.0
"""May this be used? The one way every entrance asks: command line, Python and HTTP, one or a thousand.

By the compiled cells where they hold the answer (adapters/ledger/asking/online.py), else the long way: the
facts of the ledger, and the rules of core/use/decision.py. Both give the same. No git, no Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from policyctl.core.use.decision import Decision, UseRequest, decide

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger


def decide_use(request: UseRequest, *, ledger: Ledger, upto: int | None = None) -> Decision:
    """Answer ``request``; callers treat undecided as no.

    ``upto``: leave out what entered the ledger after this entry (``Decision.sequence``), so that an
    old answer can be given again whatever was imported since.
    """
    found = ledger.online.decide(request) if upto is None else None
    return found or decide_from_facts(request, ledger=ledger, upto=upto)


def decide_uses(requests: Sequence[UseRequest], *, ledger: Ledger) -> Iterator[Decision]:
    """Answer each, in order, and all that the cells hold from one state of the ledger; an error is
    raised where its question is due.
    """
    found = ledger.online.decide_many(requests)
    for request, decision in zip(requests, found, strict=True):
        yield decision or decide_from_facts(request, ledger=ledger)


def decide_from_facts(request: UseRequest, *, ledger: Ledger, upto: int | None = None) -> Decision:
    """The long way, which also is what the short one is held against."""
    return decide(request, ledger.facts_for(request, upto=upto))
