# SPDX-License-Identifier: Apache-2.0
"""What is at an address now, to be held against what was posted there."""

from __future__ import annotations

import hashlib

from policyctl import __version__
from policyctl.adapters.posting.wire import Limits, NoReplyError, exchange

_OK = 200
_LARGEST = 10_000_000


def fetch_digest(url: str, *, internal: bool = False) -> str:
    """The SHA-256 of the page in hex. NoReplyError where it cannot be had whole."""
    limits = Limits(most=_LARGEST, deadline=30, internal=internal)
    reply = exchange("GET", url, headers={"User-Agent": f"policyctl/{__version__}"}, limits=limits)
    if reply.status != _OK:
        raise NoReplyError(f"{url} answers {reply.status}")
    if not reply.whole:
        raise NoReplyError(f"{url} is larger than {_LARGEST:,} bytes")
    return hashlib.sha256(reply.body).hexdigest()
