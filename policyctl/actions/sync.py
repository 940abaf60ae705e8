# SPDX-License-Identifier: Apache-2.0
"""``policyctl sync``: bring ledger, outbox and site up to the version refs, which are the truth.

1. For each version ref the ledger lacks, oldest first: read the text and check it against the ref,
   compare it with the version before, judge, find what must be asked, write the notices.
2. One transaction of the ledger takes the version, its practices, its changes and its outbox.
3. The site is written from all versions, all or nothing.
4. What other places are there is recorded, and what they are to get planned (``posting/record.py``).

Each step may be repeated: what is there already is left as it is. Judgement is as of the day of
publication, so the same ref gives the same notices and pages whenever it is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from pathlib import Path

from policyctl.actions.evidence.trust import Trust, require_trusted
from policyctl.actions.posting.record import Posted, record_places
from policyctl.actions.site.build import SiteOptions, build_site
from policyctl.actions.versions.compare import compare_sources
from policyctl.actions.versions.sources import Reading, Shelf, Source
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.repository.history import History
from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.judge.findings import ChangeAsked
from policyctl.core.judge.regimes import changes_asked, standing_assessments
from policyctl.core.judge.standards import Standards
from policyctl.core.notices.outbox import PlannedNotice
from policyctl.core.notices.planning import Publication, missing_content, write_notices
from policyctl.core.policy import ChangeClass, ChangeDecision, PolicyText, VersionKey
from policyctl.core.postings import PostingPlace
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import PendingChange, VersionRecord
from policyctl.errors import CannotCompareError, IntegrityError, RefusedError
from policyctl.faults import fault_point
from policyctl.reports.comparing.comparison import Comparison

STEPS = ("sync.before-ledger", "sync.ledger-written", "sync.site-written")
"""The named steps, in order; a test can end the process at each (policyctl/faults.py)."""


@dataclass(frozen=True, slots=True)
class Synced:
    """``recorded``: versions that entered the ledger now; ``site_changed``: pages were written; ``postings``:
    how many were recorded or planned at other places.
    """

    recorded: tuple[VersionKey, ...]
    site_changed: bool
    postings: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A version and what its publication brings: the comparison with the one before (None for a
    first one), what must be asked, who is told.
    """

    source: Source
    comparison: Comparison | None
    asked: tuple[ChangeAsked, ...]
    notices: tuple[PlannedNotice, ...]


def sync(
    *,
    history: History,
    ledger: Ledger,
    site: Path,
    base_url: str,
    standards: Standards,
    now: datetime,
    dry_run: bool = False,
    options: SiteOptions | None = None,
    shelf: Shelf | None = None,
    trust: Trust | None = None,
    places: Sequence[PostingPlace] = (),
) -> Synced:
    """Bring ledger, outbox and site up to the version refs. With ``dry_run`` nothing is written and
    ``recorded`` is what would be; the site is not looked at then. ``shelf`` has versions that the caller
    has read already. ``trust``: whose versions enter; IntegrityError for one of somebody else, and nothing
    is written. ``places``: where else versions are posted.
    """
    marked = history.published()
    require_trusted(marked, frozenset(each.key for each in _recorded(ledger)), trust)
    missing = _missing(marked, ledger, dry_run=dry_run)
    if dry_run:
        return Synced(missing, site_changed=False)
    shelf = shelf or shelf_of(history, standards)
    recorded: list[VersionKey] = []
    for slug in dict.fromkeys(mark.key.slug for mark in marked):
        own = [mark for mark in marked if mark.key.slug == slug]
        recorded += _record(own, missing, ledger, standards, now, shelf)
    changed = bool(marked) and _build(marked, site, base_url, standards, now, options or SiteOptions(), shelf)
    fault_point("sync.site-written")
    what = Posted(marked, site, base_url, history.root, shelf)
    postings = record_places(places, what, ledger=ledger, now=now)
    return Synced(tuple(recorded), changed, postings)


def shelf_of(history: History, standards: Standards) -> Shelf:
    """Where the versions of ``history`` are read once."""
    return Shelf(Reading(history.root, history, standards.catalogue.taxonomy, standards.max_bytes))


def _build(
    marked: Sequence[MarkedVersion],
    site: Path,
    base_url: str,
    standards: Standards,
    now: datetime,
    options: SiteOptions,
    shelf: Shelf,
) -> bool:
    options = replace(options, look=replace(options.look, base_url=base_url.rstrip("/")))
    taxonomy = standards.catalogue.taxonomy
    built = build_site(
        marked, load=shelf.version, site=site, today=now.date(), taxonomy=taxonomy, options=options
    )
    return built.changed


def _missing(marked: Sequence[MarkedVersion], ledger: Ledger, *, dry_run: bool) -> tuple[VersionKey, ...]:
    """The versions the ledger lacks."""
    if not dry_run:
        ledger.upgrade()
    known = require_agreement(marked, ledger)
    return tuple(mark.key for mark in marked if mark.key not in known)


