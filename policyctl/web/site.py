# SPDX-License-Identifier: Apache-2.0
"""The posted pages, served: the files that ``policyctl site build`` wrote, and what no file can answer.

1. A path is looked up part by part below the folder of the site; a part that begins with a dot, or holds what
   no page of ours has in its name, is not there. Nothing is ever written.
2. ``/<slug>/on/<day>/`` leads to the version in force on that day. A day to come is answered with 416: nobody
   can say it yet.
3. ``/<slug>/`` shows the text in force. Where its day has come and the site was not built since, it leads to
   the version that is. It is a TimeGate, ``/<slug>/timemap/`` its TimeMap (RFC 7089).
4. ``/<slug>/changes/v1..v4/`` is the redline between any two versions; those of one step are files.
5. Every answer says again what its page says of scripts and other hosts.
6. A page is known by its bytes (``ETag``) and by when they were written (``Last-Modified``); who has it is
   told so. Pages of a version are kept for a day by who reads them, all others for minutes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from policyctl.actions.site.compare import compare_posted
from policyctl.errors import IntegrityError
from policyctl.reports.site import memento
from policyctl.reports.site.memento import Timeline
from policyctl.web import log
from policyctl.web.problems import Answer, ProblemError

if TYPE_CHECKING:
    from policyctl.adapters.site.folder import PostedFolder
    from policyctl.reports.site.version_pages import Printing

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_VERSION = re.compile(r"v([1-9][0-9]{0,5})", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_STEP = re.compile(r"v([1-9][0-9]{0,5})\.\.v([1-9][0-9]{0,5})", re.ASCII)
_SECURITY = re.compile(rb'http-equiv="Content-Security-Policy" content="([^"]+)"')
_TYPES = {
    "html": "text/html; charset=utf-8", "json": "application/json", "xml": "application/atom+xml",
    "css": "text/css; charset=utf-8", "pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png",
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "gif": "image/gif",
    "ico": "image/x-icon", "woff2": "font/woff2", "txt": "text/plain; charset=utf-8",
}  # fmt: skip
_NAMED = {"sitemap.xml": "application/xml"}
_NOTHING_RUNS = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
_BRIEFLY, _LONG = "public, max-age=300", "public, max-age=86400"
_DAMAGED = b"This page is damaged. It is not shown until it is again what was published.\n"
_REMEMBERED, _THREADS = 64, 2


def site_route(pages: SitePages) -> tuple[str, Callable[[Request, str], Awaitable[Answer]]]:
    """The path of all pages, and what answers it: a few threads of their own, so that a crowd of readers
    keeps no decision waiting. Who asks for no page, as callers of the service do, is told of no page.
    """
    limiters: list[CapacityLimiter] = []

    async def answered(request: Request, _request_id: str) -> Answer:
        if not limiters:
            limiters.append(CapacityLimiter(_THREADS))
        wanted = Wanted(
            request.path_params["path"], dict(request.query_params), dict(request.headers), pages.clock()
        )
        answer = await to_thread.run_sync(lambda: pages.answer(wanted), limiter=limiters[0])
        if answer.status == HTTPStatus.NOT_FOUND and "text/html" not in wanted.headers.get("accept", ""):
            raise ProblemError("not-found", "docs/reference/openapi.json lists what there is")
        return answer

    return f"{pages.prefix}/{{path:path}}", answered


def other_paths(routes: Sequence[Route]) -> list[Route]:
    """Paths that cannot be read stay what they are: without these, a GET of one would look for a page."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        methods.setdefault(route.path, set()).update(route.methods or ())
    return [
        Route(path, _only(found), methods=["GET"]) for path, found in methods.items() if "GET" not in found
    ]


def _only(methods: set[str]) -> Callable[[Request], Awaitable[Response]]:
    async def refused(_request: Request) -> Response:
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(sorted(methods))})

    return refused


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request for a page: the path below the site, its query, headers in small letters, and the moment."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    now: datetime


