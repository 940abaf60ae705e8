# SPDX-License-Identifier: Apache-2.0
"""Tags: each gets the version that was in force for its subject when the data was collected.

1. The ledger computes the version; a caller's differing claim is refused unless it says how it is known.
2. A tag is never rewritten. A row that says where it is known from and meets a record that is tagged
   otherwise is added as a correction; one that says nothing is a conflict.
3. Rows without a provenance go in as they come, sorted, and the database says which were there; only
   those are looked at again. So a first import costs no look-up, and a repeat one look-up a row.
4. Rows are taken in portions: an import of any size needs the memory of one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from policyctl.adapters.ledger.base.common import (
    NO_VERSION,
    Complaints,
    Writer,
    last_number,
    pseudonym,
    ref_of,
)
from policyctl.adapters.ledger.base.epochs import Epochs, read_epochs, table_name
from policyctl.adapters.ledger.base.packed import NEW_COLUMNS, NewTag, Packer, in_key_order, pack_tags
from policyctl.adapters.ledger.ending.rows import any_ended, ended_of
from policyctl.adapters.ledger.people.people import namesakes, tenant_no_of
from policyctl.adapters.ledger.proving.proofs import batch_row
from policyctl.adapters.ledger.versions.known import Known, add_category
from policyctl.adapters.tables import BATCH, seconds
from policyctl.core.policy import VersionKey
from policyctl.core.practice import Taxonomy
from policyctl.core.records import Admission, ImportReceipt, TagRow
from policyctl.core.suggest import did_you_mean
from policyctl.errors import InputError, IntegrityError

PORTION = 100_000
_CORRECTIONS = 0  # stands where a batch names its epoch
_CLAIM = "leave the version empty to let the ledger compute it, or say in `provenance` how it is known"
_NEW_RECORD = "give new data a record of its own"
_CONFLICT = "to correct a tag, say in `provenance` how it is known"

# The key of a tag: subject, category, ref.
_Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row that may enter, in numbers. ``version_no`` None: one that the ledger would not have computed."""

    row: TagRow
    key: _Key
    collected_at: int
    computed: int

    def version_no(self, known: Known) -> int:
        """The version claimed, or else the one computed."""
        if self.row.version is None:
            return self.computed
        return known.number_of[VersionKey(self.row.slug, self.row.version)]


def import_tags(
    writer: Writer,
    rows: Iterable[TagRow],
    *,
    key: bytes,
    taxonomy: Taxonomy,
    known: Known,
    within: str | None = None,
    faults: Sequence[InputError] = (),
    note: Callable[[int], None] | None = None,
) -> ImportReceipt:
    """Tag data; a row that is there already with the same content adds nothing. One of ``faults``, which
    may grow while the rows come, keeps all rows out. ``note`` is told of each batch that is made.
    """
    work = _Import(writer, key, taxonomy, known.for_writing(), tenant_no_of(writer.connection, within))
    work.note = note
    stream = iter(rows)
    while portion := list(islice(stream, PORTION)):
        work.take(portion)
    work.complaints.errors += faults
    work.complaints.raise_if_any()
    return ImportReceipt(work.added, work.seen - work.added)


