# SPDX-License-Identifier: Apache-2.0
"""API keys of the service: made, listed, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from policyctl.core.access import ApiKey, Scope, digest_of, key_id, opens
from policyctl.core.suggest import did_you_mean
from policyctl.errors import CannotCompareError, UsageError

if TYPE_CHECKING:
    from policyctl.adapters.key_file import KeyFile
    from policyctl.adapters.ledger import Ledger

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class NewKey:
    """``token`` is what the caller sends; it is nowhere else, and cannot be shown again."""

    key: ApiKey
    token: str


def new_key(
    name: str,
    scopes: Iterable[str],
    customer: str | None,
    *,
    now: datetime,
    keys: KeyFile,
    ledger: Ledger | None = None,
) -> NewKey:
    """Make a key and keep its digest. ``customer``: it reaches this one's subjects only. ``ledger``: the
    customer must be known to it, else CannotCompareError, and no key is made.
    """
    chosen = frozenset(_scope(word) for word in scopes)
    if not chosen:
        raise UsageError("a key without a scope opens nothing", hint=f"name some: {', '.join(Scope)}")
    for what, text in (("name", name), ("customer", customer)):
        if text is not None and not (text.strip() and text.isprintable() and len(text) <= _LONGEST):
            raise UsageError(f"this {what} cannot be", hint=f"write 1 to {_LONGEST} printable characters")
    if customer is not None and ledger is not None and ledger.unknown_customers([customer]):
        raise CannotCompareError(
            f"customer {customer!r} is not known", hint="look at the spelling, or import the customers first"
        )
    number = secrets.token_hex(6)
    token = f"pck_{number}_{secrets.token_urlsafe(32)}"
    key = ApiKey(number, name, digest_of(token), chosen, customer, now)
    with keys.changing() as known:
        known[number] = key
    return NewKey(key, token)


def revoke_key(number: str, *, now: datetime, keys: KeyFile) -> bool:
    """Make a key good for nothing, at once; False when it was so before."""
    with keys.changing() as known:
        if number not in known:
            raise CannotCompareError(f"there is no key {number!r}", hint="`policyctl keys list` shows them")
        if known[number].revoked_at is not None:
            return False
        known[number] = replace(known[number], revoked_at=now)
    return True


def keys_astray(keys: KeyFile, ledger: Ledger) -> tuple[str, ...]:
    """The ids of keys in force that open nothing, because the ledger does not know their customer."""
    theirs = {key.id: key.customer for key in keys.all().values() if key.customer and not key.revoked_at}
    unknown = ledger.unknown_customers(set(theirs.values()))
    return tuple(sorted(number for number, customer in theirs.items() if customer in unknown))


def find_key(token: str, *, keys: KeyFile) -> ApiKey | None:
    """The key that a caller sends; None for what is none, or none any more."""
    found = keys.all().get(key_id(token) or "")
    return found if opens(found, token) else None


def _scope(word: str) -> Scope:
    if word not in set(Scope):
        raise UsageError(f"{word!r} is no scope", hint=did_you_mean(word, tuple(Scope), ", ".join(Scope)))
    return Scope(word)
