# SPDX-License-Identifier: Apache-2.0
"""Many questions in one body, read at once where nothing in it is out of the ordinary.

Takes less than bodies.py does, never more and never otherwise (a property test holds that): whatever is not
plain to see is left to it, and so is every complaint.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from policyctl.web.bodies import MOST_ROWS, DecisionRequest, Moment, Name, one
from policyctl.web.problems import ProblemError

_MOST_NAME = 200
_OPTIONAL = ("recipient", "policy", "at")


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """As a DecisionRequest, of which the forms are looked at afterwards."""

    subject: str
    category: str
    purpose: str
    recipient: str | None = None
    policy: str | None = None
    at: Moment | None = None


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    requests: list[Question]
    customer: Name | None = None


_DECODER = msgspec.json.Decoder(_Body)


def read_questions(content: bytes) -> tuple[Sequence[Question], str | None] | None:
    """The questions and the customer named beside them; None where bodies.py must look."""
    # An escape may hide anything: a control character, a key that is there already.
    if b"\\" in content or b"\x7f" in content or not content.isascii():
        return None
    try:
        body = _DECODER.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    rows = body.requests
    if not 1 <= len(rows) <= MOST_ROWS or _is_a_key_twice(content, body) or not _are_fit(rows):
        return None
    return rows, body.customer


def _is_a_key_twice(content: bytes, body: _Body) -> bool:
    """True where it may be: a word of ours that is a value counts too."""
    rows = body.requests
    said = {"requests": 1, "customer": int(body.customer is not None)}
    said |= dict.fromkeys(("subject", "category", "purpose"), len(rows))
    for name in _OPTIONAL:
        if content.count(b'"%b"' % name.encode()):
            said[name] = sum(getattr(row, name) is not None for row in rows)
    return any(content.count(b'"%b"' % name.encode()) != times for name, times in said.items())


def _are_fit(rows: Sequence[Question]) -> bool:
    """Whether every name is in its form; of few different words each is looked at once."""
    for row in rows:
        subject = row.subject
        if not 0 < len(subject) <= _MOST_NAME or subject.strip() != subject:
            return False
    words = {(row.category, row.purpose, row.recipient, row.policy) for row in rows}
    try:
        for category, purpose, recipient, policy in words:
            said = {"subject": "x", "category": category, "purpose": purpose}
            one(said | {"recipient": recipient, "policy": policy}, DecisionRequest)
    except ProblemError:
        return False
    return True
