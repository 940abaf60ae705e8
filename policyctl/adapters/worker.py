# SPDX-License-Identifier: Apache-2.0
"""Who is at work: a name for this process, and whether the process of a name may still be running."""

from __future__ import annotations

import os
import secrets
import socket


def worker_name() -> str:
    """A name that no other run has: host, process, and something drawn by lot."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def may_be_running(name: str) -> bool:
    """False only where it is certain that nobody of that name is at work any more."""
    host, _, rest = name.partition("/")
    pid = rest.partition("/")[0]
    if not name or not pid.isdecimal():
        return False
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
