# SPDX-License-Identifier: Apache-2.0
"""The application: routes, and around each the same steps.

1. The caller's API key, and whether it may do this. A file of keys that cannot be read opens nothing.
2. The body, at most a megabyte of ``application/json``.
3. The work, in a thread: the event loop never waits for the ledger.
4. Whatever goes wrong becomes a problem; what nobody foresaw becomes 500 and one line without its words.
5. One line in the log, one count in the figures.
"""

from __future__ import annotations

import re
from asyncio import get_running_loop
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from secrets import token_hex
from time import perf_counter
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from policyctl.actions.custody.runs import known_runs
from policyctl.actions.recording.keys import find_key
from policyctl.core.access import ApiKey, Scope
from policyctl.errors import PolicyctlError
from policyctl.web import api, events, listing, log
from policyctl.web.answers import Pages, page_routes
from policyctl.web.bodies import MOST_BYTES
from policyctl.web.counts import Counts
from policyctl.web.cursors import Cursors
from policyctl.web.metrics import MEDIA_TYPE as METRICS_TYPE
from policyctl.web.metrics import Metrics
from policyctl.web.problems import Answer, ProblemError, problem_of
from policyctl.web.site import SitePages, other_paths, site_route

if TYPE_CHECKING:
    from policyctl.adapters.key_file import KeyFile
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.mail.sendgrid_events import SendGridWebhook

_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9_-]{1,200})", re.ASCII)
_BASIC = re.compile(r"[Bb]asic ([A-Za-z0-9+/=]{1,600})", re.ASCII)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Kind(StrEnum):
    """What a request does to the ledger, and so which threads it may take."""

    READ = "read"
    GATHER = "gather"
    WRITE = "write"
    COUNT = "count"


