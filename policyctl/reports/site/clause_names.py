# SPDX-License-Identifier: Apache-2.0
"""The folder of a clause's history. An id is whatever somebody wrote between ``{#`` and ``}``."""

from __future__ import annotations

import hashlib
import re

_PLAIN = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,78}[a-z0-9])?", re.ASCII)


def folder_of(clause: str) -> str:
    """A name that any disk and any server can hold: the id itself where it is plain, else its digest."""
    if _PLAIN.fullmatch(clause) and not clause.startswith("id-"):
        return clause
    return f"id-{hashlib.sha256(clause.encode()).hexdigest()[:16]}"
