# SPDX-License-Identifier: Apache-2.0
"""Practices of two versions, matched by id -> what was added, removed, changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from policyctl.core.practice import Practice
from policyctl.core.revision import PracticeChange

_NOT_CONTENT = ("id", "line")  # where a practice stands in its file says nothing about data


def practice_changes(old: Sequence[Practice], new: Sequence[Practice]) -> tuple[PracticeChange, ...]:
    """Changes in order of id; the order of categories and recipients does not matter."""
    before, after = {p.id: p for p in old}, {p.id: p for p in new}
    fields = _changed_fields(before, after)
    return tuple(
        PracticeChange(name, before.get(name), after.get(name), fields.get(name, ()))
        for name in sorted(before.keys() | after.keys())
        if name in fields or name not in before or name not in after
    )


def _changed_fields(
    before: Mapping[str, Practice], after: Mapping[str, Practice]
) -> dict[str, tuple[str, ...]]:
    """By id, the fields that differ between practices of both sides."""
    shared = sorted(before.keys() & after.keys())
    if all(_facts(before[name]) == _facts(after[name]) for name in shared):
        return {}
    from deepdiff import DeepDiff

    found = DeepDiff(
        {name: _facts(before[name]) for name in shared},
        {name: _facts(after[name]) for name in shared},
        view="tree",
    )
    changed: dict[str, set[str]] = {}
    for items in found.values():
        for item in items:
            name, field = item.path(output_format="list")[:2]
            changed.setdefault(str(name), set()).add(str(field))
    return {name: tuple(sorted(fields)) for name, fields in changed.items()}


def _facts(practice: Practice) -> dict[str, object]:
    facts: dict[str, object] = {k: v for k, v in asdict(practice).items() if k not in _NOT_CONTENT}
    facts["categories"] = tuple(sorted(set(practice.categories)))
    facts["recipients"] = tuple(sorted({(r.kind, r.name) for r in practice.recipients}))
    facts["choice"] = practice.choice.value
    return facts
