# SPDX-License-Identifier: Apache-2.0
"""The practices on record, written for another engine of decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policyctl.core.suggest import did_you_mean
from policyctl.errors import CannotCompareError
from policyctl.reports.deciding.cedar import cedar_policies

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger


def export_cedar(slug: str, *, ledger: Ledger) -> str:
    """The published versions of a policy as policies of Cedar (reports/deciding/cedar.py: how to ask them).

    CannotCompareError where no version of it is on record.
    """
    records = ledger.versions()
    own = [record for record in records if record.key.slug == slug]
    if not own:
        hint = did_you_mean(
            slug, {record.key.slug for record in records}, "publish a version, then run `policyctl sync`"
        )
        raise CannotCompareError(f"no version of a policy {slug!r} is on record", hint=hint)
    return cedar_policies(own)
