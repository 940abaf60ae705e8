# SPDX-License-Identifier: Apache-2.0
"""One HTTP exchange with a host that is not ours.

1. Only https, with the certificate checked; plain http to this machine alone, for trying.
2. The name is looked up once, every address it has must be a public one (or one of a network of your own,
   where that is said), and the connection goes to an address that was looked at: a name that answers
   differently the second time leads nowhere else.
3. No redirect is followed: what answers with one has not answered.
4. No exchange takes longer than its deadline, however slowly the other side drips; no answer is read further
   than a limit.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from urllib.parse import SplitResult, urlsplit

from policyctl.errors import CannotCompareError, UsageError

TIMEOUT = 10.0  # seconds, for each step
DEADLINE = 20.0  # seconds, for all of it
MOST = 64_000  # bytes of an answer


class NoReplyError(CannotCompareError):
    """Nothing came back that is an answer. The message names no more than host and reason."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``timeout`` and ``deadline`` in seconds, ``most`` bytes. ``internal``: addresses that are not public
    may be asked.
    """

    timeout: float = TIMEOUT
    deadline: float = DEADLINE
    most: int = MOST
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: ``headers`` by lower-case name; ``whole`` False where the body goes on."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool


def exchange(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", limits: Limits | None = None
) -> Reply:
    """Send one request. NoReplyError where no answer comes; UsageError for an address that will not do."""
    limits = limits or Limits()
    parts = urlsplit(url)
    addresses = _addresses(parts, limits)
    try:
        return _exchange(method, parts, addresses, dict(headers), body, limits)
    except TimeoutError as error:
        raise NoReplyError(f"{parts.hostname}: no answer in time") from error
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "no secure connection"
        raise NoReplyError(f"{parts.hostname}: {reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise NoReplyError(f"{parts.hostname}: {reason}") from error


def _exchange(
    method: str,
    parts: SplitResult,
    addresses: list[str],
    headers: dict[str, str],
    body: bytes,
    limits: Limits,
) -> Reply:
    connection = _Connection(parts, addresses, limits.timeout)
    cut = Timer(limits.deadline, connection.cut)
    cut.daemon = True
    cut.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body or None, {**headers, "Connection": "close"})
        answer = connection.getresponse()
        read = answer.read(limits.most + 1)
        if connection.was_cut:
            raise TimeoutError
        known = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, known, read[: limits.most], len(read) <= limits.most)
    except (OSError, http.client.HTTPException, ValueError):
        if connection.was_cut:
            raise TimeoutError from None
        raise
    finally:
        cut.cancel()
        connection.close()


class _Connection(http.client.HTTPConnection):
    """To an address that was looked at, under the name it was asked for."""

    def __init__(self, parts: SplitResult, addresses: list[str], timeout: float) -> None:
        self._secure = parts.scheme == "https"
        super().__init__(parts.hostname or "", _port(parts), timeout=timeout)
        self._addresses = addresses
        self._name = parts.hostname or ""
        self._live: socket.socket | None = None
        self.was_cut = False
        if self._secure:
            self.default_port = 443  # so that the Host header names no port

    def connect(self) -> None:
        """To the first address that takes it."""
        self._live = self.sock = self._first()
        if self._secure:
            context = ssl.create_default_context()
            secure = context.wrap_socket(self.sock, server_hostname=self._name, do_handshake_on_connect=False)
            self._live = self.sock = secure
            secure.do_handshake()

    def _first(self) -> socket.socket:
        error: OSError | None = None
        for address in self._addresses:
            try:
                return socket.create_connection((address, self.port), self.timeout)
            except OSError as failed:
                error = failed
        raise error or OSError("no address")

    def cut(self) -> None:
        """End it from another thread: whoever waits for a byte wakes up."""
        self.was_cut = True
        with suppress(OSError):
            if self._live is not None:  # not `sock`, which an answer takes away
                self._live.shutdown(socket.SHUT_RDWR)


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _addresses(parts: SplitResult, limits: Limits) -> list[str]:
    """The addresses of the host, each fit to be asked (1, 2)."""
    host = parts.hostname or ""
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None:
        raise UsageError("an address must begin with https://", hint="write the whole address")
    try:
        found = socket.getaddrinfo(host, _port(parts), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as error:
        raise NoReplyError(f"{host}: the name leads nowhere") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    looked_at = [ipaddress.ip_address(address.partition("%")[0]) for address in addresses]
    here = all(each.is_loopback for each in looked_at)
    if parts.scheme == "http" and not here:
        raise UsageError(f"{host}: plain http is for this machine only", hint="use https://")
    if not here and not limits.internal and not all(_is_public(each) for each in looked_at):
        raise UsageError(
            f"{host} is an address of an internal network", hint="write internal = true if that is meant"
        )
    if here and host not in {"localhost", "127.0.0.1", "::1"}:
        raise UsageError(f"{host} leads to this machine", hint="name a host of the internet")
    return addresses


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inside = getattr(address, "ipv4_mapped", None)
    return (inside or address).is_global and not address.is_multicast
