# SPDX-License-Identifier: Apache-2.0
"""Moments as people write them: a day, or a day and a time; UTC where no offset is given."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?", re.ASCII
)
HOW = "write a day (2027-01-15) or a moment (2027-01-15T09:30:00Z); without an offset it is UTC"


def read_moment(text: str) -> datetime | None:
    """``text`` as an aware UTC moment, a day as its first; None when it is no such thing."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", ""))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
