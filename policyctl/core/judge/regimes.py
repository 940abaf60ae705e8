# SPDX-License-Identifier: Apache-2.0
"""Which act a change needs for data already collected: the strictest regime that applies wins.

1. Only a practice that brings a new purpose or a new class of recipients for a category that an old
   practice already collects asks anybody; a new category alone touches no data that is there.
2. What the old practices already permit (same purpose and recipients, or wider) is not asked again.
3. Each regime has a row: the act for each kind of change (``Regime``). A new purpose alone that legal
   has recorded as compatible has a kind of its own; sensitive data and children's data never have.
4. Of the regimes that apply the strictest act counts: opt-in over opt-out over notice over none. No
   regime named means all of them. Silence never binds under opt-in.
5. The class a finding demands is that of its rule, lowered where every regime that applies asks for
   less (``floor_under``). The acts and the classes they need: none is editorial, notice is notice, any
   choice is choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from policyctl.core.judge.catalogue import Catalogue
from policyctl.core.judge.findings import ChangeAsked, Finding, Judgement
from policyctl.core.judge.rules.declared import known_categories, new_purpose_for, new_recipients, sides
from policyctl.core.policy import Assessment, ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, covers
from policyctl.core.revision import Revision

_RANK = {ChoiceMode.NONE: 0, ChoiceMode.OPT_OUT: 1, ChoiceMode.OPT_IN: 2}
_CHILD = "user.childrens"


class Act(IntEnum):
    """What must be done about a change, the stricter the greater."""

    NONE = 0
    NOTICE = 1
    OPT_OUT = 2
    OPT_IN = 3

    @property
    def mode(self) -> ChoiceMode:
        """The choice people are given."""
        return {Act.OPT_OUT: ChoiceMode.OPT_OUT, Act.OPT_IN: ChoiceMode.OPT_IN}.get(self, ChoiceMode.NONE)

    @property
    def change_class(self) -> ChangeClass:
        """The class that owes this act."""
        less = {Act.NONE: ChangeClass.EDITORIAL, Act.NOTICE: ChangeClass.NOTICE}
        return less.get(self, ChangeClass.CHOICE)


@dataclass(frozen=True, slots=True)
class Regime:
    """A law or promise, and the act it asks for: for a changed contact, rights route or identity; a new
    purpose that is recorded as compatible; a new purpose or class of recipients; sensitive data; data of
    children; a narrower use, and a narrower use where what people may do about it changes as well.
    """

    name: str
    contact: Act
    compatible: Act
    new_use: Act
    sensitive: Act
    child: Act
    narrower: Act
    narrower_rights: Act
    grounds: str


_NO, _TELL, _OUT, _IN = Act.NONE, Act.NOTICE, Act.OPT_OUT, Act.OPT_IN

REGIMES: Mapping[str, Regime] = {
    regime.name: regime
    for regime in (
        Regime("founding", _TELL, _OUT, _OUT, _OUT, _OUT, _NO, _NO, "founding promises E2, E4"),
        Regime("ftc", _TELL, _TELL, _IN, _IN, _IN, _NO, _NO, "FTC Gateway Learning C-4120 (2004)"),
        Regime("dpf", _TELL, _OUT, _OUT, _IN, _IN, _NO, _NO, "DPF II.2"),
        Regime("gdpr", _TELL, _TELL, _IN, _IN, _IN, _NO, _TELL, "GDPR 6(4), 7, 9"),
        Regime("california", _TELL, _TELL, _IN, _IN, _IN, _TELL, _TELL, "11 CCR 7002(e)"),
        Regime("colorado", _TELL, _TELL, _IN, _IN, _IN, _TELL, _TELL, "Colorado 4 CCR 904-3 r. 6.04"),
        Regime("minnesota", _TELL, _OUT, _OUT, _IN, _IN, _TELL, _TELL, "Minnesota 325M.16"),
    )
}
_STRICTEST = Regime("?", _TELL, _IN, _IN, _IN, _IN, _TELL, _TELL, "")

_KIND_OF: Mapping[str, str] = {
    "PC191": "contact",
    "PC111": "new_use",
    "PC113": "new_use",
    "PC121": "new_use",
    "PC181": "child",
    "PC182": "sensitive",
    "PC102": "narrower",
    "PC112": "narrower",
    "PC123": "narrower",
}
"""Which row of the table a rule's findings fall under; the others keep the class of their rule."""


def strictest(kind: str, regimes: Sequence[str]) -> Act:
    """The act for one kind of change (a field of ``Regime``) under all regimes that apply. A regime
    nobody knows counts as the strictest: doubt is never a yes.
    """
    acts: Iterator[Act] = (
        getattr(REGIMES.get(name, _STRICTEST), kind) for name in (regimes or tuple(REGIMES))
    )
    return max(acts)


def floor_under(
    finding: Finding, regimes: Sequence[str], *, compatible: frozenset[str], rights: bool
) -> ChangeClass:
    """The class the finding demands where only these regimes apply; never above its rule's.

    ``compatible`` are the practices whose new purpose is recorded as compatible, ``rights`` is true
    where the revision changes what people may do about their data.
    """
    kind = _KIND_OF.get(finding.rule)
    if kind is None:
        return finding.floor
    if kind == "narrower" and rights:
        kind = "narrower_rights"
    if finding.rule in {"PC111", "PC113"} and finding.practice in compatible:
        kind = "compatible"
    return min(finding.floor, strictest(kind, regimes).change_class, key=lambda each: each.rank)


def standing_assessments(assessments: Sequence[Assessment], today: date) -> frozenset[str]:
    """The practices with an assessment that counts: one from the future was not made yet."""
    return frozenset(each.practice for each in assessments if each.day <= today)


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
    compatible: frozenset[str] = frozenset(),
) -> tuple[ChangeAsked, ...]:
    """The changes people must be asked about, by practice id, named ``<slug>@v<number>#<practice>``.

    ``practices`` are those of the new version, ``old_practices`` of the old one; either is enough.
    With neither, every practice added counts as touching data that is there: doubt is never a yes.
    ``compatible`` are the practices whose new purpose is recorded as compatible
    (``standing_assessments``); a new class of recipients is never covered by that.
    """
    del judgement
    old, _ = sides(revision.practices, practices, old_practices)
    complete = practices is not None or old_practices is not None
    key = VersionKey(slug, number)
    return tuple(
        _asked(change.new, found, key, _acts(change.new, found, old, regimes, catalogue, compatible))
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


def _asked(practice: Practice, categories: tuple[str, ...], key: VersionKey, act: Act) -> ChangeAsked:
    return ChangeAsked(
        name=f"{key}#{practice.id}",
        practice=practice.id,
        categories=categories,
        purpose=practice.purpose,
        recipients=tuple(dict.fromkeys(recipient.kind for recipient in practice.recipients)),
        mode=max(act.mode, practice.choice, key=lambda mode: _RANK[mode]),
    )


def _acts(
    practice: Practice,
    categories: Sequence[str],
    old: Sequence[Practice],
    regimes: Sequence[str],
    catalogue: Catalogue,
    compatible: frozenset[str],
) -> Act:
    """Steps 3 and 4."""
    recorded = practice.id in compatible and not new_recipients(practice, old)
    kinds = ["compatible" if recorded else "new_use"]
    marked = [name for name, term in catalogue.taxonomy.categories.items() if term.sensitive]
    if any(covers(m, c) or covers(c, m) for m in marked for c in categories if c != "user"):
        kinds.append("sensitive")
    if any(covers(_CHILD, c) for c in categories):
        kinds.append("child")
    return max(strictest(kind, regimes) for kind in kinds)
