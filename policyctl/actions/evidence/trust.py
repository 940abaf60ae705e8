# SPDX-License-Identifier: Apache-2.0
"""Whose version refs are acted upon: before a version enters the ledger and mails are owed for it, its
signature is looked at.

1. A signature that does not fit is refused, whoever looks.
2. So is one of a stranger, where a list says who may sign, or the settings say that every version is signed.
3. An unsigned version is refused only where the settings say that every version is signed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from policyctl.adapters.repository.signatures import SignatureChecker
from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.policy import VersionKey
from policyctl.core.proof.refs import Signed, signature_flaw
from policyctl.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Trust:
    """What signatures are checked with, and whether every version has to have one."""

    checker: SignatureChecker
    always: bool = False

    def require(self, key: VersionKey, tag: str) -> None:
        """IntegrityError for a tag object (full id) that must not be acted upon as this version."""
        found = self.checker.check(tag)
        refused = {Signed.BAD}
        if self.always or self.checker.has_list:
            refused.add(Signed.STRANGER)
        if self.always:
            refused.add(Signed.NONE)
        flaw = signature_flaw(key.ref.removeprefix("refs/tags/"), found)
        if flaw is not None and found.state in refused:
            raise IntegrityError(flaw.message, hint=flaw.hint)


def require_trusted(
    marked: Iterable[MarkedVersion], known: Container[VersionKey], trust: Trust | None
) -> None:
    """IntegrityError for a version that the ledger does not hold yet, and that must not enter it."""
    for mark in marked if trust else ():
        if trust and mark.key not in known:
            trust.require(mark.key, mark.tag)
