# SPDX-License-Identifier: Apache-2.0
"""The pages that the links of mails open: ``/answers/<token>`` and ``/reminders/<token>``.

1. GET and HEAD show and never write: programs that look at every link of a mail answer nothing.
2. POST records. The token is the authority: there is no login and no cookie, so another site can have a
   browser send nothing that it could not send itself.
3. A body has at most 4 KB, is a form, and is read by hand: no parser of uploads is reached from outside.
4. What is wrong becomes a page in the reader's language with a fitting status. What nobody foresaw too.
5. No token is in the log, in a header that leaves us, or in the figures.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request

from policyctl.actions.recording.answers import (
    ANSWERS,
    Act,
    Closed,
    Deed,
    Opened,
    act_on,
    newer_pages,
    open_link,
    stop_reminders,
)
from policyctl.core.links import LinkPurpose
from policyctl.errors import PolicyctlError, RefusedError
from policyctl.reports.answers.page import (
    Shown,
    answer_page,
    content_security_policy,
    language_of,
    problem_page,
    reminders_page,
)
from policyctl.web import log
from policyctl.web.problems import Answer

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.links import Links
    from policyctl.core.notices.inquiry import Inquiry
    from policyctl.core.notices.notice import Sender

MOST_FORM_BYTES = 4_096
_READERS, _WRITERS = 2, 1
_MOST_ANSWERS, _PACE_SECONDS, _MOST_WATCHED = 20, 60.0, 10_000
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_FORM = "application/x-www-form-urlencoded"
_UPLOAD = "multipart/form-data"
_ONE_CLICK = re.compile(
    rb'name="?List-Unsubscribe"?[^\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\nOne-Click\s*(?:\r?\n|$)'
)
_STATUS = {
    "missing": 404,
    "expired": 410,
    "retired": 410,
    "gone": 410,
    "bad": 400,
    "too-large": 413,
    "not-a-form": 415,
    "often": 429,
    "busy": 503,
    "bug": 500,
}
_SHOWN_AS = {"too-large": "bad", "not-a-form": "bad"}
_RETRY_AFTER = {"often": "60", "busy": "2"}
_DONE = {Act.ACKNOWLEDGE: "confirmed", Act.OBJECT: "objected", Act.RETRACT: "retracted"}


class Pace:
    """How often one link may record: some answers a minute, counted in this process."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, int]] = {}

    def allows(self, name: str) -> bool:
        """Count one more; False where there were too many."""
        begun, count = self._counts.get(name, (monotonic(), 0))
        if monotonic() - begun > _PACE_SECONDS:
            begun, count = monotonic(), 0
        if len(self._counts) >= _MOST_WATCHED:
            self._counts.clear()
        self._counts[name] = (begun, count + 1)
        return count < _MOST_ANSWERS


@dataclass(slots=True)
class Pages:
    """What the pages need beside the ledger: who signs the links, and who the notices come from."""

    links: Links
    sender: Sender
    pace: Pace = field(default_factory=Pace)
    limiters: dict[bool, CapacityLimiter] = field(default_factory=dict)

    async def in_thread(self, work: Callable[[], Answer], *, writes: bool) -> Answer:
        """Pages have a few threads of their own: a crowd of readers keeps no decision waiting."""
        if writes not in self.limiters:
            self.limiters[writes] = CapacityLimiter(_WRITERS if writes else _READERS)
        return await to_thread.run_sync(work, limiter=self.limiters[writes])


class _WrongError(Exception):
    """Raised to answer with the page of one of ``_STATUS``."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


_Work = Callable[["_Visit"], Answer]


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request for a page, read."""

    ledger: Ledger
    pages: Pages
    token: str
    lang: str
    picked: tuple[str, str]
    form: bytes | None
    media_type: str

    def opened(self, purpose: LinkPurpose) -> Opened:
        """What the link opens, at most so often where it records."""
        found = open_link(purpose, self.token, now=log.clock(), links=self.pages.links, ledger=self.ledger)
        if isinstance(found, Closed):
            raise _WrongError(found.value)
        if self.form is not None and not self.pages.pace.allows(found.link.nid):
            raise _WrongError("often")
        return found


def page_routes(
    ledger: Ledger, pages: Pages
) -> Iterator[tuple[str, Callable[[Request, str], Awaitable[Answer]]]]:
    """Path and work of each page. The work takes the request and its id."""
    yield "/answers/{token}", _page(ledger, pages, _answers)
    yield "/reminders/{token}", _page(ledger, pages, _reminders)


def _page(ledger: Ledger, pages: Pages, work: _Work) -> Callable[[Request, str], Awaitable[Answer]]:
    async def answered(request: Request, request_id: str) -> Answer:
        lang = language_of(request.headers.get("accept-language", ""))
        try:
            visit = await _visit(request, ledger, pages, lang)
            return await pages.in_thread(lambda: work(visit), writes=visit.form is not None)
        except _WrongError as wrong:
            return _problem(wrong.problem, pages, lang)
        except PolicyctlError:
            # The ledger is busy or away, or a file of keys cannot be read: nothing was recorded.
            return _problem("busy", pages, lang)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the last resort: no reader sees what a bug says
            log.write_bug(error, request_id)
            return _problem("bug", pages, lang)

    return answered


