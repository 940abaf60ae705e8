# SPDX-License-Identifier: Apache-2.0
"""The history of every clause of a policy, over its published versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from policyctl.core.diff.clause_history import ClauseHistory, Lineage, Point, Step, follow_compared
from policyctl.core.policy import Clause, Document
from policyctl.core.revision import ClauseChange
from policyctl.reports.comparing.comparison import KIND_ORDER
from policyctl.reports.policy_html import clause_bodies
from policyctl.reports.site.clause_names import folder_of
from policyctl.reports.site.look import Head, Painter
from policyctl.reports.site.posted import SCHEMA, ClauseLink, Posted, document_of, dumped
from policyctl.reports.site.version_pages import common
from policyctl.reports.site.wording import Wording, wording
from policyctl.reports.words import shown


def clause_files(
    versions: Sequence[Posted], painter: Painter, *, glance: bool
) -> Iterator[tuple[str, bytes]]:
    """The list of clauses, and a page for each under every id it ever had."""
    newest = versions[-1]
    values, base = common(newest, glance=glance, data="data.json"), f"{newest.key.slug}/clauses/"
    told = _Told(_lineage(versions), versions, painter, values, wording(newest.language))
    yield f"{base}index.html", _list_page(told, base)
    yield f"{base}data.json", dumped(_data(told.lineage, versions))
    headings = {history.id: _heading(history, told.say) for history in told.lineage.clauses}
    bodies = clause_bodies(document_of(newest), home=f"../../v{newest.number}/")
    for history in told.lineage.clauses:
        body = bodies.get(history.id, "") if told.lineage.is_there(history) else ""
        for name in history.names:
            path = f"{base}{folder_of(name)}/"
            yield f"{path}index.html", _page(history, told, path, headings, body)


@dataclass(frozen=True, slots=True)
class _Told:
    """What all pages of clauses are made from."""

    lineage: Lineage
    versions: Sequence[Posted]
    painter: Painter
    values: dict[str, Any]
    say: Wording


def _lineage(versions: Sequence[Posted]) -> Lineage:
    """Followed by the links that were found when each version was posted: nothing is compared again."""
    steps: list[tuple[Point, Document, tuple[ClauseChange, ...]]] = []
    before: dict[str, Clause] = {}
    for version in versions:
        here = {
            each.id: Clause(each.id, each.heading, each.level, (), at, at, 0, 0, ())
            for at, each in enumerate(version.clauses)
        }
        point = Point(f"v{version.number}", version.published_at, version.key.slug)
        links = tuple(_change(link, before, here) for link in version.links)
        steps.append((point, Document("", tuple(here.values()), 0, version.cut_at), links))
        before = here
    return follow_compared(steps)


def _change(link: ClauseLink, before: dict[str, Clause], here: dict[str, Clause]) -> ClauseChange:
    olds, news = tuple(before[name] for name in link.old), tuple(here[name] for name in link.new)
    return ClauseChange(link.kinds, olds, news, "none", 1.0, (), link.format)


def _heading(history: ClauseHistory, say: Wording) -> str:
    return shown(history.clause.heading) or say.text("clause.unnamed")


def _words(step: Step, say: Wording) -> str:
    return say.kinds([kind for kind in KIND_ORDER if kind in step.kinds])


def _list_page(told: _Told, path: str) -> bytes:
    lineage, versions, say = told.lineage, told.versions, told.say
    levels = [history.clause.level for history in lineage.clauses if history.clause.heading]
    top = min(levels, default=0)
    rows = [
        {
            "folder": folder_of(history.id),
            "heading": _heading(history, say),
            "since": versions[history.steps[0].point].number,
            "last": _last(history, told),
            "changed": bool(history.changes),
            "depth": min(3, 1 + max(0, history.clause.level - top)),
            "there": lineage.is_there(history),
        }
        for history in lineage.clauses
    ]
    newest = versions[-1]
    title = say.text("clauses.title", title=newest.title)
    head = Head(path, title, newest.language, here="clauses")
    own = {
        "there": [row for row in rows if row["there"]],
        "gone": [row for row in rows if not row["there"]],
    }
    return told.painter.page("clauses.html.j2", head, **told.values | own)


def _last(history: ClauseHistory, told: _Told) -> str:
    if not history.changes:
        return told.say.text("clauses.last.none")
    latest = history.latest
    number = told.versions[latest.point].number
    return told.say.text("clauses.last", words=_words(latest, told.say), number=number)


def _page(history: ClauseHistory, told: _Told, path: str, headings: dict[str, str], body: str) -> bytes:
    newest = told.versions[-1]
    head = Head(
        path,
        told.say.text("clause.title", heading=_heading(history, told.say)),
        newest.language,
        here="clauses",
        canonical=path.rsplit("/", 2)[0] + f"/{folder_of(history.id)}/",
    )
    own = {
        "id": history.id,
        "here": told.lineage.is_there(history),
        "newest": newest.number,
        "ended": told.versions[history.steps[-1].point].number,
        "events": [_event(step, history, told, headings) for step in reversed(history.steps)],
        "body": Markup(body),  # noqa: S704 - safe by policy_html
    }
    return told.painter.page("clause.html.j2", head, **told.values | own | {"data": ""})


def _event(step: Step, history: ClauseHistory, told: _Told, headings: dict[str, str]) -> dict[str, Any]:
    version, say = told.versions[step.point], told.say
    others = [{"folder": folder_of(name), "heading": headings.get(name, name)} for name in step.others]
    words = say("version", number=version.number)
    return {
        "effective": version.effective,
        "words": say.text("clause.first") if step.point == 0 else _words(step, say),
        "others": others,
        "link": Markup('<a href="{}">{}</a>').format(_link_to(step, history, version), words),
    }


def _link_to(step: Step, history: ClauseHistory, version: Posted) -> str:
    """The redline of the step, at the clause; of a first version its text."""
    if version.number == 1:
        return f"../../v1/#{_part(history.names[0])}"
    anchor = f"removed-{history.id}" if step.ends and not step.others else ""
    return f"../../changes/v{version.number - 1}..v{version.number}/" + (
        f"#{_part(anchor)}" if anchor else ""
    )


def _part(name: str) -> str:
    return quote(name, safe="")


def _data(lineage: Lineage, versions: Sequence[Posted]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "page": "clauses",
        "policy": versions[-1].key.slug,
        "clauses": [
            {
                "id": history.id,
                "ids": list(history.names),
                "heading": history.clause.heading,
                "there": lineage.is_there(history),
                "history": [
                    {
                        "version": versions[step.point].number,
                        "kinds": sorted(kind.value for kind in step.kinds),
                        "others": list(step.others),
                        "ends": step.ends,
                    }
                    for step in history.steps
                ],
            }
            for history in lineage.clauses
        ],
    }


def changed_words(version: Posted, say: Wording) -> str:
    """``3 clauses changed``: what a version changed, for the table of versions."""
    count = len(version.changed)
    return say.counted("changes.clauses", count) if count else say.text("changes.clauses.none")
