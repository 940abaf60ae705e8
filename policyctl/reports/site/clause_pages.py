# SPDX-License-Identifier: Apache-2.0
"""The history of every clause of a policy, over its published versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from policyctl.core.diff.clause_history import ClauseHistory, Lineage, Point, Step, follow_compared
from policyctl.core.policy import Clause, Document
from policyctl.core.revision import ClauseChange
from policyctl.reports.comparing.comparison import KIND_ORDER
from policyctl.reports.site.clause_names import folder_of
from policyctl.reports.site.look import Head, Painter
from policyctl.reports.site.posted import SCHEMA, ClauseLink, Posted, dumped
from policyctl.reports.site.version_pages import common
from policyctl.reports.words import KIND_WORDS, counted, shown

_NO_HEADING = "Text without a heading"


def clause_files(
    versions: Sequence[Posted], painter: Painter, *, glance: bool
) -> Iterator[tuple[str, bytes]]:
    """The list of clauses, and a page for each under every id it ever had."""
    lineage = _lineage(versions)
    newest = versions[-1]
    base = f"{newest.key.slug}/clauses/"
    values = common(newest, glance=glance, data="data.json")
    yield f"{base}index.html", _list_page(lineage, versions, painter, values, base)
    yield f"{base}data.json", dumped(_data(lineage, versions))
    headings = {history.id: _heading(history) for history in lineage.clauses}
    for history in lineage.clauses:
        for name in history.names:
            path = f"{base}{folder_of(name)}/"
            yield f"{path}index.html", _page(history, lineage, versions, painter, values, path, headings)


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


def _heading(history: ClauseHistory) -> str:
    return shown(history.clause.heading) or _NO_HEADING


def _words(step: Step) -> str:
    return ", ".join(KIND_WORDS[kind] for kind in KIND_ORDER if kind in step.kinds)


def _list_page(
    lineage: Lineage, versions: Sequence[Posted], painter: Painter, values: dict[str, Any], path: str
) -> bytes:
    rows = [
        {
            "folder": folder_of(history.id),
            "heading": _heading(history),
            "since": versions[history.steps[0].point].number,
            "last": _last(history, versions),
            "count": len(history.changes),
            "there": lineage.is_there(history),
        }
        for history in lineage.clauses
    ]
    head = Head(path, f"Clauses of {shown(versions[-1].title)}", here="clauses")
    values |= {
        "there": [row for row in rows if row["there"]],
        "gone": [row for row in rows if not row["there"]],
    }
    return painter.page("clauses.html.j2", head, **values)


def _last(history: ClauseHistory, versions: Sequence[Posted]) -> str:
    if not history.changes:
        return "none"
    latest = history.latest
    return f"{_words(latest)} in version {versions[latest.point].number}"


def _page(
    history: ClauseHistory,
    lineage: Lineage,
    versions: Sequence[Posted],
    painter: Painter,
    values: dict[str, Any],
    path: str,
    headings: dict[str, str],
) -> bytes:
    heading = _heading(history)
    head = Head(
        path,
        f"History of “{heading}”",
        here="clauses",
        canonical=path.rsplit("/", 2)[0] + f"/{folder_of(history.id)}/",
    )
    own = {
        "id": history.id,
        "here": lineage.is_there(history),
        "newest": versions[-1].number,
        "ended": versions[history.steps[-1].point].number,
        "events": [_event(step, history, versions, headings) for step in reversed(history.steps)],
    }
    return painter.page("clause.html.j2", head, **values | own | {"data": ""})


def _event(
    step: Step, history: ClauseHistory, versions: Sequence[Posted], headings: dict[str, str]
) -> dict[str, Any]:
    version = versions[step.point]
    others = [{"folder": folder_of(name), "heading": headings.get(name, name)} for name in step.others]
    return {
        "number": version.number,
        "effective": version.effective,
        "words": "it was there from the first version on" if step.point == 0 else _words(step),
        "others": others,
        "href": _link_to(step, history, version),
    }


def _link_to(step: Step, history: ClauseHistory, version: Posted) -> str:
    """The redline of the step, at the clause; of a first version its text."""
    if version.number == 1:
        return "../../v1/"
    anchor = f"removed-{history.id}" if step.ends and not step.others else ""
    return f"../../changes/v{version.number - 1}..v{version.number}/" + (
        f"#{_part(anchor)}" if anchor else ""
    )


def _part(name: str) -> str:
    from urllib.parse import quote

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


def changed_words(version: Posted) -> str:
    """``3 clauses``: what a version changed, for the table of versions."""
    return f"{counted(len(version.changed), 'clause')} changed" if version.changed else "no clause changed"