# The ledger has one writer: those that wait for it, and those that count all there is, must not keep a
# question waiting. Small writes that wait are gathered by the ledger into one transaction of one connection,
# so many may. All others, and those of the pages, are fewer than the connections of the ledger's pool.
_THREADS = {Kind.READ: 8, Kind.GATHER: 128, Kind.WRITE: 3, Kind.COUNT: 2}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route. ``work`` runs in a thread. ``page``: a person looks at it in a browser."""

    path: str
    method: str
    scope: Scope
    work: api.Handler
    kind: Kind = Kind.READ
    page: bool = False


ENDPOINTS = (
    Endpoint("/v1/decisions", "POST", Scope.DECIDE, api.decisions),
    Endpoint("/v1/tags", "POST", Scope.TAG, api.tags, Kind.GATHER),
    Endpoint("/v1/tags", "GET", Scope.READ, listing.tags),
    Endpoint("/v1/tags/ends", "POST", Scope.TAG, api.ends, Kind.GATHER),
    Endpoint("/v1/choices", "POST", Scope.CHOOSE, api.choices, Kind.GATHER),
    Endpoint("/v1/choices", "GET", Scope.READ, listing.choices),
    Endpoint("/v1/acceptances", "POST", Scope.CHOOSE, api.acceptances, Kind.GATHER),
    Endpoint("/v1/erasures", "POST", Scope.ERASE, api.erasures, Kind.WRITE),
    Endpoint("/v1/versions", "GET", Scope.READ, listing.versions),
    Endpoint("/v1/receipts", "GET", Scope.READ, listing.receipts),
    Endpoint("/v1/stats", "GET", Scope.READ, listing.stats, Kind.COUNT),
    Endpoint("/stats", "GET", Scope.READ, listing.stats_page, Kind.COUNT, page=True),
)


@dataclass(slots=True)
class Service:
    """What every request may use."""

    ledger: Ledger
    keys: KeyFile
    webhook: SendGridWebhook | None = None
    metrics: Metrics = field(default_factory=Metrics)
    running: set[tuple[str | None, str]] = field(default_factory=set)
    limiters: dict[Kind, CapacityLimiter] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    # What only reads writes nothing that a request given up must wait for, so it takes the shorter way.
    readers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_THREADS[Kind.READ], "read")
    )

    async def in_thread(self, work: Callable[[], Answer], kind: Kind = Kind.READ) -> Answer:
        """Do what may have to wait for the ledger."""
        if kind is Kind.READ:
            return await get_running_loop().run_in_executor(self.readers, work)
        if kind not in self.limiters:
            self.limiters[kind] = CapacityLimiter(_THREADS[kind])
        return await to_thread.run_sync(work, limiter=self.limiters[kind])

    def cursors(self) -> Cursors:
        """What signs cursors, with the secret beside the keys."""
        try:
            return Cursors(self.keys.secret())
        except PolicyctlError as error:
            log.write("keys", message=error.message)
            raise ProblemError("unavailable", "the secret beside the API keys cannot be read") from error


def make_app(
    ledger: Ledger,
    keys: KeyFile,
    *,
    pages: Pages | None = None,
    webhook: SendGridWebhook | None = None,
    site: SitePages | None = None,
) -> Starlette:
    """The ASGI application over an open ledger and a file of keys. ``pages`` None: links of mails open
    nothing here. ``webhook`` checks SendGrid's events. ``site``: the posted pages.
    """
    service = Service(ledger, keys, webhook)
    routes = [
        Route(each.path, _route(service, each.path, _endpoint(service, each)), methods=[each.method])
        for each in ENDPOINTS
    ]
    routes.append(Route(events.PATH, _route(service, events.PATH, _events(service)), methods=["POST"]))
    for path, answer in (
        ("/healthz", _health),
        ("/readyz", _ready(service)),
        ("/metrics", _figures(service)),
    ):
        routes.append(Route(path, _route(service, path, answer), methods=["GET"]))
    for path, page in page_routes(ledger, pages) if pages else ():
        routes.append(Route(path, _route(service, path, _shown(page)), methods=["GET", "POST"]))
    if site is not None:  # last: its path is everything that nothing else is at
        path, page = site_route(site)
        routes.extend(other_paths(routes))
        routes.append(Route(path, _route(service, path, _shown(page)), methods=["GET"]))
    app = Starlette(routes=routes, exception_handlers={HTTPException: _lost(service)})
    app.router.redirect_slashes = False
    return app


@dataclass(slots=True)
class _Seen:
    """What the log tells of a request."""

    id: str
    key: str | None = None


_Answerer = Callable[[Request, _Seen], Awaitable[Answer]]
_View = Callable[[Request], Awaitable[Response]]


def _route(service: Service, path: str, answerer: _Answerer) -> _View:
    async def handle(request: Request) -> Response:
        begun, seen = perf_counter(), _Seen(token_hex(8))
        service.metrics.running += 1
        try:
            answer = await answerer(request, seen)
        except ProblemError as problem:
            answer = problem.answer()
        except PolicyctlError as error:
            answer = problem_of(error).answer()
        except ClientDisconnect:
            answer = Answer(499, b"")
        except Exception as error:  # noqa: BLE001 - the last resort: no caller sees what a bug says
            log.write_bug(error, seen.id)
            answer = ProblemError("internal", "the service has met a bug of its own").answer()
        finally:
            service.metrics.running -= 1
        return _told(service, path, request, answer, seen, perf_counter() - begun)

    return handle


def _told(
    service: Service, route: str, request: Request, answer: Answer, seen: _Seen, seconds: float
) -> Response:
    method = request.method if request.method in _METHODS else "OTHER"
    service.metrics.note(route, method, answer.status, seconds, answer.answers)
    service.metrics.reports.update(answer.reports)
    log.write(
        "request",
        method=method,
        route=route,
        status=answer.status,
        ms=round(seconds * 1000, 2),
        key=seen.key,
        request_id=seen.id,
    )
    headers = {**_HEADERS, "X-Request-Id": seen.id, **answer.headers}
    return Response(answer.content, answer.status, headers, answer.media_type)


def _endpoint(service: Service, endpoint: Endpoint) -> _Answerer:
    async def answered(request: Request, seen: _Seen) -> Answer:
        key = _caller(service, request, endpoint.scope, page=endpoint.page)
        seen.key = key.id
        body = await _body(request) if endpoint.method == "POST" else b""
        writes = endpoint.kind is Kind.GATHER
        call = api.Call(
            ledger=service.ledger,
            key=key,
            now=log.clock(),
            body=body,
            query=_query(request),
            counts=service.counts,
            cursors=service.cursors,
            idempotency_key=_idempotency_key(request.headers) if writes else None,
            if_none_match=request.headers.get("if-none-match", ""),
        )
        return await _once(service, call, endpoint.work, endpoint.kind)

    return answered


async def _once(service: Service, call: api.Call, work: api.Handler, kind: Kind) -> Answer:
    """Only one of the requests with one Idempotency-Key at a time; the ledger's receipts do the rest."""
    if call.idempotency_key is None:
        return await service.in_thread(lambda: work(call), kind)
    name = (call.key.customer, call.idempotency_key)
    if name in service.running:
        raise ProblemError("request-running", "wait for the answer of the first one, or ask again")
    service.running.add(name)
    try:
        return await service.in_thread(lambda: work(call), kind)
    finally:
        service.running.discard(name)


