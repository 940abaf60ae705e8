# SPDX-License-Identifier: Apache-2.0
"""``policyctl check``: what the work tree's policies would mean if they were published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from policyctl.actions.compare import Proposal, compare_sources, inspect_first
from policyctl.actions.sources import (
    TEXT,
    Reading,
    Source,
    load_committed,
    load_draft,
    load_version,
    missing_policy,
    slugs_in_tree,
)
from policyctl.adapters.gitnames import version_key
from policyctl.adapters.history import History
from policyctl.core.formats.slugs import check_slug
from policyctl.core.judge.findings import Direction, Finding, Judgement, Severity, Verdict
from policyctl.core.judge.rules.record import SETTINGS_CHANGED
from policyctl.core.judge.standards import BaseStandards, Standards
from policyctl.core.policy import ChangeClass
from policyctl.errors import (
    FINDINGS,
    FINE,
    CannotCompareError,
    InputErrors,
    PolicyctlError,
    UsageError,
)
from policyctl.reports.comparison import Comparison

_ORDER = (Severity.INFO, Severity.WARNING, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Checked:
    """One policy that was checked. ``base`` is what it was compared with (``SLUG@v2`` or
    ``REV:path``), None for a policy that was never published. ``errors`` kept us from looking: then
    ``comparison`` is None and the exit code is theirs.
    """

    slug: str
    base: str | None
    comparison: Comparison | None
    findings: tuple[Finding, ...]
    errors: tuple[PolicyctlError, ...] = ()


def check(
    slugs: Sequence[str],
    *,
    history: History,
    standards: Standards,
    today: date,
    against: str | None = None,
    base_standards: BaseStandards | None = None,
) -> tuple[Checked, ...]:
    """Check policies of the work tree (none named: all) against their last published version, or
    against ``against``: a revision, or a version such as ``SLUG@v2``.

    ``base_standards``: those of the base. Given, the policies are a proposal: they are judged by these,
    waivers count only where the base has them, and what changes in the standards is a finding
    (docs/decisions/0006-judged-by-the-base.md).

    What is wrong with one policy's files is in its ``errors``, so that the others are checked too.
    """
    there = slugs_in_tree(history)
    # A published policy that is gone from the work tree is not passed over: it cannot be looked at.
    known = tuple(sorted({*there, *(mark.key.slug for mark in history.versions())}))
    wanted = tuple(dict.fromkeys(check_slug(slug) for slug in slugs)) or known
    if not wanted:
        raise CannotCompareError(
            "there is no policy here: policies/ is empty", hint="make one with `policyctl new SLUG`"
        )
    for slug in wanted:
        if slug not in known:
            raise missing_policy(slug, known)
    scene = _scene(history, standards, base_standards, today)
    if against is not None and version_key(against) is None:
        history.resolve(against)
    return tuple(_checked(slug, scene, history, against) for slug in wanted)


@dataclass(frozen=True, slots=True)
class _Scene:
    """How the two sides are read, and what they are judged by."""

    draft: Reading
    base: Reading
    standards: Standards
    today: date
    proposal: Proposal | None


def _scene(history: History, head: Standards, base: BaseStandards | None, today: date) -> _Scene:
    judged_by = base.standards if base else head
    proposal = Proposal(base.changed) if base else None
    return _Scene(
        Reading(history.root, history, head.catalogue.taxonomy, judged_by.max_bytes),
        Reading(history.root, history, judged_by.catalogue.taxonomy, judged_by.max_bytes),
        judged_by,
        today,
        proposal,
    )


def exit_code(checked: Sequence[Checked], *, fail_on: Severity | None) -> int:
    """The errors' code where something could not be looked at, 1 for findings at or above
    ``fail_on`` that are not waived (None: never), else 0.
    """
    codes = [error.exit_code for each in checked for error in each.errors]
    if codes:
        return max(codes)
    found = [finding for each in checked for finding in each.findings if not finding.waived]
    loud = fail_on is not None and any(
        _ORDER.index(finding.severity) >= _ORDER.index(fail_on) for finding in found
    )
    return FINDINGS if loud else FINE


def blocking(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that stop a publication: errors that no waiver covers."""
    return tuple(each for each in findings if each.severity is Severity.ERROR and not each.waived)


def _checked(slug: str, scene: _Scene, history: History, against: str | None) -> Checked:
    try:
        draft = load_draft(slug, scene.draft)
        base = _base(slug, scene.base, history, against)
        comparison = _compared(base, draft, scene)
    except InputErrors as errors:
        return Checked(slug, None, None, (), errors.errors)
    except UsageError:
        raise
    except PolicyctlError as error:
        return Checked(slug, None, None, (), (error,))
    name = base.side.source if base else None
    return Checked(slug, name, comparison if base else None, comparison.judgement.findings)


def _compared(base: Source | None, draft: Source, scene: _Scene) -> Comparison:
    standards, today, proposal = scene.standards, scene.today, scene.proposal
    if base is None:
        return inspect_first(draft, standards=standards, today=today, proposal=proposal)
    comparison = compare_sources(base, draft, standards=standards, today=today, proposal=proposal)
    if _bytes(base) != _bytes(draft):
        return comparison
    # Nothing is to be published: a date that has come and a decision already taken are no findings.
    of_settings = tuple(each for each in comparison.judgement.findings if each.rule == SETTINGS_CHANGED)
    return replace(comparison, judgement=replace(_NOTHING, findings=of_settings))


def _bytes(source: Source) -> tuple[object, ...]:
    """What a version is made of."""
    texts = tuple((each.file, each.policy.document.text) for each in source.translations)
    return source.side.sha256, source.practices_data, texts


_NOTHING = Judgement(
    (),
    Verdict(material=False, change_class=ChangeClass.EDITORIAL, direction=Direction.NEUTRAL, categories=()),
)


def _base(slug: str, reading: Reading, history: History, against: str | None) -> Source | None:
    """What to compare with; None for a policy that is new."""
    if against is None:
        published = history.published(slug)
        return load_version(published[-1], reading) if published else None
    key = version_key(against)
    if key is None:
        return _at_revision(slug, reading, history, against)
    if key.slug != slug:
        raise UsageError(f"{against} is no version of {slug}", hint=f"name one of it, such as {slug}@v1")
    return load_version(history.version(key), reading)


def _at_revision(slug: str, reading: Reading, history: History, against: str) -> Source | None:
    commit = history.resolve(against)
    if history.entry(commit, f"policies/{slug}/{TEXT}") is None:
        return None
    base = load_committed(slug, commit, reading)
    return replace(base, side=replace(base.side, source=f"{against}:{base.file}"))
