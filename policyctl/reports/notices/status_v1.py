# SPDX-License-Identifier: Apache-2.0
"""``policyctl.status/1``: the versions of every policy, what was sent, and what is still owed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from io import StringIO
from typing import Protocol, TypeVar

from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.progress import Answered, Group, Progress
from policyctl.core.place_standing import PlaceStanding
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.runs import LastRuns, Run
from policyctl.reports.comparing.json_v1 import Json
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
    def progress(self) -> Progress:
        """How its notices stand."""
        ...

    @property
    def complete(self) -> bool:
        """Every duty is met."""
        ...

    @property
    def places(self) -> Sequence[PlaceStanding]:
        """Where it is posted, and where it is not yet."""
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


def status_json(policies: Sequence[PolicyState], runs: Sequence[LastRuns] = ()) -> Json:
    """The state as plain dicts and lists; ``runs``: when commands ran last."""
    return {
        "schema": SCHEMA,
        "policies": [_policy(policy) for policy in policies],
        "runs": [_run_json(one) for one in runs],
    }


def _run_json(one: LastRuns) -> Json:
    run = one.newest
    return {
        "command": one.command,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "outcome": run.outcome.value or None,
        "counts": dict(run.counts),
        "done_at": one.done.started_at.isoformat() if one.done else None,
    }


def status_text(policies: Sequence[PolicyState], runs: Sequence[LastRuns] = ()) -> str:
    """The state for a person, and when commands ran last."""
    if not policies:
        return "no policy yet\n"
    lines = [line for policy in policies for line in _lines(policy)]
    ran = [f"  {one.command}: {_run_text(one.newest)}" for one in runs]
    return "".join(line + "\n" for line in [*lines, *(["last runs", *ran] if ran else [])])


def _run_text(run: Run) -> str:
    return f"{run.started_at:%Y-%m-%d %H:%M} UTC, {run.outcome.value or 'no end yet'}"


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
        "complete": version.complete,
        "addressees": [_row(version.progress, kind) for kind in version.progress.kinds],
        "late": version.progress.late,
        "cut": version.progress.cut,
        "places": [_place(standing) for standing in version.places],
        "duties": list(version.duties),
    }


def _place(standing: PlaceStanding) -> Json:
    return {
        "place": standing.place,
        "kind": standing.kind.value,
        "target": standing.target,
        "state": standing.state,
        "posted_at": standing.posted_at.isoformat() if standing.posted_at else None,
        "sha256": standing.sha256 or None,
        "tries": standing.tries,
        "next_at": standing.next_at.isoformat() if standing.next_at else None,
        "detail": standing.detail,
    }


def _row(progress: Progress, kind: NoticeKind) -> Json:
    """One kind of notice: each addressee in one of the five groups; what some of them did."""
    did = progress.answered.get(kind, Answered())
    groups = {group.value: number for group, number in progress.groups(kind).items()}
    done = {"acknowledged": did.acknowledged, "objected": did.objected, "chosen": did.chosen}
    return {"notice": kind.value, "total": sum(groups.values()), **groups, **done}


_COLUMNS = (
    "policy", "version", "notice", "total", *(group.value for group in Group),
    "acknowledged", "objected", "chosen", "late", "complete", "duties",
)  # fmt: skip


def status_csv(policies: Sequence[PolicyState]) -> str:
    """One line for each kind of notice of each version; a version without notices has one with none."""
    written = StringIO()
    table = csv.DictWriter(written, _COLUMNS, restval=0, lineterminator="\r\n")
    table.writeheader()
    for policy in policies:
        for version in policy.versions:
            progress = version.progress
            same = {
                "policy": policy.slug,
                "version": version.version.number,
                "late": progress.late,
                "complete": "yes" if version.complete else "no",
                "duties": "; ".join(version.duties),
            }
            rows = [_row(progress, kind) for kind in progress.kinds] or [{"notice": ""}]
            table.writerows({**row, **same} for row in rows)
    return written.getvalue()


_BAR = 20


def bar(progress: Progress, kind: NoticeKind) -> str:
    """One kind of notice drawn: ``[#######===....!!-]``; what each sign means is in the words behind it."""
    groups = progress.groups(kind)
    return f"[{drawn(groups, _SIGNS)}] {_in_words(progress, kind)}"


_SIGNS = {
    Group.DELIVERED: "#",
    Group.PENDING: ".",
    Group.UNCONFIRMED: "?",
    Group.FAILED: "!",
    Group.HELD: "-",
}


_Key = TypeVar("_Key")


def drawn(counts: Mapping[_Key, int], signs: Mapping[_Key, str]) -> str:
    """Cells in proportion, and at least one for whoever is there at all: one of a million is seen."""
    numbers = list(counts.values())
    total = sum(numbers)
    cells = [max(1, number * _BAR // total) if number else 0 for number in numbers]
    largest = max(range(len(cells)), key=lambda place: cells[place], default=0)
    cells[largest] += _BAR - sum(cells) if total else 0
    return "".join(sign * cell for sign, cell in zip(map(signs.__getitem__, counts), cells, strict=True))


def _in_words(progress: Progress, kind: NoticeKind) -> str:
    row = _row(progress, kind)
    said = [f"{row[group.value]:,} {group.value} {_SIGNS[group]}" for group in Group if row[group.value]]
    done = [f"{row[name]:,} {name}" for name in ("acknowledged", "objected", "chosen") if row[name]]
    return f"{row['total']:,} {kind.value}: " + ", ".join(said + done)


def _cut(progress: Progress) -> Iterator[str]:
    if progress.cut:
        yield f"    the reports of {progress.cut:,} were cut out since, as the period of proof is over"


def _late(progress: Progress) -> Iterator[str]:
    if progress.late:
        yield f"    {progress.late:,} left on or after the effective date, and say so"


def _posted(standing: PlaceStanding) -> str:
    at = f"{standing.posted_at:%Y-%m-%d %H:%M} UTC"
    where = f"{standing.place} ({standing.kind.value}) {one_line(standing.target)}".rstrip()
    return f"    posted {at} at {where}, SHA-256 {standing.sha256[:12]}"


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
    lines += [f"    {bar(version.progress, kind)}" for kind in version.progress.kinds]
    lines += [_posted(each) for each in version.places if each.posted_at]
    lines += [*_late(version.progress), *_cut(version.progress)]
    lines += [*(f"    owed: {one_line(duty)}" for duty in version.duties)]
    return [*lines, "    complete"] if version.complete else lines
