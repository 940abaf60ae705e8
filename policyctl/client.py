# SPDX-License-Identifier: Apache-2.0
"""An async client of the service (``policyctl serve``), for programs that do not open the ledger themselves.

    async with AsyncClient("https://policy.internal", key) as client:
        if (await client.may_use("u-17", "user.contact.email", "sales")).permitted: ...

Whatever is not a decision that permits is not a yes: no answer, a late one and one that cannot be read are
raised as errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from policyctl.core.use.question import UseAnswer
from policyctl.errors import PolicyctlError, RefusedError, UnreachableError, UsageError

_TRIES = 3


@dataclass(frozen=True, slots=True)
class ServiceDecision:
    """An answer of the service. ``reasons`` and ``missing`` in words; ``body`` all of it, in the form
    ``policyctl.decision/1``.
    """

    answer: UseAnswer
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    body: Mapping[str, Any]

    @property
    def permitted(self) -> bool:
        """Only this is a yes."""
        return self.answer is UseAnswer.PERMITTED


class AsyncClient:
    """Calls one service with one API key. ``timeout`` in seconds, for each try."""

    def __init__(
        self, url: str, key: str, *, timeout: float = 5.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._http.aclose()

    async def may_use(
        self,
        subject: str,
        category: str,
        purpose: str,
        *,
        recipient: str | None = None,
        at: datetime | None = None,
        policy: str | None = None,
        customer: str | None = None,
    ) -> ServiceDecision:
        """May data of ``category`` about ``subject`` be used for ``purpose``? As ``policyctl.may_use``."""
        body = {
            "subject": subject,
            "category": category,
            "purpose": purpose,
            "recipient": recipient,
            "at": _written(at),
            "policy": policy,
            "customer": customer,
        }
        return _decision(await self._post("/v1/decisions", body))

    async def may_use_many(
        self, questions: Sequence[Mapping[str, Any]], *, customer: str | None = None
    ) -> tuple[ServiceDecision, ...]:
        """Up to 1,000 questions in one request; each has subject, category, purpose and what else
        ``/v1/decisions`` takes. The answers come in their order.
        """
        body = {"requests": [dict(question) for question in questions], "customer": customer}
        found = (await self._post("/v1/decisions", body)).get("decisions")
        if not isinstance(found, list) or len(found) != len(questions):
            raise _unreadable()
        return tuple(_decision(each) for each in found)

    async def tag(
        self,
        subject: str,
        category: str,
        record: str,
        *,
        collected_at: datetime | None = None,
        policy: str | None = None,
        customer: str | None = None,
        version: str | None = None,
        provenance: str = "",
    ) -> bool:
        """Tag one piece of data; False when it is tagged so already. As ``OpenLedger.tag``."""
        body = {
            "subject": subject,
            "category": category,
            "record": record,
            "collected_at": _written(collected_at),
            "policy": policy,
            "customer": customer,
            "version": version,
            "provenance": provenance,
        }
        return await self._write("/v1/tags", body)

    async def end_tag(
        self,
        subject: str,
        category: str,
        record: str,
        *,
        ended_at: datetime | None = None,
        customer: str | None = None,
    ) -> bool:
        """Say that data was deleted; False when that was said before. As ``OpenLedger.end_tag``."""
        body = {
            "subject": subject,
            "category": category,
            "record": record,
            "ended_at": _written(ended_at),
            "customer": customer,
        }
        return await self._write("/v1/tags/ends", body)

    async def erase(self, subject: str, *, customer: str | None = None) -> bool:
        """Erase a person; False where nobody is known by the id. Needs a key of the scope ``erase``."""
        return bool((await self._post("/v1/erasures", {"subject": subject, "customer": customer}))["erased"])

    async def choose(
        self,
        subject: str,
        change: str,
        answer: str,
        *,
        at: datetime | None = None,
        customer: str | None = None,
    ) -> bool:
        """Record a subject's answer to a change; False when it is recorded already."""
        body = {
            "subject": subject,
            "change": change,
            "answer": answer,
            "at": _written(at),
            "customer": customer,
        }
        return await self._write("/v1/choices", body)

    async def accept(
        self, subject: str, version: str, *, at: datetime | None = None, customer: str | None = None
    ) -> bool:
        """Record that a subject accepts a version (``fax@v3``); False when it did so before."""
        body = {"subject": subject, "version": version, "at": _written(at), "customer": customer}
        return await self._write("/v1/acceptances", body)

    def tags_of(
        self, subject: str, *, customer: str | None = None, page: int = 1_000
    ) -> AsyncIterator[dict[str, Any]]:
        """The tags of a subject, as the service lists them, ``page`` at a time: ``async for tag in ...``."""
        return self._listed("tags", {"subject": subject, "customer": customer, "limit": page})

    def choices_of(
        self, subject: str, *, customer: str | None = None, page: int = 1_000
    ) -> AsyncIterator[dict[str, Any]]:
        """Every answer of a subject, oldest first."""
        return self._listed("choices", {"subject": subject, "customer": customer, "limit": page})

    async def _listed(self, what: str, query: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        asked = {name: value for name, value in query.items() if value is not None}
        while True:
            found = await self._tried(lambda: self._http.get(f"/v1/{what}", params=asked))
            if not isinstance(found.get(what), list):
                raise _unreadable()
            for each in found[what]:
                yield each
            if "next" not in found:
                return
            asked["cursor"] = found["next"]

    async def _write(self, path: str, body: Mapping[str, Any]) -> bool:
        """With a key of its own, so that a try whose answer was lost can be made again."""
        found = await self._post(path, body, {"Idempotency-Key": uuid4().hex})
        if not isinstance(found.get("added"), int):
            raise _unreadable()
        return bool(found["added"])

    async def _post(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        sent = {name: value for name, value in body.items() if value is not None}
        return await self._tried(lambda: self._http.post(path, json=sent, headers=headers))

    async def _tried(self, send: Callable[[], Awaitable[httpx.Response]]) -> dict[str, Any]:
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(0.1 * 4**attempt)
            try:
                answer = await send()
            except httpx.TransportError:
                continue
            if answer.status_code not in {409, 503}:
                return _body(answer)
            if _problem(answer)[0] == "conflict":
                break
        else:
            raise UnreachableError("the service gives no answer", hint="this is no yes; try again later")
        raise RefusedError(_problem(answer)[1])


def _body(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        try:
            found = answer.json()
        except ValueError as error:
            raise _unreadable() from error
        if not isinstance(found, dict):
            raise _unreadable()
        return found
    name, said = _problem(answer)
    if answer.is_server_error:
        raise UnreachableError(f"the service fails ({name}): {said}", hint="this is no yes; see its log")
    raise UsageError(f"the service refuses the call ({name}): {said}", hint="docs/how-to/run-the-service.md")


def _problem(answer: httpx.Response) -> tuple[str, str]:
    """The name and the words of a problem."""
    try:
        found = answer.json()
        details = [str(each.get("detail", "")) for each in found.get("errors", ())]
        return str(found["type"]).rsplit(":", maxsplit=1)[-1], "; ".join([str(found["detail"]), *details])
    except (ValueError, KeyError, TypeError, AttributeError):
        return str(answer.status_code), "it is no problem of policyctl's"


def _decision(found: Mapping[str, Any]) -> ServiceDecision:
    try:
        return ServiceDecision(
            UseAnswer(found["answer"]),
            tuple(str(reason["text"]) for reason in found["reasons"]),
            tuple(str(each) for each in found["missing"]),
            found,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable() from error


def _unreadable() -> PolicyctlError:
    return UnreachableError("the service's answer cannot be read", hint="this is no yes; look at the URL")


def _written(at: datetime | None) -> str | None:
    if at is not None and at.tzinfo is None:
        raise UsageError("a time has no time zone", hint="pass an aware datetime, such as datetime.now(UTC)")
    return None if at is None else at.isoformat()
