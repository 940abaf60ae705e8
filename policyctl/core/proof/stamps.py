# SPDX-License-Identifier: Apache-2.0
"""The time stamp in the message of a version ref: a line ``Timestamp:`` at its end, the authority's reply in
base64. What is stamped is the message without that line, so the hashes, the decision and the head in it
were there at the time; the signature covers both.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

_LINE = re.compile(r"^Timestamp: (?P<reply>[A-Za-z0-9+/=]+)\n", re.MULTILINE)


class Stamped(StrEnum):
    """What was found of a time stamp. ``other``: it is of another message, or none at all."""

    GOOD = "good"
    NONE = "unstamped"
    UNCHECKED = "unchecked"
    STRANGER = "stranger"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp: the moment it names, aware UTC."""

    state: Stamped
    at: datetime | None = None


def digest_of(message: str) -> bytes:
    """What is stamped of a message: the SHA-256 of all but the stamp."""
    return sha256(_LINE.sub("", message).encode()).digest()


def with_stamp(message: str, reply: bytes) -> str:
    """The message with a stamp at its end."""
    return f"{message}Timestamp: {base64.b64encode(reply).decode()}\n"


def stamp_of(message: str) -> bytes | None:
    """The authority's reply in a message; None where there is none. Empty for what is no base64."""
    found = _LINE.search(message)
    if found is None:
        return None
    try:
        return base64.b64decode(found["reply"], validate=True)
    except binascii.Error:
        return b""
