# SPDX-License-Identifier: Apache-2.0
"""The static site: the newest version, every version for ever, and what changed at each step.

::

    index.html                        all policies
    <slug>/index.html                 the newest version; says from when it holds and what holds until then
    <slug>/v3/index.html              version 3: the same bytes whatever is published after it
    <slug>/changes/index.html         the table of versions
    <slug>/changes/v2..v3/index.html  the redline of one step
    <slug>/feed.xml                   Atom, one entry for each version

Bytes depend on the versions alone: no clock, no host, no order of a set. Policy text is hostile:
it is rendered without raw HTML, without images, with safe links only, under a strict content
security policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup

from policyctl.core.policy import ChangeClass, Document, VersionKey
from policyctl.reports.comparison import Comparison
from policyctl.reports.feed import Entry, atom_feed
from policyctl.reports.html import redline_view, render
from policyctl.reports.policy_html import policy_body
from policyctl.reports.words import day, shown


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """One version as the site shows it.

    ``document`` is the whole ``policy.md``, front matter included; ``text_sha256`` that of its
    bytes. ``step`` compares it with the version before it; None for the first. ``published_at`` is
    aware UTC. ``summary`` and ``impact`` are legal's plain words and may be empty.
    """

    key: VersionKey
    title: str
    change_class: ChangeClass
    published_at: datetime
    effective: date
    summary: str
    impact: str
    document: Document
    text_sha256: str
    step: Comparison | None


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """A policy and its versions, oldest first; never empty."""

    slug: str
    versions: tuple[PublishedVersion, ...]


def site_pages(policies: Sequence[PublishedPolicy], *, base_url: str) -> Mapping[str, bytes]:
    """Every file of the site by its path below the site's folder (``/`` between parts).

    ``base_url`` is where the site is served, for the feed's links; empty when it is not known.
    """
    ordered = sorted(policies, key=lambda policy: policy.slug)
    newest = [policy.versions[-1] for policy in ordered]
    files = {"index.html": render("index.html.j2", title="Privacy policies", policies=newest)}
    for policy in ordered:
        files |= dict(_policy_files(policy, base_url))
    return {path: text.encode() for path, text in files.items()}


def _policy_files(policy: PublishedPolicy, base_url: str) -> Iterator[tuple[str, str]]:
    slug, versions = policy.slug, policy.versions
    yield f"{slug}/index.html", _newest_page(versions)
    yield f"{slug}/changes/index.html", _versions_page(versions)
    yield f"{slug}/feed.xml", _feed(policy, base_url)
    for version in versions:
        yield f"{slug}/v{version.key.number}/index.html", _version_page(version)
        if version.step is not None:
            yield f"{slug}/changes/{_step_name(version)}/index.html", _step_page(version, version.step)


def _step_name(version: PublishedVersion) -> str:
    return f"v{version.key.number - 1}..v{version.key.number}"


def _newest_page(versions: Sequence[PublishedVersion]) -> str:
    previous = versions[-2] if len(versions) > 1 else None
    return _text_page(versions[-1], previous=previous, fixed=False, up="")


def _version_page(version: PublishedVersion) -> str:
    return _text_page(version, previous=None, fixed=True, up="../")


def _text_page(version: PublishedVersion, *, previous: PublishedVersion | None, fixed: bool, up: str) -> str:
    return render(
        "policy.html.j2",
        title=_named(version) if fixed else shown(version.title),
        version=version,
        previous=previous,
        fixed=fixed,
        up=up,
        # Made by markdown-it with raw HTML off, images off and links checked (policy_html.py).
        body=Markup(policy_body(version.document)),  # noqa: S704
    )


def _named(version: PublishedVersion) -> str:
    return f"{shown(version.title)}, version {version.key.number}"


def _versions_page(versions: Sequence[PublishedVersion]) -> str:
    title = f"Versions of {shown(versions[-1].title)}"
    return render("versions.html.j2", title=title, versions=list(reversed(versions)))


def _step_page(version: PublishedVersion, step: Comparison) -> str:
    title = f"What changed in version {version.key.number} of {shown(version.title)}"
    return render("step.html.j2", title=title, version=version, view=redline_view(step))


def _feed(policy: PublishedPolicy, base_url: str) -> str:
    newest = policy.versions[-1]
    return atom_feed(
        slug=policy.slug,
        title=f"Changes to {newest.title}",
        base_url=base_url,
        first_published=policy.versions[0].published_at,
        entries=[_feed_entry(version) for version in reversed(policy.versions)],
    )


def _feed_entry(version: PublishedVersion) -> Entry:
    where = f"changes/{_step_name(version)}/" if version.step is not None else f"v{version.key.number}/"
    effective = f"Effective {day(version.effective)}."
    return Entry(
        name=f"v{version.key.number}",
        title=_named(version),
        updated=version.published_at,
        path=where,
        summary=" ".join(part for part in (version.summary.strip(), effective) if part),
        category=version.change_class.value,
    )
