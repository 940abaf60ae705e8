# SPDX-License-Identifier: Apache-2.0
"""Every file of the site.

::

    index.html, data.json             all policies
    <slug>/                           the text in force; says what comes and when
    <slug>/v3/                        version 3: the same bytes whatever is published after it
    <slug>/v3/practices/              what it says is collected, used and disclosed, with what changed marked
    <slug>/v3/de/                     in another language
    <slug>/practices/, <slug>/de/     the same of the text in force
    <slug>/changes/                   the table of versions
    <slug>/changes/v2..v3/            the redline of one step
    <slug>/clauses/, clauses/<id>/    the history of each clause
    <slug>/on/                        which version was in force when
    <slug>/on/2026-05-01/             leads to the version that took effect on that day
    <slug>/on/later/                  what there is to say of a day to come
    <slug>/feed.xml, feed.xml         Atom, one entry for each version: of a policy, of all
    <slug>/upcoming.xml, upcoming.xml the same of versions that are announced and not in force yet
    style.css, theme.css ...          the looks; theme.css and its like from the theme
    _redirects, 404.html              for hosts that know them

Beside each ``index.html`` of a version, a step and a list stands its ``data.json``. Bytes depend on the
versions and on which of them is in force: no clock, no host but the site's own, no order of a set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from policyctl.core.proof.heads import LedgerHead
from policyctl.reports.site.clause_pages import changed_words, clause_files
from policyctl.reports.site.feeds import Fed, feed_files
from policyctl.reports.site.look import STYLE, Head, Painter
from policyctl.reports.site.periods import Period, on_day, periods, words_of
from policyctl.reports.site.posted import SCHEMA, Posted, document_of, dumped, moment
from policyctl.reports.site.version_pages import (
    Printing,
    common,
    language_folder,
    practices_page,
    text_page,
    translation_page,
)
from policyctl.reports.words import day, shown

_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PostedPolicy:
    """A policy and its versions, oldest first; never empty. ``signers``: by number, who signed a version's
    ref; empty where there is a signature and whose it is could not be confirmed. ``heads``: the ledger heads
    that the refs carry.
    """

    slug: str
    versions: tuple[Posted, ...]
    signers: Mapping[int, str | None] = field(default_factory=dict)
    heads: Mapping[int, tuple[LedgerHead, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Which versions there are at a day. ``current``: the one in force, or the first to be."""

    policy: PostedPolicy
    periods: tuple[Period, ...]
    current: Posted
    upcoming: tuple[Posted, ...]
    glance: bool
    begun: bool

    @property
    def when(self) -> str:
        """In words, when the current version is in force."""
        return words_of(self.periods, self.current.number)


def current_of(versions: Sequence[Posted], today: date) -> tuple[Posted, tuple[Posted, ...], bool]:
    """The version in force (the first to be, where none is yet: then False), and those that follow it."""
    found = periods(versions)
    now = on_day(found, today)
    number = (now or found[0]).version
    later = [period.version for period in found if period.since > today]
    by_number = {version.number: version for version in versions}
    return by_number[number], tuple(by_number[each] for each in later), now is not None


def _standing(policy: PostedPolicy, today: date) -> _Standing:
    current, upcoming, begun = current_of(policy.versions, today)
    glance = any(version.practices is not None for version in policy.versions)
    return _Standing(policy, periods(policy.versions), current, upcoming, glance, begun)


def overview_files(
    policies: Sequence[PostedPolicy], printing: Printing, today: date
) -> Iterator[tuple[str, bytes]]:
    """All files but those of the single versions (``version_pages``)."""
    standings = [_standing(policy, today) for policy in sorted(policies, key=lambda each: each.slug)]
    yield from _top_files(standings, printing.painter)
    for standing in standings:
        yield from _current_files(standing, printing)
        yield from _changes_files(standing, printing.painter)
        yield from _day_files(standing, printing.painter)
        yield from clause_files(standing.policy.versions, printing.painter, glance=standing.glance)
    yield from feed_files([_fed(standing) for standing in standings], printing.painter.look, today)


def _fed(standing: _Standing) -> Fed:
    policy = standing.policy
    return Fed(policy.slug, policy.versions, _announced(standing), policy.heads)


# --- the top


def _top_files(standings: Sequence[_Standing], painter: Painter) -> Iterator[tuple[str, bytes]]:
    cards = [
        {
            "slug": standing.policy.slug,
            "title": standing.current.title,
            "number": standing.current.number,
            "when": standing.when,
            "upcoming": standing.upcoming if standing.begun else (),
            "glance": standing.glance,
        }
        for standing in standings
    ]
    yield "index.html", painter.page("index.html.j2", Head("", painter.look.name), policies=cards)
    yield (
        "data.json",
        dumped({"schema": SCHEMA, "page": "site", "policies": [each["slug"] for each in cards]}),
    )
    yield "404.html", missing_page(painter, "There is no page here", "Look at the address once more.")
    yield STYLE, painter.text(STYLE).encode()
    yield "_redirects", _redirects(standings, painter.look.prefix).encode()
    yield from painter.look.theme.files.items()


def missing_page(painter: Painter, title: str, words: str) -> bytes:
    """A page that may be shown at any address, so its links begin at the top of the host."""
    page = painter.page("missing.html.j2", Head("", title, canonical="404.html"), words=words)
    return page.replace(b'href="./', f'href="{painter.look.prefix}/'.encode())


