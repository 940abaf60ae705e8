# SPDX-License-Identifier: Apache-2.0
"""A reminder of choices that have not been answered: mail of its own, and the only one with an opt-out.

It repeats a notice that was sent; it never stands in for one, and stopping it answers nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from policyctl.core.notices.notice import Notice, NoticeKind


def reminder_of(notice: Notice, unanswered: Collection[str]) -> Notice | None:
    """The reminder of ``notice`` to somebody who has not answered the changes named ``unanswered``.

    None where the notice asked about none of them: there is nothing to remind of.
    """
    still_open = tuple(offer for offer in notice.choices if offer.change in unanswered)
    if not still_open:
        return None
    return replace(notice, kind=NoticeKind.REMINDER, clauses=(), choices=still_open, transition=None)
