# SPDX-License-Identifier: Apache-2.0
"""What a repository's policies are judged by: terms and word lists, lead times, regimes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policyctl.core.judge.catalogue import Catalogue
from policyctl.core.policy import ChangeClass


@dataclass(frozen=True, slots=True)
class Standards:
    """``lead_days``: days between publication and effect, by class. ``answer_days``: how long a
    reader has for an answer once a notice arrived. ``max_bytes``: the largest file that is read.
    """

    catalogue: Catalogue
    lead_days: Mapping[ChangeClass, int]
    regimes: tuple[str, ...]
    answer_days: int = 30
    max_bytes: int = 5_000_000
