# SPDX-License-Identifier: Apache-2.0
"""API keys of the service: what one may do, for whom, and how it is told from a guess.

A key reads ``pck_<id>_<secret>``. Only the SHA-256 of the whole is kept: the secret is 256 random bits,
so nothing slower is needed to keep it from being found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

_TOKEN = re.compile(r"pck_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)


class Scope(StrEnum):
    """What a key may do. ``admin`` may do all of it, and read the service's own figures."""

    TAG = "tag"
    DECIDE = "decide"
    CHOOSE = "choose"
    READ = "read"
    ERASE = "erase"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept. ``customer``: the one whose subjects it reaches, None for all of the ledger.
    ``name``: what people call it. A key that was revoked stays in the file and opens nothing.
    """

    id: str
    name: str
    digest: str
    scopes: frozenset[Scope]
    customer: str | None
    made_at: datetime
    revoked_at: datetime | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether it may do that."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


def key_id(token: str) -> str | None:
    """The id in a key as the caller sends it; None for what is no key."""
    found = _TOKEN.fullmatch(token)
    return found[1] if found else None


def digest_of(token: str) -> str:
    """What is kept of a key."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def opens(key: ApiKey | None, token: str) -> bool:
    """Whether ``token`` is this key, and still good; takes as long for a wrong one as for a right one."""
    same = compare_digest(digest_of(token), key.digest if key else "0" * 64)
    return same and key is not None and key.revoked_at is None
