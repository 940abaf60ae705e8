# SPDX-License-Identifier: Apache-2.0
"""``policyctl.status/1``: the versions of every policy, what was sent, and what is still owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.reports.json_v1 import Json
from policyctl.reports.words import day, one_line

SCHEMA = "policyctl.status/1"


class VersionState(Protocol):
    """One version: where it stands between publication and the last duty met."""

    @property
    def version(self) -> VersionKey:
        """Its name."""
        ...

    @property
    def title(self) -> str:
        """Its title."""
        ...

    @property
    def change_class(self) -> ChangeClass | None:
        """Legal's decision."""
        ...

    @property
    def published_at(self) -> datetime:
        """Aware UTC."""
        ...

    @property
    def effective(self) -> date | None:
        """From which day it holds."""
        ...

    @property
    def in_force(self) -> bool:
        """True for the one that holds today."""
        ...

    @property
    def in_ledger(self) -> bool:
        """False: sync has not seen it."""
        ...

    @property
    def outbox(self) -> Mapping[tuple[str, str], int]:
        """Notices by kind and state."""
        ...

    @property
    def duties(self) -> Sequence[str]:
        """What is still owed, one sentence each."""
        ...


class PolicyState(Protocol):
    """One policy and its versions, newest last."""

    @property
    def slug(self) -> str:
        """Which policy."""
        ...

    @property
    def versions(self) -> Sequence[VersionState]:
        """Newest last."""
        ...

    @property
    def draft_differs(self) -> bool:
        """The committed text is not the last version's."""
        ...

    @property
    def uncommitted(self) -> Sequence[str]:
        """Files of the policy that git does not have as they are."""
        ...


def status_json(policies: Sequence[PolicyState]) -> Json:
    """The state as plain dicts and lists."""
    return {"schema": SCHEMA, "policies": [_policy(policy) for policy in policies]}


def status_text(policies: Sequence[PolicyState]) -> str:
    """The state for a person."""
    if not policies:
        return "no policy yet\n"
    return "".join(line + "\n" for policy in policies for line in _lines(policy))


def owed(policies: Sequence[PolicyState]) -> bool:
    """True when a duty is open or a version is missing from the ledger."""
    return any(version.duties or not version.in_ledger for p in policies for version in p.versions)


def _policy(policy: PolicyState) -> Json:
    return {
        "policy": policy.slug,
        "draft_differs": policy.draft_differs,
        "uncommitted": list(policy.uncommitted),
        "versions": [_version(version) for version in policy.versions],
    }


def _version(version: VersionState) -> Json:
    return {
        "version": str(version.version),
        "title": version.title,
        "class": version.change_class.value if version.change_class else None,
        "published_at": version.published_at.isoformat(),
        "effective": version.effective.isoformat() if version.effective else None,
        "in_force": version.in_force,
        "in_ledger": version.in_ledger,
        "outbox": [
            {"notice": kind, "state": state, "number": number}
            for (kind, state), number in sorted(version.outbox.items())
        ],
        "duties": list(version.duties),
    }


def _lines(policy: PolicyState) -> list[str]:
    lines = [policy.slug if policy.versions else f"{policy.slug}: not published yet"]
    if policy.draft_differs:
        lines.append("  the committed text differs from the last version: policyctl check, then publish")
    lines += [f"  not committed: {one_line(path)}" for path in policy.uncommitted]
    for version in policy.versions:
        lines += _version_lines(version)
    return lines


def _version_lines(version: VersionState) -> list[str]:
    named = version.change_class.value if version.change_class else "first version"
    effective = f"effective {day(version.effective)}" if version.effective else "no effective date"
    force = " (in force)" if version.in_force else ""
    published = f"published {day(version.published_at.date())}"
    lines = [f"  v{version.version.number}{force}: {named}, {published}, {effective}"]
    if not version.in_ledger:
        lines.append("    not in the ledger: policyctl sync")
    for (kind, state), number in sorted(version.outbox.items()):
        lines.append(f"    {number} {kind} {state}")
    return lines + [f"    owed: {one_line(duty)}" for duty in version.duties]
