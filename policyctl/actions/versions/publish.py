# SPDX-License-Identifier: Apache-2.0
"""``policyctl publish SLUG``: the text that HEAD holds becomes the policy's next version.

1. The policy at HEAD is read and compared with the last version; nothing of it may be uncommitted.
2. Findings of severity error stop it (exit 1), and so does a notice that would be incomplete. Until
   here nothing was written.
3. ``diffs/SLUG/v2..v3.{md,json,html}`` are written and committed beside what the user has staged.
4. The annotated tag object is written, then the version ref created by compare-and-swap: **this is
   the act of publishing**. Of many publishers one wins; the others are told so.
5. ``sync`` brings ledger, outbox and site up to the ref.

A crash at any step is mended by running it again: before 4 nothing is published and what 3 has
committed is found unchanged; after 4 only the rest is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

from policyctl.actions import sync as syncing
from policyctl.actions.evidence.trust import Trust, require_trusted
from policyctl.actions.site.build import SiteOptions
from policyctl.actions.sync import Step, Synced, named, require_agreement, text_of, what_follows
from policyctl.actions.versions.check import blocking
from policyctl.actions.versions.compare import compare_sources, inspect_first
from policyctl.actions.versions.sources import (
    Shelf,
    Source,
    load_committed,
    plain_files,
    version_files,
)
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.write import GitWriter, publishing_alone, uncommitted
from policyctl.core.formats.slugs import check_slug
from policyctl.core.formats.version_note import VersionNote, write_note
from policyctl.core.judge.findings import ChangeAsked, Finding
from policyctl.core.judge.standards import Standards
from policyctl.core.notices.outbox import Audience, PlannedNotice
from policyctl.core.notices.reach import Groups, Timing, addressees
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.postings import PostingPlace
from policyctl.core.proof.heads import heads_text
from policyctl.core.proof.stamps import digest_of, with_stamp
from policyctl.errors import FINDINGS, PolicyctlError, RefusedError
from policyctl.faults import fault_point
from policyctl.reports.comparing.comparison import Comparison

STEPS = (
    "publish.checked",
    "publish.diffs-written",
    "publish.committed",
    "publish.tag-object",
    "publish.ref-created",
    *syncing.STEPS,
)
"""The named steps, in order; a test can end the process at each (policyctl/faults.py)."""


Stamper = Callable[[bytes], bytes]
"""Gives an authority's time stamp for a SHA-256."""


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """What publishing would do. ``blocking`` findings stop it: exit 1, nothing written.

    ``comparison`` is None for a first version. ``audience``: each notice with how many addressees it
    would go to; ``files``: what would be written under ``diffs/``. ``groups``: why they are addressees, by
    audience; ``timing``: whether the notices would be in time, None where there is none or no effective date.
    """

    version: VersionKey
    title: str
    change_class: ChangeClass | None
    published: date
    effective: date | None
    commit: str
    comparison: Comparison | None
    findings: tuple[Finding, ...]
    asked: tuple[ChangeAsked, ...]
    audience: tuple[tuple[PlannedNotice, int], ...]
    files: tuple[str, ...]
    groups: Mapping[Audience, Groups] = field(default_factory=dict)
    timing: Timing | None = None

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that stop the publication."""
        return blocking(self.findings)


@dataclass(frozen=True, slots=True)
class Published:
    """``resumed``: the version ref was there already, the rest had been interrupted and is done now."""

    version: VersionKey
    commit: str
    synced: Synced
    resumed: bool = False


class BlockedError(PolicyctlError):
    """Findings stand in the way of publishing."""

    exit_code = FINDINGS

    def __init__(self, version: VersionKey, findings: tuple[Finding, ...]) -> None:
        super().__init__(
            f"{version} is not published: {len(findings)} finding{'s' * (len(findings) != 1)} in the way: "
            + "; ".join(f"{each.rule} {each.message}" for each in findings),
            hint=" ".join(dict.fromkeys(each.mend for each in findings if each.mend)),
        )
        self.findings = findings


class NothingNewError(RefusedError):
    """HEAD still holds the last version."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is about to be published; ``previous`` is the tag object of the version before."""

    key: VersionKey
    head: str
    source: Source
    findings: tuple[Finding, ...]
    comparison: Comparison | None
    earlier: tuple[Source, ...]
    previous: str = ""


