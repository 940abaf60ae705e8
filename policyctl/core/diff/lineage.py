# SPDX-License-Identifier: Apache-2.0
"""Ids that stay with a clause: through rewording, renaming, moving, splitting and merging."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from policyctl.core.policy import Clause, Document
from policyctl.core.revision import ClauseChange, Revision


def carry_ids(old: Document, new: Document, changes: Sequence[ClauseChange]) -> Document:
    """``new`` with the ids of ``old`` on the clauses that go on from it.

    1. An explicit id is never changed.
    2. A clause takes the id of the old clause it is linked with, unless another clause has it
       explicitly. Of a split the first part takes it, of a merge the first old clause gives it.
    3. A clause that takes none keeps its own, or, where that is taken now, gets a number added.
    """
    explicit = {clause.id for clause in new.clauses if clause.explicit_id}
    known = {clause.start: clause.id for clause in old.clauses}
    carried = _carried(changes, known, explicit)
    taken = explicit | set(carried.values())
    named = []
    for clause in new.clauses:
        if clause.explicit_id:
            named.append(clause)
            continue
        own = carried.get(clause.start) or _free(clause.id, taken)
        taken.add(own)
        named.append(clause if own == clause.id else replace(clause, id=own))
    return replace(new, clauses=tuple(named))


def _carried(changes: Iterable[ClauseChange], known: dict[int, str], explicit: set[str]) -> dict[int, str]:
    """By offset of a new clause, the id that comes to it."""
    carried: dict[int, str] = {}
    for change in changes:
        if change.old and change.new and not change.new[0].explicit_id:
            own = known.get(change.old[0].start, change.old[0].id)
            if own not in explicit:
                carried[change.new[0].start] = own
    return carried


def _free(name: str, taken: set[str]) -> str:
    count, own = 2, name
    while own in taken:
        own, count = f"{name}-{count}", count + 1
    return own


def with_carried_ids(revision: Revision) -> Revision:
    """The revision in which the new side has the ids carried over from the old one."""
    new = carry_ids(revision.old, revision.new, revision.clauses)
    if all(a is b for a, b in zip(new.clauses, revision.new.clauses, strict=True)):
        return revision
    by_start: dict[int, Clause] = {clause.start: clause for clause in new.clauses}
    return replace(
        revision,
        new=new,
        clauses=tuple(
            change
            if all(by_start[clause.start] is clause for clause in change.new)
            else replace(change, new=tuple(by_start[clause.start] for clause in change.new))
            for change in revision.clauses
        ),
    )
