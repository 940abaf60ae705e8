# SPDX-License-Identifier: Apache-2.0
"""The endpoints: each reads its body, calls an action of the command line's, and says what came of it.

1. A key of a customer reaches that customer's subjects and nothing else. A key without one reaches the
   whole ledger, and may name a customer where an id is several customers' own.
2. Rows that come together enter together, or none does.
3. With an ``Idempotency-Key`` a write is done once, whatever happens to process or network: the ledger
   keeps its receipt in the transaction that did it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from policyctl.actions.custody.erase import erase
from policyctl.actions.deciding.decide import decide_uses
from policyctl.actions.recording import record
from policyctl.actions.recording.ending import Deleted, end_tags
from policyctl.actions.recording.tagging import NewTag, add_tags
from policyctl.core.access import ApiKey
from policyctl.core.records import ClientBatch, split_change
from policyctl.core.use.decision import Decision, UseRequest
from policyctl.errors import PolicyctlError, UsageError
from policyctl.web.bodies import (
    AcceptanceRequest,
    ChoiceRequest,
    DecisionRequest,
    EndRequest,
    ErasureRequest,
    TagRequest,
    moment,
    one,
    parse,
    rows_of,
)
from policyctl.web.decided import decision_bytes
from policyctl.web.problems import Answer, Fault, ProblemError, problem_of
from policyctl.web.quick import Question, read_questions

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.web.counts import Counts
    from policyctl.web.cursors import Cursors

_CREATED, _OK, _ACCEPTED = 201, 200, 202


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who asks, what came with it, and when."""

    ledger: Ledger
    key: ApiKey
    now: datetime
    body: bytes
    query: Mapping[str, str]
    counts: Counts
    cursors: Callable[[], Cursors]
    idempotency_key: str | None = None
    if_none_match: str = ""


class Written(msgspec.Struct, frozen=True):
    """What a write did: rows added, and rows that were there already and changed nothing."""

    added: int
    repeated: int


def decisions(call: Call) -> Answer:
    """May this be used? One question or up to 1,000; undecided is to be treated as no."""
    rows, customer, many = _questions(call.body)
    whose = customer_of(call.key, customer)
    requests = [
        UseRequest(
            row.subject, row.category, row.purpose, moment(row.at, call.now), row.recipient, row.policy, whose
        )
        for row in rows
    ]
    found: list[Decision] = []
    try:
        found.extend(decide_uses(requests, ledger=call.ledger))
    except UsageError as error:
        # Answers come in order, so it is the next one that cannot be given.
        pointer = f"/requests/{len(found)}" if many else ""
        fault = Fault(pointer=pointer, detail=error.message, hint=error.hint)
        raise ProblemError("invalid-request", error.message, [fault]) from error
    whole = call.key.customer is None
    said = [decision_bytes(*each, whole=whole) for each in zip(requests, found, strict=True)]
    answers = tuple(decision.finding.answer for decision in found)
    return Answer(_OK, b'{"decisions":[%b]}' % b",".join(said) if many else said[0], answers=answers)


def _questions(body: bytes) -> tuple[Sequence[DecisionRequest | Question], str | None, bool]:
    """The questions, the customer named beside them, and whether they are a list."""
    if quick := read_questions(body):
        return *quick, True
    raw = parse(body)
    return *rows_of(raw, "requests", DecisionRequest), "requests" in raw


def tags(call: Call) -> Answer:
    """Tag one piece of data or up to 1,000, all or none."""
    raw = parse(call.body)
    rows, customer = rows_of(raw, "tags", TagRequest)
    new = [
        NewTag(
            row.subject,
            row.category,
            row.record,
            moment(row.collected_at, call.now),
            row.version,
            row.policy,
            row.provenance,
        )
        for row in rows
    ]
    try:
        done = add_tags(
            new,
            now=call.now,
            ledger=call.ledger,
            customer=customer_of(call.key, customer),
            batch=_batch(call, "/v1/tags"),
        )
    except PolicyctlError as error:
        raise problem_of(error, rows="/tags" if "tags" in raw else "") from error
    return _written(done.added, done.repeated)


