# SPDX-License-Identifier: Apache-2.0
"""``policyctl diff``: what changed between two texts, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.actions.versions.earlier import both_sides
from policyctl.actions.versions.sources import Reading, Source
from policyctl.core.diff.compare import compare
from policyctl.core.judge.standards import Standards
from policyctl.core.judge.verdict import JudgeContext, judge
from policyctl.core.policy import Waiver
from policyctl.core.practice import Practice
from policyctl.reports.comparing.comparison import Comparison
from policyctl.reports.comparing.narrowing import narrowed

if TYPE_CHECKING:
    from policyctl.adapters.repository.history import History


def diff(
    old: str,
    new: str | None = None,
    *,
    since: str | None = None,
    only: Sequence[str] = (),
    here: Path,
    history: History | None,
    standards: Standards,
    today: date,
) -> Comparison:
    """Compare OLD with NEW, each a file, ``REV:path``, ``SLUG`` (work tree) or ``SLUG@v3``; one text
    alone with what it was before, or at ``since`` (see ``earlier``); ``only`` some clauses, by id or
    heading. Works on any Markdown of any repository, and outside of one:
    ``history`` is None there.
    """
    reading = Reading(here, history, standards.catalogue.taxonomy, standards.max_bytes)
    before, after = both_sides(old, new, since, reading=reading)
    return narrowed(compare_sources(before, after, standards=standards, today=today), only)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that somebody proposes: waivers count only where the base has them too, and
    ``settings_changed`` says in words what it changes in the settings it would be judged by.
    """

    settings_changed: tuple[str, ...] = ()


def compare_sources(
    old: Source, new: Source, *, standards: Standards, today: date, proposal: Proposal | None = None
) -> Comparison:
    """Compare and judge two texts. Practices count only where both sides declare theirs, or where
    one of two states of a policy does: the other then declares nothing. Front matter is judged only
    where both sides have it.
    """
    before, after = _practices(old, new)
    both_ours = old.policy is not None and new.policy is not None
    revision = compare(old.document, new.document, before or (), after or ())
    context = JudgeContext(
        old=old.policy if both_ours else None,
        new=new.policy if both_ours else None,
        lead_days=standards.lead_days,
        today=today,
        regimes=standards.regimes,
        file=new.file,
        practices=after,
        old_practices=before,
        base_waivers=_waivers(old) if proposal else None,
        settings_changed=proposal.settings_changed if proposal else (),
        translations=new.translations,
    )
    judgement = judge(revision, catalogue=standards.catalogue, context=context)
    return Comparison(old.side, new.side, revision, judgement)


def _waivers(base: Source) -> tuple[Waiver, ...]:
    return base.policy.change.waivers if base.policy and base.policy.change else ()


def _practices(
    old: Source, new: Source
) -> tuple[tuple[Practice, ...], tuple[Practice, ...]] | tuple[None, None]:
    if old.practices is not None and new.practices is not None:
        return old.practices, new.practices
    if old.slug and new.slug and (old.practices or new.practices):
        return old.practices or (), new.practices or ()
    return None, None


def inspect_first(
    new: Source, *, standards: Standards, today: date, proposal: Proposal | None = None
) -> Comparison:
    """Judge a first version: nothing changed for anybody, so only what holds for any text is said
    (dates, clauses of practices, structure, deceptive characters).
    """
    practices = new.practices or ()
    revision = compare(new.document, new.document, practices, practices)
    context = JudgeContext(
        old=None,
        new=new.policy,
        lead_days=standards.lead_days,
        today=today,
        regimes=standards.regimes,
        file=new.file,
        practices=new.practices,
        old_practices=new.practices,
        base_waivers=() if proposal else None,
        settings_changed=proposal.settings_changed if proposal else (),
        translations=new.translations,
    )
    judgement = judge(revision, catalogue=standards.catalogue, context=context)
    return Comparison(new.side, new.side, revision, judgement)