def plan_publication(
    slug: str, *, now: datetime, history: History, ledger: Ledger, standards: Standards
) -> PublishPlan:
    """What ``publish`` would do now; reads only. Raises what it would raise, findings aside."""
    require_agreement(history.published(), ledger)
    draft = _draft(slug, history, standards, now, syncing.shelf_of(history, standards))
    if draft is None:
        raise _already(history.published(slug)[-1].key)
    step = _follow(draft, standards, now) if not blocking(draft.findings) else None
    notices = step.notices if step else ()
    audiences = [planned.audience for planned in notices]
    groups = ledger.audience_groups(draft.key, audiences) if audiences else {}
    text = text_of(draft.source)
    return PublishPlan(
        version=draft.key,
        title=text.title,
        change_class=text.change.change_class if text.change else None,
        published=now.date(),
        effective=text.effective,
        commit=draft.head,
        comparison=draft.comparison,
        findings=draft.findings,
        asked=step.asked if step else (),
        audience=tuple((planned, addressees(groups[planned.audience])) for planned in notices),
        files=tuple(_faces(draft)),
        groups=groups,
        timing=_timing(notices, standards, now),
    )


def _timing(notices: Sequence[PlannedNotice], standards: Standards, now: datetime) -> Timing | None:
    for planned in notices:
        notice = planned.notice
        return Timing(now.date(), notice.effective, standards.lead_days[notice.change_class])
    return None


def publish(
    slug: str,
    *,
    now: datetime,
    history: History,
    ledger: Ledger,
    site: Path,
    base_url: str,
    standards: Standards,
    options: SiteOptions | None = None,
    sign: str = "auto",
    trust: Trust | None = None,
    stamp: Stamper | None = None,
    places: Sequence[PostingPlace] = (),
) -> Published:
    """Publish what HEAD holds of SLUG as its next version. BlockedError (exit 1) for findings in the
    way, RefusedError when there is nothing new, something is uncommitted or another was quicker.
    """
    with publishing_alone(history.runner):
        marked = history.published()
        require_trusted(marked, require_agreement(marked, ledger), trust)
        shelf = syncing.shelf_of(history, standards)
        follow = partial(
            syncing.sync,
            history=history,
            ledger=ledger,
            site=site,
            base_url=base_url,
            standards=standards,
            now=now,
            options=options,
            shelf=shelf,
            places=places,
        )
        draft = _draft(slug, history, standards, now, shelf)
        if draft is None:
            return _resume(slug, history, follow)
        if stops := blocking(draft.findings):
            raise BlockedError(draft.key, stops)
        _follow(draft, standards, now)
        writer = GitWriter(history.runner, at=now, sign=sign)
        writer.branch()
        ledger.upgrade()
        fault_point("publish.checked")
        commit = _write(draft, writer, ledger, trust, stamp)
        synced = follow()
    return Published(draft.key, commit, synced)


def _resume(slug: str, history: History, follow: Callable[[], Synced]) -> Published:
    """Nothing is new, but the last publication may have been interrupted after its ref."""
    synced = follow()
    last = history.published(slug)[-1]
    if last.key not in synced.recorded and not (synced.site_changed or synced.postings):
        raise _already(last.key)
    return Published(last.key, last.commit, synced, resumed=True)


def _already(key: VersionKey) -> NothingNewError:
    return NothingNewError(
        f"nothing to publish: {key} is already published and {key.slug} has not changed since",
        hint="commit a change of the policy first",
    )


# --- 1, 2: what is to be published


