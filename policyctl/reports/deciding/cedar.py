# SPDX-License-Identifier: Apache-2.0
"""The practices of a policy in Cedar (https://www.cedarpolicy.com): for audit, and as a second opinion.

The rules of core/use/decision.py written out once more, for every pair of a version that data was
collected under and one in force, about uses without disclosure. A request to an engine of Cedar is

    principal  Purpose::"marketing"          action  Action::"use"
    resource   Category::"user.contact.email"
    context    collected, in_force: numbers of versions
               refused, customer_refused: the practices (ids) that were ever refused or withdrawn
               consents, customer_consents: the changes (names) consented to later than every refusal of
               that practice, by their moment and in the order of the ledger
               told, over: the changes (names) whose notice arrived; whose time to answer is over, too

It is allowed exactly where the answer about one tag is permitted. Rules 1 (what is not known) and 6
(several tags) are the caller's. Every permit names version, clause, practice and rule in annotations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from policyctl.core.policy import VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Taxonomy, covers
from policyctl.core.records import PendingChange, VersionRecord, change_name
from policyctl.core.use.stance import Use, bears_on, meant_for

_NEVER, _ALWAYS = "false", "true"


def cedar_policies(records: Sequence[VersionRecord]) -> str:
    """The published versions of one policy, oldest first, as policies of Cedar."""
    parts = [f"// {record.key}, in effect from {record.effective_at:%Y-%m-%d}" for record in records]
    for place, collected in enumerate(records):
        for last in range(place, len(records)):
            parts += _Pair(records[: last + 1], collected).permits()
    return "\n\n".join(("\n".join(parts[: len(records)]), *parts[len(records) :])) + "\n"


def cedar_entities(taxonomy: Taxonomy) -> str:
    """The terms as entities of Cedar, each below the one it is part of (JSON)."""
    return json.dumps([*_tree("Purpose", taxonomy.purposes), *_tree("Category", taxonomy.categories)])


def _tree(kind: str, terms: Iterable[str]) -> Iterator[dict[str, object]]:
    names = {term.rsplit(".", depth)[0] for term in terms for depth in range(term.count(".") + 1)}
    for name in sorted(names):
        above = name.rpartition(".")[0]
        parents = [{"type": kind, "id": above}] if above else []
        yield {"uid": {"type": kind, "id": name}, "attrs": {}, "parents": parents}


class _Pair:
    """What is permitted of data collected under one version while another is in force."""

    def __init__(self, known: Sequence[VersionRecord], collected: VersionRecord) -> None:
        self._known = known
        self._v = collected
        self._u = known[-1]

    def permits(self) -> Iterator[str]:
        """Every permit, with where it comes from."""
        for practice in self._v.practices:
            name = f"{self._v.key}#{practice.id}/{self._u.key}"
            clear = self._clear(practice, self._v)
            if self._v is self._u or self._kept(practice):
                yield self._permit(name, 2, self._v, practice, clear)
            else:
                still = _all(clear, self._allowed(practice))
                yield self._permit(name, 4, self._v, practice, still)
        for later in self._known:
            if later.key > self._v.key:
                yield from self._brought_by(later)

    def _permit(self, name: str, rule: int, record: VersionRecord, practice: Practice, when: str) -> str:
        notes = {
            "id": name,
            "rule": str(rule),
            "version": str(record.key),
            "clause": practice.clause,
            "practice": practice.id,
        }
        lines = [f"@{key}({json.dumps(value)})" for key, value in notes.items()]
        lines += ["permit (", "  principal is Purpose,", '  action == Action::"use",']
        lines += ["  resource is Category", ") when {"]
        numbers = f"context.collected == {self._v.key.number} && context.in_force == {self._u.key.number}"
        return "\n".join([*lines, f"  {numbers} &&", f"  {when}", "};"])

    # Rules 2 and 4

    def _clear(self, practice: Practice, record: VersionRecord) -> str:
        """The practice states the use, and nothing that bears on it stands in the way."""
        bearing = [other for other in _near(record, practice) if _may_bear(other, practice)]
        blocked = (
            _all(_ALWAYS if other is practice else _overlaps(other), self._obstacle(other, record))
            for other in bearing
        )
        return _all(_grants(practice), _not(_any(*blocked)))

    def _allowed(self, practice: Practice) -> str:
        """The version in force allows the use too, as far as ``practice`` states it."""
        return _any(*(self._clear(other, self._u) for other in _near(self._u, practice)))

    def _kept(self, practice: Practice) -> bool:
        words = [
            stated
            for record in self._known
            for stated in record.practices
            if record.key >= self._v.key and stated.id == practice.id
        ]
        return words[-1].keep_existing

    def _obstacle(self, practice: Practice, record: VersionRecord) -> str:
        consents = [(_ALWAYS, meant_for(practice, self._known))]
        for earlier in self._known:
            if self._v.key <= earlier.key < record.key:
                consents += [
                    (_grants(stated), meant_for(stated, self._known))
                    for stated in earlier.practices
                    if stated.id == practice.id
                ]
        missing = _not(self._consented("consents", practice.id, consents))
        return _any(
            self._objected(practice.id, consents),
            missing if practice.choice is ChoiceMode.OPT_IN else _NEVER,
        )

    def _objected(self, practice: str, consents: Sequence[tuple[str, frozenset[int]]]) -> str:
        return _any(
            *(
                _all(_has(refused, practice), _not(self._consented(given, practice, consents)))
                for refused, given in (("customer_refused", "customer_consents"), ("refused", "consents"))
            )
        )

    def _consented(self, given: str, practice: str, consents: Sequence[tuple[str, frozenset[int]]]) -> str:
        slug = self._v.key.slug
        return _any(
            *(
                _all(when, _has(given, change_name(VersionKey(slug, number), practice)))
                for when, numbers in consents
                for number in sorted(numbers)
            )
        )

    # Rule 3

    def _brought_by(self, later: VersionRecord) -> Iterator[str]:
        """The version since which every one up to that in force has stated the use."""
        since = [record for record in self._known if record.key >= later.key]
        before = [record for record in self._known if self._v.key <= record.key < later.key]
        unstated = {record.key: record for record in (before[0], before[-1])}
        for change in later.changes:
            practice = next(each for each in later.practices if each.id == change.practice)
            if change.mode is ChoiceMode.NONE:
                continue
            brought = _all(
                *(_not(_states(record, practice)) for record in unstated.values()),
                *(_states(record, practice) for record in since),
            )
            answered = self._answered(change, later)
            when = _all(_grants(practice), brought, answered, self._allowed(practice))
            yield self._permit(f"{change.name}/{self._v.key}/{self._u.key}", 3, later, practice, when)

    def _answered(self, change: PendingChange, later: VersionRecord) -> str:
        counted = [(_ALWAYS, frozenset({later.key.number}))]
        silent = _all(_has("told", change.name), _has("over", change.name))
        return _all(
            _not(self._objected(change.practice, counted)),
            _any(
                self._consented("consents", change.practice, counted),
                silent if change.mode is ChoiceMode.OPT_OUT else _NEVER,
            ),
        )


def _may_bear(other: Practice, practice: Practice) -> bool:
    """Whether ``other`` can have a say in any use without disclosure that ``practice`` states."""
    return bears_on(other, Use(other.categories[0], other.purpose, None), practice)


def _grants(practice: Practice) -> str:
    return _all(
        f'principal in Purpose::"{practice.purpose}"',
        f"resource in [{', '.join(f'Category::{json.dumps(name)}' for name in practice.categories)}]",
    )


def _states(record: VersionRecord, practice: Practice) -> str:
    """The version states the use, as far as ``practice`` does."""
    return _any(*map(_grants, _near(record, practice)))


def _near(record: VersionRecord, practice: Practice) -> list[Practice]:
    """Of a version, what can speak of a use that ``practice`` states; the rest would only make it long."""
    return [other for other in record.practices if _meet(other, practice)]


def _meet(one: Practice, other: Practice) -> bool:
    return _related(one.purpose, other.purpose) and any(
        _related(mine, theirs) for mine in one.categories for theirs in other.categories
    )


def _related(one: str, other: str) -> bool:
    return covers(one, other) or covers(other, one)


def _overlaps(practice: Practice) -> str:
    purpose = f'Purpose::"{practice.purpose}"'
    names = [f'Category::"{name}"' for name in practice.categories]
    return _all(
        _any(f"principal in {purpose}", f"{purpose} in principal"),
        _any(f"resource in [{', '.join(names)}]", *(f"{name} in resource" for name in names)),
    )


def _has(what: str, name: str) -> str:
    return f"context.{what}.contains({json.dumps(name)})"


def _all(*parts: str) -> str:
    said = [part for part in dict.fromkeys(parts) if part != _ALWAYS]
    if _NEVER in said:
        return _NEVER
    return _joined(" && ", said) or _ALWAYS


def _any(*parts: str) -> str:
    said = [part for part in dict.fromkeys(parts) if part != _NEVER]
    if _ALWAYS in said:
        return _ALWAYS
    return _joined(" || ", said) or _NEVER


def _joined(word: str, parts: Sequence[str]) -> str:
    return f"({word.join(parts)})" if len(parts) > 1 else "".join(parts)


def _not(part: str) -> str:
    return {_NEVER: _ALWAYS, _ALWAYS: _NEVER}.get(part, f"!({part})")
