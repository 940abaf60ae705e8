# SPDX-License-Identifier: Apache-2.0
"""What went wrong, as ``application/problem+json`` (RFC 9457). The names of ``type`` are an interface."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from policyctl.errors import (
    BusyError,
    InputErrors,
    IntegrityError,
    OtherContentError,
    PolicyctlError,
    RefusedError,
    UnreachableError,
)

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:policyctl:problem:"
# name -> (status, title)
PROBLEMS = {
    "not-json": (400, "The body is not strict JSON"),
    "bad-header": (400, "A header cannot be read"),
    "bad-cursor": (400, "The cursor cannot be used"),
    "no-key": (401, "A valid API key is needed"),
    "not-signed": (403, "The signature does not hold"),
    "not-allowed": (403, "The API key may not do this"),
    "not-found": (404, "There is nothing at this path"),
    "method-not-allowed": (405, "This path has no such method"),
    "conflict": (409, "The state of the ledger forbids it"),
    "request-running": (409, "A request with this Idempotency-Key is running"),
    "body-too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body must be application/json"),
    "invalid-request": (422, "The request cannot be meant"),
    "key-reused": (422, "This Idempotency-Key came with another request before"),
    "internal": (500, "A bug of the service"),
    "unavailable": (503, "The ledger cannot be asked just now"),
    "no-webhook-key": (503, "There is no key to check a signature with"),
}
_QUOTED = re.compile(r"""\ ?(?<![a-z])('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?![a-z])""")
RETRY_AFTER = {"unavailable": "2", "request-running": "1"}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One complaint: where in the body (a JSON pointer), what is wrong, and the mend."""

    pointer: str
    detail: str
    hint: str = ""


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem as it is sent."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. ``answers``: decisions in it, and ``reports`` of mails taken, for the counters."""

    status: int
    content: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    reports: Mapping[str, int] = field(default_factory=dict)


class ProblemError(Exception):
    """Raised to answer with a problem. ``name`` is one of PROBLEMS, ``scheme`` how a key is to be sent."""

    def __init__(
        self, name: str, detail: str, faults: Sequence[Fault] = (), *, scheme: str = "Bearer"
    ) -> None:
        super().__init__(name)
        self.scheme = scheme
        self.name, self.detail, self.faults = name, detail, tuple(faults)

    def answer(self) -> Answer:
        """The problem as an answer."""
        status, title = PROBLEMS[self.name]
        body = ProblemBody(
            type=_PREFIX + self.name, title=title, status=status, detail=self.detail, errors=self.faults
        )
        headers = {}
        if self.name in RETRY_AFTER:
            headers["Retry-After"] = RETRY_AFTER[self.name]
        if self.name == "no-key":
            headers["WWW-Authenticate"] = f'{self.scheme} realm="policyctl"'
        return Answer(status, msgspec.json.encode(body), MEDIA_TYPE, headers)


def problem_of(error: PolicyctlError, *, rows: str = "") -> ProblemError:
    """An error of ours as a problem. ``rows``: the pointer to the list that the error's lines count."""
    if isinstance(error, UnreachableError | BusyError | IntegrityError):
        # What the database said stays here; a caller learns that there is no answer, which is no yes.
        return ProblemError("unavailable", "the ledger cannot be asked or written to; try again later")
    faults = [_fault(one, rows) for one in _each(error)]
    if isinstance(error, OtherContentError):
        return ProblemError("key-reused", "use a new key for another request")
    if isinstance(error, RefusedError):
        return ProblemError("conflict", _unquoted(error.message), faults)
    if error.exit_code in {2, 3}:
        return ProblemError("invalid-request", f"{len(faults)} complaint(s); nothing was done", faults)
    return ProblemError("internal", "the service has met a bug of its own")


def _each(error: PolicyctlError) -> Iterator[PolicyctlError]:
    if isinstance(error, InputErrors):
        for inner in error.errors:
            yield from _each(inner)
    else:
        yield error


def _fault(error: PolicyctlError, rows: str) -> Fault:
    place = error.place
    line = f"{rows}/{(place.line or 1) - 1}" if place and rows else ""
    key = f"/{place.key}" if place and place.key else ""
    return Fault(pointer=line + key, detail=_unquoted(error.message), hint=error.hint)


def _unquoted(message: str) -> str:
    """Without the values that it quotes, as ``repr`` does: the pointer says where they stand, and answers are
    kept in logs where nobody's address is to be.
    """
    return _QUOTED.sub("", message).strip()
