# SPDX-License-Identifier: Apache-2.0
"""The pytest fixture ``policy_ledger``: there wherever policyctl is; loads nothing until it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from policyctl.testing.ledger import SampleLedger


@pytest.fixture
def policy_ledger(tmp_path: Path) -> Iterator[SampleLedger]:
    """A ledger of this test's own, with the sample policy published: see policyctl.testing.ledger."""
    from policyctl.testing.ledger import sample_ledger

    with sample_ledger(tmp_path / "policyctl") as ledger:
        yield ledger