def ends(call: Call) -> Answer:
    """Say that one piece of data or up to 1,000 were deleted, all or none: their tags count no more."""
    raw = parse(call.body)
    rows, customer = rows_of(raw, "ends", EndRequest)
    deleted = [Deleted(row.subject, row.category, row.record, moment(row.ended_at, call.now)) for row in rows]
    try:
        done = end_tags(
            deleted,
            now=call.now,
            ledger=call.ledger,
            customer=customer_of(call.key, customer),
            batch=_batch(call, "/v1/tags/ends"),
        )
    except PolicyctlError as error:
        raise problem_of(error, rows="/ends" if "ends" in raw else "") from error
    return _written(done.added, done.repeated)


def choices(call: Call) -> Answer:
    """Record an answer of a subject or a customer to one change."""
    row = one(parse(call.body), ChoiceRequest)
    whose = customer_of(call.key, row.customer)
    if (row.scope == "subject") != (row.subject is not None):
        raise ProblemError("invalid-request", "a subject is named exactly where the scope is `subject`")
    if row.scope == "customer" and whose is None:
        raise ProblemError("invalid-request", "the scope is `customer`, and none is named")
    added = record.choose(
        row.change,
        row.answer,
        at=moment(row.at, call.now),
        now=call.now,
        ledger=call.ledger,
        subject=row.subject,
        customer=whose if row.scope == "customer" else None,
        within=whose,
        batch=_batch(call, "/v1/choices"),
    )
    return _written(int(added), int(not added))


def acceptances(call: Call) -> Answer:
    """Record that a subject accepts a version."""
    row = one(parse(call.body), AcceptanceRequest)
    named = split_change(f"{row.version}#x")
    if named is None:
        raise ProblemError("invalid-request", "`version` is written like example-fax@v3")
    whose = customer_of(call.key, row.customer)
    added = record.accept(
        row.subject,
        named[0],
        at=moment(row.at, call.now),
        now=call.now,
        ledger=call.ledger,
        within=whose,
        batch=_batch(call, "/v1/acceptances"),
    )
    return _written(int(added), int(not added))


class Erased(msgspec.Struct, frozen=True):
    """What an erasure did. ``erased`` false: nobody is known by this id, erased before or never recorded.
    Notices that were still owed are ``withheld``; those ``under_way`` may arrive.
    """

    erased: bool
    addresses: int
    records: int
    withheld: int
    under_way: int


def erasures(call: Call) -> Answer:
    """Erase a person: the key of the pseudonym, addresses, names of records. Sent again, nobody is found."""
    row = one(parse(call.body), ErasureRequest)
    whose = customer_of(call.key, row.customer)
    done, scrub = erase(row.subject, now=call.now, ledger=call.ledger, customer=whose)
    said = Erased(done.known, done.addresses, done.names, done.withheld, done.under_way)
    return Answer(_ACCEPTED if scrub.waits else _OK, msgspec.json.encode(said))


def customer_of(key: ApiKey, named: str | None) -> str | None:
    """Whose subjects are meant. Another customer's are out of reach, whether there is such a one or not."""
    if key.customer is None or named in {None, key.customer}:
        return key.customer or named
    raise ProblemError("not-allowed", "this key is for another customer")


def _batch(call: Call, path: str) -> ClientBatch | None:
    if call.idempotency_key is None:
        return None
    content = sha256(path.encode() + b"\n" + call.body).hexdigest()
    return ClientBatch("http", call.idempotency_key, content)


def _written(added: int, repeated: int) -> Answer:
    return Answer(_CREATED if added else _OK, msgspec.json.encode(Written(added, repeated)))


Handler = Callable[[Call], Answer]