class _Import:
    """One import: what it knows for all of its portions, and how far it has come."""

    def __init__(
        self, writer: Writer, key: bytes, taxonomy: Taxonomy, known: Known, within_no: int | None
    ) -> None:
        self.writer = writer
        self.driver = writer.driver
        self.key, self.taxonomy, self.within_no = key, taxonomy, within_no
        self.known = known
        self.may_have_ended = any_ended(self.driver)
        self.epochs: Epochs = read_epochs(writer.connection)
        self.complaints = Complaints([])
        self.seen = self.added = 0
        self.note: Callable[[int], None] | None = None
        self._next_batch = last_number(writer.connection, BATCH.c.batch_no) + 1

    def take(self, rows: Sequence[TagRow]) -> None:
        """One portion: find the subjects, compute the versions, add what is new."""
        self.seen += len(rows)
        run: dict[_Key, _Candidate] = {}
        for candidate in self._candidates(rows):
            twin = run.get(candidate.key)
            if twin is None:
                run[candidate.key] = candidate
            elif candidate.row.provenance or twin.row.provenance:
                self._enter(run.values())  # what was said first must be there before it is corrected
                run = {candidate.key: candidate}
            else:
                self._same_or_conflict(candidate, (twin.collected_at, twin.version_no(self.known)))
        self._enter(run.values())

    def _enter(self, run: Iterable[_Candidate]) -> None:
        """Rows of which no two are about one record."""
        groups: dict[str, list[_Candidate]] = defaultdict(list)
        for candidate in run:
            groups[candidate.row.provenance].append(candidate)
        for note, group in groups.items():
            if note:
                self._add_stated(note, group)
            else:
                self._add_plain(group)

    # From rows to numbers

    def _candidates(self, rows: Sequence[TagRow]) -> Iterator[_Candidate]:
        names = [pseudonym(self.key, row.subject) for row in rows]
        subjects = namesakes(self.driver, names, tenant_no=self.within_no)
        numbers = {number for found in subjects.values() for number in found.values()}
        admissions = self._admissions(numbers)
        for name, row in zip(names, rows, strict=True):
            number = self._sound(row, subjects.get(name, {}))
            if number is not None and (found := self._candidate(row, number, admissions.get(number, ()))):
                yield found

    def _admissions(self, numbers: Iterable[int]) -> dict[int, list[Admission]]:
        found: dict[int, list[Admission]] = defaultdict(list)
        query = "SELECT subject_no, version_no, admitted_at FROM admission WHERE subject_no IN ?*"
        for number, version_no, admitted_at in self.driver.rows_in(query, sorted(numbers)):
            found[number].append(self.known.admission("", version_no, admitted_at))
        return found

    def _sound(self, row: TagRow, found: dict[int, int]) -> int | None:
        """The number of the row's subject; None, with complaints, where the row will not do."""
        before = self.complaints.count
        if len(found) != 1:
            message, hint = (
                ("several customers have a subject with this id", "import each customer's tags by themselves")
                if found
                else ("this subject is not known", "import the subjects first")
            )
            self.complaints.say(row.place, "subject", message, hint)
        if row.category not in self.taxonomy.categories:
            hint = did_you_mean(row.category, self.taxonomy.categories, "use a category of the taxonomy")
            self.complaints.say(row.place, "category", f"category {row.category!r} is not known", hint)
        self._check_policy(row)
        return next(iter(found.values())) if self.complaints.count == before else None

    def _check_policy(self, row: TagRow) -> None:
        records = self.known.by_slug.get(row.slug)
        if not records:
            message = f"no version of a policy {row.slug!r} is on record"
            hint = did_you_mean(row.slug, self.known.by_slug, "publish it first, then run `policyctl sync`")
            self.complaints.say(row.place, "version", message, hint)
        elif row.version is not None and all(record.key.number != row.version for record in records):
            message = f"{row.slug}@v{row.version} is not on record"
            hint = f"versions run from {records[0].key.number} to {records[-1].key.number}"
            self.complaints.say(row.place, "version", message, hint)

    def _candidate(self, row: TagRow, number: int, admissions: Sequence[Admission]) -> _Candidate | None:
        computed = self.known.in_force(row.slug, row.collected_at, admissions)
        if not row.provenance and row.version is not None and self._named(computed) != row.version:
            held = f"v{self._named(computed)} was" if computed else "no version was"
            message = f"v{row.version} is claimed, but {held} in force for this subject then"
            self.complaints.say(row.place, "version", message, _CLAIM)
            return None
        category = self.known.category_no.get((row.slug, row.category))
        if category is None:
            category = add_category(self.writer, self.known, row.slug, row.category)
        key = (number, category, ref_of(self.key, number, row.record))
        return _Candidate(row, key, seconds(row.collected_at), computed)

    def _named(self, version_no: int) -> int | None:
        """The number that a version has within its policy."""
        return None if version_no == NO_VERSION else self.known.key_of[version_no].number

    # Rows that state no provenance

    def _add_plain(self, candidates: Sequence[_Candidate]) -> None:
        self._add_by_epoch(self._uncorrected(candidates), "")

    def _add_by_epoch(self, candidates: Iterable[_Candidate], note: str) -> None:
        by_epoch: dict[int, list[_Candidate]] = defaultdict(list)
        for candidate in candidates:
            by_epoch[self.epochs.of(candidate.collected_at)].append(candidate)
        for epoch_no, group in sorted(by_epoch.items()):
            self._add_new(epoch_no, group, note)

    def _uncorrected(self, candidates: Sequence[_Candidate]) -> Iterator[_Candidate]:
        """Without those that say what a correction says: they are there already."""
        corrections = self._corrections(candidates)
        for candidate in candidates:
            latest = corrections.get(candidate.key)
            if latest is None or not self._same(candidate, (latest[3], latest[5])):
                yield candidate

    def _add_new(self, epoch_no: int, candidates: Sequence[_Candidate], note: str) -> None:
        batch_no = self._next_batch
        by_key = {candidate.key: candidate for candidate in candidates}
        rows = in_key_order(map(self._values, candidates))
        table = table_name(epoch_no)
        packer = Packer()
        added = self.driver.insert_tags(table, batch_no, rows, packer)
        packed = packer.whole
        if added < len(rows):
            there = {row[:3]: row for row in self.driver.tags_there(table, batch_no, rows)}
            for key, known in there.items():
                self._same_or_conflict(by_key[key], (known[3], known[5]))
            rows = [row for row in rows if row[:3] not in there]
            packed = pack_tags(rows)
        self._say_where_ended(by_key[row[:3]] for row in rows)
        if len(rows) != added:
            raise IntegrityError(
                f"{added} tags entered where {len(rows)} are new", hint="report this as a bug"
            )
        self._note_names(by_key[row[:3]] for row in rows)
        self._add_batch(epoch_no, packed, note)

    def _say_where_ended(self, fresh: Iterable[_Candidate]) -> bool:
        """Complain of new data under the record of what was deleted: it would never be found to be there."""
        before = self.complaints.count
        if not self.may_have_ended:
            return False
        new, names = list(fresh), self.known.category_of
        found = ended_of(self.driver, (candidate.key[0] for candidate in new))
        ended = {(number, names[category][1], ref) for number, category, ref in found}
        for candidate in new:
            if (candidate.key[0], candidate.row.category, candidate.key[2]) in ended:
                message = f"the data of record {candidate.row.record!r} was deleted"
                self.complaints.say(candidate.row.place, "record", message, _NEW_RECORD)
        return self.complaints.count > before

    def _values(self, candidate: _Candidate) -> NewTag:
        return (*candidate.key, candidate.collected_at, candidate.version_no(self.known))

    def _add_batch(self, epoch_no: int, packed: bytes, note: str) -> None:
        if packed:
            row = batch_row(self._next_batch, epoch_no, packed, note)
            self.writer.add(BATCH, [row])
            if self.note:
                self.note(self._next_batch)
            self._next_batch += 1
            self.added += row["tag_count"]

    def _same_or_conflict(self, candidate: _Candidate, known: tuple[int, int]) -> None:
        if self._same(candidate, known):
            return
        row = candidate.row
        if self._say_where_ended([candidate]):
            return
        column = "collected_at" if known[0] != candidate.collected_at else "version"
        message = f"record {row.record!r} is tagged already, with another {column}"
        self.complaints.say(row.place, column, message, _CONFLICT)

    def _same(self, candidate: _Candidate, known: tuple[int, int]) -> bool:
        """A row that names no version agrees with whichever was computed when it first came."""
        return known[0] == candidate.collected_at and candidate.row.version in {None, self._named(known[1])}

    def _note_names(self, candidates: Iterable[_Candidate]) -> None:
        """Keep the names of records whose numbers are hashes, for those who read a decision."""
        names = {(c.key[0], c.key[2]): c.row.record for c in candidates if c.key[2] < 0}
        columns = ("subject_no", "ref", "name")
        self.driver.insert_missing(
            "record_name", columns, [(*key, name) for key, name in sorted(names.items())]
        )

    # Rows that say where they are known from: each is held against all that is there

    def _corrections(self, candidates: Sequence[_Candidate]) -> dict[_Key, Any]:
        """The latest correction of each record of these subjects: a tag, and the number of the correction."""
        if not self.driver.rows("SELECT 1 FROM tag_correction LIMIT 1"):
            return {}
        query = (
            "SELECT subject_no, category, ref, collected_at, batch_no, version_no, correction "
            "FROM tag_correction WHERE subject_no IN ?* ORDER BY correction"
        )
        numbers = sorted({candidate.key[0] for candidate in candidates})
        return {row[:3]: row for row in self.driver.rows_in(query, numbers)}

    def _add_stated(self, note: str, candidates: Sequence[_Candidate]) -> None:
        there = self._there(candidates)
        notes = self._notes(row[4] for row in there.values())
        fresh: list[_Candidate] = []
        corrections: list[tuple[_Candidate, int]] = []
        for candidate in candidates:
            known = there.get(candidate.key)
            if known is None:
                fresh.append(candidate)
            elif not (self._same(candidate, (known[3], known[5])) and notes[known[4]] == note):
                corrections.append((candidate, known[6] + 1))
        self._add_by_epoch(fresh, note)
        self._add_corrections(note, corrections)

    def _there(self, candidates: Sequence[_Candidate]) -> dict[_Key, Any]:
        """What is on record of these keys now, in whichever epoch, with the number of its correction."""
        rows = sorted(map(self._values, candidates))
        found: dict[_Key, Any] = {}
        for epoch_no in self.epochs.numbers:
            there = self.driver.tags_there(table_name(epoch_no), self._next_batch, rows)
            found |= {row[:3]: (*row, 0) for row in there}
        return found | self._corrections(candidates)

    def _notes(self, batches: Iterable[int]) -> dict[int, str]:
        query = "SELECT batch_no, provenance FROM batch WHERE batch_no IN ?*"
        return dict(self.driver.rows_in(query, sorted(set(batches))))

    def _add_corrections(self, note: str, corrections: Iterable[tuple[_Candidate, int]]) -> None:
        rows = sorted((*self._values(found), number, self._next_batch) for found, number in corrections)
        columns = (*NEW_COLUMNS, "correction", "batch_no")
        self.driver.insert("tag_correction", columns, rows)
        self._add_batch(_CORRECTIONS, pack_tags([row[:5] for row in rows]), note)
