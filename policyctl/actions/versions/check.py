# SPDX-License-Identifier: Apache-2.0
"""``policyctl check``: what the work tree's policies would mean if they were published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from policyctl.actions.versions.compare import Proposal, compare_sources, inspect_first
from policyctl.actions.versions.sources import (
    PRACTICES,
    TEXT,
    Reading,
    Source,
    load_committed,
    load_draft,
    load_version,
    misnamed_files,
    missing_policy,
    slugs_in_tree,
)
from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.names import version_key
from policyctl.core.formats.slugs import check_slug
from policyctl.core.judge.findings import Direction, Finding, Judgement, Severity, Verdict
from policyctl.core.judge.rules.record import SETTINGS_CHANGED
from policyctl.core.judge.standards import BaseStandards, Standards
from policyctl.core.policy import ChangeClass
from policyctl.core.text.parse import parse
from policyctl.errors import (
    FINDINGS,
    FINE,
    CannotCompareError,
    InputError,
    InputErrors,
    PolicyctlError,
    UsageError,
)
from policyctl.reports.checking.checked import Checked
from policyctl.reports.comparing.comparison import Comparison, side_of

__all__ = ["Checked", "blocking", "check", "exit_code", "read_base"]

_ORDER = (Severity.INFO, Severity.WARNING, Severity.ERROR)
_PRACTICE = re.compile(r"\s*(?:-\s+|\{\s*|-\s+\{\s*)?id:\s*[\"']?(?P<id>[a-z0-9][a-z0-9-]*)")


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
    base = None if against is None or version_key(against) else history.resolve(against)
    # A policy that is gone from the work tree is not passed over.
    gone = {row.name for row in history.folder(base, "policies") if row.is_folder} if base else set()
    published = {mark.key.slug for mark in history.versions()}
    known = tuple(sorted({*slugs_in_tree(history), *published, *filter(_is_slug, gone)}))
    wanted = tuple(dict.fromkeys(check_slug(slug) for slug in slugs)) or known
    misnamed = () if slugs else tuple(_misnamed(history))
    if not wanted and not misnamed:
        raise CannotCompareError(
            "there is no policy here: policies/ is empty", hint="make one with `policyctl new SLUG`"
        )
    for slug in wanted:
        if slug not in known:
            raise missing_policy(slug, known)
    scene = _scene(history, standards, base_standards, today)
    return (*(_checked(slug, scene, history, against) for slug in wanted), *misnamed)


def _misnamed(history: History) -> Iterator[Checked]:
    """What looks like a policy to its writer and to nobody else: never passed over."""
    for path, error in misnamed_files(history):
        yield Checked(path.split("/")[1], None, None, (), (error,), file=path)


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


def _is_slug(name: str) -> bool:
    try:
        return bool(check_slug(name))
    except UsageError:
        return False


def exit_code(checked: Sequence[Checked], *, fail_on: Severity | None) -> int:
    """The errors' code where something could not be looked at, 1 for findings at or above
    ``fail_on`` that are not waived (None: never) and for a policy that is gone, else 0.
    """
    codes = [error.exit_code for each in checked for error in each.errors]
    if codes:
        return max(codes)
    found = [finding for each in checked for finding in each.findings if not finding.waived]
    if fail_on is not None and any(each.removed for each in checked):
        return FINDINGS
    loud = fail_on is not None and any(
        _ORDER.index(finding.severity) >= _ORDER.index(fail_on) for finding in found
    )
    return FINDINGS if loud else FINE


def blocking(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that stop a publication: errors that no waiver covers."""
    return tuple(each for each in findings if each.severity is Severity.ERROR and not each.waived)


def _checked(slug: str, scene: _Scene, history: History, against: str | None) -> Checked:
    file = f"policies/{slug}/{TEXT}"
    try:
        base = read_base(lambda: _base(slug, scene.base, history, against))
        if base is not None and not _is_in_tree(history, slug):
            return _removed(slug, base, scene)
        draft = load_draft(slug, scene.draft)
        comparison = _compared(base, draft, scene)
    except InputErrors as errors:
        return Checked(slug, None, None, (), errors.errors, file=file)
    except UsageError:
        raise
    except PolicyctlError as error:
        return Checked(slug, None, None, (), (error,), file=file)
    return Checked(
        slug,
        base.side.source if base else None,
        comparison if base else None,
        comparison.judgement.findings,
        file=file,
        added=base is None and against is not None,
        title=draft.policy.title if draft.policy else "",
        declared=draft.policy.change.change_class if draft.policy and draft.policy.change else None,
        practice_file=f"policies/{slug}/{PRACTICES}",
        practice_lines=_practice_lines(draft.practices_data),
    )


def read_base(read: Callable[[], Source | None]) -> Source | None:
    """The base, with complaints about it kept apart from those about the text at hand: a place in the
    base is no place in the work tree.
    """
    try:
        return read()
    except InputError as error:
        raise CannotCompareError(
            f"the base cannot be read: {' '.join(str(error).split())}",
            hint="name another base with --against, one that can be read",
        ) from error


def _is_in_tree(history: History, slug: str) -> bool:
    """A link or a folder in its place counts as there: reading it says what is wrong with it."""
    place = history.root / "policies" / slug / TEXT
    return place.is_symlink() or place.exists()


def _removed(slug: str, base: Source, scene: _Scene) -> Checked:
    """Every clause goes: material whatever the words were."""
    nothing = replace(
        base,
        side=side_of(slug, None, b""),
        document=parse("", file=base.file),
        policy=None,
        practices=() if base.practices is not None else None,
        practices_data=None,
        translations=(),
    )
    comparison = compare_sources(
        base, nothing, standards=scene.standards, today=scene.today, proposal=scene.proposal
    )
    verdict = comparison.judgement.verdict
    least = verdict.change_class if verdict.change_class is not ChangeClass.EDITORIAL else ChangeClass.NOTICE
    judged = replace(comparison.judgement, verdict=replace(verdict, material=True, change_class=least))
    return Checked(
        slug,
        base.side.source,
        replace(comparison, judgement=judged),
        judged.findings,
        file=f"policies/{slug}/{TEXT}",
        removed=True,
    )


def _practice_lines(data: bytes | None) -> dict[str, int]:
    """On which line of practices.yaml each practice is named."""
    lines = (data or b"").decode("utf-8", "replace").split("\n")
    found = ((_PRACTICE.match(line), number) for number, line in enumerate(lines, 1))
    return {match["id"]: number for match, number in found if match}


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
