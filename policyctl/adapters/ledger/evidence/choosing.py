# SPDX-License-Identifier: Apache-2.0
"""Which rows belong into a bundle. A look-up for each: nothing is looked through.

1. Rows of the person: how they came under the policy, what they said, what was reported of their mails.
2. Of a person with an organisation: what the organisation said, as that binds the person.
3. Tags of the person, in the form they entered in, corrections included; and which data was deleted.
4. The notices they were owed, and what those notices say.
5. The versions from the first that any of this names to the last that was published by the end of the span,
   with practices and questions: what the person was promised.
6. Where those were posted by the end of the span. Not to whom a program of somebody else was told of them:
   the address of a webhook is for the evidence on a publication alone.
7. The cut records that hold any entry or batch of these: what was taken out beside them, by which rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.chain import told
from policyctl.adapters.ledger.base.common import NO_VERSION, administrator, is_administrator, tenant_of
from policyctl.adapters.ledger.base.driver import Driver, driver_of
from policyctl.adapters.ledger.base.epochs import read_epochs, table_name
from policyctl.adapters.ledger.base.packed import pack_on_record
from policyctl.adapters.ledger.checking.entries import line_of
from policyctl.adapters.ledger.people.answer_receipts import mail_id
from policyctl.adapters.ledger.proving.proofs import prove
from policyctl.adapters.ledger.versions.known import Known
from policyctl.adapters.tables import METADATA, microseconds, moment_of
from policyctl.core.notices.outbox import GONE
from policyctl.core.policy import VersionKey
from policyctl.core.postings import PlaceKind
from policyctl.core.proof.cuts import CutOf
from policyctl.core.records import TagProof

_END = 1 << 62
_ANY = 1 << 30
_GONE = ", ".join(f"'{state.value}'" for state in GONE)
_FOR_ALL = f" AND kind <> '{PlaceKind.WEBHOOK.value}'"
# Of the mails that were made alike, the first.
_FORMS = "SELECT min(sent_no) FROM sent WHERE notice_no IN ?* GROUP BY notice_no, form_sha256"
_OWED = (
    "SELECT o.nid, o.notice_no, o.locale, c.state, c.changed_at, c.mailer, r.answered_at, r.owed_since, "  # noqa: S608 - our own
    "o.place FROM outbox o LEFT JOIN answer_receipt r ON r.subject_no = o.subject_no "
    "AND r.notice_no = o.notice_no AND r.contact = o.contact "
    "LEFT JOIN chunk c ON c.notice_no = o.notice_no AND o.place BETWEEN c.lo AND c.hi "
    f"AND c.state NOT IN ({_GONE}) WHERE o.subject_no = ? ORDER BY o.notice_no, o.nid"
)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when things count, both ends included; None: without an end."""

    begin: datetime | None = None
    end: datetime | None = None

    @property
    def first(self) -> int:
        """In microseconds."""
        return -_END if self.begin is None else microseconds(self.begin)

    @property
    def last(self) -> int:
        """In microseconds."""
        return _END if self.end is None else microseconds(self.end)


