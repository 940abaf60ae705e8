# SPDX-License-Identifier: Apache-2.0
"""Which act a change needs for data already collected: the strictest regime that applies wins.

1. Only a practice that brings a new purpose or a new class of recipients for a category that an old
   practice already collects asks anybody; a new category alone touches no data that is there.
2. What the old practices already permit (same purpose and recipients, or wider) is not asked again.
3. Each regime has a row: the act for a new use, for sensitive data, for children's data.
4. Of the rows that apply the strictest act counts: opt-in over opt-out over none. No regime named
   means all of them. Silence never binds under opt-in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from policyctl.core.judge.catalogue import Catalogue
from policyctl.core.judge.findings import ChangeAsked, Judgement
from policyctl.core.judge.rules.declared import known_categories, new_purpose_for, new_recipients, sides
from policyctl.core.policy import VersionKey
from policyctl.core.practice import ChoiceMode, Practice, covers
from policyctl.core.revision import Revision

_IN, _OUT = ChoiceMode.OPT_IN, ChoiceMode.OPT_OUT
_RANK = {ChoiceMode.NONE: 0, ChoiceMode.OPT_OUT: 1, ChoiceMode.OPT_IN: 2}
_CHILD = "user.childrens"


@dataclass(frozen=True, slots=True)
class Regime:
    """A law or promise and the act it asks for: for a new use or recipient, sensitive, children."""

    name: str
    new_use: ChoiceMode
    sensitive: ChoiceMode
    child: ChoiceMode
    grounds: str


REGIMES: Mapping[str, Regime] = {
    regime.name: regime
    for regime in (
        Regime("founding", _OUT, _OUT, _OUT, "founding promise E4"),
        Regime("ftc", _IN, _IN, _IN, "FTC Gateway Learning C-4120 (2004)"),
        Regime("dpf", _OUT, _IN, _IN, "DPF II.2"),
        Regime("gdpr", _IN, _IN, _IN, "GDPR 6(4), 7, 9"),
        Regime("california", _IN, _IN, _IN, "11 CCR 7002(e)"),
        Regime("colorado", _IN, _IN, _IN, "Colorado 4 CCR 904-3 r. 6.04"),
        Regime("minnesota", _OUT, _IN, _IN, "Minnesota 325M.16"),
    )
}


def changes_asked(
    revision: Revision,
    judgement: Judgement,
    *,
    slug: str,
    number: int,
    regimes: Sequence[str],
    catalogue: Catalogue,
    practices: Sequence[Practice] | None = None,
    old_practices: Sequence[Practice] | None = None,
) -> tuple[ChangeAsked, ...]:
    """The changes people must be asked about, by practice id, named ``<slug>@v<number>#<practice>``.

    ``practices`` are those of the new version, ``old_practices`` of the old one; either is enough.
    With neither, every practice added counts as touching data that is there: doubt is never a yes.
    ``judgement`` is not consulted yet; a recorded compatibility assessment will lower what it shows.
    """
    del judgement
    old, _ = sides(revision.practices, practices, old_practices)
    complete = practices is not None or old_practices is not None
    key = VersionKey(slug, number)
    return tuple(
        _asked(change.new, found, key, regimes, catalogue)
        for change in revision.practices
        if change.new and (found := _found(change.new, old, complete=complete))
    )


def _found(practice: Practice, old: Sequence[Practice], *, complete: bool) -> tuple[str, ...]:
    """Steps 1 and 2: the categories a practice newly reaches."""
    if not complete and not any(row.id == practice.id for row in old):
        return practice.categories
    if new_recipients(practice, old):
        return known_categories(practice, old)
    return new_purpose_for(practice, old)


def _asked(
    practice: Practice,
    categories: tuple[str, ...],
    key: VersionKey,
    regimes: Sequence[str],
    catalogue: Catalogue,
) -> ChangeAsked:
    mode = max(_modes(categories, regimes, catalogue), key=lambda act: _RANK[act])
    return ChangeAsked(
        name=f"{key}#{practice.id}",
        practice=practice.id,
        categories=categories,
        purpose=practice.purpose,
        recipients=tuple(dict.fromkeys(recipient.kind for recipient in practice.recipients)),
        mode=max(mode, practice.choice, key=lambda act: _RANK[act]),
    )


def _modes(categories: Sequence[str], regimes: Sequence[str], catalogue: Catalogue) -> Iterator[ChoiceMode]:
    """Steps 3 and 4; a regime nobody knows counts as the strictest."""
    marked = [name for name, term in catalogue.taxonomy.categories.items() if term.sensitive]
    sensitive = any(covers(m, c) or covers(c, m) for m in marked for c in categories if c != "user")
    child = any(covers(_CHILD, c) for c in categories)
    for name in regimes or tuple(REGIMES):
        regime = REGIMES.get(name)
        if regime is None:
            yield ChoiceMode.OPT_IN
            continue
        yield regime.new_use
        if sensitive:
            yield regime.sensitive
        if child:
            yield regime.child