@dataclass(slots=True)
class SitePages:
    """The site: its folder, the path it is served below, and what pages that no file holds are made with."""

    folder: PostedFolder
    prefix: str
    printing: Callable[[], Printing]
    clock: Callable[[], datetime] = log.clock
    comparing: Lock = field(default_factory=Lock)

    def answer(self, wanted: Wanted) -> Answer:
        """The page, or what there is to say instead. Blocking: call it in a thread."""
        parts = wanted.path.split("/")
        if not all(_PART.fullmatch(part) for part in parts if part) or "" in parts[:-1]:
            return self._missing()
        try:
            return self._routed(parts, wanted)
        except IntegrityError:  # doctor names the page
            return Answer(503, _DAMAGED, _TYPES["txt"], {"Retry-After": "300"})

    def _routed(self, parts: list[str], wanted: Wanted) -> Answer:
        match parts:
            case [slug, ""] if slug:
                answer = self._current(slug, wanted)
            case [slug, "timemap", ""]:
                answer = self._timemap(slug, wanted)
            case [slug, "on", "day"]:
                answer = self._day(slug, wanted)
            case [slug, "on", day, ""] if day != "later":
                answer = self._on(slug, day, wanted)
            case [slug, "changes", "compare"]:
                answer = self._chosen(slug, wanted)
            case [slug, "changes", step, ""] if found := _STEP.fullmatch(step):
                answer = self._between(slug, int(found[1]), int(found[2]), wanted)
            case [slug, version, ""] if found := _VERSION.fullmatch(version):
                answer = self._version(slug, int(found[1]), wanted)
            case _:
                answer = self._file(wanted)
        return answer

    # --- files

    def _file(self, wanted: Wanted, extra: Mapping[str, str] | None = None) -> Answer:
        path = wanted.path
        file = path + "index.html" if path.endswith("/") or not path else path
        written, data = self.folder.written_at(file), self.folder.read(file)
        if data is None and path and not path.endswith("/") and self.folder.read(f"{path}/index.html"):
            return _led(f"{self.prefix}/{path}/", 301)
        if data is None:
            return self._missing()
        fixed = _VERSION.fullmatch(path.split("/")[1]) if path.count("/") > 1 else None
        ending = "html" if path.endswith("/") or not path else path.rpartition(".")[2]
        headers = {"Cache-Control": _LONG if fixed else _BRIEFLY, **(extra or {})}
        if written is not None:
            headers["Last-Modified"] = memento.http_date(written)
        media_type = _NAMED.get(path) or _TYPES.get(ending, "application/octet-stream")
        return _answered(data, media_type, wanted, headers)

    def _missing(self) -> Answer:
        data = self.folder.read("404.html")
        return Answer(404, data or b"", _TYPES["html"], _html_headers(data or b""))

    # --- the text in force, and its past

    def _line(self, slug: str) -> Timeline | None:
        data = self.folder.read(f"{slug}/data.json")
        try:
            return memento.timeline(json.loads(data)) if data else None
        except (KeyError, TypeError, ValueError):  # a folder of the theme
            return None

    def _base(self, slug: str) -> str:
        return f"{self.prefix}/{slug}/"

    def _current(self, slug: str, wanted: Wanted) -> Answer:
        line = self._line(slug)
        if line is None:
            return self._file(wanted)
        links = {"Vary": "Accept-Datetime", "Link": memento.links(self._base(slug), line, wanted.now)}
        asked = wanted.headers.get("accept-datetime")
        if asked is not None:
            moment = memento.wanted_moment(asked)
            if moment is None:
                return Answer(400, b"Accept-Datetime is no HTTP date\n", _TYPES["txt"], links)
            past = line.past(wanted.now)
            found = line.at(min(moment, wanted.now)) or (past[0] if past else None)
            if found is not None:
                return _led(f"{self._base(slug)}v{found.version}/", 302, links)
        return self._in_force(slug, line, wanted, links)

    def _in_force(self, slug: str, line: Timeline, wanted: Wanted, links: Mapping[str, str]) -> Answer:
        now = line.at(wanted.now)
        shown = json.loads(self.folder.read(f"{slug}/data.json") or b"{}").get("current")
        if now is not None and now.version != shown:
            return _led(f"{self._base(slug)}v{now.version}/", 302, links)
        return self._file(wanted, links)

    def _version(self, slug: str, number: int, wanted: Wanted) -> Answer:
        line = self._line(slug)
        own = line.of(number, wanted.now) if line else None
        if line is None or number not in line.numbers:
            return self._missing()
        extra = {"Link": memento.links(self._base(slug), line, wanted.now, number)}
        if own is not None:
            extra["Memento-Datetime"] = memento.http_date(own.since)
        return self._file(wanted, extra)

    def _timemap(self, slug: str, wanted: Wanted) -> Answer:
        line = self._line(slug)
        if line is None:
            return self._missing()
        text = memento.timemap(self._base(slug), line, wanted.now)
        return _answered(text.encode(), memento.TIMEMAP_TYPE, wanted, {"Cache-Control": _BRIEFLY})

    def _on(self, slug: str, words: str, wanted: Wanted) -> Answer:
        line = self._line(slug)
        try:
            day = date.fromisoformat(words) if len(words) == len("2026-05-01") else None
        except ValueError:
            day = None
        if line is None or day is None:
            return self._missing()
        if day > wanted.now.date():
            data = self.folder.read(f"{slug}/on/later/index.html") or b""
            return Answer(416, data, _TYPES["html"], _html_headers(data))
        found = line.at(datetime(day.year, day.month, day.day, tzinfo=UTC))
        return _led(f"{self._base(slug)}v{found.version}/", 302) if found else self._missing()

    def _day(self, slug: str, wanted: Wanted) -> Answer:
        """What the form asks for; a day that cannot be read leads to the list of days."""
        if self._line(slug) is None:
            return self._missing()
        day = wanted.query.get("day", "").strip()
        return _led(f"{self._base(slug)}on/{day}/" if _DAY.fullmatch(day) else f"{self._base(slug)}on/", 302)

    # --- any two versions

    def _chosen(self, slug: str, wanted: Wanted) -> Answer:
        ends = [_VERSION.fullmatch(wanted.query.get(name, "")) for name in ("from", "to")]
        if not all(ends):
            return self._missing()
        old, new = sorted(int(end[1]) for end in ends if end)
        if old == new:
            return _led(f"{self._base(slug)}v{old}/", 302)
        return _led(f"{self._base(slug)}changes/v{old}..v{new}/", 302)

    def _between(self, slug: str, old: int, new: int, wanted: Wanted) -> Answer:
        if new == old + 1:
            return self._file(wanted)
        line = self._line(slug)
        if line is None or not {old, new} <= line.numbers or old == new:
            return self._missing()
        if old > new:
            return _led(f"{self._base(slug)}changes/v{new}..v{old}/", 301)
        sides = [self.folder.read(f"{slug}/v{number}/data.json") for number in (old, new)]
        if None in sides:
            return self._missing()
        with (
            self.comparing
        ):  # one at a time: comparing is work, and nobody shall keep the service busy with it
            page = _compared(self.printing, *(side or b"" for side in sides))
        return _answered(page, _TYPES["html"], wanted, {"Cache-Control": _LONG, "X-Robots-Tag": "noindex"})