def _draft(slug: str, history: History, standards: Standards, now: datetime, shelf: Shelf) -> _Draft | None:
    """The policy at HEAD as its next version; None when it is the last version still."""
    check_slug(slug)
    head, published = history.head(), history.published(slug)
    _require_committed(slug, head, history)
    committed = version_files(slug, head, history)
    if published and version_files(slug, published[-1].commit, history) == committed:
        return None
    key = VersionKey(slug, len(published) + 1)
    source = named(load_committed(slug, head, shelf.reading), key)
    earlier = tuple(map(shelf.version, published))
    draft = _judged(key, head, source, earlier, standards, now)
    return replace(draft, previous=published[-1].tag) if published else draft


def _judged(
    key: VersionKey,
    head: str,
    source: Source,
    earlier: tuple[Source, ...],
    standards: Standards,
    now: datetime,
) -> _Draft:
    if not earlier:
        first = inspect_first(source, standards=standards, today=now.date())
        return _Draft(key, head, source, first.judgement.findings, None, ())
    comparison = compare_sources(earlier[-1], source, standards=standards, today=now.date())
    return _Draft(key, head, source, comparison.judgement.findings, comparison, earlier)


def _follow(draft: _Draft, standards: Standards, now: datetime) -> Step:
    return what_follows(
        draft.key, draft.source, draft.earlier, standards=standards, at=now, known=draft.comparison
    )


def _require_committed(slug: str, head: str, history: History) -> None:
    folder = f"policies/{slug}"
    changed = uncommitted(history.runner, folder, plain_files(slug, head, history))
    if changed:
        raise RefusedError(
            f"not committed: {', '.join(f'{folder}/{name}' for name in changed)}",
            hint="commit first: what is published is what git holds, not what lies in the folder",
        )


# --- 3, 4: writing


def _write(
    draft: _Draft, writer: GitWriter, ledger: Ledger, trust: Trust | None, stamp: Stamper | None
) -> str:
    """Commit the faces of the revision, then create the version ref. The id of the commit."""
    faces = _faces(draft)
    commit = writer.prepare(faces, parent=draft.head, message=f"Publish {draft.key}: show what changed\n")
    fault_point("publish.diffs-written")
    writer.advance(commit)
    fault_point("publish.committed")
    writer.settle(commit, faces)
    message = write_note(_note(draft, heads_text(ledger.heads())))
    if stamp:
        message = with_stamp(message, stamp(digest_of(message)))
    tag = writer.write_tag(draft.key, commit.oid, message)
    if trust:
        trust.require(draft.key, tag)
    fault_point("publish.tag-object")
    writer.create_ref(draft.key, tag)
    fault_point("publish.ref-created")
    return commit.oid


def _faces(draft: _Draft) -> dict[str, bytes]:
    """The revision for people who look at the repository; nothing for a first version."""
    if draft.comparison is None:
        return {}
    from policyctl.reports.comparing.html import render_html
    from policyctl.reports.comparing.json_v1 import render_json
    from policyctl.reports.comparing.markdown import render_markdown

    stem = f"diffs/{draft.key.slug}/v{draft.key.number - 1}..v{draft.key.number}"
    faces = {
        "md": render_markdown(draft.comparison),
        "json": render_json(draft.comparison),
        "html": render_html(draft.comparison, title=f"{text_of(draft.source).title}: what changed"),
    }
    return {f"{stem}.{ending}": text.encode() for ending, text in faces.items()}


def _note(draft: _Draft, ledger_head: str) -> VersionNote:
    text = text_of(draft.source)
    if text.effective is None:
        raise RefusedError(
            f"{draft.key} has no effective date", hint="write effective: YYYY-MM-DD in its front matter"
        )
    declared = draft.source.practices_data
    return VersionNote(
        key=draft.key,
        title=text.title,
        change_class=text.change.change_class if text.change else None,
        effective=text.effective,
        decided_by=text.change.decided_by if text.change else "",
        text_sha256=draft.source.side.sha256,
        practices_sha256=hashlib.sha256(declared).hexdigest() if declared is not None else "",
        summary=text.change.summary if text.change else "",
        ledger_head=ledger_head,
        previous=draft.previous,
    )
