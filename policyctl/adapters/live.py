# SPDX-License-Identifier: Apache-2.0
"""Gets a posted page, as any reader would.

A page is given whole or not at all: within ``SECONDS``, up to ``LARGEST`` bytes. A redirect is followed
on the same host only: another host's page is not the one that was asked for. No cookie, key or
proxy of the environment is used.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from policyctl.errors import CannotCompareError, UsageError

SECONDS = 20.0
LARGEST = 20_000_000
_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Page:
    """What an address gave."""

    status: int
    body: bytes


def fetch(url: str, *, seconds: float = SECONDS) -> Page:
    """The page at ``url``, of whatever status. UsageError for what is no web address, CannotCompareError
    where nothing came in time, too much, or a redirect leads elsewhere.
    """
    _require_web(url)
    end = time.monotonic() + seconds
    try:
        with httpx.Client(
            timeout=seconds / 2, follow_redirects=False, trust_env=False, headers={"User-Agent": "policyctl"}
        ) as client:
            for _ in range(_REDIRECTS):
                found, onwards = _once(client, url, end)
                if onwards is None:
                    return found
                url = onwards
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = str(error) or type(error).__name__
        raise CannotCompareError(f"{url} cannot be read: {why}", hint="look whether it is up") from error
    raise CannotCompareError(f"{url} is redirected without end", hint="name the address it leads to")


def _require_web(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        fits = False
    if not fits:
        raise UsageError("that is no address of a web page", hint='write "https://example.com/privacy"')


def _once(client: httpx.Client, url: str, end: float) -> tuple[Page, str | None]:
    """One answer, and where it leads on the same host."""
    with client.stream("GET", url) as answer:
        if answer.is_redirect:
            target = answer.url.join(answer.headers["location"])
            if target.host != answer.url.host or (answer.url.scheme, target.scheme) == ("https", "http"):
                raise CannotCompareError(
                    f"{url} leads to another place, {target.scheme}://{target.host}",
                    hint="name that one, if it is yours",
                )
            return Page(answer.status_code, b""), str(target)
        return Page(answer.status_code, _body(answer, url, end)), None


def _body(answer: httpx.Response, url: str, end: float) -> bytes:
    found = bytearray()
    for part in answer.iter_bytes():
        found += part
        if len(found) > LARGEST:
            raise CannotCompareError(f"{url} gives more than a page can be", hint="look at it")
        if time.monotonic() > end:
            raise CannotCompareError(f"{url} takes too long", hint="look whether it is up")
    return bytes(found)