def _redirects(standings: Sequence[_Standing], prefix: str) -> str:
    """Every day from the first on up to the one on which the newest version takes effect."""
    lines = []
    for standing in standings:
        base = f"{prefix}/{standing.policy.slug}"
        for period in standing.periods:
            lines += [f"{base}/on/{when}/ {base}/v{period.version}/ 302" for when in _days(period)]
    lines += [
        f"{prefix}/{each.policy.slug}/on/* {prefix}/{each.policy.slug}/on/later/ 404" for each in standings
    ]
    return "\n".join(lines) + "\n"


def _days(period: Period) -> Iterator[date]:
    count = ((period.until or period.since) - period.since).days + 1
    return (period.since + number * _ONE for number in range(count))


# --- the text in force


def _current_files(standing: _Standing, printing: Printing) -> Iterator[tuple[str, bytes]]:
    version, slug = standing.current, standing.policy.slug
    own = {
        "glance": standing.glance,
        "when": standing.when,
        "upcoming": [_next(each, standing) for each in _announced(standing)],
    }
    document = document_of(version)
    yield f"{slug}/index.html", text_page(version, document, printing, path=f"{slug}/", current=own)
    yield f"{slug}/data.json", dumped(_policy_json(standing, "policy"))
    for words in version.translations:
        path = f"{slug}/{language_folder(words.lang)}/"
        yield f"{path}index.html", translation_page(version, words, printing, path=path, current=own)
    if standing.glance:
        before = next((each for each in standing.policy.versions if each.number == version.number - 1), None)
        path, marks = f"{slug}/practices/", before.practices if before else None
        yield (
            f"{path}index.html",
            practices_page(version, marks, printing, path=path, current={"when": standing.when}),
        )


def _announced(standing: _Standing) -> tuple[Posted, ...]:
    return standing.upcoming if standing.begun else (standing.current, *standing.upcoming[1:])


def _next(version: Posted, standing: _Standing) -> dict[str, Any]:
    return {
        "number": version.number,
        "effective": version.effective,
        "summary": version.summary,
        "never_before": version.number == standing.current.number,
    }


# --- the table of versions


def _changes_files(standing: _Standing, painter: Painter) -> Iterator[tuple[str, bytes]]:
    newest, slug = standing.policy.versions[-1], standing.policy.slug
    rows = [
        {
            "version": version,
            "when": words_of(standing.periods, version.number),
            "class": version.change_class.value if version.change_class else "",
            "changed": changed_words(version),
            "signed_by": standing.policy.signers.get(version.number),
        }
        for version in reversed(standing.policy.versions)
    ]
    title = f"Versions of {shown(newest.title)}"
    head = Head(f"{slug}/changes/", title, form=painter.look.served, here="changes")
    values = common(newest, glance=standing.glance, data="data.json")
    yield (
        f"{slug}/changes/index.html",
        painter.page("changes.html.j2", head, **values, rows=rows, upcoming=standing.upcoming),
    )
    yield f"{slug}/changes/data.json", dumped(_policy_json(standing, "changes"))


def _policy_json(standing: _Standing, page: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "page": page,
        "policy": standing.policy.slug,
        "title": standing.current.title,
        "current": standing.current.number if standing.begun else None,
        "upcoming": [version.number for version in _announced(standing)],
        "versions": [_version_json(version, standing) for version in reversed(standing.policy.versions)],
    }


def _version_json(version: Posted, standing: _Standing) -> dict[str, Any]:
    return {
        "version": version.number,
        "title": version.title,
        "published": moment(version.published_at),
        "effective": version.effective.isoformat(),
        "in_force": [_period_json(each) for each in standing.periods if each.version == version.number],
        "class": version.change_class.value if version.change_class else None,
        "summary": version.summary,
        "signed_by": standing.policy.signers.get(version.number) or None,
        "text_sha256": version.text_sha256,
    }


def _period_json(period: Period) -> dict[str, Any]:
    return {
        "version": period.version,
        "since": period.since.isoformat(),
        "until": period.until.isoformat() if period.until else None,
    }


# --- days


def _day_files(standing: _Standing, painter: Painter) -> Iterator[tuple[str, bytes]]:
    slug, newest, last = standing.policy.slug, standing.policy.versions[-1], standing.periods[-1]
    base, values = f"{slug}/on/", common(newest, glance=standing.glance)
    head = Head(base, f"Which version was in force when: {shown(newest.title)}", here="changes")
    example = painter.look.address(f"{base}{standing.periods[0].since.isoformat()}")
    rows = tuple(reversed(standing.periods))
    yield (
        f"{base}index.html",
        painter.page(
            "on.html.j2", head, **values | {"periods": rows, "example": example, "data": "data.json"}
        ),
    )
    yield f"{base}data.json", dumped(_days_json(standing))
    for period in standing.periods:
        path = f"{base}{period.since.isoformat()}/"
        title = f"{shown(newest.title)} on {day(period.since)}"
        head = Head(path, title, canonical=f"{slug}/v{period.version}/", here="changes")
        own = {"number": period.version, "when": period.since}
        yield f"{path}index.html", painter.page("redirect.html.j2", head, **values | own)
    yield f"{base}later/index.html", later_page(painter, values, slug, last)


def later_page(painter: Painter, values: Mapping[str, Any], slug: str, last: Period) -> bytes:
    """What there is to say of a day to come."""
    head = Head(f"{slug}/on/later/", "No version is settled for that day", here="changes")
    return painter.page("later.html.j2", head, **{**values, "last": last})


def _days_json(standing: _Standing) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "page": "days",
        "policy": standing.policy.slug,
        "periods": [_period_json(period) for period in standing.periods],
    }
