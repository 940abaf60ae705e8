# SPDX-License-Identifier: Apache-2.0
"""Cursors: where the next page of a listing begins, signed, so that only what we gave out comes back.

A cursor holds for a day, for the key's customer and for the question it was given with; all else is 400.
Its time is that of the full hour, so that a page that has not changed stays the same and keeps its ETag.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from policyctl.web.problems import ProblemError

_HOUR, _DAY = 3_600, 86_400
_NOT_QUESTION = ("cursor", "limit")


@dataclass(frozen=True, slots=True)
class Cursors:
    """Writes and reads cursors. ``secret``: the same in every process of the service."""

    secret: bytes

    def write(self, place: Sequence[Any], *, whose: str | None, question: str, now: datetime) -> str:
        """A cursor for the page after ``place``."""
        hour = int(now.timestamp()) // _HOUR * _HOUR
        return self._signer().dumps([hour, whose, question, list(place)])

    def read(self, cursor: str, *, whose: str | None, question: str, now: datetime) -> list[Any]:
        """The place in a cursor. ProblemError where it is none of ours, another's, for something else, or
        too old.
        """
        try:
            given, owner, asked, place = self._signer().loads(cursor)
        except (BadData, ValueError, TypeError) as error:
            raise _unusable("it is not one that was given out") from error
        if (owner, asked) != (whose, question):
            raise _unusable("it was given for another question")
        if int(now.timestamp()) - given >= _DAY:
            raise _unusable("it is more than a day old")
        return list(place)

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.secret,
            salt=b"policyctl.cursor/1",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )


def question_of(path: str, query: Mapping[str, str]) -> str:
    """What a cursor is bound to, besides its customer: everything that is asked but which page."""
    asked = sorted((name, text) for name, text in query.items() if name not in _NOT_QUESTION)
    return sha256(json.dumps([path, asked]).encode()).hexdigest()[:32]


def _unusable(why: str) -> ProblemError:
    return ProblemError("bad-cursor", f"{why}; begin again without a cursor")