def _caller(service: Service, request: Request, scope: Scope, *, page: bool = False) -> ApiKey:
    said = request.headers.get("authorization", "")
    found = _BEARER.fullmatch(said)
    token = found[1] if found else _password(said) if page else None
    try:
        key = find_key(token, keys=service.keys) if token else None
    except PolicyctlError as error:
        log.write("keys", message=error.message)
        raise ProblemError("unavailable", "the file of API keys cannot be read") from error
    if key is None and page:
        # One scheme only: browsers do not find it behind another on the same line.
        raise ProblemError("no-key", "send a key that is in force as the password", scheme="Basic")
    if key is None:
        raise ProblemError("no-key", "send a key that is in force: Authorization: Bearer pck_...")
    if not key.allows(scope):
        raise ProblemError("not-allowed", f"this key lacks the scope {scope.value!r}")
    return key


def _password(said: str) -> str | None:
    """The key where a browser sends it as a password. Only pages take it so: a browser sends it by itself,
    whoever made it ask, and a page changes nothing.
    """
    found = _BASIC.fullmatch(said)
    try:
        words = b64decode(found[1], validate=True).decode("ascii") if found else ""
    except ValueError:
        return None
    return words.partition(":")[2] or None


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError("unsupported-media-type", "send Content-Type: application/json")
    return await _bytes(request, MOST_BYTES)


async def _bytes(request: Request, most: int) -> bytes:
    if len(said := request.headers.get("content-length", "0")) > len(str(most)) or int(said) > most:
        raise _too_large(most)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    return b"".join(parts)


def _too_large(most: int) -> ProblemError:
    return ProblemError("body-too-large", f"send at most {most:,} bytes")


def _query(request: Request) -> Mapping[str, str]:
    if not request.scope["query_string"]:
        return {}
    pairs = request.query_params.multi_items()
    if len({name for name, _ in pairs}) != len(pairs):
        raise ProblemError("invalid-request", "a parameter is there twice")
    return dict(pairs)


def _idempotency_key(headers: Mapping[str, str]) -> str | None:
    found = headers.get("idempotency-key")
    if found is not None and not _IDEMPOTENCY_KEY.fullmatch(found):
        raise ProblemError("bad-header", "an Idempotency-Key has 1 to 200 visible ASCII characters")
    return found


def _shown(page: Callable[[Request, str], Awaitable[Answer]]) -> _Answerer:
    """A page takes no key; the log tells nothing of it but its route."""

    async def answered(request: Request, seen: _Seen) -> Answer:
        return await page(request, seen.id)

    return answered


def _events(service: Service) -> _Answerer:
    async def answered(request: Request, _seen: _Seen) -> Answer:
        now = log.clock()
        webhook = events.webhook_for(service.webhook, request.headers, now)
        body = await _bytes(request, webhook.most_bytes)
        work = partial(events.take, request.headers, body, webhook=webhook, ledger=service.ledger, now=now)
        return await service.in_thread(work, Kind.WRITE)

    return answered


# Of the service itself


async def _health(_request: Request, _seen: _Seen) -> Answer:
    """The process answers."""
    return Answer(200, b'{"status":"ok"}')


def _ready(service: Service) -> _Answerer:
    def ask() -> Answer:
        service.ledger.require_ready()
        return Answer(200, b'{"status":"ready"}')

    async def answered(_request: Request, _seen: _Seen) -> Answer:
        try:
            service.keys.all()
        except PolicyctlError as error:
            raise ProblemError("unavailable", "the file of API keys cannot be read") from error
        return await service.in_thread(ask)

    return answered


def _figures(service: Service) -> _Answerer:
    async def answered(request: Request, seen: _Seen) -> Answer:
        key = _caller(service, request, Scope.ADMIN)
        seen.key = key.id
        if key.customer is not None:
            raise ProblemError("not-allowed", "the figures are of all customers; this key is for one")
        ran = await get_running_loop().run_in_executor(service.readers, known_runs, service.ledger)
        return Answer(200, service.metrics.text(ran).encode(), METRICS_TYPE)

    return answered


def _lost(service: Service) -> Callable[[Request, Exception], Awaitable[Response]]:
    """A path or a method that is not there."""

    async def handle(request: Request, error: Exception) -> Response:
        known = isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        name = "method-not-allowed" if known else "not-found"
        answer = ProblemError(name, "docs/reference/openapi.json lists what there is").answer()
        headers = getattr(error, "headers", None) or {}
        answer = Answer(answer.status, answer.content, answer.media_type, {**answer.headers, **headers})
        return _told(service, "(none)", request, answer, _Seen(token_hex(8)), 0.0)

    return handle
