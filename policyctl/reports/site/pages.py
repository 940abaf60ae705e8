# SPDX-License-Identifier: Apache-2.0
"""Every file of the site.

::

    index.html, data.json             all policies
    <slug>/                           the text in force; says what comes and when
    <slug>/v3/                        version 3: the same bytes whatever is published after it
    <slug>/v3/practices/              what it says is collected, used and disclosed, with what changed marked
    <slug>/v3/de/, v3/de/practices/   both in another language
    <slug>/practices/, <slug>/de/ ... the same of the text in force
    <slug>/changes/                   the table of versions
    <slug>/changes/v2..v3/            the redline of one step
    <slug>/clauses/, clauses/<id>/    the history of each clause
    <slug>/on/                        which version was in force when
    <slug>/on/2026-05-01/             leads to the version that took effect on that day
    <slug>/on/later/                  what there is to say of a day to come
    <slug>/feed.xml, feed.xml         Atom, one entry for each version: of a policy, of all
    <slug>/upcoming.xml, upcoming.xml the same of versions that are announced and not in force yet
    style.css, theme.css ...          the looks; theme.css and its like from the theme
    sitemap.xml, robots.txt           for search engines, where the site's address is known
    _redirects, 404.html              for hosts that know them

Beside each ``index.html`` of a version, a step and a list stands its ``data.json``. Bytes depend on the
versions and on which of them is in force: no clock, no host but the site's own, no order of a set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup

from policyctl.core.proof.heads import LedgerHead
from policyctl.reports.site.clause_pages import changed_words, clause_files
from policyctl.reports.site.feeds import Fed, feed_files
from policyctl.reports.site.look import STYLE, Head, Painter, time_of
from policyctl.reports.site.periods import Period, on_day, periods, words_of
from policyctl.reports.site.posted import SCHEMA, Posted, document_of, dumped, moment
from policyctl.reports.site.sitemap import Listed, sitemap_files
from policyctl.reports.site.version_pages import (
    Printing,
    common,
    language_folder,
    practices_pages,
    published_on,
    text_page,
    translation_page,
)
from policyctl.reports.site.wording import Wording, wording

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
    def since(self) -> date:
        """The day from which on the current version is in force."""
        return next(each.since for each in self.periods if each.version == self.current.number)


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
    yield from sitemap_files([_listed(standing) for standing in standings], printing.painter.look)
    yield from printing.painter.look.theme.files.items()


def _fed(standing: _Standing) -> Fed:
    policy = standing.policy
    return Fed(policy.slug, policy.versions, _announced(standing), policy.heads)


def _listed(standing: _Standing) -> Listed:
    homes = ["", *(f"{language_folder(each.lang)}/" for each in standing.current.translations)]
    glance = [f"{home}practices/" for home in homes] if standing.glance else []
    return Listed(standing.policy.slug, standing.policy.versions, [*homes, *glance, "changes/", "clauses/"])


# --- the top


def _top_files(standings: Sequence[_Standing], painter: Painter) -> Iterator[tuple[str, bytes]]:
    cards = [
        {
            "slug": standing.policy.slug,
            "title": standing.current.title,
            "language": standing.current.language,
            "number": standing.current.number,
            "since": standing.since if standing.begun else None,
            "upcoming": _announced(standing),
            "glance": standing.glance,
        }
        for standing in standings
    ]
    lang = painter.look.language
    head = Head("", wording(lang).text("index.heading"), lang)
    yield "index.html", painter.page("index.html.j2", head, policies=cards)
    yield (
        "data.json",
        dumped({"schema": SCHEMA, "page": "site", "policies": [each["slug"] for each in cards]}),
    )
    yield "404.html", _missing_page(painter, cards)
    yield STYLE, painter.text(STYLE).encode()
    yield "_redirects", _redirects(standings, painter.look.prefix).encode()


def _missing_page(painter: Painter, cards: Sequence[Mapping[str, Any]]) -> bytes:
    """A page that may be shown at any address, so its links begin at the top of the host."""
    lang = painter.look.language
    head = Head("", wording(lang).text("missing.heading"), lang, canonical="404.html")
    page = painter.page("missing.html.j2", head, policies=cards)
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
    coming = [_next(each, standing) for each in _announced(standing)]

    def own(lang: str) -> dict[str, Any]:
        return {"meta": _meta(standing, wording(lang)), "upcoming": coming}

    document, home = document_of(version), f"{slug}/"
    page = text_page(version, document, printing, path=home, current=own(version.language))
    yield f"{slug}/index.html", page
    yield f"{slug}/data.json", dumped(_policy_json(standing, "policy"))
    for words in version.translations:
        path = f"{slug}/{language_folder(words.lang)}/"
        page = translation_page(version, words, printing, path=path, current=own(words.lang))
        yield f"{path}index.html", page
    if standing.glance:
        before = next((each for each in standing.policy.versions if each.number == version.number - 1), None)

        def said(say: Wording, title: str) -> str:
            when = words_of(standing.periods, version.number, say)
            return say.text("practices.current", title=title, number=version.number, when=when)

        yield from practices_pages(version, before.practices if before else None, printing, home, said)


def _meta(standing: _Standing, say: Wording) -> Markup:
    days = {"since": time_of(standing.since, say), "published": published_on(standing.current, say)}
    return say("text.current" if standing.begun else "text.coming", number=standing.current.number, **days)


def _announced(standing: _Standing) -> tuple[Posted, ...]:
    return standing.upcoming if standing.begun else (standing.current, *standing.upcoming[1:])


def _next(version: Posted, standing: _Standing) -> dict[str, Any]:
    return {
        "number": version.number,
        "effective": version.effective,
        "summary": version.summary,
        "language": version.language,
        "never_before": version.number == standing.current.number,
    }


# --- the table of versions


def _changes_files(standing: _Standing, painter: Painter) -> Iterator[tuple[str, bytes]]:
    newest, slug = standing.policy.versions[-1], standing.policy.slug
    say = wording(newest.language)
    rows = [
        {
            "version": version,
            "now": standing.begun and version is standing.current,
            "when": words_of(standing.periods, version.number, say),
            "class": version.change_class.value if version.change_class else "",
            "changed": changed_words(version, say),
            "signed_by": standing.policy.signers.get(version.number),
        }
        for version in reversed(standing.policy.versions)
    ]
    title = say.text("changes.title", title=newest.title)
    head = Head(f"{slug}/changes/", title, newest.language, form=painter.look.served, here="changes")
    values = common(newest, glance=standing.glance, data="data.json")
    values |= {"rows": rows, "upcoming": standing.upcoming, "first": standing.periods[0].since}
    yield f"{slug}/changes/index.html", painter.page("changes.html.j2", head, **values)
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
    base, values, say = f"{slug}/on/", common(newest, glance=standing.glance), wording(newest.language)
    title, first = say.text("on.title", title=newest.title), standing.periods[0].since
    head = Head(base, title, newest.language, form=painter.look.served, here="changes")
    example = Markup("<code>{}/</code>").format(painter.look.address(f"{base}{first.isoformat()}"))
    own: dict[str, Any] = {"periods": tuple(reversed(standing.periods)), "example": example, "first": first}
    yield f"{base}index.html", painter.page("on.html.j2", head, **values | own | {"data": "data.json"})
    yield f"{base}data.json", dumped(_days_json(standing))
    for period in standing.periods:
        path = f"{base}{period.since.isoformat()}/"
        title = say.text("redirect.title", title=newest.title, day=period.since)
        head = Head(path, title, newest.language, canonical=f"{slug}/v{period.version}/", here="changes")
        own = {"number": period.version, "when": period.since, "link": _version_link(period, say)}
        yield f"{path}index.html", painter.page("redirect.html.j2", head, **values | own)
    head = Head(f"{base}later/", say.text("later.title"), newest.language, here="changes")
    own = {"last": last, "link": _version_link(last, say)}
    yield f"{base}later/index.html", painter.page("later.html.j2", head, **values | own)


def _version_link(period: Period, say: Wording) -> Markup:
    words = say("version.inline", number=period.version)
    return Markup('<a href="../../v{}/">{}</a>').format(period.version, words)


def _days_json(standing: _Standing) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "page": "days",
        "policy": standing.policy.slug,
        "periods": [_period_json(period) for period in standing.periods],
    }
