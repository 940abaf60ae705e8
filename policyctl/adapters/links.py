# SPDX-License-Identifier: Apache-2.0
"""Signed links, by itsdangerous: ``<url>/<purpose>/<nid>.<moment>.<signature>``.

1. A link holds the id of one notice to one addressee, which is a keyed hash, and when its mail was
   written. Nothing else: no name, no address, no answer can be read from it.
2. The signature is HMAC-SHA256 over both; its key is derived from one of ours and the purpose, so a
   link that stops reminders opens no page of answers.
3. What was not signed by us, byte for byte, is nothing, and is found out without asking the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from itsdangerous import BadSignature, TimestampSigner

from policyctl.core.links import LinkKey, LinkPurpose, LinkState, ReadLink, in_force
from policyctl.errors import UsageError

# The last letter of a signature carries two bits of nothing: only the form that we write is ours.
_TOKEN = re.compile(
    r"[A-Za-z0-9_-]{1,128}\.[A-Za-z0-9_-]{1,12}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII
)
_MAKERS = 16  # kept: a run writes all its mails as of one moment
_NO_KEY = "run `policyctl links rotate`, which makes the first one"


class _Signer(TimestampSigner):
    """Signs as of a moment that is handed in, not as of a clock of its own."""

    def __init__(self, keys: Sequence[LinkKey], purpose: LinkPurpose, at: datetime | None = None) -> None:
        secrets = [key.secret for key in keys]
        salt = f"policyctl.link.{purpose}/1".encode()
        super().__init__(secrets, salt=salt, key_derivation="hmac", digest_method=sha256)
        self._at = at
        self._derived: dict[str | bytes | None, bytes] = {}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """The key for this purpose; derived once, as a run signs a million links."""
        if secret_key not in self._derived:
            self._derived[secret_key] = super().derive_key(secret_key)
        return self._derived[secret_key]

    def get_timestamp(self) -> int:
        """Whole seconds since 1970."""
        if self._at is None:
            raise ValueError("this signer only reads")
        return int(self._at.timestamp())


class Links:
    """The links of a service at ``url``. ``keys`` reads the file of keys, which may change while we run."""

    def __init__(self, url: str, keys: Callable[[], Sequence[LinkKey]], *, days: int) -> None:
        self.url = url
        self._keys = keys
        self._longest = timedelta(days=days)
        self._makers: dict[tuple[LinkPurpose, datetime, str], Callable[[str], str]] = {}

    def require_key(self) -> None:
        """UsageError where there is no key to sign with."""
        if not in_force(self._keys()):
            raise UsageError("there is no key to sign links with", hint=_NO_KEY)

    def make(self, purpose: LinkPurpose, nid: str, at: datetime) -> str:
        """The link for a mail written at ``at``. UsageError where there is no key."""
        return self.maker(purpose, at)(nid)

    def maker(self, purpose: LinkPurpose, at: datetime) -> Callable[[str], str]:
        """What makes the links of many mails written at ``at``, with the key that signs now."""
        keys = in_force(self._keys())
        if not keys:
            raise UsageError("there is no key to sign links with", hint=_NO_KEY)
        kept = (purpose, at, keys[-1].id)
        if kept not in self._makers:
            if len(self._makers) >= _MAKERS:
                self._makers.clear()
            signer, head = _Signer(keys[-1:], purpose, at), f"{self.url}/{purpose}/"
            self._makers[kept] = lambda nid: head + signer.sign(nid).decode()
        return self._makers[kept]

    def read(self, purpose: LinkPurpose, token: str, now: datetime) -> ReadLink | None:
        """What the last part of a link names; None for what we did not sign for this purpose."""
        if not _TOKEN.fullmatch(token):
            return None
        keys = self._keys()
        good = in_force(keys)
        if found := _unsigned(good, purpose, token):
            nid, at = found
            state = LinkState.EXPIRED if now - at > self._longest else LinkState.GOOD
            return ReadLink(nid, at, state)
        if found := _unsigned([key for key in keys if key.retired_at], purpose, token):
            return ReadLink(*found, LinkState.RETIRED)
        return None


def _unsigned(keys: Sequence[LinkKey], purpose: LinkPurpose, token: str) -> tuple[str, datetime] | None:
    if not keys:
        return None
    try:
        nid, at = _Signer(keys, purpose).unsign(token, return_timestamp=True)
    except BadSignature:
        return None
    return nid.decode("ascii", "replace"), at
