# SPDX-License-Identifier: Apache-2.0
"""The few calls of the GitHub REST API (version 2022-11-28) that keep one comment under a pull request.

===========================  ==========================================================================
what comes back              what it becomes
===========================  ==========================================================================
2xx                          the value
403 or 404 on a write        ``ReadOnlyError``: the token may not write here (a fork's, or too few rights)
403 or 429, limit reached    waits as long as told, ``LONGEST_WAIT`` at most, three times; then an error
5xx, no connection           tried three times when nothing was written; a write is never repeated
all else                     CannotCompareError with the status, never with the token
===========================  ==========================================================================
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from policyctl.errors import CannotCompareError, RefusedError, UsageError

API = "https://api.github.com"
TIMEOUT = httpx.Timeout(connect=5, write=20, read=30, pool=5)
LONGEST_WAIT = 60.0
PAGES = 30
"""A hundred rows each: more comments than that are not looked through."""

_TRIES = 3
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}", re.ASCII)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_TOKEN = re.compile(r"[\x21-\x7e]+")


class ReadOnlyError(RefusedError):
    """The token may not write to this pull request."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """An open pull request: its number, the commit at its head, the repository that commit is in."""

    number: int
    head_sha: str
    head_repository: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a pull request; ``author`` is a login."""

    id: int
    author: str
    body: str


class GitHub:
    """One repository, by ``token``, which stands in no message. ``wait`` sleeps."""

    def __init__(
        self,
        repository: str,
        token: str,
        *,
        api: str = API,
        timeout: httpx.Timeout = TIMEOUT,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        _require_fit(repository, token, api)
        self._base = f"{api.rstrip('/')}/repos/{repository}"
        self._wait = wait
        self._client = httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "policyctl",
            },
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def open_pull_requests(self, head_owner: str, head_branch: str) -> tuple[PullRequest, ...]:
        """Those whose head is that branch; a fork's branch is found by its owner."""
        rows = self._pages("/pulls", {"state": "open", "head": f"{head_owner}:{head_branch}"})
        return tuple(
            PullRequest(int(row["number"]), str(row["head"]["sha"]), int((row["head"]["repo"] or {})["id"]))
            for row in rows
            if row["head"]["repo"]
        )

    def comments(self, number: int) -> tuple[Comment, ...]:
        """The comments of a pull request, oldest first."""
        rows = self._pages(f"/issues/{number}/comments", {})
        return tuple(
            Comment(int(row["id"]), str((row["user"] or {}).get("login", "")), str(row["body"] or ""))
            for row in rows
        )

    def create_comment(self, number: int, body: str) -> None:
        """Write a comment."""
        self._write("POST", f"/issues/{number}/comments", {"body": body})

    def update_comment(self, comment: int, body: str) -> None:
        """Write a comment anew, in its place."""
        self._write("PATCH", f"/issues/comments/{comment}", {"body": body})

    def delete_comment(self, comment: int) -> None:
        """Take a comment away; one that is gone already is fine."""
        self._write("DELETE", f"/issues/comments/{comment}", None)

    def _pages(self, path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        for page in range(1, PAGES + 1):
            rows = self._read(path, {**query, "per_page": "100", "page": str(page)})
            yield from rows
            if len(rows) < 100:  # noqa: PLR2004 - rows of a page, asked for two lines above
                return

    def _read(self, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        reply = self._sent("GET", path, query=query)
        try:
            rows = reply.json()
        except ValueError as error:
            raise _failed(reply.status_code, "it answered without JSON") from error
        if reply.status_code != httpx.codes.OK or not isinstance(rows, list):
            raise _failed(reply.status_code)
        return rows

    def _write(self, method: str, path: str, body: dict[str, str] | None) -> None:
        reply = self._sent(method, path, body=body)
        if reply.is_success or (method == "DELETE" and reply.status_code == httpx.codes.NOT_FOUND):
            return
        if reply.status_code in {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
            raise ReadOnlyError(
                f"the token may not write comments here (GitHub answered {reply.status_code})",
                hint="give the job `permissions: pull-requests: write`; a fork's own job never has it",
            )
        raise _failed(reply.status_code)

    def _sent(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: dict[str, str] | None = None,
    ) -> httpx.Response:
        last = "no answer"
        for _ in range(_TRIES):
            try:
                reply = self._client.request(method, f"{self._base}{path}", params=query, json=body)
            except httpx.HTTPError as error:
                last = type(error).__name__
                if method != "GET":
                    break
                continue
            if (pause := _pause(reply)) is not None:
                last = "its limit of requests is reached"
                if pause > LONGEST_WAIT:
                    break
                self._wait(pause)
            elif method == "GET" and reply.is_server_error:
                last = f"it answered {reply.status_code}"
            else:
                return reply
        raise CannotCompareError(f"GitHub cannot be asked: {last}", hint="run the job again later")


def _require_fit(repository: str, token: str, api: str) -> None:
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(
            "GITHUB_REPOSITORY is not of the form owner/name", hint="set it as GitHub Actions does"
        )
    if not _TOKEN.fullmatch(token):
        raise UsageError("there is no GitHub token", hint="pass it in the environment as GITHUB_TOKEN")
    try:
        url = httpx.URL(api)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme != "https" and url.host not in _LOOPBACK:
        raise UsageError("GITHUB_API_URL must begin with https://: the token goes there", hint="correct it")


def _pause(reply: httpx.Response) -> float | None:
    """Seconds to wait where a limit was reached (primary or secondary); None where none was."""
    if reply.status_code not in {httpx.codes.FORBIDDEN, httpx.codes.TOO_MANY_REQUESTS}:
        return None
    after, left = reply.headers.get("Retry-After", ""), reply.headers.get("X-RateLimit-Remaining", "")
    if after.isdecimal():
        return float(after)
    if left == "0" or reply.status_code == httpx.codes.TOO_MANY_REQUESTS:
        reset = reply.headers.get("X-RateLimit-Reset", "")
        return max(0.0, float(reset) - time.time()) if reset.isdecimal() else LONGEST_WAIT
    return None


def _failed(status: int, why: str = "") -> CannotCompareError:
    return CannotCompareError(
        f"GitHub answered {status}{f', {why}' if why else ''}",
        hint="look at the token's rights, and run it again",
    )