@lru_cache(_REMEMBERED)
def _compared(printing: Callable[[], Printing], old: bytes, new: bytes) -> bytes:
    """What was compared once is remembered: the same two versions give the same page."""
    return compare_posted(old, new, printing())


def _led(where: str, status: int, extra: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, b"", _TYPES["txt"], {"Location": where, "Cache-Control": _BRIEFLY, **(extra or {})})


def _answered(data: bytes, media_type: str, wanted: Wanted, extra: Mapping[str, str]) -> Answer:
    mark = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": mark, **(_html_headers(data) if "html" in media_type else _other_headers()), **extra}
    return (
        Answer(304, b"", media_type, headers)
        if _has(wanted, headers)
        else Answer(200, data, media_type, headers)
    )


def _has(wanted: Wanted, headers: Mapping[str, str]) -> bool:
    """Whether the reader has these bytes already (RFC 9110, 13.2.2: marks count before dates)."""
    marks = wanted.headers.get("if-none-match")
    if marks is not None:
        return marks.strip() == "*" or headers["ETag"] in re.findall(r'"[^"]*"', marks)
    since = memento.wanted_moment(wanted.headers.get("if-modified-since", ""))
    written = memento.wanted_moment(headers.get("Last-Modified", ""))
    return since is not None and written is not None and written <= since


def _html_headers(data: bytes) -> dict[str, str]:
    """As the page says itself, and in no frame."""
    found = _SECURITY.search(data)
    policy = found[1].decode("ascii", "ignore").replace("&#39;", "'") if found else "default-src 'none'"
    return {
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


def _other_headers() -> dict[str, str]:
    """A picture of a theme that is opened by itself runs nothing either."""
    return {"Content-Security-Policy": _NOTHING_RUNS, "Access-Control-Allow-Origin": "*"}
