# SPDX-License-Identifier: Apache-2.0
"""The endpoints that show what is on record: listings page by page, and the counts.

A page says where the next begins (``next``); while nothing has changed it is the same bytes, and whoever
has it already is told so by its ETag.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from policyctl.core.records import Listed, Value
from policyctl.reports.comparing.json_v1 import dumps
from policyctl.reports.ledger.ledger_v1 import ledger_json
from policyctl.reports.ledger.page import ledger_page, page_policy
from policyctl.web.api import Call, customer_of
from policyctl.web.bodies import (
    ChoicesQuery,
    Paged,
    ReceiptsQuery,
    StatsQuery,
    TagsQuery,
    VersionsQuery,
    query_of,
)
from policyctl.web.cursors import question_of
from policyctl.web.problems import Answer, ProblemError

if TYPE_CHECKING:
    from policyctl.core.records import VersionRecord
    from policyctl.core.use.share import LedgerReport

_OK, _UNCHANGED = 200, 304


class VersionBody(msgspec.Struct, frozen=True):
    """A published version of a policy, and what it asks about."""

    version: str
    policy: str
    number: int
    title: str
    change_class: str
    published_at: datetime
    effective_at: datetime
    text_sha256: str
    changes: tuple[str, ...]


class VersionsBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Versions by policy and number."""

    versions: tuple[VersionBody, ...]
    next: str | None = None


class TagBody(msgspec.Struct, frozen=True):
    """A tag as it is after its corrections. ``version`` null: none was in force at collection. ``ended_at``:
    when its data was deleted; null while it is there.
    """

    category: str
    record: str
    collected_at: datetime
    policy: str
    version: str | None
    provenance: str
    ended_at: datetime | None


class TagsBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tags of one subject."""

    tags: tuple[TagBody, ...]
    next: str | None = None


class ChoiceBody(msgspec.Struct, frozen=True):
    """An answer; ``scope`` tells whether of a subject or of a customer for all its people."""

    scope: str
    change: str
    answer: str
    at: datetime


class ChoicesBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Answers of one subject or customer, oldest first; every one ever given."""

    choices: tuple[ChoiceBody, ...]
    next: str | None = None


class ReceiptBody(msgspec.Struct, frozen=True):
    """What came of a write with this Idempotency-Key."""

    idempotency_key: str
    added: int
    repeated: int
    recorded_at: datetime


class ReceiptsBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Receipts by Idempotency-Key."""

    receipts: tuple[ReceiptBody, ...]
    next: str | None = None


def versions(call: Call) -> Answer:
    """The versions on record, of one policy where ``?policy=`` names it."""
    query = query_of(call.query, VersionsQuery)

    def read(after: Sequence[Any], limit: int) -> list[Listed[VersionRecord]]:
        rows = [
            Listed((found.key.slug, found.key.number), found)
            for found in sorted(call.ledger.versions(), key=lambda each: each.key)
            if query.policy in {None, found.key.slug}
        ]
        return [row for row in rows if row.place > tuple(after)][:limit]

    rows, after = _page(call, "/v1/versions", query, call.key.customer, read)
    return _listed(call, VersionsBody(tuple(_version(row) for row in rows), after))


def tags(call: Call) -> Answer:
    """The tags of one subject, none for one that is not known."""
    query = query_of(call.query, TagsQuery)
    whose = customer_of(call.key, query.customer)

    def read(after: Sequence[Any], limit: int) -> list[Any]:
        return call.ledger.tags_of(query.subject, customer=whose, after=after, limit=limit)

    rows, after = _page(call, "/v1/tags", query, whose, read)
    found = tuple(
        TagBody(
            category=tag.category,
            record=tag.record,
            collected_at=tag.collected_at,
            policy=tag.slug,
            version=None if tag.version is None else str(tag.version),
            provenance=tag.provenance,
            ended_at=tag.ended_at,
        )
        for tag in rows
    )
    return _listed(call, TagsBody(found, after))


def choices(call: Call) -> Answer:
    """The answers of one subject; without ``?subject=`` those of the customer itself."""
    query = query_of(call.query, ChoicesQuery)
    whose = customer_of(call.key, query.customer)
    if query.subject is None and whose is None:
        raise ProblemError("invalid-request", "name a subject or a customer")

    def read(after: Sequence[Any], limit: int) -> list[Any]:
        return call.ledger.choices_of(query.subject, customer=whose, after=after, limit=limit)

    rows, after = _page(call, "/v1/choices", query, whose, read)
    found = tuple(ChoiceBody(said.scope, said.change, said.answer.value, said.at) for said in rows)
    return _listed(call, ChoicesBody(found, after))


def receipts(call: Call) -> Answer:
    """What came of the writes that were sent with an Idempotency-Key."""
    query = query_of(call.query, ReceiptsQuery)
    whose = customer_of(call.key, query.customer)

    def read(after: Sequence[Any], limit: int) -> list[Any]:
        return call.ledger.receipts("http", customer=whose, after=after, limit=limit)

    rows, after = _page(call, "/v1/receipts", query, whose, read)
    found = tuple(ReceiptBody(each.id, each.added, each.repeated, each.recorded_at) for each in rows)
    return _listed(call, ReceiptsBody(found, after))


def stats(call: Call) -> Answer:
    """How much is in the ledger and how much of it may be used for what, as counted lately (`at`)."""
    report = _report(call)
    age = max(0, int((call.now - report.at).total_seconds()))
    return _tagged(call, dumps(ledger_json(report)).encode(), {"Age": str(age)})


def stats_page(call: Call) -> Answer:
    """The same for a person: a page with bars and tables. A browser asks for the key as a password."""
    page = ledger_page(_report(call), now=call.now)
    headers = {"Content-Security-Policy": page_policy(), "Referrer-Policy": "no-referrer"}
    return Answer(_OK, page.encode(), "text/html; charset=utf-8", headers)


def _report(call: Call) -> LedgerReport:
    whose = customer_of(call.key, query_of(call.query, StatsQuery).customer)
    return call.counts.report(whose, now=call.now, ledger=call.ledger)


def _version(found: VersionRecord) -> VersionBody:
    return VersionBody(
        version=str(found.key),
        policy=found.key.slug,
        number=found.key.number,
        title=found.title,
        change_class=found.change_class.value,
        published_at=found.published_at,
        effective_at=found.effective_at,
        text_sha256=found.text_sha256,
        changes=tuple(change.name for change in found.changes),
    )


def _page(
    call: Call,
    path: str,
    query: Paged,
    whose: str | None,
    read: Callable[[Sequence[Any], int], list[Listed[Value]]],
) -> tuple[list[Value], str | None]:
    """The rows of the page that is asked for, and the cursor of the next where there is one."""
    question, after = question_of(path, call.query), list[Any]()
    if query.cursor is not None:
        after = call.cursors().read(query.cursor, whose=whose, question=question, now=call.now)
    rows = read(after, query.limit + 1)
    shown = rows[: query.limit]
    more = len(rows) > len(shown)
    following = (
        call.cursors().write(shown[-1].place, whose=whose, question=question, now=call.now) if more else None
    )
    return [row.value for row in shown], following


def _listed(call: Call, body: msgspec.Struct) -> Answer:
    return _tagged(call, msgspec.json.encode(body))


def _tagged(call: Call, content: bytes, more: dict[str, str] | None = None) -> Answer:
    """With an ETag; to one who has just this already, only that it is so."""
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", **(more or {})}
    asked = {each.strip().removeprefix("W/") for each in call.if_none_match.split(",")}
    if asked & {tag, "*"}:
        return Answer(_UNCHANGED, b"", headers=headers)
    return Answer(_OK, content, headers=headers)
