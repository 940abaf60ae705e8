# SPDX-License-Identifier: Apache-2.0
"""How long proof is kept: as long as the data it is about, plus a period."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta

_MONTHS = {"Y": 12, "M": 1}


def before(moment: datetime, period: str) -> datetime:
    """The moment a period earlier: P3Y, P18M or P90D. A day that a month does not have is its last one."""
    count, unit = int(period[1:-1]), period[-1]
    if unit == "D":
        return moment - timedelta(days=count)
    months = moment.year * 12 + moment.month - 1 - count * _MONTHS[unit]
    year, month = months // 12, months % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
