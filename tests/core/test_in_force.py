# SPDX-License-Identifier: Apache-2.0
"""Which version binds for whom, and when."""

from __future__ import annotations

import pytest

from policyctl.core.policy import VersionKey
from policyctl.core.records import Admission
from policyctl.core.use.in_force import version_in_force
from tests.adapters.ledger_samples import day, version

VERSIONS = (version(1, "2026-01-01"), version(2, "2026-06-01"), version(3, "2026-09-01"))


def since(at: str) -> Admission:
    return Admission("s", day(at))


def accepted(number: int, at: str, slug: str = "fax") -> Admission:
    return Admission("s", day(at), VersionKey(slug, number))


CASES = {
    "nobody knows the subject": ((), "2026-07-01", None),
    "before the subject was known": ((since("2026-07-01"),), "2026-06-30", None),
    "at the very moment the subject was known": ((since("2026-07-01"),), "2026-07-01", 2),
    "known before the first version took effect": ((since("2025-06-01"),), "2025-12-31", None),
    "the first version takes effect for a current subject": ((since("2025-06-01"),), "2026-01-01", 1),
    "the day before the effective date": ((since("2026-02-01"),), "2026-05-31", 1),
    "on the effective date": ((since("2026-02-01"),), "2026-06-01", 2),
    "a later version takes effect": ((since("2026-02-01"),), "2026-12-01", 3),
    "a new subject is under what it accepted": ((accepted(1, "2026-07-01"),), "2026-08-01", 1),
    "until the next version takes effect": ((accepted(1, "2026-07-01"),), "2026-09-01", 3),
    "a version accepted before its date binds at once": ((accepted(3, "2026-07-01"),), "2026-07-01", 3),
    "accepting an older version takes nothing back": (
        (since("2026-02-01"), accepted(1, "2026-07-01")), "2026-07-02", 2),
    "accepting a later version early": ((since("2026-02-01"), accepted(3, "2026-07-01")), "2026-07-02", 3),
    "the acceptance of another policy does not count": (
        (accepted(1, "2026-02-01", "phone"),), "2026-07-01", None),
    "known as a current subject after an acceptance": (
        (accepted(1, "2026-02-01"), since("2026-07-01")), "2026-07-01", 2),
}  # fmt: skip


@pytest.mark.parametrize(("admissions", "at", "number"), CASES.values(), ids=CASES)
def test_the_version_in_force(admissions: tuple[Admission, ...], at: str, number: int | None) -> None:
    found = version_in_force("fax", day(at), versions=VERSIONS, admissions=admissions)
    assert (found.key.number if found else None) == number
