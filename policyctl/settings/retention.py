# SPDX-License-Identifier: Apache-2.0
"""``[retention]``: how long what is proven is kept."""

from __future__ import annotations

import re

from policyctl.settings.tables import Table

_PERIOD = re.compile(r"P([1-9][0-9]{0,2}Y|[1-9][0-9]{0,3}[MD])", re.ASCII)


def read_proof_after_data(table: Table) -> str:
    """How long proof is kept once the data is gone; empty: for ever."""
    period = table.text("proof_after_data", "")
    if period and not _PERIOD.fullmatch(period):
        table.complain("proof_after_data", f"{period!r} is no period", 'write "P3Y", "P18M" or "P90D"')
        return ""
    return period
