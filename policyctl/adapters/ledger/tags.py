# SPDX-License-Identifier: Apache-2.0
"""Tags: each gets the version that was in force for its subject when the data was collected.

The ledger computes it; a caller's differing claim is refused unless it says how it is known. A tag is
never rewritten: a row with a provenance for a record that is tagged already is added as a correction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from policyctl.adapters.ledger.common import Complaints, Writer, pseudonym, rows_by
from policyctl.adapters.ledger.facts import admission
from policyctl.adapters.ledger.versions import read_versions
from policyctl.adapters.tables import ADMISSION, SUBJECT, TAG
from policyctl.core.practice import Taxonomy
from policyctl.core.records import Admission, ImportReceipt, TagRow, VersionRecord
from policyctl.core.suggest import did_you_mean
from policyctl.core.use.in_force import version_in_force

_Key = tuple[str, str, str, str]
_CLAIM = "leave the version empty to let the ledger compute it, or say in `provenance` how it is known"


def import_tags(writer: Writer, rows: Sequence[TagRow], *, key: bytes, taxonomy: Taxonomy) -> ImportReceipt:
    """Tag data; a row that is there already with the same content adds nothing."""
    named = [(pseudonym(key, row.subject), row) for row in rows]
    batch = _Tags(writer.connection, named, taxonomy)
    added = sum(batch.take(name, row) for name, row in named)
    batch.complaints.raise_if_any()
    writer.add(TAG, batch.fresh)
    return ImportReceipt(added, len(rows) - added)


class _Tags:
    """What is known of the subjects of one import, and the tags it adds."""

    def __init__(
        self, connection: Connection, named: Sequence[tuple[str, TagRow]], taxonomy: Taxonomy
    ) -> None:
        names = [name for name, _ in named]
        self.taxonomy = taxonomy
        self.subjects = {row.pseudonym for row in rows_by(connection, SUBJECT, SUBJECT.c.pseudonym, names)}
        self.versions: dict[str, list[VersionRecord]] = defaultdict(list)
        for record in read_versions(connection):
            self.versions[record.key.slug].append(record)
        self.admissions: dict[str, list[Admission]] = defaultdict(list)
        for row in rows_by(connection, ADMISSION, ADMISSION.c.subject, names):
            self.admissions[row.subject].append(admission(row))
        self.latest: dict[_Key, dict[str, Any]] = {}
        for row in rows_by(connection, TAG, TAG.c.subject, names):
            self._note(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
        self.fresh: list[dict[str, Any]] = []
        self.complaints = Complaints([])

    def _note(self, row: dict[str, Any]) -> None:
        key = (row["subject"], row["slug"], row["category"], row["record"])
        known = self.latest.get(key)
        if known is None or known["correction"] < row["correction"]:
            self.latest[key] = row

    def take(self, name: str, row: TagRow) -> bool:
        """Note one row; True when it adds a tag."""
        if not self._sound(name, row):
            return False
        known = self.latest.get((name, row.slug, row.category, row.record))
        if known is None:
            return self._add(name, row, correction=0)
        if _same(known, row):
            return False
        if row.provenance:
            return self._add(name, row, correction=known["correction"] + 1)
        self._say_conflict(row, known)
        return False

    def _sound(self, name: str, row: TagRow) -> bool:
        before = len(self.complaints.errors)
        if name not in self.subjects:
            self.complaints.say(
                row.place, "subject", "this subject is not known", "import the subjects first"
            )
        if row.category not in self.taxonomy.categories:
            hint = did_you_mean(row.category, self.taxonomy.categories, "use a category of the taxonomy")
            self.complaints.say(row.place, "category", f"category {row.category!r} is not known", hint)
        self._check_policy(row)
        return len(self.complaints.errors) == before

    def _check_policy(self, row: TagRow) -> None:
        if row.slug not in self.versions:
            message = f"no version of a policy {row.slug!r} is on record"
            hint = did_you_mean(row.slug, self.versions, "publish it first, then run `policyctl sync`")
            self.complaints.say(row.place, "version", message, hint)
        elif row.version is not None:
            numbers = [record.key.number for record in self.versions[row.slug]]
            if row.version not in numbers:
                message = f"{row.slug}@v{row.version} is not on record"
                self.complaints.say(
                    row.place, "version", message, f"versions run from {numbers[0]} to {numbers[-1]}"
                )

    def _add(self, name: str, row: TagRow, *, correction: int) -> bool:
        computed = self._in_force(name, row.slug, row.collected_at)
        if row.version not in {None, computed} and not row.provenance:
            held = f"v{computed} was" if computed else "no version was"
            message = f"v{row.version} is claimed, but {held} in force for this subject then"
            self.complaints.say(row.place, "version", message, _CLAIM)
            return False
        values = {
            "subject": name,
            "slug": row.slug,
            "category": row.category,
            "record": row.record,
            "correction": correction,
            "collected_at": row.collected_at,
            "number": computed if row.version is None else row.version,
            "provenance": row.provenance,
        }
        self.fresh.append(values)
        self._note(values)
        return True

    def _in_force(self, name: str, slug: str, at: datetime) -> int | None:
        record = version_in_force(
            slug, at, versions=self.versions[slug], admissions=self.admissions.get(name, ())
        )
        return None if record is None else record.key.number

    def _say_conflict(self, row: TagRow, known: dict[str, Any]) -> None:
        column = "collected_at" if known["collected_at"] != row.collected_at else "version"
        message = f"record {row.record!r} is tagged already, with another {column}"
        self.complaints.say(
            row.place, column, message, "to correct a tag, say in `provenance` how it is known"
        )


def _same(known: dict[str, Any], row: TagRow) -> bool:
    return (
        known["collected_at"] == row.collected_at
        and row.version in {None, known["number"]}
        and row.provenance in {"", known["provenance"]}
    )
