# SPDX-License-Identifier: Apache-2.0
"""What may be in a body: strict JSON into values that say exactly what they take.

1. UTF-8, no key twice, no NaN, not nested deeper than the parser goes: else 400.
2. No field that is not known, no control character, no blank at the ends of a name: else 422 with a pointer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from policyctl.web.problems import Fault, ProblemError

MOST_ROWS = 1_000
MOST_BYTES = 1_000_000

_ESCAPED = re.compile(r"\\[bfnrtu]|[\x7f-\x9f\u2028\u2029]")
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WHERE = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class DecisionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """May data of ``category`` about ``subject`` be used for ``purpose``? ``recipient``: who would get it
    (absent: nobody outside); ``at``: asked as of then (absent: now).
    """

    subject: Name
    category: Name
    purpose: Name
    recipient: Name | None = None
    policy: Slug | None = None
    at: Moment | None = None


class TagRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One piece of data: ``record`` is your own key of it, ``collected_at`` (absent: now) when it came.
    ``version`` is needed only for old data, and then ``provenance`` says how it is known.
    """

    subject: Name
    category: Name
    record: Name
    collected_at: Moment | None = None
    policy: Slug | None = None
    version: (
        Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9-]{0,62}@)?v?[1-9][0-9]{0,8}$")] | None
    ) = None
    provenance: Annotated[str, msgspec.Meta(max_length=200)] = ""


class EndRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A piece of data that was deleted at ``ended_at`` (absent: now), named as it was tagged."""

    subject: Name
    category: Name
    record: Name
    ended_at: Moment | None = None


class ChoiceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An answer to one change. ``scope`` customer: the organisation's own, which binds all its people where
    it refuses; no subject is named then.
    """

    change: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    answer: Literal["consent", "refuse", "withdraw"]
    scope: Literal["subject", "customer"] = "subject"
    subject: Name | None = None
    customer: Name | None = None
    at: Moment | None = None


class AcceptanceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A subject accepts a version, and is known from then on."""

    subject: Name
    version: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}@v[1-9][0-9]{0,8}$")]
    customer: Name | None = None
    at: Moment | None = None


class ErasureRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person to be erased, by your own id. It cannot be undone."""

    subject: Name
    customer: Name | None = None


class Paged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``limit``: how many rows at most; ``cursor``: the `next` of the page before."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)] = 100
    cursor: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)] | None = None


class VersionsQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which versions; absent: of all policies."""

    policy: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class TagsQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose tags."""

    subject: Name
    customer: Name | None = None


class ChoicesQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose answers; without a subject those of the customer itself."""

    subject: Name | None = None
    customer: Name | None = None


class ReceiptsQuery(Paged, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose receipts."""

    customer: Name | None = None


class StatsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose part of the ledger."""

    customer: Name | None = None


Row = TypeVar("Row", bound=msgspec.Struct)


def parse(content: bytes) -> dict[str, Any]:
    """The object in a body. ProblemError where it is not strict JSON, or not an object."""
    try:
        text = content.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise ProblemError("not-json", f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise ProblemError("not-json", "nested too deeply") from error
    except ValueError as error:
        raise ProblemError("not-json", _told(error)) from error
    if not isinstance(value, dict):
        raise ProblemError(
            "invalid-request", "the body must be an object", [Fault(pointer="", detail="no object")]
        )
    if _ESCAPED.search(text) and (faults := list(_unfit(value, ""))):
        raise ProblemError("invalid-request", "a text has a control character", faults[:100])
    return value


class _NotStrictError(ValueError):
    """Said of the body without repeating what is in it."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotStrictError("an object has one key twice")
    return found


def _constant(word: str) -> Any:
    raise _NotStrictError(f"{word} is no JSON number")


def _told(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return str(error) if isinstance(error, _NotStrictError) else "a number has too many digits"


def _unfit(value: Any, pointer: str) -> Iterator[Fault]:
    if isinstance(value, str) and (found := _UNFIT.search(value)):
        detail = f"there is a control character or half a letter, U+{ord(found[0]):04X}"
        yield Fault(pointer=pointer, detail=detail, hint="remove it")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _unfit(each, f"{pointer}/{place}")
    elif isinstance(value, dict):
        for key, each in value.items():
            if _UNFIT.search(key):
                yield Fault(pointer=pointer, detail="a key has a control character", hint="remove it")
            else:
                yield from _unfit(each, f"{pointer}/{key}")


def one(raw: dict[str, Any], kind: type[Row], pointer: str = "") -> Row:
    """The value as one of our rows. ProblemError with a pointer where it is none."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        found = _WHERE.fullmatch(str(error))
        said, path = (found[1], found[2]) if found else (str(error), "")
        said, hint = _not_repeated(said, kind)
        where = pointer + path.replace(".", "/").replace("[...]", "")
        raise ProblemError("invalid-request", said, [Fault(pointer=where, detail=said, hint=hint)]) from error


def _not_repeated(said: str, kind: type[msgspec.Struct]) -> tuple[str, str]:
    """What the library says, without a name or value that it quotes out of the request; and a mend."""
    if said.startswith("Object contains unknown field"):
        names = sorted(kind.__struct_fields__)
        return "a field is not known here", f"the fields are {', '.join(names)}"
    if said.startswith("Invalid enum value"):
        return "the value is none of those that there are", "the OpenAPI document lists them"
    return said, ""


def query_of(query: Mapping[str, str], kind: type[Row]) -> Row:
    """The parameters of a request as one of our kinds. ProblemError where they are none."""
    raw: dict[str, Any] = dict(query)
    if faults := list(_unfit(raw, "")):
        raise ProblemError("invalid-request", "a parameter has a control character", faults[:100])
    if re.fullmatch(r"[0-9]{1,9}", raw.get("limit", ""), re.ASCII):
        raw["limit"] = int(raw["limit"])
    return one(raw, kind)


def rows_of(raw: dict[str, Any], plural: str, kind: type[Row]) -> tuple[list[Row], str | None]:
    """One row, or a list of them under ``plural``; and the customer that is named beside them."""
    rest = dict(raw)
    customer = one({"name": rest.pop("customer", None)}, _Customer).name
    if plural not in rest:
        return [one(rest, kind)], customer
    rows = rest.pop(plural)
    if rest or not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS:
        detail = f"a list of 1 to {MOST_ROWS} objects, and beside it only `customer`"
        raise ProblemError("invalid-request", detail, [Fault(pointer=f"/{plural}", detail=detail)])
    return [one(row, kind, f"/{plural}/{place}") for place, row in enumerate(rows)], customer


class _Customer(msgspec.Struct, frozen=True):
    name: Name | None = None


def moment(at: datetime | None, now: datetime) -> datetime:
    """A time of a body in UTC; absent: now."""
    if at is None:
        return now
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ProblemError("invalid-request", "a time is beyond the calendar") from error