async def _visit(request: Request, ledger: Ledger, pages: Pages, lang: str) -> _Visit:
    form = await _body(request) if request.method == "POST" else None
    query = request.query_params
    return _Visit(
        ledger=ledger,
        pages=pages,
        token=request.path_params["token"],
        lang=lang,
        picked=(query.get("change", ""), query.get("answer", "")),
        form=form,
        media_type=request.headers.get("content-type", "").split(";")[0].strip().lower(),
    )


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_FORM_BYTES:
            raise _WrongError("too-large")
        parts.append(part)
    return b"".join(parts)


# Answers


def _answers(visit: _Visit) -> Answer:
    opened = visit.opened(LinkPurpose.ANSWERS)
    if visit.form is None:
        return _answer_page(visit, opened, opened.inquiry)
    deed = _deed(visit)
    if not _can_be_done(deed, opened.inquiry):
        raise _WrongError("bad")
    try:
        inquiry = act_on(opened, deed, now=log.clock(), ledger=visit.ledger)
    except RefusedError:
        return _stale(visit, opened)
    if inquiry is None:
        raise _WrongError("gone")
    done = deed.change if deed.act in ANSWERS else _DONE[deed.act]
    return _answer_page(visit, opened, inquiry, done=done)


def _deed(visit: _Visit) -> Deed:
    """The button that was pressed; a form that none of our pages has is refused whole."""
    fields = _fields(visit)
    if set(fields) == {"act"} and fields["act"] in set(Act) - ANSWERS:
        return Deed(Act(fields["act"]))
    newest = fields.get("newest", "")
    if set(fields) != {"change", "newest", "answer"} or fields["answer"] not in ANSWERS:
        raise _WrongError("bad")
    if not _NUMBER.fullmatch(newest):
        raise _WrongError("bad")
    return Deed(Act(fields["answer"]), fields["change"], int(newest))


def _fields(visit: _Visit) -> dict[str, str]:
    if visit.media_type != _FORM:
        raise _WrongError("not-a-form")
    try:
        text = (visit.form or b"").decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=8
        )
    except ValueError as error:
        raise _WrongError("bad") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _WrongError("bad")
    return fields


def _can_be_done(deed: Deed, inquiry: Inquiry) -> bool:
    """Whether the page of this link has such a button at all."""
    return inquiry.asks(deed.change) if deed.act in ANSWERS else bool(inquiry.customer)


def _stale(visit: _Visit, opened: Opened) -> Answer:
    """The page as it is now, with nothing recorded."""
    inquiry = visit.ledger.inquiries.find(opened.link.nid)
    if inquiry is None:
        raise _WrongError("gone")
    return _answer_page(visit, opened, inquiry, stale=True)


def _answer_page(
    visit: _Visit, opened: Opened, inquiry: Inquiry, *, done: str = "", stale: bool = False
) -> Answer:
    look = Shown(
        mailed_at=opened.link.made_at,
        today=log.clock().date(),
        picked=visit.picked,
        done=done,
        stale=stale,
        newer_pages=newer_pages(inquiry, visit.pages.links),
    )
    return _html(answer_page(inquiry, visit.pages.sender, look), 409 if stale else 200)


# Reminders


def _reminders(visit: _Visit) -> Answer:
    """One click (RFC 8058), by a mail program or by a person on the page; twice is the same as once."""
    opened = visit.opened(LinkPurpose.REMINDERS)
    if visit.form is None:
        return _html(reminders_page(opened.inquiry, visit.pages.sender))
    if not _is_one_click(visit):
        raise _WrongError("bad")
    inquiry = stop_reminders(opened, now=log.clock(), ledger=visit.ledger)
    if inquiry is None:
        raise _WrongError("gone")
    return _html(reminders_page(inquiry, visit.pages.sender))


def _is_one_click(visit: _Visit) -> bool:
    """The fixed pair of RFC 8058, in either form that it allows."""
    if visit.media_type == _UPLOAD:
        return bool(_ONE_CLICK.search(visit.form or b""))
    return _fields(visit) == {"List-Unsubscribe": "One-Click"}


# What is sent


def _problem(problem: str, pages: Pages, lang: str) -> Answer:
    page = problem_page(_SHOWN_AS.get(problem, problem), pages.sender, lang)
    headers = {"Retry-After": _RETRY_AFTER[problem]} if problem in _RETRY_AFTER else {}
    return _html(page, _STATUS[problem], headers)


def _html(page: str, status: int = 200, more: dict[str, str] | None = None) -> Answer:
    headers = {
        "Content-Security-Policy": content_security_policy(),
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        **(more or {}),
    }
    return Answer(status, page.encode(), "text/html; charset=utf-8", headers)
