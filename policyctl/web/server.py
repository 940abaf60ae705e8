# SPDX-License-Identifier: Apache-2.0
"""Listens, serves, and stops when told: SIGTERM lets the requests that are running come to their end."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from policyctl.actions.recording.keys import keys_astray
from policyctl.errors import PolicyctlError, UsageError
from policyctl.web import log
from policyctl.web.answers import Pages
from policyctl.web.app import make_app
from policyctl.web.site import SitePages

if TYPE_CHECKING:
    from policyctl.adapters.key_file import KeyFile
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.mail.sendgrid_events import SendGridWebhook

_GRACE_SECONDS = 10
_MOST_CONNECTIONS = 1_000


def serve(
    ledger: Ledger,
    keys: KeyFile,
    *,
    host: str,
    port: int,
    pages: Pages | None = None,
    webhook: SendGridWebhook | None = None,
    site: SitePages | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. ``port`` 0: any free one; the log tells which."""
    listener = _listen(host, port)
    log.take_over()
    _tell_of_keys_astray(ledger, keys)
    config = uvicorn.Config(
        make_app(ledger, keys, pages=pages, webhook=webhook, site=site),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # The server raises the signal again once it has stopped; by then there is nothing left to do.
    signal.signal(signal.SIGTERM, lambda *_: None)
    url_host = f"[{host}]" if ":" in host else host
    log.write("listening", url=f"http://{url_host}:{listener.getsockname()[1]}")
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
    log.write("stopped")


def _tell_of_keys_astray(ledger: Ledger, keys: KeyFile) -> None:
    """Once, at the start, and not by the customer's name: the log names nobody."""
    with suppress(PolicyctlError):  # what is wrong with either is told when a request meets it
        for number in keys_astray(keys, ledger):
            log.write("keys", key=number, message="its customer is not known: it opens nothing")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "no such port"
        raise UsageError(
            f"{host}, port {port}: {why}", hint="name an address of this machine and a free port"
        ) from error
    # Connections inherit it. Else the second half of an answer waits 40 ms for the first to be confirmed.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