def require_agreement(marked: Sequence[MarkedVersion], ledger: Ledger) -> frozenset[VersionKey]:
    """The versions the ledger holds. IntegrityError when one of them has no version ref any more, or
    another one than it had: then neither may be built on.
    """
    refs = {mark.key: mark for mark in marked}
    known = _recorded(ledger)
    for record in known:
        if record.key not in refs:
            raise IntegrityError(
                f"the ledger holds {record.key}, but its version ref is gone",
                hint="fetch it from where it was published with `git fetch --tags`",
            )
        mark = refs[record.key]
        if (record.commit, record.text_sha256) != (mark.commit, mark.note.text_sha256):
            raise IntegrityError(
                f"the version ref of {record.key} was moved since it was recorded",
                hint=f"put it back to commit {record.commit[:12]}; publish a change as a new version",
            )
    return frozenset(record.key for record in known)


def _recorded(ledger: Ledger) -> tuple[VersionRecord, ...]:
    try:
        return ledger.versions()
    except CannotCompareError:  # there is none yet: a new clone
        return ()


def _record(
    versions: Sequence[MarkedVersion],
    missing: Sequence[VersionKey],
    ledger: Ledger,
    standards: Standards,
    now: datetime,
    shelf: Shelf,
) -> list[VersionKey]:
    recorded = []
    for index, mark in enumerate(versions):
        if mark.key not in missing:
            continue
        earlier = tuple(map(shelf.version, versions[:index]))
        source = shelf.version(mark)
        step = what_follows(
            mark.key,
            source,
            earlier,
            standards=standards,
            at=mark.published_at,
            ledger_head=mark.note.ledger_head,
        )
        fault_point("sync.before-ledger")
        if ledger.record_version(_version_record(mark, step, standards), step.notices, now=now):
            recorded.append(mark.key)
        fault_point("sync.ledger-written")
    return recorded


def what_follows(
    key: VersionKey,
    source: Source,
    earlier: Sequence[Source],
    *,
    standards: Standards,
    at: datetime,
    ledger_head: str = "",
    known: Comparison | None = None,
) -> Step:
    """What publishing ``source`` as ``key`` at a moment brings, after the ``earlier`` versions.
    ``ledger_head`` is that of the version ref, once there is one. ``known`` is the comparison with the last
    version, judged as of that day, where it was made already.
    """
    text = text_of(source)
    if not earlier:
        return Step(source, None, (), ())
    before = earlier[-1]
    comparison = known or compare_sources(before, source, standards=standards, today=at.date())
    asked = changes_asked(
        comparison.revision,
        comparison.judgement,
        slug=key.slug,
        number=key.number,
        regimes=standards.regimes,
        catalogue=standards.catalogue,
        practices=source.practices or (),
        old_practices=before.practices or (),
        compatible=standing_assessments(text.change.assessments if text.change else (), at.date()),
    )
    notices = write_notices(
        Publication(key, text, at.date(), source.side.sha256, standards.answer_days, ledger_head),
        revision=comparison.revision,
        judgement=comparison.judgement,
        asked=asked,
        collected_under=tuple(practice for each in earlier for practice in each.practices or ()),
        taxonomy=standards.catalogue.taxonomy,
    )
    _require_complete(key, notices)
    return Step(source, comparison, asked, notices)


def _require_complete(key: VersionKey, notices: Sequence[PlannedNotice]) -> None:
    """Said before a version is published: afterwards its text is frozen and could not be mended."""
    for planned in notices:
        if lacking := missing_content(planned.notice):
            raise RefusedError(
                f"the {planned.notice.kind.value} notice of {key} would lack: {', '.join(lacking)}",
                hint="add it under change: in the front matter of policy.md, or to practices.yaml",
            )


def text_of(source: Source) -> PolicyText:
    """The front matter and document of a policy."""
    if source.policy is None:
        raise IntegrityError(f"{source.side.source} has no front matter", hint="publish it again")
    return source.policy


def decision_of(source: Source) -> ChangeDecision | None:
    """Legal's decision; None in a first version."""
    return text_of(source).change


def _version_record(mark: MarkedVersion, step: Step, standards: Standards) -> VersionRecord:
    return VersionRecord(
        key=mark.key,
        title=mark.note.title,
        change_class=mark.note.change_class or ChangeClass.EDITORIAL,
        published_at=mark.published_at,
        effective_at=datetime.combine(mark.note.effective, time(), UTC),
        commit=mark.commit,
        text_sha256=mark.note.text_sha256,
        practices=step.source.practices or (),
        changes=tuple(_pending(mark.key, change, standards) for change in step.asked),
    )


def _pending(key: VersionKey, change: ChangeAsked, standards: Standards) -> PendingChange:
    """Under opt-in no time that passes binds anybody."""
    window = standards.answer_days if change.mode is ChoiceMode.OPT_OUT else 0
    return PendingChange(change.name, key, change.practice, change.mode, window)


def named(source: Source, key: VersionKey) -> Source:
    """The source under the name of the version it is to become."""
    return replace(source, side=replace(source.side, source=str(key), version=str(key)))
