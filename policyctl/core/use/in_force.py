# SPDX-License-Identifier: Apache-2.0
"""Which version binds for a subject at a moment.

A version takes effect for a current subject on its effective date, for a new subject on acceptance
(product.md, "May this be used?", rule 7). With a, the moment the subject came under the policy, the
version in force at t is none before a, and from then on the greatest of

* each version accepted by t, and for a current subject the one in force when it became known;
* each version whose effective date lies after a and not after t.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from policyctl.core.records import Admission, VersionRecord


def version_in_force(
    slug: str, at: datetime, *, versions: Sequence[VersionRecord], admissions: Iterable[Admission]
) -> VersionRecord | None:
    """The version of policy ``slug`` that binds at ``at`` for the subject with these admissions."""
    own = [record for record in versions if record.key.slug == slug]
    under = [
        entry
        for entry in admissions
        if entry.at <= at and (entry.version is None or entry.version.slug == slug)
    ]
    if not under:
        return None
    since = min(entry.at for entry in under)
    numbers = {record.key.number for record in own if since < record.effective_at <= at}
    for entry in under:
        numbers.update(_entered_under(entry, own))
    return max((record for record in own if record.key.number in numbers), key=_number, default=None)


def _entered_under(entry: Admission, own: Sequence[VersionRecord]) -> Iterable[int]:
    if entry.version is not None:
        return {entry.version.number}
    return {record.key.number for record in own if record.effective_at <= entry.at}


def _number(record: VersionRecord) -> int:
    return record.key.number