@dataclass(slots=True)
class Chosen:
    """The rows as (entry, line), the tags with their proofs, and what else is told."""

    rows: list[tuple[int, str]] = field(default_factory=list)
    tags: list[tuple[bytes, int, TagProof | None]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    versions: tuple[VersionKey, ...] = ()
    owed: list[tuple[Any, ...]] = field(default_factory=list)
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class _Reader:
    driver: Driver
    chosen: Chosen

    def take(self, table: str, column: str, wanted: Iterable[Any], more: str = "") -> list[dict[str, Any]]:
        """Rows of a table whose column is one of those wanted; what they say, for going on from it."""
        names = told(METADATA.tables[table])
        query = f"SELECT entry, {', '.join(names)} FROM {table} WHERE {column} IN ?*{more}"  # noqa: S608 - our own
        make = line_of(METADATA.tables[table])
        found = []
        for row in self.driver.rows_in(query, sorted(set(wanted))):
            if row[0] is not None:  # policies of ledgers from before step 0009 may name none
                self.chosen.rows.append((row[0], make(row[1:]).decode().rstrip("\n")))
            found.append(dict(zip(names, row[1:], strict=True)))
        return found


def choose_person(connection: Connection, known: Known, number: int, span: Span) -> Chosen:
    """All of one person, or of a customer by its administrator's number."""
    chosen = Chosen()
    reader = _Reader(driver_of(connection), chosen)
    said = _said(reader, number, span)
    chosen.owed = _owed(reader.driver, number, known, span)
    nids = [row[0] for row in chosen.owed]
    reader.take("delivery_event", "nid", nids, _within("happened_at", span))
    notices = {row[1] for row in chosen.owed}
    named = {row["version_no"] for row in reader.take("notice", "notice_no", notices)}
    reader.take("reminder", "notice_no", notices)
    sent = {number for row in chosen.owed for number in _sent(reader.driver, row[1], row[-1])}
    reader.take("sent", "sent_no", sent)
    categories = _tags(connection, reader, number, span)
    named |= {version for version in said if version != NO_VERSION}
    named |= {version for version, _ in categories}
    slugs = {known.category_of[category][0] for _, category in categories}
    _published(reader, known, named - {NO_VERSION}, slugs, span)
    _cuts(reader)
    return chosen


def _by(column: str, span: Span) -> str:
    return f" AND {column} <= {span.last}"


def _within(column: str, span: Span) -> str:
    return f" AND {column} BETWEEN {span.first} AND {span.last}"


def _said(reader: _Reader, number: int, span: Span) -> set[int]:
    """The person's own rows (1, 2); the versions that they name."""
    if is_administrator(number):
        reader.take("customer", "tenant_no", [tenant_of(number)])
    else:
        reader.take("subject", "subject_no", [number])
    found = {
        row["version_no"]
        for row in reader.take("admission", "subject_no", [number], f" AND admitted_at <= {span.last}")
    }
    for table, column in (("acknowledgement", "seen_at"), ("objection", "objected_at")):
        rows = reader.take(table, "subject_no", [number], _within(column, span))
        found |= {row["version_no"] for row in rows}
    reader.take("reminder_stop", "subject_no", [number], _within("stopped_at", span))
    speakers = {number, administrator(tenant_of(number))} if tenant_of(number) else {number}
    answers = reader.take("choice", "subject_no", speakers, _within("given_at", span))
    practices = {row["practice_no"] for row in answers}
    query = "SELECT version_no FROM practice WHERE practice_no IN ?*"
    return found | {row[0] for row in reader.driver.rows_in(query, sorted(practices))}


def _owed(driver: Driver, number: int, known: Known, span: Span) -> list[tuple[Any, ...]]:
    published = {record.key: microseconds(record.published_at) for record in known.records}
    at = {no: published[key] for no, key in known.key_of.items() if key in published}
    versions: dict[int, int] = dict(driver.rows("SELECT notice_no, version_no FROM notice"))
    return [
        (
            *row[:3],
            row[3] or "",
            moment_of(row[4] or 0),
            row[5] or "",
            *_receipt(row[0], row[6], row[7]),
            row[8],
        )
        for row in driver.rows(_OWED, number)
        if at.get(versions[row[1]], 0) <= span.last
    ]


def _sent(driver: Driver, notice_no: int, place: int) -> list[int]:
    """What the mails to a place of a notice were made by; one that was sent again has several."""
    query = "SELECT sent_no FROM sent WHERE notice_no = ? AND lo <= ? AND hi >= ? ORDER BY sent_no"
    return [row[0] for row in driver.rows(query, notice_no, place, place)]


def _receipt(nid: str, answered_at: int | None, owed_since: int | None) -> tuple[str, bool]:
    """What the mail of the receipt is called, empty for none; whether it has still to be sent."""
    if answered_at is None:
        return "", False
    return mail_id(nid, moment_of(answered_at)), owed_since is not None


# Tags


def _tags(connection: Connection, reader: _Reader, number: int, span: Span) -> set[tuple[int, int]]:
    """The tags with their proofs (3); (version, category) of each."""
    found: list[tuple[Any, ...]] = []
    for table in (*map(table_name, read_epochs(connection).numbers), "tag_correction"):
        query = (
            f"SELECT subject_no, category, ref, collected_at, batch_no, version_no FROM {table} "  # noqa: S608 - our own
            f"WHERE subject_no = ? AND collected_at BETWEEN {span.first // 1_000_000} AND "
            f"{span.last // 1_000_000} ORDER BY category, ref, batch_no"
        )
        found += reader.driver.rows(query, number)
    proven = _proofs(connection, {(row[0], row[1], row[2]) for row in found})
    for row in found:
        leaf = pack_on_record(row)
        reader.chosen.tags.append((leaf, row[4], proven.get((row[4], leaf))))
    unsealed = {batch for _, batch, proof in reader.chosen.tags}
    ended = reader.take("tag_end", "subject_no", [number], _within("ended_at", span))
    reader.take("batch", "batch_no", unsealed)
    reader.take("batch_seal", "batch_no", unsealed)
    reader.take("category", "category_no", {row[1] for row in found} | {row["category"] for row in ended})
    hashed = sorted({ref for ref in (*(row[2] for row in found), *(row["ref"] for row in ended)) if ref < 0})
    query = f"SELECT ref, name FROM record_name WHERE subject_no = {int(number)} AND ref IN ?*"  # noqa: S608 - a number
    reader.chosen.names.update(reader.driver.rows_in(query, hashed))
    return {(row[5], row[1]) for row in found}


def _proofs(connection: Connection, keys: set[tuple[int, int, int]]) -> dict[tuple[int, bytes], TagProof]:
    return {
        (proof.batch, proof.inclusion.leaf): proof for key in sorted(keys) for proof in prove(connection, key)
    }


def _cuts(reader: _Reader) -> None:
    """What was taken out beside all that was chosen (7)."""
    chosen = {
        CutOf.ENTRY: {entry for entry, _ in reader.chosen.rows},
        CutOf.BATCH: {batch for _, batch, _ in reader.chosen.tags},
    }
    query = "SELECT first_no, last_no FROM cut WHERE what = ?"
    for what, numbers in chosen.items():
        held = [
            first
            for first, last in reader.driver.rows(query, what.value)
            if any(first <= number <= last for number in numbers)
        ]
        reader.take("cut", "first_no", held, f" AND what = '{what.value}'")


# Versions


def choose_version(connection: Connection, known: Known, version: VersionKey, span: Span) -> Chosen:
    """One publication, and the version before it, as that is what changed."""
    chosen = Chosen()
    reader = _Reader(driver_of(connection), chosen)
    number = known.number_of[version]
    before = known.number_of.get(VersionKey(version.slug, version.number - 1))
    both = [number] if before is None else [before, number]
    _versions(reader, known, both)
    _posted(reader, both, _by("recorded_at", span), span)
    notices = [row["notice_no"] for row in reader.take("notice", "version_no", [number])]
    reader.take("reminder", "notice_no", notices)
    reader.take("sent", "sent_no", {row[0] for row in reader.driver.rows_in(_FORMS, sorted(notices))})
    chosen.counts = tuple(_counts(reader.driver, notices, _within("e.happened_at", span)))
    _cuts(reader)
    return chosen


def _counts(driver: Driver, notices: Sequence[int], within: str) -> Iterator[tuple[str, int]]:
    states = (
        f"SELECT state, sum(hi - lo + 1) FROM chunk WHERE state NOT IN ({_GONE}) "  # noqa: S608 - our own
        "AND notice_no IN ?* GROUP BY state"
    )
    found: dict[str, int] = {}
    for state, count in driver.rows_in(states, notices):
        found[f"mails {state}"] = found.get(f"mails {state}", 0) + int(count)
    reports = (
        "SELECT e.event, count(*) FROM delivery_event e JOIN outbox o ON o.nid = e.nid "  # noqa: S608 - our own
        f"WHERE o.notice_no IN ?*{within} GROUP BY e.event"
    )
    for event, count in driver.rows_in(reports, notices):
        found[f"reports {event}"] = found.get(f"reports {event}", 0) + int(count)
    yield from sorted(found.items())


def _posted(reader: _Reader, numbers: Sequence[int], which: str, span: Span) -> None:
    """Where versions were posted, and what became of it (6)."""
    postings = {row["posting_no"] for row in reader.take("posting", "version_no", numbers, which)}
    reader.take("posting_event", "posting_no", postings, _by("happened_at", span))


def _published(reader: _Reader, known: Known, named: set[int], slugs: set[str], span: Span) -> None:
    """The versions that matter (5), and where they were posted."""
    keys = {known.key_of[number] for number in named}
    firsts = dict.fromkeys(slugs | {key.slug for key in keys}, _ANY)
    for key in keys:
        firsts[key.slug] = min(firsts[key.slug], key.number)
    wanted = [
        known.number_of[record.key]
        for slug, first in firsts.items()
        for record in known.by_slug.get(slug, ())
        if microseconds(record.published_at) <= span.last and record.key.number >= first
    ]
    _versions(reader, known, wanted)
    _posted(reader, wanted, _by("recorded_at", span) + _FOR_ALL, span)


def _versions(reader: _Reader, known: Known, numbers: Sequence[int]) -> None:
    reader.chosen.versions = tuple(sorted(known.key_of[number] for number in numbers))
    policies = {row["policy_no"] for row in reader.take("version", "version_no", numbers)}
    reader.take("policy", "policy_no", policies)
    practices = [row["practice_no"] for row in reader.take("practice", "version_no", numbers)]
    reader.take("change", "practice_no", practices)
